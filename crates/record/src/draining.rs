//! An old process that drains while no successor listens: kept connections are served, new ones refused. A prober that keeps
//! connections has a part in how long such a process lives.

use std::time::Duration;

use crate::summary::TargetSummary;
use lapse_measure::answer::Class;
use lapse_measure::episode::Episode;
use lapse_measure::lane::Policy;
use lapse_measure::observations::Observations;
use lapse_measure::span::Span;
use lapse_measure::time::Human;
use lapse_measure::totals;

/// A shorter stretch may be the moment in which one process hands its port over to another.
const SHORTEST: Duration = Duration::from_millis(100);

/// A hint at the longest stretch of a target in which that was so; `None` if there was none.
pub(crate) fn note(target: &TargetSummary, seen: &Observations) -> Option<String> {
    let lane = |policy| target.lanes.iter().map(|id| seen.lane(*id)).find(|lane| lane.lane.policy == policy);
    let (new, reused) = (lane(Policy::New)?, lane(Policy::Reused)?);
    let is_drain = |episode: &&Episode| {
        let all_refused = episode.classes.keys().all(|class| *class == Class::Refused);
        let only_new = episode.lanes.keys().all(|id| *id == new.id);
        // One strict outage: every new connection was refused.
        all_refused && only_new && episode.outages.len() == 1 && episode.span.estimate >= SHORTEST && {
            let kept = totals::of(&[reused], &seen.held_up, Span::new(episode.from, episode.to));
            kept.resolved > 0 && kept.failed == 0
        }
    };
    let longest = target.episodes.iter().filter(is_drain).max_by_key(|episode| episode.span.estimate)?;
    Some(format!(
        "{}: for {} nothing listened while kept connections were served, as when an old process drains and no successor \
         listens: such a process may live for as long as a client keeps its connection, and the lane reused keeps some: \
         with --lanes new the prober holds none up",
        target.name,
        Human(longest.span.estimate)
    ))
}

#[cfg(test)]
mod tests {
    use crate::sample::{Answer, Sample};
    use lapse_measure::answer::Class;
    use lapse_measure::lane::Policy;
    use lapse_measure::phase::Phase;

    #[test]
    fn only_refused_connections_beside_kept_ones_that_are_served_are_a_drain() {
        let hint = |new: Class, kept: Class, until: u64, every: u64| {
            let sample = Sample::of(&["shop"]).phase(Phase::Event, 0);
            let record = sample.record(5_000, move |lane, ms| match lane.policy {
                Policy::New if (1_000..until).contains(&ms) && ms / 2 % every == 0 => Answer::after(new, 200),
                Policy::Reused if (1_000..until).contains(&ms) => Answer::after(kept, 200),
                _ => Answer::after(Class::Ok, 300),
            });
            record.summary.notes.into_iter().find(|note| note.contains("--lanes new"))
        };
        let said = hint(Class::Refused, Class::Ok, 3_000, 1).unwrap();
        assert!(said.starts_with("shop: for 2.00 s nothing listened while kept connections were served"), "{said}");
        assert_eq!(hint(Class::Refused, Class::Refused, 3_000, 1), None, "nothing was served");
        assert_eq!(hint(Class::ConnectTimeout, Class::Ok, 3_000, 1), None, "packets were dropped");
        assert_eq!(hint(Class::Refused, Class::Ok, 3_000, 2), None, "something listened");
        assert_eq!(hint(Class::Refused, Class::Ok, 1_050, 1), None, "too short");
    }
}
