//! YAML that people write by hand: manifests, plans, scenarios.
//!
//! Text in; a tree out in which every key and item knows its place, or typed values of that tree, or what is wrong and where.
//! The crate reads no files and never panics, and its memory is bounded: a text has [`MOST_BYTES`] at the most where it is
//! read by [`document()`], and as many values as the caller allows, aliases counted as what they stand for.

mod document;
mod problem;
mod tree;
mod typed;

pub use self::document::{MOST_BYTES, MOST_VALUES, document};
pub use self::problem::{MOST_PROBLEMS, Problem, near, shown};
pub use self::tree::{Entry, Node, Position, Unreadable, Value, Why, read};
pub use self::typed::from_node;
