//! What the newest run came to, for a metrics report of GitLab CI (`artifacts:reports:metrics`), which shows on a merge
//! request what differs from the target branch.
//!
//! GitLab compares values as texts, so there are few of them, rounded to hundredths.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use lapse_compare::history::{History, Line};

/// Writes the figures of the newest run in the text format of `OpenMetrics`; none if there is no run.
pub(super) fn write(history: &History, out: &mut impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    if let Some(line) = history.lines.last() {
        figures(line, &mut out)?;
    }
    writeln!(out, "# EOF")?;
    out.flush()
}

fn figures(line: &Line, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "# TYPE lapse_failed_percent gauge")?;
    writeln!(out, "lapse_failed_percent {:.2}", line.share.estimate * 100.0)?;
    let times = [
        ("downtime", line.downtime.estimate),
        ("longest_disruption", line.disruption.estimate),
        ("longest_strict_outage", line.outage.estimate),
        ("longest_unseen_outage", line.unseen),
    ];
    for (name, time) in times {
        writeln!(out, "# TYPE lapse_{name}_seconds gauge\n# UNIT lapse_{name}_seconds seconds")?;
        writeln!(out, "lapse_{name}_seconds {}", seconds(time))?;
    }
    Ok(())
}

/// Seconds to the nearest hundredth.
fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}
