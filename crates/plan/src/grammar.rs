//! The keys that a plan may have, and the form of their values.

/// The form of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `true` or `false`.
    Switch,
    /// A single value.
    One,
    /// A value, or a list of values.
    Many,
    /// A value or a list of values, or a map of such by lane or target.
    Scoped,
    /// A map of names to values.
    Named,
    /// A map of names of headers to a value or a list of values, with references to the environment and to files.
    Headers,
}

/// A key of a plan, which stands for a flag of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key of the map that it belongs into; `None` for the plan itself.
    pub section: Option<String>,
    /// The key.
    pub name: String,
    /// The flag without its dashes, such as `max-outage`.
    pub flag: String,
    /// The form of its value.
    pub form: Form,
    /// The help text of the flag.
    pub help: String,
    /// The values that it can have, or of [`Form::Named`] the names; empty where others than these are fine too.
    pub choices: Vec<String>,
}

/// All keys that a plan may have, in the order in which their flags are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// The keys.
    pub keys: Vec<Key>,
}

impl Grammar {
    /// The maps that keys belong into, each once, in the order of the keys.
    pub fn sections(&self) -> Vec<&str> {
        let mut sections = Vec::new();
        for section in self.keys.iter().filter_map(|key| key.section.as_deref()) {
            if !sections.contains(&section) {
                sections.push(section);
            }
        }
        sections
    }

    /// The keys of a section, or of the plan itself, with their places in the grammar.
    pub fn of(&self, section: Option<&str>) -> impl Iterator<Item = (usize, &Key)> {
        self.keys.iter().enumerate().filter(move |(_, key)| key.section.as_deref() == section)
    }

    /// The key of that name, and its place in the grammar.
    pub fn find(&self, section: Option<&str>, name: &str) -> Option<(usize, &Key)> {
        self.of(section).find(|(_, key)| key.name == name)
    }
}
