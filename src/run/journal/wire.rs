//! All but batches as the journal keeps them: JSON, apart from the types of the core.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::batch;
use crate::events::command::Exit;
use crate::events::event::{Event, Source};
use crate::measure::answer::{Class, Evidence};
use crate::measure::budget::{Budget, Limit, Scope};
use crate::measure::lane::{Policy, Protocol};
use crate::measure::phase::Phase;
use crate::measure::schedule::Rate;
use crate::measure::time::{Anchor, Offset, nanos};
use crate::measure::verdict::MaxBlind;
use crate::run::entry::{About, End, Entry, Inflicted, Target, Window};

#[derive(Serialize, Deserialize)]
struct AboutWire {
    version: String,
    name: String,
    unix_ns: u64,
    offset_ns: u64,
    monotonic_ns: u64,
    rate: u64,
    control_rate: u64,
    targets: Vec<TargetWire>,
    timeout_ns: u64,
    slow_ns: u64,
    command: Option<Vec<String>>,
    budgets: Vec<BudgetWire>,
    max_blind_share: f64,
    max_blind_stretch_ns: u64,
}

#[derive(Serialize, Deserialize)]
struct TargetWire {
    name: String,
    url: String,
    protocol: ProtocolWire,
    policies: Vec<PolicyWire>,
    start_ns: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(remote = "Policy", rename_all = "kebab-case")]
enum PolicyDef {
    Reused,
    New,
}

#[derive(Serialize, Deserialize)]
struct PolicyWire(#[serde(with = "PolicyDef")] Policy);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Protocol")]
enum ProtocolDef {
    Http1,
    Http2,
}

#[derive(Serialize, Deserialize)]
struct ProtocolWire(#[serde(with = "ProtocolDef")] Protocol);

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
}

#[derive(Serialize, Deserialize)]
struct SourceWire(#[serde(with = "SourceDef")] Source);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Scope", rename_all = "kebab-case")]
enum ScopeDef {
    EachTarget,
    Target(usize),
    Lane(usize),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Limit", rename_all = "kebab-case")]
enum LimitDef {
    Downtime(Duration),
    Outage(Duration),
    Down(Duration),
    Slow(Duration),
    Failed(u64),
    FailedShare(f64),
    Availability(f64),
    Loss,
    Impaired(Duration, Duration),
    Only(#[serde(with = "class_names")] Vec<Class>),
}

#[derive(Serialize, Deserialize)]
struct BudgetWire {
    name: String,
    #[serde(with = "ScopeDef")]
    scope: Scope,
    #[serde(with = "LimitDef")]
    limit: Limit,
    /// The act that it is held over; from the event on where there is none.
    act: Option<usize>,
}

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
    },
    Started {
        at_ns: u64,
    },
    Exit {
        at_ns: u64,
        code: Option<i32>,
        signal: Option<i32>,
    },
    Inflicted {
        by: String,
        what: String,
        cause: String,
        times: u64,
        from_ns: u64,
        to_ns: u64,
        lasted_ns: u64,
    },
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
    },
}

#[derive(Serialize, Deserialize)]
struct EvidenceWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backend: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    age_ns: u64,
    uses: u32,
    detail: String,
}

/// Classes by their spelling.
mod class_names {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use super::Class;

