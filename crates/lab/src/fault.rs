//! Faults of every kind, inflicted by a server at instants that are planned: what a calibration is held against.
//!
//! The server decides about each request by the clock at the moment at which it has read it, so that an outage
//! begins and ends when the plan says, whatever else the machine does.

mod server;

use std::time::Duration;

pub use self::server::{Server, Truth};
use lapse_measure::time::Offset;

/// What is done to each request, or to each connection, for as long as an outage lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Answered with 503.
    Status,
    /// The port refuses new connections, and established ones are dropped.
    Refuse,
    /// The connection is reset.
    Reset,
    /// The connection is ended without an answer.
    Close,
    /// The answer breaks off within its body.
    Truncate,
    /// The answer is not HTTP.
    Garble,
    /// No answer ever comes.
    Hang,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Status, Self::Refuse, Self::Reset, Self::Close, Self::Truncate, Self::Garble, Self::Hang];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status 503",
            Self::Refuse => "refused",
            Self::Reset => "reset",
            Self::Close => "closed",
            Self::Truncate => "truncated",
            Self::Garble => "not http",
            Self::Hang => "no answer",
        }
    }
}

/// An outage to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What happens to requests.
    pub fault: Fault,
    /// Requests read from here on meet it,
    pub from: Offset,
    /// and those read from here on do not.
    pub to: Offset,
}

/// Outages to come, in order and apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(Vec<Outage>);

/// The shortest outage of a random plan.
const SHORTEST: Duration = Duration::from_millis(1);
/// Between two outages lies at least this, and at most twice as much: enough for the second not to be taken for more
/// of the first.
const APART: Duration = Duration::from_millis(150);

impl Plan {
    /// So many outages, all kinds equally often in random order, the first one at `first`. Lengths lie between one
    /// millisecond and `longest`, each order of magnitude as likely as any other. The same seed gives the same plan.
    pub fn random(seed: u64, count: usize, first: Offset, longest: Duration) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut at, mut kinds) = (first, Vec::new());
        let mut outages = Vec::with_capacity(count);
        for _ in 0..count {
            if kinds.is_empty() {
                kinds = Fault::ALL.to_vec();
                random.shuffle(&mut kinds);
            }
            let Some(fault) = kinds.pop() else { break };
            let length = SHORTEST.mul_f64((longest.as_secs_f64() / SHORTEST.as_secs_f64()).max(1.0).powf(random.f64()));
            outages.push(Outage { fault, from: at, to: at + length });
            at = at + length + APART.mul_f64(1.0 + random.f64());
        }
        Self(outages)
    }

    /// The outages, in order.
    pub fn outages(&self) -> &[Outage] {
        &self.0
    }

    /// When the last one ends.
    pub fn end(&self) -> Offset {
        self.0.last().map_or(Offset::ZERO, |outage| outage.to)
    }

    /// What happens to a request that is read at `now`.
    fn at(&self, now: Offset) -> Option<Fault> {
        let next = self.0.partition_point(|outage| outage.to <= now);
        self.0.get(next).filter(|outage| outage.from <= now).map(|outage| outage.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_plan_has_every_kind_in_its_bounds_and_apart_and_can_be_repeated() {
        let longest = Duration::from_secs(2);
        let plan = Plan::random(7, 70, Offset::from_millis(500), longest);
        assert_eq!(plan, Plan::random(7, 70, Offset::from_millis(500), longest));
        assert_ne!(plan, Plan::random(8, 70, Offset::from_millis(500), longest));
        for fault in Fault::ALL {
            assert_eq!(plan.outages().iter().filter(|outage| outage.fault == fault).count(), 10, "{fault:?}");
        }
        for outage in plan.outages() {
            assert!((SHORTEST..=longest).contains(&outage.to.since(outage.from)), "{outage:?}");
        }
        assert!(plan.outages().windows(2).all(|pair| pair[1].from >= pair[0].to + APART));
    }

    #[test]
    fn an_outage_holds_from_its_first_instant_up_to_its_last() {
        let (from, to) = (Offset::from_millis(10), Offset::from_millis(20));
        let plan = Plan(vec![Outage { fault: Fault::Reset, from, to }]);
        assert_eq!(plan.at(Offset::from_nanos(9_999_999)), None);
        assert_eq!((plan.at(from), plan.at(Offset::from_nanos(19_999_999))), (Some(Fault::Reset), Some(Fault::Reset)));
        assert_eq!(plan.at(to), None);
    }
}
