//! Writes the journal of a long run that is made up.

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use lapse_benches::MadeUp;

/// Write the journal of a long run that is made up, an hour at 10,000 probes a second with 200 outages by default
#[derive(Debug, Parser)]
struct Arguments {
    /// The folder to write the journal to; it is made if it is not there
    folder: PathBuf,
    #[command(flatten)]
    run: MadeUp,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { folder, run } = Arguments::parse();
    std::fs::create_dir_all(&folder)?;
    run.write(&folder)?;
    Ok(())
}
