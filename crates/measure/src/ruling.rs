//! How one budget fares with one target or lane: held, exceeded, or not to be decided, and then what would decide it.
//!
//! A budget is held against bounds. What was seen decides it unless the prober itself explains the failures, the
//! baseline fares no better, or what went unseen could have exceeded it.

mod lasting;

use std::time::Duration;

use super::answer::Class;
use super::availability::worst;
use super::binomial::Share;
use super::budget::{Limit, Outcome, WorstShare};
use super::disruption::Disruption;
use super::disruptions;
use super::observations::LaneObservations;
use super::span::{Span, Spans};
use super::suspect;
use super::time::{Bounded, Human, Offset};
use super::totals::{self, Totals};

/// The measurement that a budget is held against: of a target or a lane, over a window of the run.
pub(super) struct Measured<'a> {
    /// The name of the target or the lane in reports.
    pub(super) of: String,
    lanes: Vec<&'a LaneObservations>,
    window: Span,
    totals: Totals,
    baseline: Option<Totals>,
    resolution: Duration,
}

impl<'a> Measured<'a> {
    /// The measurement on `lanes` in `window`, and in the `baseline` if there was one. An unseen outage up to
    /// `resolution` does not matter to budgets that count probes.
    pub(super) fn new(
        of: String,
        lanes: Vec<&'a LaneObservations>,
        held_up: &Spans,
        (window, baseline): (Span, Option<Span>),
        resolution: Duration,
    ) -> Self {
        let totals = |window| totals::of(&lanes, held_up, window);
        let (now, before) = (totals(window), baseline.map(totals));
        Self { of, window, totals: now, baseline: before, lanes, resolution }
    }

    /// The rule on one limit.
    pub(super) fn rule(&self, limit: &Limit) -> Outcome {
        match self.hold(limit, &self.totals, self.window) {
            Outcome::Broken(figure) => self.exceeded(limit, figure),
            Outcome::Held => self.unseen(limit).or_else(|| self.dirty_baseline(limit)).unwrap_or(Outcome::Held),
            undecided @ Outcome::Undecided(_) => undecided,
        }
    }

