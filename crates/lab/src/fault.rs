//! Faults of seven kinds, injected by a server at planned times: the known truth of a calibration.
//!
//! The server decides about each request by the clock at the moment at which it has read it, so that an outage begins
//! and ends as planned however busy the machine is.

mod server;

use std::time::Duration;

pub use self::server::{Server, Truth};
use lapse_measure::time::Offset;

/// What an outage does to each request or connection while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Requests are answered with 503.
    Status,
    /// The port refuses new connections, and established ones are dropped.
    Refuse,
    /// Connections are reset.
    Reset,
    /// Connections are closed without an answer.
    Close,
    /// Answers are cut within their body.
    Truncate,
    /// Answers are not HTTP.
    Garble,
    /// Requests are never answered.
    Hang,
}

impl Fault {
    /// Every kind of fault.
    pub const ALL: [Self; 7] =
        [Self::Status, Self::Refuse, Self::Reset, Self::Close, Self::Truncate, Self::Garble, Self::Hang];

    /// The fault's name in reports and tables.
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

/// A planned outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What the outage does to requests.
    pub fault: Fault,
    /// The start: requests read from this offset on are affected.
    pub from: Offset,
    /// The end: requests read from this offset on are not affected.
    pub to: Offset,
}

/// Planned outages in order, without overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(Vec<Outage>);

/// The shortest outage of a random plan.
const SHORTEST: Duration = Duration::from_millis(1);
/// The minimum time between two outages (the maximum is twice that): enough that two are not taken for one.
const APART: Duration = Duration::from_millis(150);

impl Plan {
    /// Plans `count` outages from `first` on, all kinds equally often and in random order. Lengths are drawn
    /// log-uniformly from one millisecond to `longest`. The same seed gives the same plan.
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

    /// The outages in order.
    pub fn outages(&self) -> &[Outage] {
        &self.0
    }

    /// The end of the last outage, or zero for an empty plan.
    pub fn end(&self) -> Offset {
        self.0.last().map_or(Offset::ZERO, |outage| outage.to)
    }

    /// The fault that affects a request read at `now`, if any.
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
