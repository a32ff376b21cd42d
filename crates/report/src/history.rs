//! Reports of many runs in the order of time: one format a file, each a pure function of the history.

pub mod benchmark;
pub mod gitlab;
pub mod json;
pub mod text;

#[cfg(test)]
mod tests;
