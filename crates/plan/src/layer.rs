//! The values of a plan or of one of its profiles, and which of several layers prevails.

use lapse_yaml::Position;

use super::grammar::{Form, Grammar};

/// A value of a flag, and its place in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The value as the flag takes it, such as `new=300ms`. References in a header are as written.
    pub text: String,
    /// The place of the value.
    pub position: Position,
}

/// The values of a key; of [`Form::Named`] and [`Form::Headers`] those of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The place of the key in the grammar.
    pub key: usize,
    /// The name, of [`Form::Named`] and [`Form::Headers`].
    pub name: Option<String>,
    /// The values.
    pub values: Vec<Given>,
}

/// The values that a plan, or a profile, gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    /// The entries in the order of the text.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// Whether this entry takes the place of `other`: names of headers have no case.
    fn replaces(&self, other: &Self) -> bool {
        let lower = |name: &Option<String>| name.as_ref().map(|name| name.to_ascii_lowercase());
        self.key == other.key && lower(&self.name) == lower(&other.name)
    }
}

/// The entries that prevail, in the order of the grammar: one of a later layer takes the place of one of an earlier.
pub fn merge<'a>(grammar: &Grammar, layers: impl IntoIterator<Item = &'a Layer>) -> Vec<&'a Entry> {
    let mut merged: Vec<&Entry> = Vec::new();
    for entry in layers.into_iter().flat_map(|layer| &layer.entries) {
        match merged.iter_mut().find(|other| entry.replaces(other)) {
            Some(other) => *other = entry,
            None => merged.push(entry),
        }
    }
    merged.sort_by_key(|entry| entry.key);
    let is_off = |entry: &&Entry| {
        let switch = grammar.keys.get(entry.key).is_some_and(|key| key.form == Form::Switch);
        switch && entry.values.iter().all(|value| value.text == "false")
    };
    merged.retain(|entry| !is_off(entry));
    merged
}
