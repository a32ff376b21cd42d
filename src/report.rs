//! Reports: each format is a pure function of the record, so the same run gives the same bytes on any day.

pub mod csv;
pub mod json;
pub mod text;

mod date;
