//! What clients did during a replay, counted as it happens, in bounded memory.

mod entry;
mod key;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use lapse_measure::answer::Class;
use lapse_measure::time::Offset;

pub(crate) use self::entry::Entry;
pub(crate) use self::key::{Key, Keys};
use crate::account::{Account, Both, Recovery, Usual};
use crate::weather::Weather;

/// The most keys that are told apart: a test has fewer, and a client that sends a new one each time ends here.
const MAX_KEYS: usize = 1 << 18;
/// The stretch in which requests count as a herd.
pub(crate) const HERD: Duration = Duration::from_millis(100);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The client has a whole answer of a service that is well.
    Succeeded,
    /// The client has anything else, or has gone.
    Failed,
    /// The upstream failed, and not the recorded service.
    UpstreamFailed,
}

/// A request that has been entered, and whose outcome is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The play in which it came.
    play: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Keyed(Key),
    Keyless,
    /// In no figure.
    Outside,
}

/// The requests with one key.
#[derive(Clone, Copy, Debug, Default)]
struct Logical {
    under_way: u32,
    succeeded: bool,
    upstream_failed: bool,
}

/// Logical requests by what became of them.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    all: u64,
    succeeded: u64,
    under_way: u64,
    upstream_failed: u64,
}

/// Requests and connections in one stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    requests: u64,
    connections: u64,
}

/// The counts of one play of a replay.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The number of the play.
    play: u64,
    started: Option<Offset>,
    /// When, by the replay's clock, the service fails first, and when it has recovered.
    first_failure: Option<Offset>,
    recovered: Vec<Offset>,
    requests: u64,
    outside: u64,
    left_out: u64,
    max_keys: usize,
    keyed: HashMap<Key, Logical>,
    keyless: Tally,
    connections: u64,
    passed: u64,
    upstream_failed: u64,
    classes: BTreeMap<Class, u64>,
    usual: Counts,
    herds: Vec<Counts>,
    first_successes: Vec<Option<Offset>>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::of_play(0, None, &Weather::default(), |_| Offset::ZERO)
    }
}

impl Ledger {
    fn of_play(play: u64, started: Option<Offset>, weather: &Weather, when: impl Fn(Offset) -> Offset) -> Self {
        let recovered: Vec<_> = weather.recovered.iter().map(|at| when(*at)).collect();
        Self {
            play,
            started,
            first_failure: weather.first_failure.map(&when),
            requests: 0,
            outside: 0,
            left_out: 0,
            max_keys: MAX_KEYS,
            keyed: HashMap::new(),
            keyless: Tally::default(),
            connections: 0,
            passed: 0,
            upstream_failed: 0,
            classes: BTreeMap::new(),
            usual: Counts::default(),
            herds: vec![Counts::default(); recovered.len()],
            first_successes: vec![None; recovered.len()],
            recovered,
        }
    }

    /// Begins the ledger of another play, which started at `started`, or has not. `when` has the instant of the replay's
    /// clock at which an offset of the recorded run is played.
    pub(crate) fn restart(&mut self, started: Option<Offset>, weather: &Weather, when: impl Fn(Offset) -> Offset) {
        let max_keys = self.max_keys;
        *self = Self { max_keys, ..Self::of_play(self.play + 1, started, weather, when) };
    }

    /// Counts a connection that was accepted at `now`.
    pub(crate) fn connected(&mut self, now: Offset) {
        self.connections += u64::from(self.started.is_some());
        if let Some(counts) = self.stretch(now) {
            counts.connections += 1;
        }
    }

    /// Enters a request that was read at `now`: `class` is what it meets while the run is played, `None` before the start
    /// and after the end.
    pub(crate) fn enter(&mut self, now: Offset, key: Option<Key>, class: Option<Class>) -> Ticket {
        let kind = self.kind(key, class.is_some());
        let ticket = Ticket { play: self.play, kind };
        if kind == Kind::Outside {
            return ticket;
        }
        self.requests += 1;
        *self.classes.entry(class.unwrap_or(Class::Ok)).or_default() += 1;
        if let Some(counts) = self.stretch(now) {
            counts.requests += 1;
        }
        if let Kind::Keyed(key) = kind {
            self.keyed.entry(key).or_default().under_way += 1;
        } else {
            self.keyless.all += 1;
            self.keyless.under_way += 1;
        }
        ticket
    }

    /// A logical request begins while the run is played; a later request of it counts after the end as well.
    fn kind(&mut self, key: Option<Key>, playing: bool) -> Kind {
        match key {
            Some(key) if self.keyed.contains_key(&key) => Kind::Keyed(key),
            Some(key) if playing && self.keyed.len() < self.max_keys => Kind::Keyed(key),
            Some(_) if playing => {
                self.left_out += 1;
                Kind::Outside
            }
            None if playing => Kind::Keyless,
            _ => {
                self.outside += 1;
                Kind::Outside
            }
        }
    }

