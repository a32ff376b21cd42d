//! Episodes in words: when probes failed, on which lanes, at which peers, and what the time to fail suggests.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::phrase::{Count, apart, lost_share, seconds, some, some_classes};
use crate::date;
use crate::longest::{Longest, TargetEpisode};
use lapse_measure::answer::{Class, GrpcStatus};
use lapse_measure::episode::Episode;
use lapse_measure::latency::Distribution;
use lapse_measure::outage::{Open, Outage};
use lapse_measure::phase::Phase;
use lapse_measure::time::{Human, Offset};
use lapse_record::record::Record;

pub(crate) const HEADING: &str = "When (times of day in UTC)";

/// Peers listed one by one; the rest are counted.
const MAX_PEERS: usize = 4;
/// A kind of failure is reported if it is at least one in this number of the failures.
const KIND_PARTS: u64 = 20;

/// A line for each of the `most` longest episodes, ordered by time, and one line for the rest.
pub(crate) fn brief(record: &Record, most: usize) -> Vec<String> {
    let Longest { shown, more } = Longest::episodes(record, most);
    let shown = shown.iter().map(|episode| headline(record, *episode));
    let rest = (!more.is_empty()).then(|| rest(&more));
    shown.chain(rest).collect()
}

/// The first line of an episode: its target, time span and lost probes.
pub(crate) fn headline(record: &Record, (target, episode): TargetEpisode<'_>) -> String {
    let moment = |at: Offset| date::moment(record.about.anchor, at);
    let until = if episode.to > episode.from { format!(" to {}", moment(episode.to)) } else { String::new() };
    let (name, began, lost) = (&target.name, moment(episode.from), lost_share(episode.failed, episode.total));
    format!("{name}: {began}{until}, {}; {lost}", since(record, episode))
}

/// One line for the episodes that are not listed: their number and failed probes.
pub(crate) fn rest(more: &[TargetEpisode<'_>]) -> String {
    let (failed, what) =
        (more.iter().map(|(_, episode)| episode.failed).sum(), some(more.len() as u64, "shorter episode"));
    format!("and {what}, in which {} failed", some(failed, "probe"))
}

/// The span of an episode relative to its [`origin`]: `2.000 to 4.099 s after the command started`.
pub(crate) fn since(record: &Record, episode: &Episode) -> String {
    let (origin, what) = origin(record, episode.from);
    if episode.from < origin || episode.to == episode.from {
        return format!("{} {what}", apart(episode.from, origin));
    }
    let (from, to) = (seconds(episode.from.since(origin)), apart(episode.to, origin));
    format!("{} to {to} {what}", from.trim_end_matches(" s"))
}

/// The reference point for an instant, with words for it: the start of its act, else of the command, else of the event
/// phase, else of the run.
pub(crate) fn origin(record: &Record, at: Offset) -> (Offset, String) {
    let phases = &record.seen.phases;
    let event = || phases.spans(record.seen.end).find(|(phase, _)| *phase == Phase::Event);
    if let Some(act) = record.summary.acts.iter().rfind(|act| act.span.from <= at) {
        (act.span.from, format!("act {} began", act.name))
    } else if let Some(started) = record.command.as_ref().and_then(|command| command.started) {
        (started, "the command started".to_owned())
    } else if let Some((_, event)) = event().filter(|(_, event)| event.from > Offset::ZERO) {
        (event.from, "the event began".to_owned())
    } else {
        (Offset::ZERO, "the run began".to_owned())
    }
}

/// Notes on the sides of `outages` that no success bounds, each led by a semicolon; empty if there are none.
pub(crate) fn open<'a>(outages: impl IntoIterator<Item = &'a Outage>) -> String {
    let note = |open: &Open| match open {
        Open::Start => "; it was failing from the start",
        Open::End => "; it was not up again at the end",
    };
    let mut sides: Vec<_> = outages.into_iter().flat_map(|outage| &outage.open).copied().collect();
    sides.sort_unstable();
    sides.dedup();
    sides.iter().map(note).collect()
}

