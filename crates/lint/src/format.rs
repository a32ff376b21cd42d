//! The formats of a report: JSON, SARIF and annotations for GitHub, each a pure function of it.

pub mod github;
pub mod json;
pub mod sarif;
