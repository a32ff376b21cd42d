//! Lints standard input and prints the findings as JSON: `lapse-lint` needs no cluster, no runtime and no `lapse`.
//!
//! `helm template shop ./chart | cargo run -p lapse-lint --example findings`

use std::io::{Read, Write, stdin, stdout};

use lapse_lint::{Source, format, lint};

fn main() -> std::io::Result<()> {
    let mut text = Vec::new();
    stdin().read_to_end(&mut text)?;
    let report = lint(&[Source { name: "-", text: &text }], &[]);
    stdout().write_all(format::json::write(&report).as_bytes())
}
