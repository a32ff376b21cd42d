//! Waits before the run until its targets are up, by probes that count in no figure.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::sleep;

use super::steering::{Request, Steering};
use lapse_hammer::clock::Clock;
use lapse_hammer::engine::{self, Settings};
use lapse_measure::answer::Health;
use lapse_measure::fold::Fold;
use lapse_measure::lane::{Lane, Policy, Protocol, TargetId};
use lapse_measure::phase::Phase;
use lapse_measure::phrase::{Count, part};
use lapse_measure::schedule::{Rate, Schedule};
use lapse_measure::time::{Human, Offset};
use lapse_record::batch::{Batch, ProbeRecord};

/// For how long every lane must have been up. The baseline that follows is the longer test.
pub(crate) const CALM: Duration = Duration::from_secs(1);
/// The time between setting up the engine and the first probe.
const RUN_UP: Duration = Duration::from_millis(10);

/// What came of waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// Every target was up after this time.
    Up(Duration),
    /// A target was not up in time: which, and what it answered.
    Down(String),
    /// The end of the run was asked for, as by this signal; the sentence says who asked.
    Ended(Signal, String),
}

/// What the targets have answered so far.
#[derive(Debug, Default)]
struct Answers(BTreeMap<TargetId, Tally>);

/// What one target has answered.
#[derive(Debug, Default)]
struct Tally {
    resolved: u64,
    failed: u64,
    /// The class of the last failure, and the error of the layer that failed.
    last: Option<String>,
}

/// Probes the targets of `settings`, which are called `names`, until every lane has been up for [`CALM`], but no longer
/// than `limit`. Fails if the engine cannot be started.
pub(crate) async fn wait(
    settings: Settings,
    names: &[String],
    limit: Duration,
    steering: &mut Steering,
) -> Result<Waited, engine::Error> {
    let clock = Clock::start_in(RUN_UP);
    let (lanes, control) = (settings.lanes.clone(), settings.control);
    let mut hammer = engine::start(settings, clock)?;
    let mut fold = Fold::new(names, &lanes, &control);
    fold.begin(Phase::Event, Offset::ZERO);
    let (mut answers, end) = (Answers::default(), Offset::ZERO + limit);
    let mut over = std::pin::pin!(sleep(clock.until(end)));
    loop {
        let batch = tokio::select! {
            request = steering.next() => match request {
                Request::End(signal, why) => return Ok(Waited::Ended(signal, why)),
                Request::Settle => return Ok(Waited::Ended(Signal::TERM, "stopped while it waited".to_owned())),
                // There is no timeline yet that an event could be on.
                Request::Event { .. } => continue,
            },
            () = &mut over => None,
            batch = hammer.next() => batch,
        };
        let Some(batch) = batch else { return Ok(Waited::Down(answers.say(names, limit))) };
        answers.add(&batch, &lanes);
        // The engine resolves each slot once, so no probe is refused.
        let _ = fold.push_all(batch.records.iter().map(|record| (record.lane, &record.probe, None)));
        if fold.is_settled(Offset::ZERO, CALM) {
            return Ok(Waited::Up(clock.now().since(Offset::ZERO)));
        }
    }
}

/// The lanes of `targets` targets, each probed at `rate`. They are only told apart here, so their protocol does not matter.
pub(crate) fn lanes(targets: usize, policies: &[Policy], rate: Rate) -> Vec<Lane> {
    let count = NonZeroU64::new(policies.len() as u64).unwrap_or(NonZeroU64::MIN);
    let of = |target| {
        let schedules = Schedule::interleaved(rate, count, Offset::ZERO);
        let lane = move |(policy, schedule): (&Policy, Schedule)| Lane {
            target: TargetId(target),
            policy: *policy,
            protocol: Protocol::Http1,
            schedule,
        };
        policies.iter().zip(schedules).map(lane)
    };
    (0..targets).flat_map(of).collect()
}

