//! What became of each pod, endpoint and hop: a row each, with the stretches in which it stood so or so.
//!
//! Goes by the kinds of events, which the lab and a cluster's watch spell alike. An object of which no such thing is told
//! has a row of instants and no stretch.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::sanitize;
use lapse_measure::time::Offset;
use lapse_record::event::Event;
use lapse_record::record::Record;

/// Rows at the most: what a page can show below each other.
const ROWS: usize = 60;

/// A row.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Object {
    name: String,
    stretches: Vec<Stretch>,
    /// When it was sent requests, by the lists of endpoints.
    member: Vec<[u64; 2]>,
}

/// From its beginning to its end it stood so.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Stretch {
    state: State,
    from: u64,
    to: u64,
}

/// How an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It is there and not ready yet, or not any more.
    Unready,
    Ready,
    /// It was told to go.
    Ending,
    /// It is not there.
    Gone,
}

/// How many objects have no row.
pub(super) fn left_out(record: &Record) -> usize {
    let names: BTreeSet<_> = record.events.iter().filter_map(|event| event.object.as_deref()).collect();
    names.len().saturating_sub(ROWS)
}

/// The objects in the order in which they are first heard of, with the place of each by its name.
pub(super) fn all(record: &Record) -> (Vec<Object>, BTreeMap<&str, usize>) {
    let mut places = BTreeMap::new();
    let mut told: Vec<Vec<&Event>> = Vec::new();
    for event in &record.events {
        let Some(name) = event.object.as_deref() else { continue };
        let next = told.len();
        let place = *places.entry(name).or_insert(next);
        if place == next && next < ROWS {
            told.push(Vec::new());
        }
        if let Some(events) = told.get_mut(place) {
            events.push(event);
        }
    }
    places.retain(|_, place| *place < told.len());
    let object = |events: &Vec<&Event>| Object {
        name: sanitize(events.first().and_then(|event| event.object.as_deref()).unwrap_or_default()),
        stretches: stretches(events, record.seen.end),
        member: member(events, record.seen.end),
    };
    (told.iter().map(object).collect(), places)
}

fn stretches(events: &[&Event], end: Offset) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for (state, at) in events.iter().filter_map(|event| Some((state_after(&event.kind)?, event.at.as_nanos()))) {
        match all.last_mut() {
            Some(last) if last.state == state || (last.state == State::Ending && state != State::Gone) => continue,
            Some(last) => last.to = at,
            None => {}
        }
        all.push(Stretch { state, from: at, to: end.as_nanos().max(at) });
    }
    all.retain(|stretch| stretch.state != State::Gone);
    all
}

/// When some list of endpoints had it.
fn member(events: &[&Event], end: Offset) -> Vec<[u64; 2]> {
    let kinds = || events.iter().map(|event| event.kind.as_str());
    // Who leaves first of all had been there, whether or not that was told.
    let was_there = kinds().find(|kind| kind.starts_with("endpoint-")) == Some("endpoint-removed");
    let mut lists = u32::from(was_there);
    let mut all = if was_there { vec![[0, end.as_nanos()]] } else { Vec::new() };
    for event in events {
        let (at, before) = (event.at.as_nanos(), lists);
        match event.kind.as_str() {
            "endpoint-found" | "endpoint-added" => lists += 1,
            "endpoint-removed" => lists = lists.saturating_sub(1),
            _ => {}
        }
        match (before, lists, all.last_mut()) {
            (0, 1, _) => all.push([at, end.as_nanos().max(at)]),
            (1, 0, Some(last)) => last[1] = at,
            _ => {}
        }
    }
    all
}

/// How an object stands after an event of this kind; nothing if that does not say.
fn state_after(kind: &str) -> Option<State> {
    if kind == "pod-found" {
        return Some(State::Ready);
    }
    let verb = kind.rsplit_once('-').map_or(kind, |(_, verb)| verb);
    match verb {
        "created" | "scheduled" | "started" | "unready" => Some(State::Unready),
        "ready" => Some(State::Ready),
        "deleting" | "sigterm" => Some(State::Ending),
        "exited" | "deleted" | "gone" | "killed" => Some(State::Gone),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_record::event::Source;

    fn events(kinds: &[(u64, &str)]) -> Vec<Event> {
        let event = |(ms, kind): &(u64, &str)| Event::new(Offset::from_millis(*ms), Source::Lab, *kind, "");
        kinds.iter().map(event).collect()
    }

    fn told(kinds: &[(u64, &str)]) -> Vec<String> {
        let stretches = stretches(&events(kinds).iter().collect::<Vec<_>>(), Offset::from_millis(100));
        stretches
            .iter()
            .map(|one| format!("{:?} {}..{}", one.state, one.from / 1_000_000, one.to / 1_000_000))
            .collect()
    }

    fn listed(kinds: &[(u64, &str)]) -> Vec<[u64; 2]> {
        let listed = member(&events(kinds).iter().collect::<Vec<_>>(), Offset::from_millis(100));
        listed.iter().map(|stretch| stretch.map(|edge| edge / 1_000_000)).collect()
    }

    #[test]
    fn a_pod_lives_from_its_creation_to_the_end_of_its_process() {
        let life = [(10, "pod-created"), (20, "pod-ready"), (30, "pod-deleting"), (31, "pod-unready")];
        let end = [(40, "container-exited"), (50, "pod-gone")];
        assert_eq!(told(&[&life[..], &end].concat()), ["Unready 10..20", "Ready 20..30", "Ending 30..40"]);
        assert_eq!(told(&life[..2]), ["Unready 10..20", "Ready 20..100"]);
        assert_eq!(told(&[(0, "pod-found"), (30, "pod-deleting")]), ["Ready 0..30", "Ending 30..100"]);
    }

    #[test]
    fn who_is_in_two_lists_is_sent_requests_until_both_have_let_go_of_it() {
        assert_eq!(listed(&[(10, "endpoint-added"), (20, "endpoint-removed")]), [[10, 20]]);
        let two = [(0, "endpoint-found"), (0, "endpoint-found"), (20, "endpoint-removed"), (30, "endpoint-removed")];
        assert_eq!(listed(&two), [[0, 30]]);
        assert_eq!(listed(&[(20, "endpoint-removed"), (30, "endpoint-added")]), [[0, 20], [30, 100]]);
        assert_eq!(listed(&[(20, "pod-deleting")]), Vec::<[u64; 2]>::new());
    }

    #[test]
    fn what_only_changes_has_no_stretch() {
        assert_eq!(told(&[(10, "endpoint-added"), (20, "hop-synced")]), Vec::<String>::new());
    }
}