/// The peers that failed probes reached, most frequent first, with counts; probes without a peer count too.
pub(crate) fn peers(episode: &Episode) -> String {
    let mut peers: Vec<_> = episode.peers.iter().collect();
    peers.sort_by_key(|(peer, count)| (Reverse(**count), **peer));
    let more = peers.len().saturating_sub(MAX_PEERS);
    let name = |peer: &Option<SocketAddr>| peer.map_or_else(|| "no peer".to_owned(), |peer| peer.to_string());
    let listed = peers.iter().take(MAX_PEERS).map(|(peer, count)| format!("{} x{}", name(peer), Count(**count)));
    let listed = listed.collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

/// How fast the probes of an episode failed, for each kind of failure that made up a twentieth of them or more, and the
/// likely cause where the time and the class point to one.
pub(crate) fn speed(record: &Record, (target, episode): TargetEpisode<'_>) -> String {
    let meaning = |time, class| match class {
        Class::Closed | Class::Reset if target.keep_alive_race.is_some() => {
            Some("at once: the server closed an idle connection (a keep-alive race, see the notes)")
        }
        _ => fingerprint(time, class, record.about.timeout),
    };
    let kinds = kinds(episode, meaning);
    if kinds.is_empty() {
        return failed_after(&episode.time_to_fail()).map(|times| format!("; {times}")).unwrap_or_default();
    }
    let is_all = |kind: &Kind| kind.times.count() == episode.failed;
    let name = |kind| if is_all(kind) { String::new() } else { format!("{} ", some_classes(&kind.classes)) };
    let said: Vec<_> = kinds.iter().map(|kind| format!("{}{}", name(kind), kind.said)).collect();
    format!("; {}", said.join("; "))
}

/// Failures with the same likely cause; without one, with the same class or the same times.
struct Kind {
    classes: BTreeMap<Class, u64>,
    times: Distribution,
    meaning: Option<&'static str>,
    said: String,
}

/// The kinds of an episode's failures, the most frequent first.
fn kinds(episode: &Episode, meaning: impl Fn(Duration, Class) -> Option<&'static str>) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let classes = episode.times_to_fail.iter().filter_map(|(class, times)| Some(((*class)?, times)));
    for (class, times) in classes.filter(|(_, times)| times.count() * KIND_PARTS >= episode.failed) {
        let meaning = times.quantile(0.5).and_then(|half| meaning(half, class));
        let said = failed_after(times).unwrap_or_default();
        let same = |kind: &&mut Kind| kind.meaning == meaning && (meaning.is_some() || kind.said == said);
        if let Some(kind) = kinds.iter_mut().find(same) {
            kind.add(class, times);
        } else {
            let classes = BTreeMap::from([(class, times.count())]);
            kinds.push(Kind { classes, times: times.clone(), meaning, said });
        }
    }
    for kind in &mut kinds {
        kind.said =
            failed_after(&kind.times).into_iter().chain(kind.meaning.map(str::to_owned)).collect::<Vec<_>>().join(", ");
    }
    kinds.sort_by_key(|kind| Reverse(kind.times.count()));
    kinds
}

impl Kind {
    fn add(&mut self, class: Class, times: &Distribution) {
        self.classes.insert(class, times.count());
        self.times.add(times);
    }
}

/// `failed after 0.25 ms (p50), 0.40 ms (p99)`; `None` if nothing failed.
fn failed_after(times: &Distribution) -> Option<String> {
    let [median, p99] = [times.quantile(0.5)?, times.quantile(0.99)?].map(|time| Human(time).to_string());
    let several = median != p99;
    Some(if several { format!("failed after {median} (p50), {p99} (p99)") } else { format!("failed after {median}") })
}

/// The likely cause when probes failed with `class` after `time`; `None` for combinations that are not typical of
/// one component.
fn fingerprint(time: Duration, class: Class, timeout: Duration) -> Option<&'static str> {
    let millis = time.as_millis();
    match class {
        Class::ConnectTimeout | Class::ResponseTimeout if time >= timeout.mul_f64(0.98) => {
            Some("the prober's own limit: no answer came")
        }
        Class::Refused if millis < 20 => Some("at once: the host is there and nothing listens"),
        Class::Reset | Class::Closed if millis < 20 => {
            Some("at once: the server closed the connection, as when it stops or at its keep-alive limit")
        }
        Class::Status(_) | Class::Grpc(GrpcStatus::Unavailable) if millis < 20 => {
            Some("at once: the responder did not wait for a backend")
        }
        Class::Unreachable if (3_000..3_200).contains(&millis) => {
            Some("as when a pod's network is gone (3.06 s without an answer to ARP)")
        }
        Class::Status(_) if (4_900..5_300).contains(&millis) => Some("as when ingress-nginx cannot connect (5 s)"),
        Class::Status(_) if (9_900..10_300).contains(&millis) => {
            Some("as when an AWS load balancer cannot connect (10 s)")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::lane::Policy;
    use lapse_record::sample::{Answer, Sample};

    #[test]
    fn failures_no_further_apart_than_the_gate_are_one_line() {
        let mut sample = Sample::of(&["shop"]).phase(Phase::Event, 0);
        sample.about.gate = Duration::from_secs(2);
        let record = sample.record(60_000, |lane, ms| match (lane.policy, ms % 1_500) {
            (Policy::New, 1) => Answer::after(Class::Refused, 200),
            _ => Answer::after(Class::Ok, 200),
        });
        let line = "shop: 22:13:20.001 to 22:14:18.501, 0.001 to 58.501 s after the run began; \
                    lost 40 of 58,501 probes (less than 0.1 %)";
        assert_eq!(brief(&record, 10), [line]);
    }

    #[test]
    fn each_kind_of_failure_that_is_not_rare_has_its_time_and_cause() {
        let record = Sample::of(&["shop"]).phase(Phase::Event, 0).record(3_000, |_, ms| match ms {
            1000 => Answer::after(Class::Malformed, 900),
            1001..1400 => Answer::after(Class::Refused, 200),
            1400..1420 => Answer::after(Class::Reset, 300),
            1420..1440 => Answer::after(Class::Closed, 300),
            1440..1600 => Answer::after(Class::Status(504), 5_010_000),
            _ => Answer::after(Class::Ok, 200),
        });
        let expected = "; refused x399 failed after 0.20 ms, at once: the host is there and nothing listens; \
                        status 504 x160 failed after 5.01 s, as when ingress-nginx cannot connect (5 s)";
        assert_eq!(record.summary.episodes().map(|one| speed(&record, one)).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn requests_that_met_the_end_of_an_idle_connection_are_a_keep_alive_race() {
        let record = Sample::of(&["shop"]).phase(Phase::Event, 0).record(9_000, |lane, ms| match (lane.policy, ms) {
            (Policy::Reused, 2_000 | 8_000) => Answer::after(Class::Closed, 200).idle(Duration::from_secs(2)),
            _ => Answer::after(Class::Ok, 200),
        });
        let expected =
            "; failed after 0.20 ms, at once: the server closed an idle connection (a keep-alive race, see the notes)";
        assert_eq!(record.summary.episodes().map(|one| speed(&record, one)).collect::<Vec<_>>(), [expected; 2]);
    }

    #[test]
    fn time_to_fail_and_class_together_suggest_a_cause() {
        let meaning =
            |class, ms| fingerprint(Duration::from_millis(ms), class, Duration::from_secs(6)).unwrap_or_default();
        assert!(meaning(Class::Refused, 0).contains("nothing listens"));
        assert!(meaning(Class::Unreachable, 3_060).contains("network is gone"));
        assert!(meaning(Class::Status(504), 5_010).contains("ingress-nginx"));
        assert!(meaning(Class::ResponseTimeout, 6_000).contains("own limit"));
        assert_eq!(meaning(Class::Status(504), 500), "");
        assert_eq!(meaning(Class::Tls, 0), "");
    }
}
