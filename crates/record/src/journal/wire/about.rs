//! The wire form of the run header, the first entry of a journal.

use std::io;
use std::num::NonZeroU16;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::entry::{ActId, CarriedIds, Precedence, RunHeader, Target, Window};
use crate::held::HeldPlan;
use lapse_measure::answer::Class;
use lapse_measure::budget::{Budget, Limit, Scope, WorstShare};
use lapse_measure::disruption::GATE;
use lapse_measure::held::limit::StreamLimit;
use lapse_measure::lane::{LaneId, Policy, Protocol, TargetId};
use lapse_measure::schedule::Rate;
use lapse_measure::time::{Anchor, Discipline, MonotonicTime, Offset, UnixTime, nanos};
use lapse_measure::verdict::{MaxBlind, RESOLUTION, Rules};

#[derive(Serialize, Deserialize)]
struct RunHeaderWire {
    version: String,
    name: String,
    unix_ns: u64,
    offset_ns: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discipline: Option<DisciplineWire>,
    monotonic_ns: u64,
    rate: u64,
    control_rate: u64,
    targets: Vec<TargetWire>,
    timeout_ns: u64,
    slow_ns: u64,
    command: Option<Vec<String>>,
    budgets: Vec<BudgetWire>,
    #[serde(default)]
    max_blind_share: Option<f64>,
    #[serde(default)]
    max_blind_stretch_ns: Option<u64>,
    /// Missing in older journals, which have a default limit on blind time instead.
    #[serde(default)]
    resolution_ns: Option<u64>,
    #[serde(default)]
    ignore_shorter_than_ns: u64,
    /// Journals of earlier versions have none: their runs are read with the one that was the default when it came.
    #[serde(default = "default_gate_ns")]
    gate_ns: u64,
    /// Journals of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    precedence: Option<PrecedenceWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version_header: Option<String>,
    /// As 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_seed: Option<String>,
    /// Missing in journals of runs that held no streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<HeldWire>,
}

