//! Notes beside the verdict: those of the record, and the failures and events that were dropped.

use std::time::Duration;

use super::phrase::{part, some};
use lapse_measure::phase::Phase;
use lapse_measure::time::Human;
use lapse_record::event::{EventKind, Source};
use lapse_record::keep_alive::KeepAliveRace;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// The notes in the order of the report, each a sentence.
pub(crate) fn notes(record: &Record) -> Vec<String> {
    let mut notes = record.summary.notes.clone();
    let (kept, dropped) = (record.failures.kept.len() as u64, record.failures.dropped);
    if dropped > 0 {
        let all = part(kept, kept.saturating_add(dropped), "failed probe");
        notes.push(format!("{all} were kept one by one; all of them count in outages and totals"));
    }
    let events = record.events.iter().filter(|event| event.kind.is_note());
    notes.extend(events.map(|event| event.text.clone()));
    if record.events_dropped > 0 {
        notes.push(format!("{} were not kept", some(record.events_dropped, "further event")));
    }
    notes.extend(record.summary.targets.iter().filter_map(keep_alive_race));
    notes.extend(first_ids(record));
    notes.extend(watched(record));
    notes.extend(not_followed(record));
    notes
}

/// What was not measured although the run may have passed: targets that only redirect. These are in every report.
pub(crate) fn not_measured(record: &Record) -> impl Iterator<Item = &str> {
    let redirected = record.events.iter().filter(|event| event.kind == EventKind::Redirected);
    redirected.map(|event| event.text.as_str())
}

/// The id of the first lost request of each class, to find it in the logs of the service; `None` if requests carried no
/// ids or none was lost. These are in every report.
pub(crate) fn first_ids(record: &Record) -> Option<String> {
    const MAX_IDS: usize = 3;
    let (mut classes, mut ids) = (Vec::new(), Vec::new());
    for failure in &record.failures.kept {
        let class = failure.probe.class;
        if ids.len() < MAX_IDS
            && !classes.contains(&class)
            && let Some(identity) = record.identity(failure.lane, failure.probe.slot)
        {
            let id = identity.uuid().or_else(|| identity.traceparent()).unwrap_or_default();
            ids.push(format!("{class} {id} ({})", record.seen.lane_name(failure.lane)));
            classes.push(class);
        }
    }
    (!ids.is_empty()).then(|| {
        let all = ids.join(", ");
        format!("lost requests by the ids that they carried, the first of each class: {all}; report.json has those of all that were kept")
    })
}

/// A note on the time that a run without failures did not measure: a command may only start a rollout.
fn not_followed(record: &Record) -> Option<String> {
    let exit = record.command.as_ref()?.exit.as_ref()?;
    let is_followed = record.events.iter().any(|event| matches!(event.source, Source::Kubernetes | Source::Lab));
    let lost = record.summary.targets.iter().any(|target| target.totals.failed > 0);
    let after = Human(record.seen.end.since(exit.at));
    (!is_followed && !lost).then(|| {
        format!(
            "no rollout was followed: what begins more than {after} after the command ended was not measured; if the \
             command only starts a rollout, name it (--workload deploy/NAME) or let the command wait for it"
        )
    })
}

/// A note on failures that look like a keep-alive race, with the remedy.
fn keep_alive_race(target: &TargetSummary) -> Option<String> {
    let KeepAliveRace { failed, idle_at_least, idle_at_most } = target.keep_alive_race?;
    let [least, most] = [idle_at_least, idle_at_most].map(|idle| Human(idle).to_string());
    let idle = if least == most { least } else { format!("{least} to {most}") };
    Some(format!(
        "{}: a keep-alive race: all failures ({}) were requests on kept connections that had been idle for {idle}, which \
         the server closed just then, and new connections lost none: give the server a keep-alive timeout longer than that \
         of its clients, proxies and load balancers included",
        target.name,
        some(failed, "probe")
    ))
}

