//! YAML as a tree in which every key and item knows its line.
//!
//! The tree of a document is bounded in depth and in values. An alias is a second reference to its node, never a copy, but
//! counts as all that it stands for: a walk through the tree takes no more steps than there may be values.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

/// The depth of nested lists and maps from which on a document is refused.
const MOST_DEPTH: usize = 200;

/// A place in a source, counted from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Position {
    /// The beginning of a source.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// A value and its place.
#[derive(Debug)]
pub struct Node {
    /// The place at which it begins.
    pub position: Position,
    /// The value.
    pub value: Value,
    /// The number of values in it, counted once for each alias that stands for them.
    weight: usize,
}

/// A value of YAML.
#[derive(Debug)]
pub enum Value {
    /// A scalar.
    Scalar {
        /// The text, without quotes.
        text: Box<str>,
        /// Whether it is not quoted.
        plain: bool,
    },
    /// The items of a list.
    List(Vec<Arc<Node>>),
    /// The entries of a map in their order; a key may be there several times.
    Map(Vec<Entry>),
}

/// A key of a map with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Box<str>,
    /// The place of the key.
    pub position: Position,
    /// The value.
    pub value: Arc<Node>,
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The place up to which it could be read.
    pub position: Position,
    /// The reason.
    pub why: Why,
}

/// The kinds of documents that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is not YAML.
    Syntax(String),
    /// It has a map or a list as a key: `{{ ... }}` outside of quotes.
    KeyIsNoText,
    /// It is nested too deeply.
    Depth,
    /// It has more nodes than are left for the input.
    Nodes,
    /// A node contains itself.
    Cycle,
}

/// A list or map that is being read.
#[derive(Debug)]
enum Open {
    List(Position, usize, Vec<Arc<Node>>),
    Map(Position, usize, Vec<Entry>, Option<(Box<str>, Position)>),
}

/// Reads the documents in `text`, of which the first line is line `first_line` of its source. `nodes` is how many more
/// nodes may be kept; it is reduced by those that are.
pub fn read(text: &str, first_line: usize, nodes: &mut usize) -> Result<Vec<Arc<Node>>, Unreadable> {
    let mut options = granit_parser::options! { simple_key_max_lookahead: 8192 };
    options.set_emit_comments(false);
    let mut reader = Reader { first_line, nodes, open: Vec::new(), anchors: HashMap::new(), roots: Vec::new() };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax(&error, first_line))?;
        reader.take(event, span.start)?;
    }
    Ok(reader.roots)
}

fn syntax(error: &ScanError, first_line: usize) -> Unreadable {
    let marker = error.marker();
    let position = Position { line: first_line + marker.line().saturating_sub(1), column: marker.col() + 1 };
    Unreadable { position, why: Why::Syntax(error.info()) }
}

/// Builds trees from events.
#[derive(Debug)]
struct Reader<'a> {
    first_line: usize,
    nodes: &'a mut usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Arc<Node>>,
    roots: Vec<Arc<Node>>,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, start: Marker) -> Result<(), Unreadable> {
        let position = self.position(start);
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = Value::Scalar { text: text.into(), plain: style == ScalarStyle::Plain };
                self.close(position, anchor, value)
            }
            Event::SequenceStart(_, anchor, _) => self.open(Open::List(position, anchor, Vec::new()), position),
            Event::MappingStart(_, anchor, _) => self.open(Open::Map(position, anchor, Vec::new(), None), position),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(position, anchor, mut items)) => {
                    items.shrink_to_fit();
                    self.close(position, anchor, Value::List(items))
                }
                Some(Open::Map(position, anchor, mut entries, _)) => {
                    entries.shrink_to_fit();
                    self.close(position, anchor, Value::Map(entries))
                }
                None => Ok(()),
            },
            // An anchor is known once its node is complete: one that is not yet known contains its alias.
            Event::Alias(id) => match self.anchors.get(&id).cloned() {
                Some(node) => {
                    self.count(node.weight, position)?;
                    self.put(node, position)
                }
                None => Err(Unreadable { position, why: Why::Cycle }),
            },
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn position(&self, marker: Marker) -> Position {
        Position { line: self.first_line + marker.line().saturating_sub(1), column: marker.col() + 1 }
    }

    fn open(&mut self, open: Open, position: Position) -> Result<(), Unreadable> {
        // A list or map where a key is expected.
        if let Some(Open::Map(_, _, _, None)) = self.open.last() {
            return Err(Unreadable { position, why: Why::KeyIsNoText });
        }
        if self.open.len() >= MOST_DEPTH {
            return Err(Unreadable { position, why: Why::Depth });
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self, position: Position, anchor: usize, value: Value) -> Result<(), Unreadable> {
        self.count(1, position)?;
        let node = Arc::new(Node::new(position, value));
        if anchor != 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
        }
        self.put(node, position)
    }

    /// Takes `values` from those that are left.
    fn count(&mut self, values: usize, position: Position) -> Result<(), Unreadable> {
        let left = self.nodes.checked_sub(values);
        *self.nodes = left.ok_or(Unreadable { position, why: Why::Nodes })?;
        Ok(())
    }

    /// Puts a complete node where it belongs.
    fn put(&mut self, node: Arc<Node>, position: Position) -> Result<(), Unreadable> {
        match self.open.last_mut() {
            None => self.roots.push(node),
            Some(Open::List(_, _, items)) => items.push(node),
            Some(Open::Map(_, _, entries, key)) => match (key.take(), &node.value) {
                (Some((key, position)), _) => entries.push(Entry { key, position, value: node }),
                (None, Value::Scalar { text, .. }) => *key = Some((text.clone(), position)),
                (None, _) => return Err(Unreadable { position, why: Why::KeyIsNoText }),
            },
        }
        Ok(())
    }
}

impl Node {
    /// A node of this value.
    pub fn new(position: Position, value: Value) -> Self {
        let inner: usize = match &value {
            Value::Scalar { .. } => 0,
            Value::List(items) => items.iter().map(|item| item.weight).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.value.weight).sum(),
        };
        Self { position, value, weight: inner.saturating_add(1) }
    }

    /// Whether it is null: absent, as the API server takes it.
    pub fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar { text, plain: true } => matches!(&**text, "" | "~" | "null" | "Null" | "NULL"),
            _ => false,
        }
    }

    /// The place of the key or item that `path` leads to from here, or of the last one on the way that there is.
    pub fn place<'k>(&self, path: impl IntoIterator<Item = &'k str>) -> Position {
        let (mut node, mut position) = (self, self.position);
        for step in path {
            let next = if let Value::List(items) = &node.value {
                let item = step.parse().ok().and_then(|index: usize| items.get(index));
                item.map(|item| (&**item, item.position))
            } else {
                node.entry(step).map(|entry| (&*entry.value, entry.position))
            };
            let Some(next) = next else { break };
            (node, position) = next;
        }
        position
    }

    /// The last entry with `key`, of the map itself or of the maps that it merges with `<<`.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entry_merged(key, 0)
    }

    fn entry_merged(&self, key: &str, depth: usize) -> Option<&Entry> {
        let Value::Map(entries) = &self.value else { return None };
        let own = entries.iter().rev().find(|entry| &*entry.key == key);
        if own.is_some() || depth > 4 {
            return own;
        }
        let merged = entries.iter().rev().filter(|entry| &*entry.key == "<<");
        merged.map(|entry| &*entry.value).find_map(|node| match &node.value {
            Value::List(nodes) => nodes.iter().find_map(|node| node.entry_merged(key, depth + 1)),
            _ => node.entry_merged(key, depth + 1),
        })
    }
}
