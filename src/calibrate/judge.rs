//! Compares measured outages with injected ones.

use std::time::Duration;

use super::loss::Losses;
use lapse_lab::fault::{Fault, Truth};
use lapse_measure::lane::Lane;
use lapse_measure::observations::{LaneObservations, Observations};
use lapse_measure::outage::Outage;
use lapse_measure::span::{Span, Spans};
use lapse_measure::time::{Human, Offset};

/// The result for one injected outage on one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The outage was seen within the measured bounds.
    Observed {
        /// The distance of the farther start bound from the truth; `None` if the run has no bound there.
        began_off: Option<Duration>,
        /// The distance of the farther end bound from the truth; `None` if the run has no bound there.
        ended_off: Option<Duration>,
    },
    /// The outage was not seen and is shorter than the lane's floor.
    BelowFloor,
    /// The outage was not seen, or was merged with its neighbour, in a time that the run reports as blind.
    Blind,
    /// The truth lies outside the measured bounds; the text says how.
    Outside(String),
    /// The outage was not seen although it is longer than the lane's floor.
    Missed,
}

/// The result for one injected outage on one lane, with its truth.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// The injected outage.
    pub truth: Truth,
    /// The lane.
    pub lane: Lane,
    /// The result.
    pub outcome: Outcome,
}

/// The results of a calibration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judgement {
    /// The result for each injected outage on each lane.
    pub findings: Vec<Finding>,
    /// Outages that were measured but not injected, in words.
    pub invented: Vec<String>,
    /// How the bounds of the losses fared.
    pub losses: Losses,
}

impl Judgement {
    /// The errors of the measurement, in words; empty if every truth lies within its bounds.
    pub(crate) fn objections(&self) -> Vec<String> {
        let wrong = self.findings.iter().filter_map(|finding| match &finding.outcome {
            Outcome::Outside(why) => Some(format!("{finding} lies outside its bounds: {why}")),
            Outcome::Missed => Some(format!("{finding} was missed")),
            Outcome::Observed { .. } | Outcome::BelowFloor | Outcome::Blind => None,
        });
        wrong.chain(self.invented.iter().cloned()).chain(self.losses.objections()).collect()
    }

    /// Whether any outage was seen.
    pub(crate) fn has_seen(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding.outcome, Outcome::Observed { .. }))
    }

    /// The findings about one kind of fault.
    pub(crate) fn of(&self, fault: Fault) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.truth.fault == fault)
    }

    /// The longest outage on any lane that was not seen while the run was not blind.
    pub(crate) fn longest_unseen(&self) -> Option<Duration> {
        let unseen = |finding: &&Finding| matches!(finding.outcome, Outcome::BelowFloor | Outcome::Missed);
        self.findings.iter().filter(unseen).map(|finding| finding.truth.length()).max()
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (fault, lane, length) = (self.truth.fault.name(), self.lane.policy, Human(self.truth.length()));
        write!(f, "{fault} for {length} at {} on {lane}", Human(self.truth.began.0.since(Offset::ZERO)))
    }
}

/// Judges the observations on the lanes of one target by the injected outages, given in order. What was measured from
/// `until` on belongs to losses.
pub(crate) fn judge(seen: &Observations, truths: &[Truth], until: Option<Offset>) -> Judgement {
    let mut judgement = Judgement::default();
    for lane in &seen.lanes {
        let outages = lane.outages.partition_point(|outage| until.is_none_or(|until| outage.began.1 < until));
        judgement.add(lane, &lane.outages[..outages], &seen.held_up, truths);
    }
    judgement
}

impl Judgement {
    fn add(&mut self, seen: &LaneObservations, outages: &[Outage], held_up: &Spans, truths: &[Truth]) {
        let lane = seen.lane;
        let mut outcomes: Vec<Option<Outcome>> = vec![None; truths.len()];
        for outage in outages {
            let met = met(outage, truths);
            // A probe that waited long may have met any of several outages: one that fits is enough.
            let fitting = truths[met.clone()].iter().position(|truth| within(outage, truth, truth).is_ok());
            let met = fitting.map_or(met.clone(), |place| met.start + place..met.start + place + 1);
            let Some((first, last)) = truths[met.clone()].first().zip(truths[met.clone()].last()) else {
                let at = Human(outage.from.since(Offset::ZERO));
                self.invented.push(format!("{} probes failed at {at} on {} unasked", outage.failed, lane.policy));
                continue;
            };
            let within = within(outage, first, last);
            // Between two outages there was a success to see, unless the prober sent nothing.
            let between = Span::new(first.ended.1, last.began.0);
            let is_merged = met.len() > 1 && seen.blind.within(between).length().is_zero();
            let outcome = match within {
                Err(why) => Outcome::Outside(why),
                Ok(_) if is_merged => Outcome::Outside("it was taken for one with the next".to_owned()),
                Ok(_) if met.len() > 1 => Outcome::Blind,
                Ok(seen) => seen,
            };
            for place in met {
                // Several measured outages may belong to one truth: a request sent during it may be answered after it.
                // (Linux retries a SYN after two ticks if it met the TIME_WAIT of an older connection on a port without
                // listener: tcp_rcv_synsent_state_process.) Each must have the truth within its bounds.
                let before = outcomes[place].take().filter(|before| matches!(before, Outcome::Outside(_)));
                outcomes[place] = Some(before.unwrap_or_else(|| outcome.clone()));
            }
        }
        for (truth, outcome) in truths.iter().zip(outcomes) {
            let outcome = outcome.unwrap_or_else(|| unseen(truth, seen, held_up));
            self.findings.push(Finding { truth: *truth, lane, outcome });
        }
    }
}

