//! A plan read from YAML or JSON: all that is wrong with it is found at once.

use lapse_yaml::{Entry as KeyOfMap, MOST_PROBLEMS, Node, Position, Problem, Value, document, near, shown};

use super::grammar::{Form, Grammar, Key};
use super::header;
use super::layer::{Entry, Given, Layer};

/// The key of the plan's profiles.
const PROFILES: &str = "profiles";
/// The key by which editors find the schema.
const SCHEMA: &str = "$schema";

/// A plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The values that hold whichever profile is chosen.
    pub base: Layer,
    /// The profiles by name, in the order of the text.
    pub profiles: Vec<(String, Layer)>,
}

impl Plan {
    /// The profile of this name.
    pub fn profile(&self, name: &str) -> Option<&Layer> {
        self.profiles.iter().find(|(known, _)| known == name).map(|(_, layer)| layer)
    }
}

/// Reads a plan. `check` says why a flag does not take a value; headers are given to it with `x` for their references.
pub fn read(
    text: &[u8],
    grammar: &Grammar,
    check: impl Fn(&Key, &str) -> Result<(), String>,
) -> Result<Plan, Vec<Problem>> {
    match document("plan", text).map_err(|problem| vec![problem])? {
        Some(root) => read_beside(&root, &[], grammar, check),
        None => Ok(Plan::default()),
    }
}

/// Reads the plan in a tree whose keys `others` are read by others, as [`read`] does.
pub fn read_beside(
    root: &Node,
    others: &[&str],
    grammar: &Grammar,
    check: impl Fn(&Key, &str) -> Result<(), String>,
) -> Result<Plan, Vec<Problem>> {
    let mut reader = Reader { grammar, others, check, problems: Vec::new() };
    let plan = reader.plan(root);
    let Reader { mut problems, .. } = reader;
    if problems.is_empty() {
        return Ok(plan);
    }
    problems.sort();
    problems.dedup();
    Err(problems)
}

/// Reads the tree of a plan, and collects what is wrong.
struct Reader<'g, C> {
    grammar: &'g Grammar,
    /// The keys of the plan itself that are read by others.
    others: &'g [&'g str],
    check: C,
    problems: Vec<Problem>,
}

