//! A plan: what `lapse run` is to measure, as people write it in `lapse.yaml`.
//!
//! Text in, values of flags out. Which flags there are and what their values mean is the caller's: it gives a [`Grammar`] and
//! a check of single values. The crate reads no files and no environment, never panics, and its memory is bounded: a text
//! has [`MOST_BYTES`] at the most and [`MOST_VALUES`] values, aliases counted as what they stand for.

mod grammar;
pub mod header;
mod layer;
mod read;
mod schema;

pub use self::grammar::{Form, Grammar, Key};
pub use self::layer::{Entry, Given, Layer, merge};
pub use self::read::{Plan, read, read_beside};
pub use self::schema::schema;
pub use lapse_yaml::{MOST_BYTES, MOST_PROBLEMS, MOST_VALUES, Position, Problem, near, shown};
