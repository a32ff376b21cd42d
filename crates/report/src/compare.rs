//! Reports of runs that are held against each other: one format a file, each a pure function of the comparison.

pub mod html;
pub mod json;
pub mod markdown;
#[cfg(test)]
mod tests;
pub mod text;
