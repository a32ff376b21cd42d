//! The versions that answers named: a table, and sentences on when each came, went and came back.

use std::time::Duration;

use super::phrase::{Count, seconds, some};
use lapse_measure::fallback::Fallback;
use lapse_measure::lane::LaneId;
use lapse_measure::span::Span;
use lapse_measure::time::{Human, Offset};
use lapse_measure::version::{MAX_VERSIONS, Version, Versions};
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// Stretches that are listed one by one; the rest are counted.
const MAX_FALLBACKS: usize = 10;
/// A version whose last answer is no further from the end of the run answered to the end, or within [`PERIODS`].
const NEAR_THE_END: Duration = Duration::from_millis(100);
/// The same in slots of the target.
const PERIODS: u32 = 5;
/// The longest name that stands in a sentence or a table as it is, in characters.
const LONGEST: usize = 60;

/// The heading of the section; it names the header.
pub(crate) fn heading(record: &Record) -> String {
    let header = record.about.version_header.as_deref().unwrap_or_default();
    format!("Versions (by {header}; in seconds of the run)")
}

/// The targets whose answers were asked for their versions, with what they named.
pub(crate) fn targets(record: &Record) -> impl Iterator<Item = (&TargetSummary, &Versions)> {
    record.summary.targets.iter().filter_map(|target| Some((target, target.versions.as_ref()?)))
}

/// A header row, then a row for each version, and for answers that name none.
pub(crate) fn rows(versions: &Versions) -> Vec<Vec<String>> {
    let head = ["version", "first", "last", "failed", "answers"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let at = |at: Offset| seconds(at.since(Offset::ZERO));
    rows.extend(versions.all.iter().map(|one| {
        let new = if one.is_new() { " (new)" } else { "" };
        let counts = [one.failed, one.answers].map(|count| Count(count).to_string());
        let [failed, answers] = counts;
        vec![format!("{}{new}", name(one)), at(one.first), at(one.last), failed, answers]
    }));
    let rest = [("without the header", versions.unnamed), ("further versions", versions.further)];
    rows.extend(rest.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| {
        let nothing = || "-".to_owned();
        vec![what.to_owned(), nothing(), nothing(), nothing(), Count(count).to_string()]
    }));
    rows
}

/// What happened, in a sentence for each target and one for each limit that was met.
pub(crate) fn sentences(record: &Record) -> Vec<String> {
    let is_only = record.summary.targets.len() == 1;
    let of_target = |(target, versions): (&TargetSummary, &Versions)| {
        let lead = |text: String| if is_only { text } else { format!("{}: {text}", target.name) };
        let mut said = vec![lead(story(record, target, versions))];
        if versions.further > 0 {
            let further = some(versions.further, "answer");
            said.push(lead(format!(
                "{further} named further versions: no more than {MAX_VERSIONS} are told apart, those that came first"
            )));
        }
        said
    };
    targets(record).flat_map(of_target).collect()
}

/// When versions came and went.
fn story(record: &Record, target: &TargetSummary, versions: &Versions) -> String {
    if versions.all.is_empty() {
        let header = record.about.version_header.as_deref().unwrap_or_default();
        let answers = some(versions.unnamed + versions.further, "answer");
        return format!("no version was named in {answers}: check the name of the header, {header}");
    }
    let at = |at: Offset| seconds(at.since(Offset::ZERO));
    let (new, old): (Vec<_>, Vec<_>) = versions.all.iter().partition(|one| one.is_new());
    let mut clauses: Vec<_> =
        new.iter().map(|one| format!("version {} first at {}", name(one), at(one.first))).collect();
    if new.is_empty() {
        let names: Vec<_> = old.iter().map(|one| name(one)).collect();
        clauses.push(match names.as_slice() {
            [only] => format!("only version {only} answered"),
            all => format!("versions {} answered, and no newer one came", all.join(", ")),
        });
    }
    let newest = versions.all.iter().max_by_key(|one| one.generation);
    for one in &versions.all {
        if !is_near_the_end(record, one.last) {
            clauses.push(format!("last answer of {} at {}", name(one), at(one.last)));
        } else if newest.is_some_and(|newest| newest.generation > one.generation) {
            clauses.push(format!("{} answered to the end of the run", name(one)));
        }
    }
    clauses.extend(versions.fallbacks.iter().take(MAX_FALLBACKS).map(|one| fallback(record, target, versions, one)));
    let more = versions.fallbacks.len().saturating_sub(MAX_FALLBACKS) as u64 + versions.fallbacks_dropped;
    if more > 0 {
        clauses.push(format!("and {}", some(more, "more such stretch")));
    }
    clauses.join("; ")
}

