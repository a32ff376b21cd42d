//! Records of invented runs, built from a few lines each, for the tests of reports.
//!
//! Their entries pass through the recorder one by one, as those of a live run do.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "only tests call this")]

mod answer;
mod hostile;

use std::time::Duration;

use crate::batch::{Batch, ProbeRecord as Resolved};
use crate::entry::{ActId, CarriedIds, End, Entry, Exit, InjectedFault, RunHeader, Target, Window};
use crate::event::{Event, EventKind, Object, ObjectKind, Source};
use crate::record::{Record, Recorder};
use lapse_measure::answer::{Class, Connection, Evidence, GrpcStatus, Health, Probe, Unsent};
use lapse_measure::budget::{Budget, Limit, Scope};
use lapse_measure::lane::{Lane, LaneId, Policy, Protocol};
use lapse_measure::phase::Phase;
use lapse_measure::schedule::Rate;
use lapse_measure::time::{Anchor, Discipline, MonotonicTime, Offset, UnixTime};
use lapse_measure::verdict::{Rules, default_budget};

pub use self::answer::{Answer, VERSIONS};
pub use self::hostile::hostile;

/// The start of every sample run, 2023-11-14T22:13:20Z, in nanoseconds since the Unix epoch.
const START: UnixTime = UnixTime::from_nanos(1_700_000_000_000_000_000);

const SYNCHRONISED: Discipline = Discipline {
    synchronised: true,
    estimated_error: Duration::from_micros(40),
    maximum_error: Duration::from_millis(12),
};

/// A sample run that is being described: 1000 slots per second and two lanes for each target.
#[derive(Debug)]
pub struct Sample {
    /// The header of the run; tests may change it before they make the record.
    pub about: RunHeader,
    /// The entries other than batches, each with its time in milliseconds.
    entries: Vec<(u64, Entry)>,
}

impl Sample {
    /// A run against these targets whose budget allows no failed probe.
    pub fn of(targets: &[&str]) -> Self {
        let target = |name: &&str| Target {
            name: (*name).to_owned(),
            url: format!("http://{name}/"),
            protocol: Protocol::Http1,
            policies: vec![Policy::Reused, Policy::New],
            start: Offset::ZERO,
            ids: CarriedIds::default(),
        };
        let about = RunHeader {
            version: "0.1.0".to_owned(),
            name: "upgrade".to_owned(),
            anchor: Anchor { date: START, offset: Offset::ZERO },
            discipline: Some(SYNCHRONISED),
            began: MonotonicTime::from_nanos(5),
            rate: Rate::per_second(1000).unwrap(),
            control_rate: Rate::per_second(1000).unwrap(),
            targets: targets.iter().map(target).collect(),
            timeout: Duration::from_secs(6),
            slow: Duration::from_millis(500),
            command: None,
            budgets: vec![(default_budget(), Window::Judged)],
            rules: Rules::default(),
            gate: lapse_measure::disruption::GATE,
            precedence: None,
            version_header: None,
            id_seed: None,
            held: None,
        };
        Self { about, entries: Vec::new() }
    }

    /// Adds the start of a phase at `ms`.
    #[must_use]
    pub fn phase(self, phase: Phase, ms: u64) -> Self {
        self.beside(ms, Entry::Phase(phase, Offset::from_millis(ms)))
    }

    /// Adds the start of an act at `ms`.
    #[must_use]
    pub fn act(self, name: &str, ms: u64) -> Self {
        self.beside(ms, Entry::Act(name.to_owned(), Offset::from_millis(ms)))
    }

    /// Adds a wrapped command that starts at `from` ms, prints `lines` 100 ms apart and exits at `to` ms with `code`.
    #[must_use]
    pub fn command(mut self, words: &str, (from, to): (u64, u64), code: i32, lines: &[&str]) -> Self {
        self.about.command = Some(words.split(' ').map(str::to_owned).collect());
        let mut sample = self.beside(from, Entry::Started(Offset::from_millis(from)));
        for (nth, line) in (1..).zip(lines) {
            let event = Event::new(Offset::from_millis(from + nth * 100), Source::Command, EventKind::Stdout, *line);
            sample = sample.beside(from + nth * 100, Entry::Event(event));
        }
        let exit = Exit { at: Offset::from_millis(to), code: Some(code), signal: None };
        sample.beside(to, Entry::Exit(exit))
    }

