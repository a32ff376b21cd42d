//! One run: planned, carried out, kept in a journal, and known in full at its end.

pub mod entry;
pub mod journal;
pub mod record;