fn is_near_the_end(record: &Record, last: Offset) -> bool {
    let periods = Duration::from_secs(u64::from(PERIODS)) / u32::try_from(record.about.rate.get()).unwrap_or(u32::MAX);
    record.seen.end.since(last) <= NEAR_THE_END.max(periods)
}

/// One stretch in which only older versions answered.
fn fallback(record: &Record, target: &TargetSummary, versions: &Versions, one: &Fallback) -> String {
    let to: Vec<_> = one.to.iter().filter_map(|id| versions.all.get(id.0)).map(name).collect();
    let (to, at) = (to.join(", "), seconds(one.span.from.since(Offset::ZERO)));
    let lane = |id: &LaneId| record.seen.lane(*id).lane.policy.to_string();
    let lanes: Vec<_> = one.lanes.iter().map(lane).collect();
    let only = if lanes.len() < target.lanes.len() {
        format!(", on the lane {} only", lanes.join(", "))
    } else {
        String::new()
    };
    if one.to_the_end {
        let for_how_long = Human(record.seen.end.since(one.span.from));
        return format!("back to {to} at {at} and to the end of the run, for {for_how_long}{only}");
    }
    format!("fell back to {to} for {} at {at}{only}", one.length)
}

/// A version's name as sentences and tables have it: quoted if it might be taken for something else.
pub(crate) fn name(version: &Version) -> String {
    let name = &version.name;
    let is_plain = |character: char| character.is_alphanumeric() || "._-+:/@#".contains(character);
    if name.chars().all(is_plain) && name.chars().nth(LONGEST).is_none() {
        return name.clone();
    }
    let beginning: String = name.chars().take(LONGEST).collect();
    let cut = if beginning.len() < name.len() { "…" } else { "" };
    format!("{beginning:?}{cut}")
}

/// The answers in a stretch by version, those that name none last, and their sum.
pub(crate) fn counts(versions: &Versions, span: Span) -> (Vec<u64>, u64) {
    let mut counts = vec![0; versions.all.len() + 1];
    let mut all = 0;
    for one in versions.shares.iter().filter(|one| one.span.from < span.to && one.span.to > span.from) {
        let others = one.unnamed + one.further;
        counts.iter_mut().zip(one.by_version.iter().chain([&others])).for_each(|(sum, more)| *sum += more);
        all += one.answers();
    }
    (counts, all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_record::sample;

    #[test]
    fn the_sentence_says_what_came_what_went_and_what_came_back() {
        let [said] = sentences(&sample::versions()).try_into().unwrap();
        let (first, rest) = said.split_once("; ").unwrap();
        assert!(first.starts_with("version 2 first at 3."), "{said}");
        let (last, back) = rest.split_once("; ").unwrap();
        assert!(last.starts_with("last answer of 1 at 6.") || last.starts_with("last answer of 1 at 7."), "{said}");
        assert!(back.starts_with("fell back to 1 for 7") || back.starts_with("fell back to 1 for 69"), "{said}");
        assert!(back.ends_with(" at 6.000 s") || back.contains(" at 5.99"), "{said}");
    }

    #[test]
    fn odd_names_are_quoted_and_long_ones_cut() {
        let named = |text: &str| {
            let (first, last) = (Offset::ZERO, Offset::ZERO);
            name(&Version { name: text.to_owned(), generation: 0, answers: 1, failed: 0, first, last })
        };
        assert_eq!([named("v1.2-rc+7"), named("a; b")], ["v1.2-rc+7", "\"a; b\""]);
        assert!(named(&"x".repeat(80)).ends_with("x\"…"));
    }
}
