//! Prints the outages of a recorded run: `cargo run -p lapse-record --example outages reports/story`.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name the folder of a run, such as reports/story")?;
    let record = lapse_record::journal::read(folder.as_ref())?;
    for lane in &record.seen.lanes {
        let policy = lane.lane.policy;
        for outage in &lane.outages {
            writeln!(std::io::stdout(), "{policy} from {} ns: {}", outage.from.as_nanos(), outage.duration())?;
        }
    }
    Ok(())
}
