//! Faults of seven kinds, injected by a server at planned times: the known truth of a calibration. An outage fails
//! every request; a loss fails a share of them, drawn at random, in one way or in two at once.
//!
//! The server decides about each request by the clock at the moment at which it has read it, so that an outage begins
//! and ends as planned however busy the machine is.

mod server;

use std::time::Duration;

pub use self::server::{Server, Truth};
use lapse_measure::time::Offset;

/// The effect of an outage on each request or connection while it lasts.
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

    /// The kinds that a loss is made of. A closed port fails every connection, so it cannot fail a share of them.
    const OF_LOSSES: [Self; 4] = [Self::Status, Self::Reset, Self::Close, Self::Hang];

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

/// A planned outage or loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outage {
    /// The effect on each affected request or connection.
    pub fault: Fault,
    /// A second effect at the same time, which half of the affected requests suffer instead.
    pub also: Option<Fault>,
    /// The share of the requests that are affected, from 0 to 1; an outage affects all of them.
    pub share: f64,
    /// The start: requests read from this offset on are affected.
    pub from: Offset,
    /// The end: requests read from this offset on are not affected.
    pub to: Offset,
}

/// Planned outages in order, without overlap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan(Vec<Outage>);

/// The shortest outage of a random plan.
const SHORTEST: Duration = Duration::from_millis(1);
/// The minimum time between two outages (the maximum is twice that): enough that two are not taken for one.
const APART: Duration = Duration::from_millis(150);
/// The shortest and the longest loss of a random plan.
const LOSS_LENGTHS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// The smallest and the largest share lost.
const LOST: (f64, f64) = (0.1, 0.9);

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
            outages.push(Outage { fault, also: None, share: 1.0, from: at, to: at + length });
            at = at + length + APART.mul_f64(1.0 + random.f64());
        }
        Self(outages)
    }

    /// Adds `count` losses after the outages of the plan, with `gap` before each: of 10 % to 90 % of the requests, for
    /// 0.1 to 2 s (log-uniformly). After one of each kind come as many of two kinds at once. The same seed gives the same
    /// losses, though not the same requests lost.
    #[must_use]
    pub fn with_losses(mut self, seed: u64, count: usize, gap: Duration) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut at = self.end() + gap;
        for nth in 0..count {
            let (least, most) = LOSS_LENGTHS;
            let length = least.mul_f64(most.div_duration_f64(least).powf(random.f64()));
            let kinds = Fault::OF_LOSSES.len();
            let fault = Fault::OF_LOSSES[nth % kinds];
            let also = (nth / kinds % 2 == 1).then_some(Fault::OF_LOSSES[(nth + 1) % kinds]);
            let share = LOST.0 + (LOST.1 - LOST.0) * random.f64();
            self.0.push(Outage { fault, also, share, from: at, to: at + length });
            at = at + length + gap;
        }
        self
    }

    /// The outages in order.
    pub fn outages(&self) -> &[Outage] {
        &self.0
    }

    /// The end of the last outage, or zero for an empty plan.
    pub fn end(&self) -> Offset {
        self.0.last().map_or(Offset::ZERO, |outage| outage.to)
    }

    /// The fault that affects a request read at `now`, if any: of a loss each request takes its chance.
    fn at(&self, now: Offset) -> Option<Fault> {
        let next = self.0.partition_point(|outage| outage.to <= now);
        let outage = self.0.get(next).filter(|outage| outage.from <= now)?;
        let fault = outage.also.filter(|_| fastrand::bool()).unwrap_or(outage.fault);
        (fastrand::f64() < outage.share).then_some(fault)
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
    fn losses_follow_the_outages_at_a_distance_and_fail_about_their_share() {
        let gap = Duration::from_millis(400);
        let plan = Plan::random(7, 5, Offset::ZERO, Duration::from_millis(10)).with_losses(7, 12, gap);
        let losses = &plan.outages()[5..];
        assert_eq!(losses.len(), 12);
        assert_eq!(losses.iter().filter(|loss| loss.also.is_some()).count(), 4);
        assert!(losses.iter().all(|loss| loss.also != Some(loss.fault)));
        for (before, loss) in plan.outages()[4..].iter().zip(losses) {
            assert_eq!(loss.from, before.to + gap);
            assert!((LOST.0..=LOST.1).contains(&loss.share), "{loss:?}");
            assert!((LOSS_LENGTHS.0..=LOSS_LENGTHS.1).contains(&loss.to.since(loss.from)), "{loss:?}");
            let lost = (0..10_000).filter(|_| plan.at(loss.from).is_some()).count();
            // Six standard deviations of 10,000 draws are at most 3 %.
            assert!((f64::from(u32::try_from(lost).unwrap()) / 1e4 - loss.share).abs() < 0.03, "{lost}, {loss:?}");
        }
    }

    #[test]
    fn an_outage_holds_from_its_first_instant_up_to_its_last() {
        let (from, to) = (Offset::from_millis(10), Offset::from_millis(20));
        let plan = Plan(vec![Outage { fault: Fault::Reset, also: None, share: 1.0, from, to }]);
        assert_eq!(plan.at(Offset::from_nanos(9_999_999)), None);
        assert_eq!((plan.at(from), plan.at(Offset::from_nanos(19_999_999))), (Some(Fault::Reset), Some(Fault::Reset)));
        assert_eq!(plan.at(to), None);
    }
}
