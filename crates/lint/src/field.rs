//! A field of an object, present or not: its path, its value, and the line at which to report it.

use super::object::Object;
use super::sanitize::sanitize;
use lapse_yaml::{Entry, Node, Position, Value};

/// A field of an object. One that is absent has the position of its nearest parent that is there.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    object: &'a Object,
    path: String,
    node: Option<&'a Node>,
    position: Position,
}

impl<'a> Field<'a> {
    /// The object itself.
    pub(crate) fn root(object: &'a Object) -> Self {
        let node = &*object.root;
        Self { object, path: object.prefix.clone(), node: Some(node), position: node.position }
    }

    pub(crate) const fn object(&self) -> &'a Object {
        self.object
    }

    pub(crate) fn path(&self) -> &str {
        if self.path.is_empty() { "." } else { &self.path }
    }

    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    /// The field `key` of this map.
    pub(crate) fn get(&self, key: &str) -> Self {
        let path = join(&self.path, key);
        match self.node.and_then(|node| node.entry(key)).filter(|entry| !entry.value.is_null()) {
            Some(entry) => Self { path, node: Some(&entry.value), position: entry.position, object: self.object },
            None => Self { path, node: None, position: self.position, object: self.object },
        }
    }

    /// The field at a path of keys with dots between.
    pub(crate) fn dig(&self, path: &str) -> Self {
        path.split('.').fold(self.clone(), |field, key| field.get(key))
    }

    /// The items of this list.
    pub(crate) fn items(&self) -> Vec<Self> {
        let Some(Value::List(nodes)) = self.node.map(|node| &node.value) else { return Vec::new() };
        let item = |(index, node): (usize, &'a std::sync::Arc<Node>)| Self {
            object: self.object,
            path: format!("{}[{index}]", self.path),
            node: Some(node),
            position: node.position,
        };
        nodes.iter().enumerate().map(item).collect()
    }

    /// The keys of this map with their fields; without those that are null or merged.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Self)> {
        let Some(Value::Map(entries)) = self.node.map(|node| &node.value) else { return Vec::new() };
        let there = entries.iter().filter(|entry| !entry.value.is_null() && &*entry.key != "<<");
        let field = |entry: &'a Entry| Self {
            object: self.object,
            path: join(&self.path, &entry.key),
            node: Some(&entry.value),
            position: entry.position,
        };
        there.map(|entry| (&*entry.key, field(entry))).collect()
    }

    pub(crate) const fn is_there(&self) -> bool {
        self.node.is_some()
    }

    pub(crate) const fn is_absent(&self) -> bool {
        self.node.is_none()
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match self.node.map(|node| &node.value) {
            Some(Value::Scalar { text, .. }) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        self.text()?.trim().parse().ok()
    }

    /// Whether it is true; absent is false.
    pub(crate) fn is_true(&self) -> bool {
        self.text().is_some_and(|text| matches!(text, "true" | "True" | "TRUE"))
    }

    /// Whether it is that text.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text() == Some(text)
    }

    /// The texts of a list of scalars.
    pub(crate) fn texts(&self) -> Vec<&'a str> {
        self.items().iter().filter_map(Self::text).collect()
    }

    /// The map as pairs of texts.
    pub(crate) fn pairs(&self) -> Vec<(&'a str, &'a str)> {
        self.entries().into_iter().filter_map(|(key, field)| Some((key, field.text()?))).collect()
    }

    /// The value as JSON, for a patch; as far as it is nested 20 levels deep.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        self.node.map_or(serde_json::Value::Null, |node| json(node, 20))
    }
}

fn json(node: &Node, depth: usize) -> serde_json::Value {
    use serde_json::Value as Json;
    match &node.value {
        _ if depth == 0 || node.is_null() => Json::Null,
        Value::Scalar { text, plain: true } => match text.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) if matches!(&**text, "true" | "false") => (&**text == "true").into(),
            Err(_) => (&**text).into(),
        },
        Value::Scalar { text, .. } => (&**text).into(),
        Value::List(items) => items.iter().map(|item| json(item, depth - 1)).collect(),
        Value::Map(entries) => {
            entries.iter().map(|entry| (entry.key.to_string(), json(&entry.value, depth - 1))).collect()
        }
    }
}

/// A path with one more key; a key with dots or slashes is quoted.
fn join(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    match (plain, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[\"{}\"]", sanitize(key)),
    }
}
