//! The binary encoding of batches in the journal: about ten bytes per healthy probe.
//!
//! Numbers have variable length: seven bits per byte, lowest first. A batch is its watermark, the number of records,
//! the records, the number of control probes and the control probes; the backends with their counts fill the rest. Before
//! a batch whose answers name versions come the number of these and their names.

use std::io;
use std::time::Duration;

use super::{class, evidence};
use crate::batch::{Batch, ProbeRecord, Served};
use lapse_measure::answer::{Class, Connection, Evidence, Probe};
use lapse_measure::lane::{Lane, LaneId};
use lapse_measure::schedule::Schedule;
use lapse_measure::time::{Offset, nanos};

const TIMED_OUT: u8 = 1;
const NEW: u8 = 2;
const RECONNECTED: u8 = 4;
const NOT_OK: u8 = 8;
const EVIDENCE: u8 = 16;
const VERSION: u8 = 32;

/// The fewest bytes that a record takes: lane, flags, slot, lateness and time under way, a byte each.
const SHORTEST_RECORD: usize = 5;

/// Appends the encoded batch to `out`.
pub(super) fn write(batch: &Batch, out: &mut Vec<u8>) -> io::Result<()> {
    if !batch.versions.is_empty() {
        number(out, batch.versions.len() as u64);
        batch.versions.iter().for_each(|name| text(out, name.as_bytes()));
    }
    number(out, batch.watermark.as_nanos());
    number(out, batch.records.len() as u64);
    for record in &batch.records {
        number(out, record.lane.0 as u64);
        probe(out, &record.probe, record.evidence.as_deref(), record.version)?;
    }
    number(out, batch.controls.len() as u64);
    for control in &batch.controls {
        probe(out, control, None, None)?;
    }
    for Served { backend, times, last } in &batch.served {
        text(out, backend.as_bytes());
        number(out, *times);
        number(out, last.as_nanos());
    }
    Ok(())
}

fn probe(out: &mut Vec<u8>, probe: &Probe, evidence: Option<&Evidence>, version: Option<u16>) -> io::Result<()> {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    let flags = flag(probe.timed_out, TIMED_OUT)
        | flag(probe.connection == Connection::New, NEW)
        | flag(probe.reconnects > 0, RECONNECTED)
        | flag(probe.class != Class::Ok, NOT_OK)
        | flag(evidence.is_some(), EVIDENCE)
        | flag(version.is_some(), VERSION);
    out.push(flags);
    number(out, probe.slot);
    number(out, nanos(probe.sent.since(probe.due)));
    number(out, nanos(probe.done.since(probe.sent)));
    if flags & RECONNECTED != 0 {
        out.push(probe.reconnects);
    }
    if flags & NOT_OK != 0 {
        number(out, u64::from(class::number(probe.class)));
    }
    if let Some(evidence) = evidence {
        text(out, &evidence::write(evidence)?);
    }
    if let Some(version) = version {
        number(out, u64::from(version));
    }
    Ok(())
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    number(out, text.len() as u64);
    out.extend_from_slice(text);
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Decodes a batch of a run that has these lanes and this schedule of the control lane, which turn slot numbers into
/// due times. The error says what is invalid.
pub(super) fn read(bytes: &[u8], lanes: (&[Lane], Schedule)) -> Result<Batch, String> {
    read_rest(Remaining(bytes), Vec::new(), lanes)
}

/// Decodes a batch whose answers name versions, as [`read`] does.
pub(super) fn read_with_versions(bytes: &[u8], lanes: (&[Lane], Schedule)) -> Result<Batch, String> {
    let mut rest = Remaining(bytes);
    let count = rest.number()?;
    let versions = (0..count).map(|_| rest.text()).collect::<Result<_, _>>()?;
    read_rest(rest, versions, lanes)
}

fn read_rest(mut rest: Remaining<'_>, versions: Vec<String>, lanes: (&[Lane], Schedule)) -> Result<Batch, String> {
    let watermark = Offset::from_nanos(rest.number()?);
    let mut batch = Batch { watermark, versions, ..Batch::default() };
    let records = rest.number()?;
    // Not more than the bytes can hold, whatever the number says.
    batch.records.reserve(usize::try_from(records).unwrap_or(usize::MAX).min(rest.0.len() / SHORTEST_RECORD));
    for _ in 0..records {
        let lane = usize::try_from(rest.number()?).unwrap_or(usize::MAX);
        let schedule =
            lanes.0.get(lane).map(|lane| &lane.schedule).ok_or_else(|| format!("there is no lane {lane}"))?;
        let (probe, evidence, version) = rest.probe(schedule)?;
        batch.records.push(ProbeRecord { lane: LaneId(lane), probe, evidence, version });
    }
    for _ in 0..rest.number()? {
        batch.controls.push(rest.probe(&lanes.1)?.0);
    }
    while !rest.0.is_empty() {
        batch.served.push(rest.served()?);
    }
    Ok(batch)
}

/// A probe, its evidence if it failed, and the place of the version that its answer names.
type Decoded = (Probe, Option<Box<Evidence>>, Option<u16>);

/// The bytes of a batch that are still to be decoded.
struct Remaining<'a>(&'a [u8]);