    /// Holds a limit against what was seen, and nothing else.
    fn hold(&self, limit: &Limit, totals: &Totals, window: Span) -> Outcome {
        let requests = totals.availability.requests;
        match limit {
            Limit::Downtime(limit) => self.bounded(totals.loss_derived, *limit),
            Limit::Disruption(limit) => self.disrupted(totals, *limit),
            Limit::Outage(limit) => self.bounded(totals.longest, *limit),
            Limit::Down(limit) => self.bounded(totals.down, *limit),
            Limit::Slow(limit) => self.bounded(totals.slow, *limit),
            Limit::Failed(limit) => exact(totals.failed <= *limit, || failed_of(totals)),
            Limit::FailedShare(limit) => {
                exact(requests.is_none_or(|share| 1.0 - share <= *limit), || failed_of(totals))
            }
            Limit::FailedWithin(WorstShare { share, width }) => {
                let timelines: Vec<_> = self.lanes.iter().map(|lane| &lane.timeline).collect();
                let worst = worst(&timelines, window, *width).map_or(0.0, |available| 1.0 - available);
                let figure = || format!("{:.1} % of the probes failed in the worst {}", worst * 100.0, Human(*width));
                // Shares come out of a subtraction from 1.
                exact(worst <= *share + 1e-9, figure)
            }
            Limit::Availability(limit) => {
                let figure =
                    || requests.map_or_else(|| "none resolved".to_owned(), |share| format!("{:.4} %", share * 100.0));
                exact(requests.is_none_or(|share| share >= *limit), figure)
            }
            // Probes say nothing of streams: `held::limit` rules on these.
            Limit::Streams(_) => Outcome::Held,
            Limit::Loss => exact(totals.failed > 0, || failed_of(totals)),
            Limit::Impaired(least, most) => {
                let impaired = totals.impaired;
                let reaches = impaired.at_most.is_none_or(|at_most| at_most >= *least);
                exact(impaired.at_least <= *most && reaches, || format!("impaired for {impaired}"))
            }
            Limit::Only(expected) => {
                let others = || totals.classes.iter().filter(|(class, _)| !expected.contains(class));
                let name = |(class, count): (&Class, &u64)| format!("{class} x{count}");
                exact(others().next().is_none(), || others().map(name).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// A limit that was exceeded, unless the prober or the time before the event explains that.
    fn exceeded(&self, limit: &Limit, figure: String) -> Outcome {
        if !limit.is_ceiling() {
            return Outcome::Broken(figure);
        }
        if self.holds_without(limit, self.totals.failed_late, |_, one| one.failed_late) {
            return Outcome::Undecided(format!(
                "{figure}, but these probes were sent late, while the prober itself was held up: run it where the \
                 machine is less busy"
            ));
        }
        if self.lanes.iter().any(|lane| lane.could_not_keep_its_rate())
            && self.holds_without(
                limit,
                exhaustion(self.totals.classes.iter().map(|(class, count)| (*class, *count))),
                |lane, one| exhaustion(one.cell_of(&lane.timeline).classes),
            )
        {
            return Outcome::Undecided(format!(
                "{figure}, but the prober may have exhausted the service, at a rate that one of the two could not keep: lower \
                 --rate"
            ));
        }
        if let Some(Outcome::Broken(before)) = self.before(limit).filter(|_| self.is_no_worse_than_before()) {
            if let Some(why) = self.own_timeout() {
                let beside = self.right_budget(limit);
                return Outcome::Undecided(format!("{figure}, but {why} (in the baseline {before}){beside}"));
            }
            let suspect = self.baseline.as_ref().and_then(|before| suspect::of(&before.classes));
            let suspect = suspect.map(|why| format!("; first suspect: {why}")).unwrap_or_default();
            return Outcome::Undecided(format!(
                "{figure}, but it was failing before the event: in the baseline {before}{suspect}{}",
                self.right_budget(limit)
            ));
        }
        // Of a baseline that is shorter than --timeout no probe had ended when the event began.
        if self.baseline.as_ref().is_none_or(|before| before.resolved == 0)
            && self.totals.failed == self.totals.resolved
            && let Some(why) = self.own_timeout()
        {
            return Outcome::Undecided(format!("{figure}, but {why}"));
        }
        let alone = self.one_probe_decides(limit);
        Outcome::Broken(if alone { format!("{figure} (a single probe decides this)") } else { figure })
    }

    /// Whether the share lost from the event on may be the one that the baseline lost: their intervals meet.
    fn is_no_worse_than_before(&self) -> bool {
        let share = |totals: &Totals| Share::of(totals.failed, totals.resolved);
        self.baseline.as_ref().is_some_and(|before| share(&self.totals).low <= share(before).high)
    }

    fn before(&self, limit: &Limit) -> Option<Outcome> {
        let before = self.baseline.as_ref().filter(|before| before.failed > 0)?;
        Some(self.hold(limit, before, self.window))
    }

    /// The doubt about a budget that held although the baseline exceeds its limit; `None` if the baseline is within it.
    fn dirty_baseline(&self, limit: &Limit) -> Option<Outcome> {
        match self.before(limit).filter(|_| limit.is_ceiling())? {
            Outcome::Broken(before) => {
                let why = format!("the baseline is not clean: before the event {before}{}", self.classes_before());
                let own = self.own_timeout().map(|own| format!("; {own}")).unwrap_or_default();
                Some(Outcome::Undecided(format!("{why}{own}{}", self.right_budget(limit))))
            }
            _ => None,
        }
    }

    fn classes_before(&self) -> String {
        let classes = self.baseline.iter().flat_map(|before| &before.classes);
        let classes: Vec<_> = classes.map(|(class, count)| format!("{class} x{count}")).collect();
        format!(" ({})", classes.join(", "))
    }

    /// The budget that judges a service with this noise, where none at all is allowed.
    fn right_budget(&self, limit: &Limit) -> String {
        let Some(before) = self.baseline.as_ref().filter(|_| *limit == Limit::Failed(0)) else { return String::new() };
        let high = Share::of(before.failed, before.resolved).high * 100.0;
        // Beyond this it is no noise.
        if high > 20.0 {
            return String::new();
        }
        format!("; --max-failed {}% would judge it beside that noise", two_digits_up(high))
    }

    /// Whether the limit would hold without `doubtful` of the failures, of which each disruption has `doubtful_of`.
    fn holds_without(
        &self,
        limit: &Limit,
        doubtful: u64,
        doubtful_of: impl Fn(&LaneObservations, &Disruption) -> u64,
    ) -> bool {
        let sure = self.totals.failed.saturating_sub(doubtful);
        let share = ratio(sure, self.totals.resolved);
        doubtful > 0
            && match limit {
                Limit::Slow(_) => false,
                Limit::Failed(limit) => sure <= *limit,
                Limit::FailedShare(limit) => share <= *limit,
                Limit::Availability(limit) => 1.0 - share >= *limit,
                Limit::Disruption(limit) => self.lanes.iter().all(|lane| {
                    let mut too_long = disruptions::within(lane, self.window);
                    too_long.all(|one| one.length().at_least <= *limit || doubtful_of(lane, one) == one.failed)
                }),
                _ => sure == 0,
            }
    }

    /// The reason and the advice if every failure, before the event and from then on, is a probe that `--timeout`
    /// ended: the service may only be slower than that.
    fn own_timeout(&self) -> Option<String> {
        let all = || self.baseline.iter().chain([&self.totals]);
        let is_own = all().flat_map(|totals| totals.classes.keys()).all(|class| *class == Class::ResponseTimeout);
        let which =
            if all().all(|totals| totals.failed == totals.resolved) { "every probe" } else { "every failed probe" };
        is_own.then(|| format!("{which} ended at the prober's own --timeout, from the start on: give it a longer one"))
    }

    fn one_probe_decides(&self, limit: &Limit) -> bool {
        let totals = &self.totals;
        let fewer = ratio(totals.failed.saturating_sub(1), totals.resolved);
        match limit {
            Limit::Failed(limit) => totals.failed == limit + 1,
            Limit::FailedShare(limit) => fewer <= *limit,
            Limit::Availability(limit) => 1.0 - fewer >= *limit,
            Limit::Downtime(_) | Limit::Disruption(_) | Limit::Outage(_) | Limit::Down(_) => totals.failed == 1,
            _ => false,
        }
    }

    /// Why a limit that held may have been exceeded all the same, by what no probe met.
    fn unseen(&self, limit: &Limit) -> Option<Outcome> {
        let totals = &self.totals;
        let (unseen, unsent) = (totals.unseen.length, totals.not_sent);
        match limit {
            Limit::Disruption(limit) | Limit::Outage(limit) if !limit.is_zero() => {
                (unseen > *limit).then(|| self.undecided("no longer one was seen", "", *limit))
            }
            Limit::Downtime(limit) if !limit.is_zero() => blind_too_long(totals.loss_derived, totals.unsent, *limit),
            Limit::Down(limit) if !limit.is_zero() => blind_too_long(totals.down, totals.blind, *limit),
            Limit::Slow(limit) if !limit.is_zero() => blind_too_long(totals.slow, totals.blind, *limit),
            // Even if each slot that was not sent had failed.
            Limit::Failed(limit) if totals.failed + unsent <= *limit => None,
            Limit::FailedShare(limit) if ratio(totals.failed + unsent, totals.due) <= *limit => None,
            Limit::Availability(limit) if 1.0 - ratio(totals.failed + unsent, totals.due) >= *limit => None,
            Limit::Loss | Limit::Impaired(..) => None,
            _ if unseen > self.resolution => {
                let found = if totals.failed == 0 { "no failure was seen" } else { "what was seen is within it" };
                let wanted = format!(", and one over {} is to be found (--resolution)", Human(self.resolution));
                Some(self.undecided(found, &wanted, self.resolution))
            }
            _ => None,
        }
    }

    /// A doubt about an outage that could have gone unseen, with the advice that would find one of `wanted`.
    fn undecided(&self, found: &str, said: &str, wanted: Duration) -> Outcome {
        let unseen = self.totals.unseen;
        let at = Human(unseen.at.since(Offset::ZERO));
        Outcome::Undecided(format!(
            "{found}, but an outage of {} could have gone unseen, {at} after the run began{said}: {}",
            Human(unseen.length),
            self.remedy_for_unseen(wanted)
        ))
    }

    fn remedy_for_unseen(&self, wanted: Duration) -> String {
        let unseen = self.totals.unseen.length;
        let period = self.lanes.first().map_or(Duration::ZERO, |lane| lane.lane.schedule.period());
        // Between two sends lies a period; the rest is what the answer took.
        let rest = wanted.saturating_sub(unseen.saturating_sub(period));
        if (unseen <= period * 2 || self.totals.resolved < 2) && !rest.is_zero() {
            let lanes = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX);
            let rate = Duration::from_secs(lanes.into()).div_duration_f64(rest).ceil();
            format!("--rate {rate}/s would have found one of {}", Human(wanted))
        } else if unseen <= period * 2 {
            "raise --rate".to_owned()
        } else if self.totals.longest_blind * 2 >= unseen {
            "the prober was held up then: run it where the machine is less busy".to_owned()
        } else {
            "answers took so long then".to_owned()
        }
    }

    fn bounded(&self, figure: Bounded, limit: Duration) -> Outcome {
        if figure.at_most.is_some_and(|at_most| at_most <= limit) {
            Outcome::Held
        } else if figure.at_least > limit {
            Outcome::Broken(figure.to_string())
        } else {
            let slot = self.lanes.first().map_or(Duration::ZERO, |lane| lane.lane.schedule.period());
            Outcome::Undecided(format!("{figure} {}", remedy(figure, limit, slot)))
        }
    }

    /// Holds the longest disruption against a limit; one that is surely longer is named, with what it cost.
    fn disrupted(&self, totals: &Totals, limit: Duration) -> Outcome {
        let disruptions = &totals.disruptions;
        match (self.bounded(disruptions.longest_length, limit), &disruptions.longest) {
            (Outcome::Broken(_), Some(longest)) => {
                let over = match disruptions.count {
                    1 => "one disruption of".to_owned(),
                    count => format!("{count} disruptions, the longest of"),
                };
                let [lost, low, high] =
                    [longest.lost.estimate, longest.lost.low, longest.lost.high].map(|share| share * 100.0);
                Outcome::Broken(format!("{over} {} that lost {lost:.1} % ({low:.1} to {high:.1})", longest.length()))
            }
            (outcome, _) => outcome,
        }
    }
}

/// The number of failures that may be those of a service whose connections or queues are exhausted.
fn exhaustion(classes: impl IntoIterator<Item = (Class, u64)>) -> u64 {
    classes.into_iter().filter(|(class, _)| may_be_exhaustion(*class)).map(|(_, count)| count).sum()
}

const fn may_be_exhaustion(class: Class) -> bool {
    match class {
        Class::ConnectTimeout
        | Class::Reset
        | Class::Closed
        | Class::ResponseTimeout
        | Class::Truncated
        | Class::StreamReset => true,
        Class::Ok
        | Class::Slow
        | Class::Status(_)
        | Class::Dns
        | Class::Refused
        | Class::Unreachable
        | Class::Tls
        | Class::Malformed
        | Class::UnexpectedBody
        | Class::Grpc(_)
        | Class::NotSent(_) => false,
    }
}

/// Whether a limit would be exceeded if all blind time were added to the figure.
fn blind_too_long(figure: Bounded, blind: Duration, limit: Duration) -> Option<Outcome> {
    let worst = figure.at_most.map_or(limit, |at_most| at_most + blind);
    (worst > limit).then(|| {
        Outcome::Undecided(format!(
            "{figure}, and {} in which the prober could not see may hold more: run it where the machine is less busy",
            Human(blind)
        ))
    })
}

fn exact(held: bool, figure: impl FnOnce() -> String) -> Outcome {
    if held { Outcome::Held } else { Outcome::Broken(figure()) }
}

fn failed_of(totals: &Totals) -> String {
    format!("{} of {} probes failed", totals.failed, totals.resolved)
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A percentage with two digits that is no smaller than `percent`: `0.29`, `1.3`.
fn two_digits_up(percent: f64) -> String {
    let places = if percent >= 10.0 {
        0
    } else if percent >= 1.0 {
        1
    } else if percent >= 0.1 {
        2
    } else {
        3
    };
    let scale = 10_f64.powi(places);
    format!("{}", (percent * scale).ceil() / scale)
}

/// The rate that would have decided the budget, as a clause. Bounds are two periods wide, plus the lateness and the
/// round trips at both ends; only the first part shrinks as the rate grows.
fn remedy(figure: Bounded, limit: Duration, slot: Duration) -> String {
    let Some(at_most) = figure.at_most else {
        return "is open: its beginning or its end was not seen".to_owned();
    };
    let width = at_most.saturating_sub(figure.at_least);
    let fixed = width.saturating_sub(slot * 2);
    let room = figure.estimate.abs_diff(limit);
    if slot.is_zero() || fixed >= room {
        return format!(
            "and no rate would decide it: lateness and round trips alone make it uncertain by {}",
            Human(fixed)
        );
    }
    let times = (slot * 2).div_duration_f64(room.saturating_sub(fixed)).max(1.0);
    let per_second = 1.0 / slot.as_secs_f64() * times;
    format!("and {per_second:.0} probes a second on that lane would have decided it")
}

#[cfg(test)]
mod tests {
    use super::super::notation::seen;
    use super::*;

    fn ms(estimate: u64, at_least: u64, at_most: Option<u64>) -> Bounded {
        let ms = Duration::from_millis;
        Bounded { estimate: ms(estimate), at_least: ms(at_least), at_most: at_most.map(ms) }
    }

    /// Holds a figure of a lane with a period of 2 ms against a limit in ms.
    fn outcome(figure: Bounded, limit: u64) -> Outcome {
        let seen = seen(&[".....", "....."]);
        let whole = Span::new(Offset::ZERO, seen.end);
        let resolution = Duration::from_millis(100);
        let lane = seen.lanes.iter().take(1).collect();
        let measured = Measured::new("shop".to_owned(), lane, &Spans::default(), (whole, None), resolution);
        measured.bounded(figure, Duration::from_millis(limit))
    }

    #[test]
    fn a_budget_holds_only_if_the_upper_bound_does() {
        assert_eq!(outcome(ms(300, 298, Some(302)), 302), Outcome::Held);
        assert_eq!(outcome(ms(300, 298, Some(302)), 297), Outcome::Broken("300 ms (298 to 302)".to_owned()));
    }

    #[test]
    fn what_is_undecided_says_which_rate_would_decide() {
        let said = |figure, limit| match outcome(figure, limit) {
            Outcome::Undecided(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            said(ms(300, 298, Some(302)), 301),
            "300 ms (298 to 302) and 2000 probes a second on that lane would have decided it"
        );
        assert!(said(ms(300, 250, Some(350)), 301).contains("no rate would decide it"));
        assert_eq!(
            said(ms(300, 298, None), 400),
            "300 ms (298 or more) is open: its beginning or its end was not seen"
        );
    }

    #[test]
    fn a_percentage_is_rounded_up_to_two_digits() {
        assert_eq!([0.0213, 0.281, 1.21, 13.2].map(two_digits_up), ["0.022", "0.29", "1.3", "14"]);
    }
}
