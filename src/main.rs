//! The `lapse` command.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use lapse::cli::Cli;
use mimalloc::MiMalloc;

/// The system's own grows a thread's heap a page at a time, with a system call for each: just when a service stalls and
/// thousands of connections are opened.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().execute() {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to be told if this fails.
            let _ = writeln!(std::io::stderr(), "lapse: {error:#}");
            ExitCode::from(2)
        }
    }
}
