//! Why a run lost requests: a list of causes, each held against the record of a run, and what follows for the reader.
//!
//! Pure: a record in, findings out. Nothing here waits, reads a clock or does I/O, and no text of an event is read: the
//! facts are typed. A finding states its evidence, what speaks against it, and what is missing; without evidence there
//! is no finding.

mod case;
pub mod cause;
pub mod causes;
mod evidence;
pub mod explanation;
pub mod hop;
mod phrase;
pub mod smell;
pub mod world;

#[cfg(test)]
mod tests;

pub use case::Case;
