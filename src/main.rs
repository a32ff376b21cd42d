//! The `lapse` command.

mod calibrate;
mod cli;
mod command;
mod cures;
mod live;
mod metrics;
mod plays;
mod progress;
mod recorded;
mod run;
mod trial_folders;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use self::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().execute() {
        Ok(code) => code,
        Err(error) => {
            // Stderr is closed: there is no other place to report this.
            let _ = writeln!(std::io::stderr(), "lapse: {error:#}");
            ExitCode::from(2)
        }
    }
}