    /// Adds any other entry at `ms`.
    #[must_use]
    pub fn beside(mut self, ms: u64, entry: Entry) -> Self {
        self.entries.push((ms, entry));
        self
    }

    /// The record of the run, `length` ms long. `answer` maps a probe's lane and due time (in ms) to its result.
    pub fn record(self, length: u64, answer: impl Fn(&Lane, u64) -> Answer) -> Record {
        let anchor = Anchor { date: START + Duration::from_millis(length), offset: Offset::from_millis(length) };
        let end = End { at: Offset::from_millis(length), anchor, pressure: Some(0.031), precedence_until: None };
        self.beside(length, Entry::End(end)).cut(answer)
    }

    /// The record of the run up to its last entry, without an end entry unless one was added.
    pub fn cut(mut self, answer: impl Fn(&Lane, u64) -> Answer) -> Record {
        self.entries.sort_by_key(|(ms, _)| *ms);
        let mut recorder = Recorder::new(self.about);
        let mut from = 0;
        for (to, entry) in self.entries {
            recorder.take(Entry::Batch(batch(recorder.lanes().0, from, to, &answer))).unwrap();
            recorder.take(entry).unwrap();
            from = to;
        }
        recorder.finish()
    }
}

/// The batch of all slots due in `[from, to)` ms.
fn batch(lanes: &[Lane], from: u64, to: u64, answer: &impl Fn(&Lane, u64) -> Answer) -> Batch {
    let (begin, end) = (Offset::from_millis(from), Offset::from_millis(to));
    let of_lane = |(index, lane): (usize, &Lane)| {
        let slots = lane.schedule.slots_before(begin)..lane.schedule.slots_before(end);
        slots.map(|slot| resolved(LaneId(index), lane, slot, answer)).collect::<Vec<_>>()
    };
    let mut records: Vec<_> = lanes.iter().enumerate().flat_map(of_lane).collect();
    records.sort_by_key(|record| record.probe.done);
    let versions = VERSIONS.map(str::to_owned).to_vec();
    Batch { watermark: end, records, controls: (from..to).map(control).collect(), versions, ..Batch::default() }
}

fn resolved(id: LaneId, lane: &Lane, slot: u64, answer: &impl Fn(&Lane, u64) -> Answer) -> Resolved {
    let due = lane.schedule.due(slot);
    let Answer { class, trip, late, peer, idle, no_close_notify, version } = answer(lane, due.as_nanos() / 1_000_000);
    let connection = if lane.policy == Policy::New { Connection::New } else { Connection::Reused };
    let timed_out = matches!(class, Class::ConnectTimeout | Class::ResponseTimeout);
    let sent = due + late;
    let probe = Probe { slot, due, sent, done: sent + trip, class, timed_out, connection, reconnects: 0 };
    let evidence = Evidence { peer, idle, no_close_notify, detail: class.to_string(), ..Evidence::default() };
    let evidence = (class.health() == Health::Failed).then(|| Box::new(evidence));
    Resolved { lane: id, probe, evidence, version: version.map(u16::from) }
}

fn control(ms: u64) -> Probe {
    let due = Offset::from_millis(ms);
    let (class, connection) = (Class::Ok, Connection::Reused);
    Probe { slot: ms, due, sent: due, done: due, class, timed_out: false, connection, reconnects: 0 }
}

const OK: Answer = Answer::after(Class::Ok, 300);

/// A run without a failure: one second of baseline, one second of event.
pub fn healthy() -> Record {
    let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1000);
    sample.record(2000, |_, _| OK)
}

/// A run of which version 2 takes over between 3 and 8 s, step by step, and is gone again from 6.0 to 6.7 s. An answer of
/// a hundred names no version, and a few fail.
pub fn versions() -> Record {
    let mut sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 2_000);
    sample.about.version_header = Some("x-version".to_owned());
    sample.record(10_000, |_, ms| {
        let newer = if (6_000..6_700).contains(&ms) { 0 } else { ms.saturating_sub(2_000) / 1_000 * 20 };
        let is_new = ms.wrapping_mul(2_654_435_761) / 1_024 % 100 < newer;
        match ms {
            _ if ms % 100 == 50 => OK,
            4_000..4_010 => Answer::after(Class::Status(503), 300),
            _ => OK.version(u8::from(is_new)),
        }
    })
}

