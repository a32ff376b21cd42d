//! Requests that differ from probe to probe: what a server sees of them, and what the reports say.

mod fresh;
mod ids;
mod lines;
mod placeholders;
