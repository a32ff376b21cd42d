//! Records to test reports with.

use std::time::Duration;

use crate::events::command::Exit;
use crate::events::event::{Event, Source};
use crate::hammer::engine::{Batch, Record as Resolved};
use crate::measure::answer::{Class, Connection, Evidence, Health, Probe};
use crate::measure::budget::{Budget, Limit, Scope};
use crate::measure::lane::{Policy, Protocol};
use crate::measure::phase::Phase;
use crate::measure::schedule::Rate;
use crate::measure::time::{Anchor, Offset};
use crate::measure::verdict::{self, MaxBlind};
use crate::run::entry::{About, End, Entry, Target, Window};
use crate::run::record::{Record, Recorder};

/// 2026-11-22T20:15:03Z.
const STARTED: u64 = 1_795_378_503_000_000_000;

/// What became of the slot of a lane that is due at this millisecond.
type Answer<'a> = &'a dyn Fn(Policy, u64) -> Class;

/// A run of one target at 1000/s whose round trips take no time.
pub(crate) fn record(about: About, millis: u64, answer: Answer<'_>, others: Vec<Entry>) -> Record {
    let lanes = about.lanes();
    let mut recorder = Recorder::new(about);
    let mut take = |entry| recorder.take(entry).unwrap();
    let (first, rest): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|entry| matches!(entry, Entry::Phase(_, Offset::ZERO)));
    first.into_iter().for_each(&mut take);
    let mut records = Vec::new();
    for (place, lane) in lanes.iter().enumerate() {
        for slot in 0..lane.schedule.slots_before(Offset::from_millis(millis)) {
            let due = lane.schedule.due(slot);
            let class = answer(lane.policy, due.as_nanos() / 1_000_000);
            let connection = if lane.policy == Policy::New { Connection::New } else { Connection::Reused };
            let probe = Probe { slot, due, sent: due, done: due, class, timed_out: false, connection, reconnects: 0 };
            let evidence = || Evidence {
                status: if let Class::Status(code) = class { Some(code) } else { None },
                peer: Some(([10, 0, 0, 7], 8080).into()),
                server: Some("nginx".to_owned()),
                body: Some("<html>\u{fffd}".to_owned()),
                detail: "as a test has it".to_owned(),
                ..Evidence::default()
            };
            let evidence = (class.health() == Health::Failed).then(|| Box::new(evidence()));
            records.push(Resolved { lane: place, probe, evidence });
        }
    }
    records.sort_by_key(|record| record.probe.due);
    let mut rest = rest.into_iter().peekable();
    for record in records {
        while let Some(entry) = rest.next_if(|entry| at(entry) <= record.probe.due) {
            take(entry);
        }
        let watermark = record.probe.due + Duration::from_nanos(1);
        take(Entry::Batch(Batch { watermark, records: vec![record], controls: Vec::new() }));
    }
    rest.for_each(&mut take);
    let end = Offset::from_millis(millis);
    let anchor = Anchor { unix_ns: STARTED + end.as_nanos(), offset: end };
    take(Entry::End(End { at: end, anchor, pressure: Some(0.05) }));
    recorder.finish()
}

fn at(entry: &Entry) -> Offset {
    match entry {
        Entry::Phase(_, at) | Entry::Act(_, at) | Entry::Started(at) | Entry::Interrupted(at) => *at,
        Entry::Event(event) => event.at,
        Entry::Exit(exit) => exit.at,
        Entry::Batch(batch) => batch.watermark,
        Entry::End(end) => end.at,
    }
}

/// One target with both lanes at 1000/s, and a budget of no failed probe.
pub(crate) fn about() -> About {
    let rate = Rate::per_second(1000).unwrap();
    About {
        version: "0.1.0".to_owned(),
        name: "shop".to_owned(),
        anchor: Anchor { unix_ns: STARTED, offset: Offset::ZERO },
        monotonic_ns: 42,
        rate,
        control_rate: rate,
        targets: vec![Target {
            name: "shop".to_owned(),
            url: "http://shop.example.com/".to_owned(),
            protocol: Protocol::Http1,
            policies: vec![Policy::Reused, Policy::New],
            start: Offset::ZERO,
        }],
        timeout: Duration::from_secs(6),
        slow: Duration::from_millis(500),
        command: None,
        budgets: vec![(verdict::default_budget(), Window::Judged)],
        max_blind: MaxBlind::default(),
    }
}

/// The worked example of the definitions: 503 from 2000 to 2300 ms, of 4 s.
pub(crate) fn worked_example() -> Record {
    let answer = |_, at| if (2000..2300).contains(&at) { Class::Status(503) } else { Class::Ok };
    record(about(), 4000, &answer, vec![Entry::Phase(Phase::Event, Offset::ZERO)])
}

/// Nothing failed.
pub(crate) fn healthy() -> Record {
    record(about(), 2000, &|_, _| Class::Ok, vec![Entry::Phase(Phase::Event, Offset::ZERO)])
}

/// A rollout by Helm that loses requests for a second and a half: refused on new connections, reset and
/// closed on reused ones.
pub(crate) fn story() -> Record {
    let ms = Offset::from_millis;
    let answer = |policy, at| match (policy, at) {
        (Policy::New, 3100..4600) if at % 4 < 2 => Class::Refused,
        (Policy::Reused, 3100..3120) => Class::Reset,
        (Policy::Reused, 4000..4010) => Class::Closed,
        _ => Class::Ok,
    };
    let words = "helm upgrade shop ./chart --wait".split(' ').map(str::to_owned).collect();
    let limit = Budget {
        name: "--max-outage".to_owned(),
        scope: Scope::EachTarget,
        limit: Limit::Outage(Duration::from_millis(15)),
    };
    let about = About { command: Some(words), budgets: vec![(limit, Window::Judged)], ..about() };
    let line = |at, text: &str| Entry::Event(Event::new(ms(at), Source::Command, "stdout", text));
    let entries = vec![
        Entry::Phase(Phase::Baseline, Offset::ZERO),
        Entry::Phase(Phase::Event, ms(2000)),
        Entry::Started(ms(2000)),
        line(2100, "Release \"shop\" has been upgraded. Happy Helming!"),
        line(5900, "STATUS: deployed"),
        Entry::Exit(Exit { at: ms(6000), code: Some(0), signal: None }),
        Entry::Phase(Phase::Settle, ms(6000)),
    ];
    record(about, 8000, &answer, entries)
}

/// A run of which nothing but its beginning is known.
pub(crate) fn empty() -> Record {
    Recorder::new(about()).finish()
}
