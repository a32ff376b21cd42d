//! What happened one by one, as CSV: failed probes, and events.
//!
//! Instants are offsets in nanoseconds beside dates in UTC; what is not known is an empty field.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use super::csv::quoted;
use super::date::rfc3339;
use super::plain::plain;
use crate::measure::time::{Offset, nanos};
use crate::run::record::{Failure, Record};

const FAILURES: &str = "time,target,lane,slot,due_ns,sent_ns,done_ns,class,status,connection,age_ns,uses,peer,local_port,server,body,detail";
const EVENTS: &str = "time,at_ns,source,kind,object,text,told_unix_ns";

/// Writes a row for each failed probe that was kept, in the order in which they resolved.
pub fn failures(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    writeln!(out, "{FAILURES}")?;
    for failure in &record.failures.kept {
        row(&mut out, &failure_fields(record, failure))?;
    }
    out.flush()
}

/// Writes a row for each event that was kept.
pub fn events(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    writeln!(out, "{EVENTS}")?;
    for event in &record.events {
        let fields = [
            rfc3339(record.about.anchor, event.at),
            event.at.as_nanos().to_string(),
            event.source.name().to_owned(),
            event.kind.clone(),
            event.object.clone().unwrap_or_default(),
            event.text.clone(),
            told(event.told_unix_ns),
        ];
        row(&mut out, &fields)?;
    }
    out.flush()
}

fn failure_fields(record: &Record, Failure { lane, probe, evidence }: &Failure) -> [String; 17] {
    let target = record.lanes.get(*lane).and_then(|lane| record.about.targets.get(lane.target));
    let ns = |at: Offset| at.as_nanos().to_string();
    let span = |time: Duration| nanos(time).to_string();
    [
        rfc3339(record.about.anchor, probe.sent),
        target.map(|target| target.name.clone()).unwrap_or_default(),
        record.lanes.get(*lane).map(|lane| lane.policy.to_string()).unwrap_or_default(),
        probe.slot.to_string(),
        ns(probe.due),
        ns(probe.sent),
        ns(probe.done),
        probe.class.to_string(),
        told(evidence.status),
        probe.connection.to_string(),
        span(evidence.age),
        evidence.uses.to_string(),
        told(evidence.peer),
        told(evidence.local_port),
        evidence.server.clone().unwrap_or_default(),
        evidence.body.clone().unwrap_or_default(),
        evidence.detail.clone(),
    ]
}

fn told(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn row(out: &mut impl Write, fields: &[String]) -> io::Result<()> {
    for (nth, field) in fields.iter().enumerate() {
        let comma = if nth == 0 { "" } else { "," };
        write!(out, "{comma}{}", quoted(&plain(field)))?;
    }
    writeln!(out)
}
