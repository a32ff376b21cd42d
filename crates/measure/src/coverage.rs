//! The coverage of a lane: its blind time, and the smallest outage that it was sure to see.

use std::time::Duration;

use super::answer::{Class, Probe};
use super::schedule::Schedule;
use super::span::{Span, Spans};
use super::time::Offset;

/// How far beyond the period two sends may lie apart before the time between them counts as blind.
pub const SLACK: Duration = Duration::from_millis(1);

/// From this on a time without a send is a stall of the prober; a control probe that takes longer shows one too.
const STALL: Duration = Duration::from_millis(10);
/// At low rates a stall is no shorter than this many periods.
const STALL_PERIODS: u32 = 4;

/// Follows the sends of one lane, in slot order.
#[derive(Clone, Debug)]
pub struct Coverage {
    period: Duration,
    last_sent: Option<Offset>,
    widest: Duration,
    blind: Spans,
    /// Slots not sent since the last send.
    unsent: u64,
    shed: u64,
}

impl Coverage {
    /// The coverage of a lane before its first send.
    pub fn new(schedule: &Schedule) -> Self {
        Self {
            period: schedule.period(),
            last_sent: None,
            widest: schedule.period(),
            blind: Spans::default(),
            unsent: 0,
            shed: 0,
        }
    }

    /// Takes the probe of the next slot.
    pub fn push(&mut self, probe: &Probe) {
        if let Class::NotSent(_) = probe.class {
            self.blind.append(Span::new(probe.due, probe.due + self.period));
            self.unsent += 1;
            return;
        }
        let last = self.last_sent.unwrap_or(probe.due);
        let gap = probe.sent.since(last);
        if gap > self.period + SLACK {
            self.blind.append(Span::new(last + self.period, probe.sent));
        } else {
            self.widest = self.widest.max(gap);
        }
        let unsent = std::mem::take(&mut self.unsent);
        if gap < STALL.max(self.period * STALL_PERIODS) {
            self.shed += unsent;
        }
        self.last_sent = Some(last.max(probe.sent));
    }

    /// The time in which nothing was sent although something was due.
    pub const fn blind(&self) -> &Spans {
        &self.blind
    }

    /// Slots that were not sent although the prober did not stall: it could not keep the rate.
    pub const fn shed(&self) -> u64 {
        self.shed
    }

    /// The largest gap between two sends outside blind time.
    pub const fn widest(&self) -> Duration {
        self.widest
    }
}

/// Follows the control lane: when the prober cannot reach itself in time, the fault is its own.
#[derive(Clone, Debug)]
pub struct Control {
    period: Duration,
    stalls: Vec<Span>,
    probes: u64,
}

impl Control {
    /// A control lane of which nothing was sent yet.
    pub fn new(schedule: &Schedule) -> Self {
        Self { period: schedule.period(), stalls: Vec::new(), probes: 0 }
    }

    /// Takes a control probe, in whatever order they come.
    pub fn push(&mut self, probe: &Probe) {
        self.probes += 1;
        let stall = match probe.class {
            Class::NotSent(_) => Span::new(probe.due, probe.due + self.period),
            Class::Ok | Class::Slow if probe.done.since(probe.sent) <= STALL => return,
            _ => Span::new(probe.sent, probe.done),
        };
        match self.stalls.last_mut() {
            Some(last) if stall.from <= last.to && last.from <= stall.to => {
                *last = Span::new(last.from.min(stall.from), last.to.max(stall.to));
            }
            _ => self.stalls.push(stall),
        }
    }

    /// How many control probes there were.
    pub const fn probes(&self) -> u64 {
        self.probes
    }

    /// The time in which the prober could not even reach itself.
    pub fn blind(&self) -> Spans {
        self.stalls.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::notation::{probes, schedule};
    use super::*;

    fn coverage(probes: &[Probe]) -> Coverage {
        let mut coverage = Coverage::new(&schedule());
        for probe in probes {
            coverage.push(probe);
        }
        coverage
    }

    fn millis(from: u64, to: u64) -> Span {
        Span::new(Offset::from_millis(from), Offset::from_millis(to))
    }

    #[test]
    fn slots_that_were_not_sent_are_blind() {
        assert_eq!(coverage(&probes("..xx??..")).blind().iter().collect::<Vec<_>>(), [millis(4, 6)]);
        assert_eq!(coverage(&probes("..xx..")).blind().length(), Duration::ZERO);
    }

    #[test]
    fn late_sends_are_blind_from_when_they_were_due() {
        let mut all = probes("..........");
        for late in &mut all[4..8] {
            late.sent = Offset::from_millis(7);
        }
        let seen = coverage(&all);
        assert_eq!(seen.blind().iter().collect::<Vec<_>>(), [millis(4, 7)]);
        assert_eq!(seen.widest(), Duration::from_millis(1));
    }

    #[test]
    fn a_prober_that_cannot_reach_itself_in_time_is_blind() {
        let mut control = Control::new(&schedule());
        let mut all = probes(".....");
        all[2].done = all[2].sent + Duration::from_millis(30);
        all[3].done = all[3].sent + Duration::from_millis(29);
        for probe in &all {
            control.push(probe);
        }
        assert_eq!(control.blind().iter().collect::<Vec<_>>(), [millis(2, 32)]);
    }
}