/// The worked example of `docs/MEASUREMENT.md`: the service responds with 503 in `[2000, 2300)` ms.
pub fn worked_example() -> Record {
    let down = |ms| (2000..2300).contains(&ms);
    Sample::of(&["shop"]).phase(Phase::Event, 0).record(4000, |_, ms| {
        let class = if down(ms) { Class::Status(503) } else { Class::Ok };
        Answer::after(class, 0)
    })
}

/// A helm upgrade during which new connections are refused for 2.1 s and pooled ones are reset for 80 ms.
pub fn upgrade() -> Record {
    let lines = ["Release \"shop\" has been upgraded. Happy Helming!", "STATUS: deployed", "REVISION: 7"];
    let sample = Sample::of(&["shop"])
        .phase(Phase::Baseline, 0)
        .phase(Phase::Event, 5000)
        .command("helm upgrade shop ./chart --wait", (5000, 9600), 0, &lines)
        .phase(Phase::Settle, 9600);
    sample.record(14_600, |lane, ms| match lane.policy {
        Policy::New if (7000..9100).contains(&ms) => Answer::after(Class::Refused, 250).from(7),
        Policy::Reused if (7000..7080).contains(&ms) => Answer::after(Class::Reset, 400).from(7),
        _ => OK,
    })
}

/// Two targets with odd names and failures of every class, some at the start and the end of the run, with blind time
/// and slow answers.
pub fn nasty() -> Record {
    let mut sample = Sample::of(&["shop, \"the\" big one", "p\u{1b}[31may"]).phase(Phase::Event, 0);
    sample.about.discipline = Some(Discipline { synchronised: false, ..SYNCHRONISED });
    sample.about.budgets.push((
        Budget {
            name: "max-outage".to_owned(),
            scope: Scope::Lane(LaneId(2)),
            limit: Limit::Outage(Duration::from_secs(1)),
        },
        Window::Judged,
    ));
    let held_up =
        Event::new(Offset::from_millis(100), Source::Prober, EventKind::Other("held-up".to_owned()), "\u{7}no port");
    let sample = sample.beside(100, Entry::Event(held_up)).beside(9000, Entry::Interrupted(Offset::from_millis(9000)));
    sample.record(9000, |lane, ms| match (lane.target.0, lane.policy, ms) {
        (0, _, 0..50) => Answer::after(Class::Status(502), 900).from(1),
        (0, Policy::New, 1000..1700) => any_failure(ms),
        (0, Policy::Reused, 8000..) => Answer::after(Class::ResponseTimeout, 6_000_000),
        (1, _, 3000..3400) => Answer::after(Class::NotSent(Unsent::NoPort), 0),
        (1, Policy::New, 3400..3450) => Answer::after(Class::Unreachable, 3_060_000).from(9),
        (1, Policy::Reused, 5000..5200) => Answer::after(Class::Slow, 700_000),
        _ => OK,
    })
}

fn any_failure(ms: u64) -> Answer {
    // One status of gRPC stands for all, as one of HTTP does.
    let is_further = |class: &Class| matches!(class, Class::Grpc(status) if *status != GrpcStatus::Unavailable);
    let failed = Class::ALL.iter().copied().filter(|class| class.health() == Health::Failed && !is_further(class));
    let all: Vec<_> = failed.collect();
    let index = usize::try_from(ms / 2).unwrap_or(0) % all.len();
    Answer::after(all[index], 1000).from(u8::try_from(ms % 7).unwrap_or(0))
}

