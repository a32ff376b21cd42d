//! The `lapse` command.

mod calibrate;
mod cli;
mod command;
mod cures;
mod follower;
mod http_server;
mod live;
mod metrics;
mod plays;
mod progress;
mod recorded;
mod run;
mod serve;
mod trial_folders;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use self::cli::Cli;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    match Cli::read(&words).and_then(Cli::execute) {
        Ok(code) => code,
        Err(error) => {
            // Stderr is closed: there is no other place to report this.
            let _ = writeln!(std::io::stderr(), "lapse: {error:#}");
            ExitCode::from(2)
        }
    }
}
