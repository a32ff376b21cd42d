//! The JSON encoding of all entries but batches. Its types are separate from those of [`crate::entry`], so that these
//! can change without the format.

pub(super) mod about;
mod detail;
mod stream;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::detail::DetailWire;
use self::stream::StreamWire;
use super::batch;
use crate::entry::{End, Entry, Exit, InjectedFault};
use crate::event::{Event, EventKind, Object, Source};
use lapse_measure::phase::Phase;
use lapse_measure::time::{Anchor, Offset, UnixTime, nanos};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Phase", rename_all = "kebab-case")]
enum PhaseDef {
    Baseline,
    Event,
    Settle,
}

#[derive(Serialize, Deserialize)]
struct PhaseWire(#[serde(with = "PhaseDef")] Phase);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Source", rename_all = "kebab-case")]
enum SourceDef {
    Command,
    Kubernetes,
    Lab,
    Prober,
    Caller,
}

#[derive(Serialize, Deserialize)]
struct SourceWire(#[serde(with = "SourceDef")] Source);

#[derive(Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
enum EntryWire {
    Phase {
        phase: PhaseWire,
        at_ns: u64,
    },
    Act {
        name: String,
        at_ns: u64,
    },
    Event {
        at_ns: u64,
        source: SourceWire,
        kind: String,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        told_unix_ns: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<DetailWire>,
    },
    Started {
        at_ns: u64,
    },
    Exit {
        at_ns: u64,
        code: Option<i32>,
        signal: Option<i32>,
    },
    InjectedFault {
        by: String,
        what: String,
        cause: String,
        times: u64,
        from_ns: u64,
        to_ns: u64,
        lasted_ns: u64,
    },
    Stream(StreamWire),
    Doubt {
        text: String,
    },
    Interrupted {
        at_ns: u64,
    },
    End {
        at_ns: u64,
        unix_ns: u64,
        offset_ns: u64,
        pressure: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        precedence_until_ns: Option<u64>,
    },
}

pub(super) fn write_entry(entry: &Entry, out: &mut Vec<u8>) -> io::Result<()> {
    let wire = match entry {
        Entry::Phase(phase, at) => EntryWire::Phase { phase: PhaseWire(*phase), at_ns: at.as_nanos() },
        Entry::Act(name, at) => EntryWire::Act { name: name.clone(), at_ns: at.as_nanos() },
        Entry::Batch(all) => return batch::write(all, out),
        Entry::Event(event) => EntryWire::Event {
            at_ns: event.at.as_nanos(),
            source: SourceWire(event.source),
            kind: event.kind.name().to_owned(),
            text: event.text.clone(),
            object: event.object.as_ref().map(Object::to_string),
            told_unix_ns: event.source_time.map(UnixTime::as_nanos),
            address: event.address,
            detail: event.detail.as_ref().map(DetailWire::from),
        },
        Entry::Started(at) => EntryWire::Started { at_ns: at.as_nanos() },
        Entry::Exit(exit) => EntryWire::Exit { at_ns: exit.at.as_nanos(), code: exit.code, signal: exit.signal },
        Entry::InjectedFault(fault) => EntryWire::InjectedFault {
            by: fault.by.clone(),
            what: fault.what.clone(),
            cause: fault.cause.clone(),
            times: fault.times,
            from_ns: fault.from.as_nanos(),
            to_ns: fault.to.as_nanos(),
            lasted_ns: nanos(fault.lasted),
        },
        Entry::Stream(target, stream) => EntryWire::Stream(StreamWire::of(*target, stream)),
        Entry::Doubt(text) => EntryWire::Doubt { text: text.clone() },
        Entry::Interrupted(at) => EntryWire::Interrupted { at_ns: at.as_nanos() },
        Entry::End(end) => EntryWire::End {
            at_ns: end.at.as_nanos(),
            unix_ns: end.anchor.date.as_nanos(),
            offset_ns: end.anchor.offset.as_nanos(),
            pressure: end.pressure,
            precedence_until_ns: end.precedence_until.map(Offset::as_nanos),
        },
    };
    Ok(serde_json::to_writer(out, &wire)?)
}

pub(super) fn read_entry(bytes: &[u8]) -> Result<Entry, String> {
    let at = Offset::from_nanos;
    let wire: EntryWire = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(match wire {
        EntryWire::Phase { phase, at_ns } => Entry::Phase(phase.0, at(at_ns)),
        EntryWire::Act { name, at_ns } => Entry::Act(name, at(at_ns)),
        EntryWire::Event { at_ns, source, kind, text, object, told_unix_ns, address, detail } => {
            let (kind, object) = (EventKind::from_name(&kind), object.as_deref().map(Object::from_text));
            let detail = detail.map(Into::into);
            let source_time = told_unix_ns.map(UnixTime::from_nanos);
            Entry::Event(Event { at: at(at_ns), source: source.0, kind, text, object, source_time, address, detail })
        }
        EntryWire::Started { at_ns } => Entry::Started(at(at_ns)),
        EntryWire::Exit { at_ns, code, signal } => Entry::Exit(Exit { at: at(at_ns), code, signal }),
        EntryWire::InjectedFault { by, what, cause, times, from_ns, to_ns, lasted_ns } => {
            Entry::InjectedFault(InjectedFault {
                by,
                what,
                cause,
                times,
                from: at(from_ns),
                to: at(to_ns),
                lasted: Duration::from_nanos(lasted_ns),
            })
        }
        EntryWire::Stream(wire) => {
            let (target, stream) = wire.read()?;
            Entry::Stream(target, stream)
        }
        EntryWire::Doubt { text } => Entry::Doubt(text),
        EntryWire::Interrupted { at_ns } => Entry::Interrupted(at(at_ns)),
        EntryWire::End { at_ns, unix_ns, offset_ns, pressure, precedence_until_ns } => {
            let anchor = Anchor { date: UnixTime::from_nanos(unix_ns), offset: at(offset_ns) };
            Entry::End(End { at: at(at_ns), anchor, pressure, precedence_until: precedence_until_ns.map(at) })
        }
    })
}
