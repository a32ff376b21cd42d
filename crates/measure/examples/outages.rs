//! Prints the episodes and outages of a recorded run: `cargo run -p lapse-measure --example outages reports/story`.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name the folder of a run, such as reports/story")?;
    let record = lapse_record::journal::read(folder.as_ref())?;
    let lanes: Vec<_> = record.seen.lanes.iter().collect();
    for episode in lapse_measure::episode::find(&lanes) {
        writeln!(std::io::stdout(), "{} of {} probes failed: {}", episode.failed, episode.total, episode.span)?;
    }
    for outage in lanes.iter().flat_map(|lane| &lane.outages) {
        writeln!(std::io::stdout(), "outage from {} ns: {}", outage.from.as_nanos(), outage.duration())?;
    }
    Ok(())
}
