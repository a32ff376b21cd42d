//! What a subcommand prints on the standard output.

use std::io::{self, BufWriter, Stdout, Write, stdout};

use anyhow::{Context, Result};

/// Prints what `write` writes; an error calls it `what`. That the reader has closed the pipe, as `head` does, is no error.
pub(super) fn print(what: &str, write: impl FnOnce(&mut BufWriter<Stdout>) -> io::Result<()>) -> Result<()> {
    let mut out = BufWriter::new(stdout());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.with_context(|| format!("cannot write {what}")),
    }
}