impl<'g, C: Fn(&Key, &str) -> Result<(), String>> Reader<'g, C> {
    fn say(&mut self, position: Position, text: impl Into<String>) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Problem::at(position, text));
        }
    }

    fn plan(&mut self, root: &Node) -> Plan {
        let mut plan = Plan::default();
        let also: Vec<_> = self.others.iter().copied().chain([PROFILES]).collect();
        for entry in self.entries("a plan", root) {
            match &*entry.key {
                SCHEMA => {}
                key if self.others.contains(&key) => {}
                PROFILES => {
                    for profile in self.entries("`profiles`", &entry.value) {
                        let mut layer = Layer::default();
                        for entry in self.entries(&format!("the profile `{}`", shown(&profile.key)), &profile.value) {
                            self.top(entry, &mut layer, &[]);
                        }
                        plan.profiles.push((profile.key.to_string(), layer));
                    }
                }
                _ => self.top(entry, &mut plan.base, &also),
            }
        }
        plan
    }

    /// The entries of a map; none of what is no map, which is said.
    fn entries<'n>(&mut self, what: &str, node: &'n Node) -> Vec<&'n KeyOfMap> {
        let Value::Map(entries) = &node.value else {
            if !node.is_null() {
                self.say(node.position, format!("{what} is a map: write its keys here, each with a `:`"));
            }
            return Vec::new();
        };
        let mut once: Vec<&KeyOfMap> = Vec::new();
        for entry in entries {
            match once.iter().find(|other| other.key == entry.key) {
                Some(first) => {
                    let line = first.position.line;
                    self.say(
                        entry.position,
                        format!("`{}` is there already, in line {line}: leave one out", shown(&entry.key)),
                    );
                }
                None => once.push(entry),
            }
        }
        once
    }

    /// Takes a key of a plan or of a profile; `also` are keys that are known there beside those of the grammar.
    fn top(&mut self, entry: &KeyOfMap, layer: &mut Layer, also: &[&str]) {
        let grammar = self.grammar;
        let name = &*entry.key;
        if let Some((place, key)) = grammar.find(None, name) {
            return self.key(place, key, entry, layer);
        }
        if let Some(section) = grammar.sections().into_iter().find(|section| *section == name) {
            for inner in self.entries(&format!("`{section}`"), &entry.value) {
                let Some((place, key)) = grammar.find(Some(section), &inner.key) else {
                    let known: Vec<_> = grammar.of(Some(section)).map(|(_, key)| key.name.as_str()).collect();
                    self.unknown(inner, &known);
                    continue;
                };
                self.key(place, key, inner, layer);
            }
            return;
        }
        let own = grammar.of(None).map(|(_, key)| key.name.as_str());
        let known: Vec<_> = own.chain(grammar.sections()).chain(also.iter().copied()).collect();
        self.unknown(entry, &known);
    }

    fn unknown(&mut self, entry: &KeyOfMap, known: &[&str]) {
        let name = &*entry.key;
        let elsewhere = self.grammar.keys.iter().find(|key| key.name == name);
        let hint = match elsewhere.map(|key| key.section.as_deref()) {
            Some(Some(section)) => format!("it belongs under `{section}`"),
            Some(None) => "it belongs to the plan itself, not under another key".to_owned(),
            None => near(name, known),
        };
        self.say(entry.position, format!("unknown key `{}`; {hint}", shown(name)));
    }

    fn key(&mut self, place: usize, key: &'g Key, entry: &KeyOfMap, layer: &mut Layer) {
        let node = &*entry.value;
        if node.is_null() {
            return self.say(
                entry.position,
                format!("`{}` has no value: write {}, or leave it out", key.name, wanted(key.form)),
            );
        }
        let mut add = |name, values| layer.entries.push(Entry { key: place, name, values });
        match (key.form, &node.value) {
            (Form::Switch, _) => match scalar(node) {
                Some(text @ ("true" | "false")) => {
                    add(None, vec![Given { text: text.to_owned(), position: node.position }]);
                }
                _ => self.say(node.position, format!("`{}` is `true` or `false`: write one of them", key.name)),
            },
            (Form::One, _) => add(None, self.one(key, node, None).into_iter().collect()),
            (Form::Scoped, Value::Map(_)) => {
                let mut values = Vec::new();
                for scope in self.entries(&format!("`{}`", key.name), node) {
                    values.extend(self.many(key, &scope.value, Some(&scope.key)));
                }
                add(None, values);
            }
            (Form::Many | Form::Scoped, _) => add(None, self.many(key, node, None)),
            (Form::Named | Form::Headers, _) => {
                for named in self.entries(&format!("`{}`", key.name), node) {
                    let values = self.many(key, &named.value, Some(&named.key));
                    add(Some(named.key.to_string()), values);
                }
            }
        }
    }

    /// The values of a scalar, or of a list of scalars where the form allows one.
    fn many(&mut self, key: &Key, node: &Node, name: Option<&str>) -> Vec<Given> {
        match &node.value {
            Value::List(items) if key.form != Form::Named => {
                items.iter().filter_map(|item| self.one(key, item, name)).collect()
            }
            _ => self.one(key, node, name).into_iter().collect(),
        }
    }

    /// A single value, as the flag takes it.
    fn one(&mut self, key: &Key, node: &Node, name: Option<&str>) -> Option<Given> {
        let Some(text) = scalar(node) else {
            let of = name.map(|name| format!(" of `{}`", shown(name))).unwrap_or_default();
            self.say(node.position, format!("`{}`{of} is {}: write that", key.name, wanted(key.form)));
            return None;
        };
        let (text, checked) = match (key.form, name) {
            (Form::Headers, Some(name)) => match header::Value::parse(text) {
                Ok(value) => {
                    let stand_in = value.fill(|_| Ok("x".to_owned()), |_| Ok("x".to_owned())).unwrap_or_default();
                    (format!("{name}: {text}"), format!("{name}: {stand_in}"))
                }
                Err(why) => {
                    self.say(node.position, format!("the header `{}`: {why}", shown(name)));
                    return None;
                }
            },
            (_, Some(name)) => (format!("{name}={text}"), format!("{name}={text}")),
            (_, None) => (text.to_owned(), text.to_owned()),
        };
        if key.form != Form::Headers && !FREE.contains(&key.flag.as_str()) && text.contains("${") {
            self.say(
                node.position,
                format!(
                    "`{}`: only headers take values from the environment: leave out `${{`, and give --{} on the command line",
                    key.name, key.flag
                ),
            );
            return None;
        }
        match (self.check)(key, &checked) {
            Ok(()) => Some(Given { text, position: node.position }),
            Err(why) => {
                let value = if key.form == Form::Headers { name.unwrap_or_default() } else { &text };
                self.say(node.position, format!("`{}` cannot be `{}`: {why}", key.name, shown(value)));
                None
            }
        }
    }
}

/// The flags whose values are any text, with `${` as it is.
const FREE: [&str; 2] = ["data", "expect-body"];

fn scalar(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

/// What a value of this form looks like.
const fn wanted(form: Form) -> &'static str {
    match form {
        Form::Switch => "`true` or `false`",
        Form::One => "a single value",
        Form::Many => "a value or a list of values",
        Form::Scoped => "a value, a list of values, or a map of these by lane or target",
        Form::Named => "a map of names to values",
        Form::Headers => "a map of names to a value each, or to a list of values",
    }
}

#[cfg(test)]
mod tests;