    /// Notes that a request is passed to the upstream.
    pub(crate) fn pass(&mut self, ticket: Ticket) {
        self.passed += u64::from(ticket.play == self.play && ticket.kind != Kind::Outside);
    }

    /// Notes at `now` what became of a request; of a play that is past, nothing.
    pub(crate) fn settle(&mut self, ticket: Ticket, now: Offset, outcome: Outcome) {
        if ticket.play != self.play || ticket.kind == Kind::Outside {
            return;
        }
        let (succeeded, upstream_failed) = (outcome == Outcome::Succeeded, outcome == Outcome::UpstreamFailed);
        self.upstream_failed += u64::from(upstream_failed);
        if succeeded && let Some(first) = self.last_recovery(now).and_then(|nth| self.first_successes.get_mut(nth)) {
            first.get_or_insert(now);
        }
        if let Kind::Keyed(key) = ticket.kind {
            if let Some(logical) = self.keyed.get_mut(&key) {
                logical.under_way = logical.under_way.saturating_sub(1);
                logical.succeeded |= succeeded;
                logical.upstream_failed |= upstream_failed;
            }
        } else {
            self.keyless.under_way = self.keyless.under_way.saturating_sub(1);
            self.keyless.succeeded += u64::from(succeeded);
            self.keyless.upstream_failed += u64::from(upstream_failed);
        }
    }

    /// The place of the last recovery up to `now`.
    fn last_recovery(&self, now: Offset) -> Option<usize> {
        self.recovered.partition_point(|at| *at <= now).checked_sub(1)
    }

    /// The counts of the stretch that `now` lies in: the time before the first failure, or that just after a recovery.
    fn stretch(&mut self, now: Offset) -> Option<&mut Counts> {
        if self.started.is_some_and(|started| started <= now) && self.first_failure.is_some_and(|first| now < first) {
            return Some(&mut self.usual);
        }
        let nth = self.last_recovery(now)?;
        let recovered = *self.recovered.get(nth)?;
        self.herds.get_mut(nth).filter(|_| now < recovered + HERD)
    }

    /// The logical requests that had a key.
    fn keyed(&self) -> Tally {
        let mut tally = Tally { all: self.keyed.len() as u64, ..Tally::default() };
        for logical in self.keyed.values() {
            match logical {
                Logical { succeeded: true, .. } => tally.succeeded += 1,
                Logical { under_way: 1.., .. } => tally.under_way += 1,
                Logical { upstream_failed: true, .. } => tally.upstream_failed += 1,
                _ => {}
            }
        }
        tally
    }

    /// What it comes to at `now`, of a replay in which `weather` was played.
    pub(crate) fn account(&self, now: Offset, weather: &Weather) -> Account {
        let (keyed, keyless) = (self.keyed(), self.keyless);
        let both = |of: fn(&Tally) -> u64| Both { keyed: of(&keyed), keyless: of(&keyless) };
        let recovery = |(nth, at): (usize, &Offset)| {
            let played = *self.recovered.get(nth)?;
            let herd = self.herds.get(nth).filter(|_| played + HERD <= now);
            let first = self.first_successes.get(nth).copied().flatten();
            let (requests, connections) = (herd.map(|herd| herd.requests), herd.map(|herd| herd.connections));
            Some(Recovery { at: *at, first_success: first.map(|first| first.since(played)), requests, connections })
        };
        let calm = self.started.zip(self.first_failure).map(|(started, first)| first.since(started));
        let usual = calm.filter(|calm| *calm >= HERD && self.started.is_some_and(|started| started + *calm <= now));
        let each = |calm: Duration, count: u64| per_herd(count, calm);
        Account {
            requests: self.requests,
            outside: self.outside,
            left_out: self.left_out,
            logical: both(|tally| tally.all),
            succeeded: both(|tally| tally.succeeded),
            unfinished: both(|tally| tally.under_way),
            failed: both(|tally| tally.all - (tally.succeeded + tally.under_way).min(tally.all)),
            failed_by_upstream: both(|tally| tally.upstream_failed),
            connections: self.connections,
            passed: self.passed,
            upstream_failed: self.upstream_failed,
            classes: self.classes.clone(),
            usual: usual.map(|calm| Usual {
                requests: each(calm, self.usual.requests),
                connections: each(calm, self.usual.connections),
            }),
            recoveries: weather.recovered.iter().enumerate().filter_map(recovery).collect(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn per_herd(count: u64, calm: Duration) -> f64 {
    count as f64 * HERD.as_secs_f64() / calm.as_secs_f64()
}

#[cfg(test)]
mod tests;