    pub(super) fn serialize<S: Serializer>(classes: &[Class], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(classes.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Class>, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        let class = |name: String| name.parse().map_err(|()| D::Error::custom(format!("{name:?} is no class")));
        names.into_iter().map(class).collect()
    }
}

pub(super) fn write_about(about: &About, out: &mut Vec<u8>) -> io::Result<()> {
    let target = |target: &Target| TargetWire {
        name: target.name.clone(),
        url: target.url.clone(),
        protocol: ProtocolWire(target.protocol),
        policies: target.policies.iter().copied().map(PolicyWire).collect(),
        start_ns: target.start.as_nanos(),
    };
    let budget = |(budget, window): &(Budget, Window)| BudgetWire {
        name: budget.name.clone(),
        scope: budget.scope,
        limit: budget.limit.clone(),
        act: match window {
            Window::Judged => None,
            Window::Act(place) => Some(*place),
        },
    };
    let wire = AboutWire {
        version: about.version.clone(),
        name: about.name.clone(),
        unix_ns: about.anchor.unix_ns,
        offset_ns: about.anchor.offset.as_nanos(),
        monotonic_ns: about.monotonic_ns,
        rate: about.rate.get(),
        control_rate: about.control_rate.get(),
        targets: about.targets.iter().map(target).collect(),
        timeout_ns: nanos(about.timeout),
        slow_ns: nanos(about.slow),
        command: about.command.clone(),
        budgets: about.budgets.iter().map(budget).collect(),
        max_blind_share: about.max_blind.share,
        max_blind_stretch_ns: nanos(about.max_blind.stretch),
    };
    Ok(serde_json::to_writer(out, &wire)?)
}

pub(super) fn read_about(bytes: &[u8]) -> Result<About, String> {
    let wire: AboutWire = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let rate = |rate: u64| Rate::per_second(rate).ok_or_else(|| format!("{rate} is no rate"));
    let about = About {
        version: wire.version,
        name: wire.name,
        anchor: Anchor { unix_ns: wire.unix_ns, offset: Offset::from_nanos(wire.offset_ns) },
        monotonic_ns: wire.monotonic_ns,
        rate: rate(wire.rate)?,
        control_rate: rate(wire.control_rate)?,
        targets: wire.targets.into_iter().map(Target::from).collect(),
        timeout: Duration::from_nanos(wire.timeout_ns),
        slow: Duration::from_nanos(wire.slow_ns),
        command: wire.command,
        budgets: wire.budgets.into_iter().map(<(Budget, Window)>::from).collect(),
        max_blind: MaxBlind { share: wire.max_blind_share, stretch: Duration::from_nanos(wire.max_blind_stretch_ns) },
    };
    sound(&about).map(|()| about)
}

/// Whatever a budget names is there, and there is something to name.
fn sound(about: &About) -> Result<(), String> {
    if about.targets.is_empty() || about.targets.iter().any(|target| target.policies.is_empty()) {
        return Err("a run has targets, and they have lanes".to_owned());
    }
    let lanes = about.lanes().len();
    let strays = about.budgets.iter().find(|(budget, _)| match budget.scope {
        Scope::EachTarget => false,
        Scope::Target(place) => place >= about.targets.len(),
        Scope::Lane(place) => place >= lanes,
    });
    strays.map_or(Ok(()), |(budget, _)| Err(format!("the budget {:?} is for a lane that is not there", budget.name)))
}

impl From<TargetWire> for Target {
    fn from(wire: TargetWire) -> Self {
        Self {
            name: wire.name,
            url: wire.url,
            protocol: wire.protocol.0,
            policies: wire.policies.into_iter().map(|policy| policy.0).collect(),
            start: Offset::from_nanos(wire.start_ns),
        }
    }
}

impl From<BudgetWire> for (Budget, Window) {
    fn from(wire: BudgetWire) -> Self {
        let budget = Budget { name: wire.name, scope: wire.scope, limit: wire.limit };
        (budget, wire.act.map_or(Window::Judged, Window::Act))
    }
}

pub(super) fn write_entry(entry: &Entry, out: &mut Vec<u8>) -> io::Result<()> {
    let wire = match entry {
        Entry::Phase(phase, at) => EntryWire::Phase { phase: PhaseWire(*phase), at_ns: at.as_nanos() },
        Entry::Act(name, at) => EntryWire::Act { name: name.clone(), at_ns: at.as_nanos() },
        Entry::Batch(all) => return batch::write(all, out),
        Entry::Event(event) => EntryWire::Event {
            at_ns: event.at.as_nanos(),
            source: SourceWire(event.source),
            kind: event.kind.clone(),
            text: event.text.clone(),
            object: event.object.clone(),
            told_unix_ns: event.told_unix_ns,
            address: event.address,
        },
        Entry::Started(at) => EntryWire::Started { at_ns: at.as_nanos() },
        Entry::Exit(exit) => EntryWire::Exit { at_ns: exit.at.as_nanos(), code: exit.code, signal: exit.signal },
        Entry::Inflicted(inflicted) => EntryWire::Inflicted {
            by: inflicted.by.clone(),
            what: inflicted.what.clone(),
            cause: inflicted.cause.clone(),
            times: inflicted.times,
            from_ns: inflicted.from.as_nanos(),
            to_ns: inflicted.to.as_nanos(),
            lasted_ns: nanos(inflicted.lasted),
        },
        Entry::Doubt(text) => EntryWire::Doubt { text: text.clone() },
        Entry::Interrupted(at) => EntryWire::Interrupted { at_ns: at.as_nanos() },
        Entry::End(end) => EntryWire::End {
            at_ns: end.at.as_nanos(),
            unix_ns: end.anchor.unix_ns,
            offset_ns: end.anchor.offset.as_nanos(),
            pressure: end.pressure,
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
        EntryWire::Event { at_ns, source, kind, text, object, told_unix_ns, address } => {
            Entry::Event(Event { at: at(at_ns), source: source.0, kind, text, object, told_unix_ns, address })
        }
        EntryWire::Started { at_ns } => Entry::Started(at(at_ns)),
        EntryWire::Exit { at_ns, code, signal } => Entry::Exit(Exit { at: at(at_ns), code, signal }),
        EntryWire::Inflicted { by, what, cause, times, from_ns, to_ns, lasted_ns } => Entry::Inflicted(Inflicted {
            by,
            what,
            cause,
            times,
            from: at(from_ns),
            to: at(to_ns),
            lasted: Duration::from_nanos(lasted_ns),
        }),
        EntryWire::Doubt { text } => Entry::Doubt(text),
        EntryWire::Interrupted { at_ns } => Entry::Interrupted(at(at_ns)),
        EntryWire::End { at_ns, unix_ns, offset_ns, pressure } => {
            let anchor = Anchor { unix_ns, offset: at(offset_ns) };
            Entry::End(End { at: at(at_ns), anchor, pressure })
        }
    })
}

pub(super) fn evidence_text(evidence: &Evidence) -> io::Result<Vec<u8>> {
    let wire = EvidenceWire {
        status: evidence.status,
        peer: evidence.peer,
        local_port: evidence.local_port,
        backend: evidence.backend.clone(),
        server: evidence.server.clone(),
        body: evidence.body.clone(),
        age_ns: nanos(evidence.age),
        uses: evidence.uses,
        detail: evidence.detail.clone(),
    };
    Ok(serde_json::to_vec(&wire)?)
}

pub(super) fn read_evidence(bytes: &[u8]) -> Result<Evidence, String> {
    let wire: EvidenceWire = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(Evidence {
        status: wire.status,
        peer: wire.peer,
        local_port: wire.local_port,
        backend: wire.backend,
        server: wire.server,
        body: wire.body,
        age: Duration::from_nanos(wire.age_ns),
        uses: wire.uses,
        detail: wire.detail,
    })
}