impl<'a> Remaining<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("a batch is shorter than its lengths say")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.bytes(1)?[0])
    }

    fn number(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("a number does not end".to_owned())
    }

    fn probe(&mut self, schedule: &Schedule) -> Result<Decoded, String> {
        let flags = self.byte()?;
        let slot = self.number()?;
        let due = schedule.due(slot);
        let sent = due + Duration::from_nanos(self.number()?);
        let done = sent + Duration::from_nanos(self.number()?);
        let reconnects = if flags & RECONNECTED == 0 { 0 } else { self.byte()? };
        let class = if flags & NOT_OK == 0 { Class::Ok } else { self.class()? };
        let evidence = if flags & EVIDENCE == 0 { None } else { Some(Box::new(self.evidence()?)) };
        let version = if flags & VERSION == 0 { None } else { Some(u16::try_from(self.number()?).unwrap_or(u16::MAX)) };
        let connection = if flags & NEW == 0 { Connection::Reused } else { Connection::New };
        let timed_out = flags & TIMED_OUT != 0;
        Ok((Probe { slot, due, sent, done, class, timed_out, connection, reconnects }, evidence, version))
    }

    fn text(&mut self) -> Result<String, String> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        String::from_utf8(self.bytes(length)?.to_vec()).map_err(|error| error.to_string())
    }

    fn served(&mut self) -> Result<Served, String> {
        Ok(Served { backend: self.text()?, times: self.number()?, last: Offset::from_nanos(self.number()?) })
    }

    fn class(&mut self) -> Result<Class, String> {
        let code = self.number()?;
        let class = u16::try_from(code).ok().and_then(class::of);
        class.ok_or_else(|| format!("there is no class {code}"))
    }

    fn evidence(&mut self) -> Result<Evidence, String> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        evidence::read(self.bytes(length)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::schedule::Rate;
    use proptest::prelude::*;

    fn lane() -> Schedule {
        Schedule::alone(Rate::per_second(1000).unwrap(), Offset::ZERO)
    }

    fn any_probe() -> impl Strategy<Value = Probe> {
        let class = prop_oneof![
            Just(Class::Ok),
            Just(Class::Slow),
            Just(Class::Refused),
            Just(Class::Truncated),
            (100_u16..1000).prop_map(Class::Status)
        ];
        let numbers = (0_u64..1 << 40, 0_u64..1 << 40, 0_u64..1 << 40, any::<u8>());
        (class, numbers, any::<bool>(), any::<bool>()).prop_map(
            |(class, (slot, late, trip, reconnects), timed_out, new)| {
                let due = lane().due(slot);
                let sent = due + Duration::from_nanos(late);
                let connection = if new { Connection::New } else { Connection::Reused };
                Probe {
                    slot,
                    due,
                    sent,
                    done: sent + Duration::from_nanos(trip),
                    class,
                    timed_out,
                    connection,
                    reconnects,
                }
            },
        )
    }

    fn lanes() -> Vec<Lane> {
        use lapse_measure::lane::{Policy, Protocol, TargetId};
        vec![Lane { target: TargetId(0), policy: Policy::New, protocol: Protocol::Http1, schedule: lane() }]
    }

    proptest! {
        #[test]
        fn a_written_batch_is_read_back_unchanged(times in 0_u64..3, probes in proptest::collection::vec(any_probe(), 0..20), watermark in any::<u64>()) {
            let evidence = |probe: &Probe| Evidence {
                status: Some(503),
                peer: Some("[::1]:80".parse().unwrap()),
                body: Some("\u{fffd}\"<".to_owned()),
                idle: probe.slot.is_multiple_of(2).then_some(Duration::from_secs(2)),
                detail: probe.class.to_string(),
                ..Evidence::default()
            };
            let records = probes.iter().map(|probe| ProbeRecord { lane: LaneId(0), probe: *probe, evidence: probe.timed_out.then(|| Box::new(evidence(probe))), version: probe.slot.is_multiple_of(3).then_some(u16::from(probe.reconnects)) });
            let served = (0..times).map(|times| Served { backend: format!("wine-{times}"), times, last: Offset::from_nanos(times) }).collect();
            let batch = Batch { watermark: Offset::from_nanos(watermark), records: records.collect(), controls: probes.clone(), served, versions: Vec::new() };
            let mut bytes = Vec::new();
            write(&batch, &mut bytes).unwrap();
            prop_assert_eq!(read(&bytes, (&lanes(), lane())), Ok(batch.clone()));
            let batch = Batch { versions: vec!["1".to_owned(), "v2 \u{e9}".to_owned()], ..batch };
            bytes.clear();
            write(&batch, &mut bytes).unwrap();
            prop_assert_eq!(read_with_versions(&bytes, (&lanes(), lane())), Ok(batch));
        }

        #[test]
        fn reading_arbitrary_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, (&lanes(), lane()));
            let _ = read_with_versions(&bytes, (&lanes(), lane()));
        }
    }
}