/// The only pod of a service is deleted, and the next one is ready two seconds later.
pub fn replaced() -> Record {
    let pod_events = [
        (0, "shop-1", EventKind::PodFound),
        (0, "shop-1", EventKind::EndpointFound),
        (2000, "shop-1", EventKind::PodDeleting),
        (2005, "shop-1", EventKind::EndpointRemoved),
        (2100, "shop-2", EventKind::PodCreated),
        (2150, "shop-1", EventKind::ContainerExited),
        (2900, "shop-1", EventKind::PodGone),
        (4000, "shop-2", EventKind::PodReady),
        (4005, "shop-2", EventKind::EndpointAdded),
    ];
    let event = |(ms, pod, kind): (u64, &str, EventKind)| {
        let text = format!("{pod}: {kind}");
        let event = Event::new(Offset::from_millis(ms), Source::Kubernetes, kind, text);
        (ms, Entry::Event(event.to(Object::new(ObjectKind::Pod, pod))))
    };
    let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1000);
    let sample = pod_events.into_iter().map(event).fold(sample, |sample, (ms, entry)| sample.beside(ms, entry));
    sample.record(6000, |_, ms| match ms {
        2150..4100 => Answer::after(Class::Refused, 200).from(1),
        _ => OK,
    })
}

/// A run that ended before its first probe.
pub fn empty() -> Record {
    Sample::of(&["shop"]).record(0, |_, _| OK)
}

/// A run that was killed while its command was running, so that it has no end entry.
pub fn killed() -> Record {
    let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1000);
    let mut sample = sample.beside(1000, Entry::Started(Offset::from_millis(1000)));
    sample.about.command = Some(vec!["sleep".to_owned(), "60".to_owned()]);
    let alive = Event::new(Offset::from_millis(1500), Source::Command, EventKind::Stdout, "still there");
    sample.beside(1500, Entry::Event(alive)).cut(|_, _| OK)
}

/// A scenario of three acts. The second loses requests as expected, the third although none were to be lost.
pub fn scenario() -> Record {
    let mut sample = Sample::of(&["shop"]).phase(Phase::Event, 0);
    let budget = |name: &str, limit| Budget { name: name.to_owned(), scope: Scope::EachTarget, limit };
    sample.about.budgets = vec![
        (budget("expected of graceful", Limit::Failed(0)), Window::Act(ActId(0))),
        (budget("expected of abrupt", Limit::Loss), Window::Act(ActId(1))),
        (budget("expected of fixed", Limit::Failed(0)), Window::Act(ActId(2))),
    ];
    let fault = |by: &str, what: &str, times, (from, to)| InjectedFault {
        by: by.to_owned(),
        what: what.to_owned(),
        cause: "still lists shop-1".to_owned(),
        times,
        from: Offset::from_millis(from),
        to: Offset::from_millis(to),
        lasted: Duration::from_millis(to - from),
    };
    let sample = sample
        .act("graceful", 0)
        .act("abrupt", 2000)
        .act("fixed", 4000)
        .beside(6000, Entry::InjectedFault(fault("service", "shut", 17, (2498, 2541))))
        .beside(6000, Entry::InjectedFault(fault("shop-1", "cut", 1, (4500, 4500))));
    sample.record(6000, |lane, ms| match (lane.policy, ms) {
        (Policy::New, 2500..2540) => Answer::after(Class::Refused, 200).from(2),
        (Policy::Reused, 4500) => Answer::after(Class::Closed, 200).from(2),
        _ => OK,
    })
}

/// A run with a failure every three seconds: more episodes than a report lists in full.
pub fn scrappy() -> Record {
    let sample = Sample::of(&["shop"]).phase(Phase::Event, 0);
    sample.record(60_000, |lane, ms| match (lane.policy, ms % 3000) {
        (Policy::New, 1501) => Answer::after(Class::Status(504), 5_002_000).from(2),
        _ => OK,
    })
}

/// A run in which new connections are refused at random for 2 s, four of ten: one disruption of hundreds of outages.
pub fn flicker() -> Record {
    let at_random = |ms: u64| ms.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1000);
    sample.record(5000, |lane, ms| match (lane.policy, ms) {
        (Policy::New, 2001 | 3999) => Answer::after(Class::Refused, 200).from(2),
        (Policy::New, 2000..4000) if at_random(ms) % 10 < 4 => Answer::after(Class::Refused, 200).from(2),
        _ => OK,
    })
}