impl Answers {
    fn add(&mut self, batch: &Batch, lanes: &[Lane]) {
        for record in &batch.records {
            let Some(lane) = lanes.get(record.lane.0) else { continue };
            self.0.entry(lane.target).or_default().add(record);
        }
    }

    /// Why the wait was in vain: each target that failed a probe or answered none; all of them if no one did.
    fn say(&self, names: &[String], limit: Duration) -> String {
        let nothing = Tally::default();
        let targets = || (0..).map(TargetId).zip(names);
        let tally = |target| self.0.get(&target).unwrap_or(&nothing);
        let failed: Vec<_> = targets().filter_map(|(target, name)| tally(target).say(name)).collect();
        let what = if failed.is_empty() {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            format!("no probe failed, but {} answered for no {}", names.join(", "), Human(CALM))
        } else {
            failed.join("; ")
        };
        format!(
            "not up for {} within --wait-up {}: {what}: start it first, or wait for longer",
            Human(CALM),
            Human(limit)
        )
    }
}

impl Tally {
    fn add(&mut self, ProbeRecord { probe, evidence, .. }: &ProbeRecord) {
        let health = probe.class.health();
        self.resolved += u64::from(health != Health::Blind);
        if health == Health::Failed {
            self.failed += 1;
            let detail = evidence.as_ref().map(|evidence| format!(" ({})", evidence.detail)).unwrap_or_default();
            self.last = Some(format!("{}{detail}", probe.class));
        }
    }

    fn say(&self, name: &str) -> Option<String> {
        match &self.last {
            Some(last) => {
                Some(format!("{name} failed {}, the last with {last}", part(self.failed, self.resolved, "probe")))
            }
            None => (self.resolved == 0).then(|| format!("{name} answered none of its probes")),
        }
    }
}

impl Waited {
    /// What to say of it on the timeline; `None` unless the targets were up.
    pub(crate) fn said(&self) -> Option<String> {
        match self {
            Self::Up(after) => Some(format!("up for {} after {} of waiting (--wait-up)", Human(CALM), Human(*after))),
            Self::Down(_) | Self::Ended(..) => None,
        }
    }
}

/// What is said when the wait begins.
pub(crate) fn announcement(names: &[String], limit: Duration) -> String {
    let count = names.len() as u64;
    let who = match names {
        [name] => format!("{name} has"),
        _ => format!("{} targets have", Count(count)),
    };
    format!("waiting until {who} been up for {}, {} at most (--wait-up)", Human(CALM), Human(limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::answer::{Class, Connection, Evidence, Probe};
    use lapse_measure::lane::LaneId;

    fn record(class: Class, detail: &str) -> ProbeRecord {
        let (at, connection) = (Offset::ZERO, Connection::New);
        let probe = Probe { slot: 0, due: at, sent: at, done: at, class, timed_out: false, connection, reconnects: 0 };
        let evidence = Evidence { detail: detail.to_owned(), ..Evidence::default() };
        ProbeRecord { lane: LaneId(0), probe, evidence: Some(Box::new(evidence)), version: None }
    }

    #[test]
    fn a_wait_in_vain_says_what_each_target_answered() {
        let said = |answers: &Answers| answers.say(&["shop".to_owned(), "api".to_owned()], Duration::from_secs(60));
        let mut tally = Tally::default();
        for (class, detail) in
            [(Class::Ok, ""), (Class::Refused, "connection refused"), (Class::Status(503), "a status")]
        {
            tally.add(&record(class, detail));
        }
        let mut answers = Answers([(TargetId(0), tally)].into());
        assert_eq!(
            said(&answers),
            "not up for 1.00 s within --wait-up 60.0 s: shop failed 2 of 3 probes, the last with status 503 (a status); api \
             answered none of its probes: start it first, or wait for longer"
        );
        let up = || Tally { resolved: 1, ..Tally::default() };
        answers.0 = [(TargetId(0), up()), (TargetId(1), up())].into();
        assert!(said(&answers).contains("no probe failed, but shop, api answered for no 1.00 s"), "{}", said(&answers));
    }
}
