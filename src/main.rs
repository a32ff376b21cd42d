//! The `lapse` command.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use lapse::cli::Cli;

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