/// For how long the run went on after its last failure, and whether that was enough: outages that came with calm
/// between may come again after as long a calm.
fn watched(record: &Record) -> Option<String> {
    let episodes = || record.summary.episodes().map(|(_, episode)| episode);
    let last = episodes().map(|episode| episode.to).max()?;
    let watched = record.seen.end.since(last);
    let calm = record.summary.targets.iter().flat_map(|target| target.episodes.windows(2));
    let calm = calm.map(|pair| pair[1].from.since(pair[0].to)).max();
    let said = format!("the run went on for {} after the last failure", Human(watched));
    let enough = |calm: &Duration| watched >= *calm * 2;
    let has_settle = record.seen.phases.spans(record.seen.end).any(|(phase, _)| phase == Phase::Settle);
    // What failed before the event as well is noise: no longer run would be free of it.
    let phases = || record.summary.targets.iter().flat_map(|target| &target.phases);
    let is_noisy = phases().any(|one| one.phase == Phase::Baseline && one.totals.failed > 0);
    match calm.filter(|calm| has_settle && !is_noisy && !enough(calm)) {
        None => Some(said),
        Some(calm) => Some(format!(
            "{said}, and failures came with up to {} of calm between: with --settle {}s a further one would have been met",
            Human(calm),
            (calm * 2).as_secs() + 1
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::answer::Class;
    use lapse_measure::lane::Policy;
    use lapse_measure::probe_id::IdSeed;
    use lapse_measure::time::Offset;
    use lapse_record::entry::{CarriedIds, Exit};
    use lapse_record::event::Event;
    use lapse_record::record::CommandRun;
    use lapse_record::sample::{Answer, Sample, healthy};

    #[test]
    fn dropped_output_lines_appear_in_the_notes() {
        let mut record = healthy();
        let text = "7 of 9 lines of the command's stdout were passed through but not recorded";
        let event = |kind, text| Event::new(Offset::from_millis(5), Source::Prober, kind, text);
        record.events = vec![event(EventKind::LeftRunning, "no note"), event(EventKind::LinesDropped, text)];
        assert_eq!(notes(&record), [text]);
    }

    #[test]
    fn a_clean_run_of_a_command_that_may_only_start_a_rollout_says_what_it_did_not_measure() {
        let mut record = healthy();
        let exit = Exit { at: record.seen.end.back(Duration::from_secs(2)), code: Some(0), signal: None };
        let argv = ["git".to_owned(), "push".to_owned()].to_vec();
        record.command = Some(CommandRun { argv, started: Some(Offset::ZERO), exit: Some(exit) });
        let said = notes(&record).pop().unwrap_or_default();
        assert!(said.starts_with("no rollout was followed: what begins more than 2.00 s after the command"), "{said}");
        record.events.push(Event::new(Offset::ZERO, Source::Kubernetes, EventKind::Watching, "release shop"));
        assert_eq!(notes(&record), Vec::<String>::new());
    }

    #[test]
    fn a_keep_alive_race_is_named_with_the_idle_time_and_the_advice() {
        let record = Sample::of(&["shop"]).phase(Phase::Event, 0).record(9_000, |lane, ms| match (lane.policy, ms) {
            (Policy::Reused, 2_000 | 8_000) => Answer::after(Class::Closed, 200).idle(Duration::from_millis(2_004)),
            _ => Answer::after(Class::Ok, 200),
        });
        let said = "shop: a keep-alive race: all failures (2 probes) were requests on kept connections that had been idle \
                    for 2.00 s, which the server closed just then, and new connections lost none: give the server a \
                    keep-alive timeout longer than that of its clients, proxies and load balancers included";
        assert_eq!(notes(&record)[0], said);
    }

    #[test]
    fn the_first_lost_request_of_each_class_is_named_by_its_id() {
        let mut sample = Sample::of(&["shop"]).phase(Phase::Event, 0);
        sample.about.targets[0].ids.traceparent = true;
        let answer = |lane: &lapse_measure::lane::Lane, ms| match (lane.policy, ms) {
            (Policy::New, 100..120) => Answer::after(Class::Refused, 200),
            _ => Answer::after(Class::Ok, 200),
        };
        sample.about.id_seed = Some(IdSeed::new(9));
        let mut record = sample.record(1_000, answer);
        let id = IdSeed::new(9).id(record.failures.kept[0].lane, record.failures.kept[0].probe.slot);
        let said = format!(
            "lost requests by the ids that they carried, the first of each class: refused {} (new); report.json has those \
             of all that were kept",
            id.traceparent()
        );
        assert_eq!(notes(&record)[0], said);
        record.about.targets[0].ids = CarriedIds::default();
        assert_eq!(first_ids(&record), None);
    }

    #[test]
    fn outages_with_calm_between_ask_for_a_longer_settle() {
        let record = |last: u64| {
            let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1000);
            sample.phase(Phase::Settle, 9000).record(12_000, |_, ms| match ms {
                2000..2100 => Answer::after(Class::Refused, 200),
                ms if (last..last + 100).contains(&ms) => Answer::after(Class::Refused, 200),
                _ => Answer::after(Class::Ok, 200),
            })
        };
        let said = "the run went on for 4.90 s after the last failure, and failures came with up to 4.90 s of calm between: \
                    with --settle 10s a further one would have been met";
        assert_eq!(notes(&record(7000)), [said]);
        assert_eq!(notes(&record(4000)), ["the run went on for 7.90 s after the last failure"]);
    }
}