/// The indices of the truths that an outage's failures may have met.
fn met(outage: &Outage, truths: &[Truth]) -> std::ops::Range<usize> {
    // The first failure met the service by the end of the start bracket, the last one after the beginning of the end
    // bracket.
    let (from, to) = (outage.began.1.min(outage.ended.0), outage.began.1.max(outage.ended.0));
    let start = truths.partition_point(|truth| truth.ended.1 < from);
    let end = truths.partition_point(|truth| truth.began.0 <= to);
    start..end.max(start)
}

/// Whether the truth, from the start of `first` to the end of `last`, lies within the outage's bounds.
fn within(outage: &Outage, first: &Truth, last: &Truth) -> Result<Outcome, String> {
    let (earliest, latest) = outage.began;
    let (from, to) = outage.ended;
    if earliest.is_some_and(|earliest| first.began.1 < earliest) {
        return Err(format!("it began {} earlier", Human(earliest.unwrap_or(latest).since(first.began.1))));
    }
    if first.began.0 > latest {
        return Err(format!("it began {} later", Human(first.began.0.since(latest))));
    }
    if last.ended.1 < from {
        return Err(format!("it ended {} earlier", Human(from.since(last.ended.1))));
    }
    if to.is_some_and(|to| last.ended.0 > to) {
        return Err(format!("it ended {} later", Human(last.ended.0.since(to.unwrap_or(from)))));
    }
    let off = |truth: (Offset, Offset), from: Offset, to: Offset| truth.1.since(from).max(to.since(truth.0));
    Ok(Outcome::Observed {
        began_off: earliest.map(|earliest| off(first.began, earliest, latest)),
        ended_off: to.map(|to| off(last.ended, from, to)),
    })
}

/// Why a truth was not seen.
fn unseen(truth: &Truth, seen: &LaneObservations, held_up: &Spans) -> Outcome {
    let was_blind = [&seen.blind, held_up].iter().any(|blind| !blind.within(truth.span()).length().is_zero());
    match truth.length() {
        length if length <= seen.detection_limit() => Outcome::BelowFloor,
        _ if was_blind => Outcome::Blind,
        _ => Outcome::Missed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::notation::seen;

    /// Truths in microseconds on a lane whose slots are a millisecond apart.
    fn judged(notation: &str, truths: &[(u64, u64)]) -> (Vec<Outcome>, Vec<String>) {
        let at = |micros: u64| Offset::from_nanos(micros * 1000);
        let truth = |&(from, to): &(u64, u64)| Truth {
            fault: Fault::Status,
            share: 1.0,
            began: (at(from), at(from)),
            ended: (at(to), at(to)),
        };
        let truths: Vec<_> = truths.iter().map(truth).collect();
        let judgement = judge(&seen(&[notation]), &truths, None);
        let objections = judgement.objections();
        (judgement.findings.into_iter().map(|finding| finding.outcome).collect(), objections)
    }

    fn off(began_us: u64, ended_us: u64) -> Outcome {
        let off = |micros| Some(Duration::from_micros(micros));
        Outcome::Observed { began_off: off(began_us), ended_off: off(ended_us) }
    }

    #[test]
    fn a_truth_within_its_bounds_is_seen_and_its_farther_bounds_are_told() {
        assert_eq!(judged("...xx...", &[(2700, 4100)]), (vec![off(700, 900)], vec![]));
    }

    #[test]
    fn a_truth_outside_its_bounds_is_an_objection() {
        for truth in [(1900, 4100), (3100, 4100), (2700, 3900), (2700, 5100)] {
            let (outcomes, objections) = judged("...xx...", &[truth]);
            assert!(matches!(outcomes[0], Outcome::Outside(_)), "{truth:?}: {outcomes:?}");
            assert_eq!(objections.len(), 1, "{truth:?}");
        }
    }

    #[test]
    fn what_fits_between_two_slots_may_go_unseen_and_nothing_longer() {
        assert_eq!(judged("........", &[(2100, 2900)]), (vec![Outcome::BelowFloor], vec![]));
        let (outcomes, objections) = judged("........", &[(2100, 4900)]);
        assert_eq!((&outcomes[..], objections.len()), (&[Outcome::Missed][..], 1));
    }

    #[test]
    fn what_falls_into_blind_time_is_neither_seen_nor_missed() {
        assert_eq!(judged("..????..", &[(2500, 4900)]), (vec![Outcome::Blind], vec![]));
        assert_eq!(judged("..x??x..", &[(1500, 2900), (4500, 5900)]), (vec![Outcome::Blind; 2], vec![]));
    }

    #[test]
    fn failures_without_an_injected_outage_are_invented() {
        let (_, objections) = judged("..x.....", &[]);
        assert_eq!(objections.len(), 1, "{objections:?}");
    }

    #[test]
    fn two_truths_taken_for_one_and_one_taken_for_two_are_objections() {
        assert_eq!(judged("..xxxx..", &[(1500, 2900), (4500, 5900)]).1.len(), 2);
        assert_eq!(judged("..x.x...", &[(1500, 4900)]).1.len(), 1);
    }
}