#[derive(Serialize, Deserialize)]
struct HeldWire {
    places: NonZeroU16,
    beat_ns: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

fn default_gate_ns() -> u64 {
    nanos(GATE)
}

#[derive(Serialize, Deserialize)]
struct DisciplineWire {
    synchronised: bool,
    estimated_error_ns: u64,
    maximum_error_ns: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PrecedenceWire {
    None,
    SliceNs(u64),
    Nice(i8),
    Fifo,
}

#[derive(Serialize, Deserialize)]
struct TargetWire {
    name: String,
    url: String,
    protocol: ProtocolWire,
    policies: Vec<PolicyWire>,
    start_ns: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    carries_uuid: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    carries_traceparent: bool,
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
#[serde(rename_all = "kebab-case")]
enum ScopeWire {
    EachTarget,
    Target(usize),
    Lane(usize),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "WorstShare")]
struct WorstShareDef {
    share: f64,
    width: Duration,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "StreamLimit", rename_all = "kebab-case")]
enum StreamLimitDef {
    Dropped(u64),
    DroppedShare(f64),
    Silence(Duration),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Limit", rename_all = "kebab-case")]
enum LimitDef {
    Downtime(Duration),
    Disruption(Duration),
    Outage(Duration),
    Down(Duration),
    Slow(Duration),
    Failed(u64),
    FailedShare(f64),
    FailedWithin(#[serde(with = "WorstShareDef")] WorstShare),
    Availability(f64),
    Streams(#[serde(with = "StreamLimitDef")] StreamLimit),
    Loss,
    Impaired(Duration, Duration),
    Only(#[serde(with = "class_names")] Vec<Class>),
}

#[derive(Serialize, Deserialize)]
struct BudgetWire {
    name: String,
    scope: ScopeWire,
    #[serde(with = "LimitDef")]
    limit: Limit,
    /// The act that it is held over; from the event on where there is none.
    act: Option<usize>,
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

pub(in crate::journal) fn write(about: &RunHeader, out: &mut Vec<u8>) -> io::Result<()> {
    let target = |target: &Target| TargetWire {
        name: target.name.clone(),
        url: target.url.clone(),
        protocol: ProtocolWire(target.protocol),
        policies: target.policies.iter().copied().map(PolicyWire).collect(),
        start_ns: target.start.as_nanos(),
        carries_uuid: target.ids.uuid,
        carries_traceparent: target.ids.traceparent,
    };
    let budget = |(budget, window): &(Budget, Window)| BudgetWire {
        name: budget.name.clone(),
        scope: ScopeWire::from(budget.scope),
        limit: budget.limit.clone(),
        act: match window {
            Window::Judged => None,
            Window::Act(act) => Some(act.0),
        },
    };
    let wire = RunHeaderWire {
        version: about.version.clone(),
        name: about.name.clone(),
        unix_ns: about.anchor.date.as_nanos(),
        offset_ns: about.anchor.offset.as_nanos(),
        discipline: about.discipline.map(DisciplineWire::from),
        monotonic_ns: about.began.as_nanos(),
        rate: about.rate.get(),
        control_rate: about.control_rate.get(),
        targets: about.targets.iter().map(target).collect(),
        timeout_ns: nanos(about.timeout),
        slow_ns: nanos(about.slow),
        command: about.command.clone(),
        budgets: about.budgets.iter().map(budget).collect(),
        max_blind_share: about.rules.max_blind.map(|max| max.share),
        max_blind_stretch_ns: about.rules.max_blind.map(|max| nanos(max.stretch)),
        resolution_ns: Some(nanos(about.rules.resolution)),
        ignore_shorter_than_ns: nanos(about.rules.ignore_shorter_than),
        gate_ns: nanos(about.gate),
        precedence: about.precedence.map(PrecedenceWire::from),
        version_header: about.version_header.clone(),
        id_seed: about.id_seed.map(|seed| seed.to_string()),
        held: about.held.as_ref().map(|held| HeldWire {
            places: held.places,
            beat_ns: nanos(held.beat),
            path: held.path.clone(),
        }),
    };
    Ok(serde_json::to_writer(out, &wire)?)
}

pub(in crate::journal) fn read(bytes: &[u8]) -> Result<RunHeader, String> {
    let wire: RunHeaderWire = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let rules = rules(&wire);
    let seed = |text: String| text.parse().map_err(|()| format!("{text:?} is no seed of ids"));
    let rate = |rate: u64| Rate::per_second(rate).ok_or_else(|| format!("{rate} is no rate"));
    let about = RunHeader {
        version: wire.version,
        name: wire.name,
        anchor: Anchor { date: UnixTime::from_nanos(wire.unix_ns), offset: Offset::from_nanos(wire.offset_ns) },
        discipline: wire.discipline.map(Discipline::from),
        began: MonotonicTime::from_nanos(wire.monotonic_ns),
        rate: rate(wire.rate)?,
        control_rate: rate(wire.control_rate)?,
        targets: wire.targets.into_iter().map(Target::from).collect(),
        timeout: Duration::from_nanos(wire.timeout_ns),
        slow: Duration::from_nanos(wire.slow_ns),
        command: wire.command,
        budgets: wire.budgets.into_iter().map(<(Budget, Window)>::from).collect(),
        rules,
        gate: Duration::from_nanos(wire.gate_ns),
        precedence: wire.precedence.map(Precedence::from),
        version_header: wire.version_header,
        id_seed: wire.id_seed.map(seed).transpose()?,
        held: wire.held.map(|held| HeldPlan {
            places: held.places,
            beat: Duration::from_nanos(held.beat_ns),
            path: held.path,
        }),
    };
    sound(&about).map(|()| about)
}

/// The rules of the verdict. Before `--resolution` every run had a limit on blind time: 250 ms at a stretch, or 1 s in
/// a scenario. The resolution of such a journal is that stretch, which comes closest.
fn rules(wire: &RunHeaderWire) -> Rules {
    let ignore_shorter_than = Duration::from_nanos(wire.ignore_shorter_than_ns);
    let stretch = wire.max_blind_stretch_ns.map(Duration::from_nanos);
    match wire.resolution_ns {
        Some(resolution) => Rules {
            resolution: Duration::from_nanos(resolution),
            ignore_shorter_than,
            max_blind: wire.max_blind_share.zip(stretch).map(|(share, stretch)| MaxBlind { share, stretch }),
        },
        None => Rules { resolution: stretch.unwrap_or(RESOLUTION), ignore_shorter_than, max_blind: None },
    }
}

/// Whatever a budget names is there, and there is something to name.
fn sound(about: &RunHeader) -> Result<(), String> {
    if about.targets.is_empty() || about.targets.iter().any(|target| target.policies.is_empty()) {
        return Err("a run has targets, and they have lanes".to_owned());
    }
    let lanes = about.lanes().len();
    let strays = about.budgets.iter().find(|(budget, _)| match budget.scope {
        Scope::EachTarget => false,
        Scope::Target(target) => target.0 >= about.targets.len(),
        Scope::Lane(lane) => lane.0 >= lanes,
    });
    strays.map_or(Ok(()), |(budget, _)| Err(format!("the budget {:?} is for a lane that is not there", budget.name)))
}

impl From<Discipline> for DisciplineWire {
    fn from(discipline: Discipline) -> Self {
        let Discipline { synchronised, estimated_error, maximum_error } = discipline;
        Self { synchronised, estimated_error_ns: nanos(estimated_error), maximum_error_ns: nanos(maximum_error) }
    }
}

impl From<DisciplineWire> for Discipline {
    fn from(wire: DisciplineWire) -> Self {
        Self {
            synchronised: wire.synchronised,
            estimated_error: Duration::from_nanos(wire.estimated_error_ns),
            maximum_error: Duration::from_nanos(wire.maximum_error_ns),
        }
    }
}

impl From<Precedence> for PrecedenceWire {
    fn from(precedence: Precedence) -> Self {
        match precedence {
            Precedence::None => Self::None,
            Precedence::Slice(slice) => Self::SliceNs(nanos(slice)),
            Precedence::Nice(nice) => Self::Nice(nice),
            Precedence::Fifo => Self::Fifo,
        }
    }
}

impl From<PrecedenceWire> for Precedence {
    fn from(wire: PrecedenceWire) -> Self {
        match wire {
            PrecedenceWire::None => Self::None,
            PrecedenceWire::SliceNs(slice) => Self::Slice(Duration::from_nanos(slice)),
            PrecedenceWire::Nice(nice) => Self::Nice(nice),
            PrecedenceWire::Fifo => Self::Fifo,
        }
    }
}

impl From<TargetWire> for Target {
    fn from(wire: TargetWire) -> Self {
        Self {
            name: wire.name,
            url: wire.url,
            protocol: wire.protocol.0,
            policies: wire.policies.into_iter().map(|policy| policy.0).collect(),
            start: Offset::from_nanos(wire.start_ns),
            ids: CarriedIds { uuid: wire.carries_uuid, traceparent: wire.carries_traceparent },
        }
    }
}

impl From<Scope> for ScopeWire {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::EachTarget => Self::EachTarget,
            Scope::Target(target) => Self::Target(target.0),
            Scope::Lane(lane) => Self::Lane(lane.0),
        }
    }
}

impl From<ScopeWire> for Scope {
    fn from(wire: ScopeWire) -> Self {
        match wire {
            ScopeWire::EachTarget => Self::EachTarget,
            ScopeWire::Target(place) => Self::Target(TargetId(place)),
            ScopeWire::Lane(place) => Self::Lane(LaneId(place)),
        }
    }
}

impl From<BudgetWire> for (Budget, Window) {
    fn from(wire: BudgetWire) -> Self {
        let budget = Budget { name: wire.name, scope: wire.scope.into(), limit: wire.limit };
        (budget, wire.act.map_or(Window::Judged, |act| Window::Act(ActId(act))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_of_before_the_gate_keeps_its_strict_limit_and_has_the_default_gate() {
        let old = br#"{"version":"0.1.0","name":"shop","unix_ns":0,"offset_ns":0,"monotonic_ns":0,"rate":10,"control_rate":10,
            "targets":[{"name":"shop","url":"http://shop/","protocol":"Http1","policies":["new"],"start_ns":0}],
            "timeout_ns":1,"slow_ns":1,"command":null,"max_blind_share":0.01,"max_blind_stretch_ns":1,"budgets":[
            {"name":"--max-outage","scope":"each-target","limit":{"outage":{"secs":1,"nanos":0}},"act":null}]}"#;
        let about = read(old).unwrap();
        assert_eq!((about.gate, &about.budgets[0].0.limit), (GATE, &Limit::Outage(Duration::from_secs(1))));
        let mut written = Vec::new();
        write(&RunHeader { gate: Duration::from_secs(2), ..about.clone() }, &mut written).unwrap();
        assert_eq!(read(&written).unwrap().gate, Duration::from_secs(2));
        assert_eq!(about.precedence, None);
        let slice = Precedence::Slice(Duration::from_micros(100));
        for precedence in [Precedence::None, slice, Precedence::Nice(-20), Precedence::Fifo].map(Some) {
            let mut written = Vec::new();
            write(&RunHeader { precedence, ..about.clone() }, &mut written).unwrap();
            assert_eq!(read(&written).unwrap().precedence, precedence);
        }
    }
}
