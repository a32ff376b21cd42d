//! Writes the journal of a long run: `cargo run --release -p lapse-benches -- FOLDER [SECONDS]`, an hour by default.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name the folder to write the journal to")?);
    let seconds = match arguments.next() {
        Some(seconds) => seconds.to_str().and_then(|text| text.parse().ok()).ok_or("the seconds must be a number")?,
        None => 3_600,
    };
    std::fs::create_dir_all(&folder)?;
    lapse_benches::write(&folder, Duration::from_secs(seconds))?;
    Ok(())
}
