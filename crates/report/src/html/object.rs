//! What became of each pod, endpoint and hop: a row each, with the stretches in which it stood so or so.
//!
//! Goes by the kinds of events, in the lab as in a cluster. An object of which no state is told has a row of instants and
//! no stretch.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use super::sanitize;
use lapse_measure::time::Offset;
use lapse_record::event::{self, Event, EventKind, ObjectState};
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

/// A state by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State(ObjectState);

impl Serialize for State {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.name())
    }
}

/// How many objects have no row.
pub(super) fn left_out(record: &Record) -> usize {
    let names: BTreeSet<_> = record.events.iter().filter_map(|event| event.object.as_ref()).collect();
    names.len().saturating_sub(ROWS)
}

/// The objects in the order in which they are first heard of, with the place of each.
pub(super) fn all(record: &Record) -> (Vec<Object>, BTreeMap<&event::Object, usize>) {
    let mut places = BTreeMap::new();
    let mut told: Vec<Vec<&Event>> = Vec::new();
    for event in &record.events {
        let Some(object) = event.object.as_ref() else { continue };
        let next = told.len();
        let place = *places.entry(object).or_insert(next);
        if place == next && next < ROWS {
            told.push(Vec::new());
        }
        if let Some(events) = told.get_mut(place) {
            events.push(event);
        }
    }
    places.retain(|_, place| *place < told.len());
    let object = |events: &Vec<&Event>| Object {
        name: sanitize(&name_of(events)),
        stretches: stretches(events, record.seen.end),
        member: member(events, record.seen.end),
    };
    (told.iter().map(object).collect(), places)
}

fn name_of(events: &[&Event]) -> String {
    events.iter().find_map(|event| event.object.as_ref()).map(ToString::to_string).unwrap_or_default()
}

fn stretches(events: &[&Event], end: Offset) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for (state, at) in events.iter().filter_map(|event| Some((event.kind.state_after()?, event.at.as_nanos()))) {
        match all.last_mut() {
            Some(last)
                if last.state.0 == state || (last.state.0 == ObjectState::Ending && state != ObjectState::Gone) =>
            {
                continue;
            }
            Some(last) => last.to = at,
            None => {}
        }
        all.push(Stretch { state: State(state), from: at, to: end.as_nanos().max(at) });
    }
    all.retain(|stretch| stretch.state.0 != ObjectState::Gone);
    all
}

/// When some list of endpoints had it.
fn member(events: &[&Event], end: Offset) -> Vec<[u64; 2]> {
    // Who leaves first of all had been there, whether or not that was told.
    let was_there = events.iter().find_map(|event| joins(&event.kind)) == Some(false);
    let mut lists = u32::from(was_there);
    let mut all = if was_there { vec![[0, end.as_nanos()]] } else { Vec::new() };
    for event in events {
        let (at, before) = (event.at.as_nanos(), lists);
        match joins(&event.kind) {
            Some(true) => lists += 1,
            Some(false) => lists = lists.saturating_sub(1),
            None => {}
        }
        match (before, lists, all.last_mut()) {
            (0, 1, _) => all.push([at, end.as_nanos().max(at)]),
            (1, 0, Some(last)) => last[1] = at,
            _ => {}
        }
    }
    all
}

/// Whether such an event puts its object into a list of endpoints or takes it out; nothing if it does neither.
const fn joins(kind: &EventKind) -> Option<bool> {
    match kind {
        EventKind::EndpointFound | EventKind::EndpointAdded => Some(true),
        EventKind::EndpointRemoved => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_record::event::Source;

    fn events(kinds: &[(u64, &str)]) -> Vec<Event> {
        let event = |(ms, kind): &(u64, &str)| {
            Event::new(Offset::from_millis(*ms), Source::Lab, EventKind::from_name(kind), "")
        };
        kinds.iter().map(event).collect()
    }

    fn told(kinds: &[(u64, &str)]) -> Vec<String> {
        let stretches = stretches(&events(kinds).iter().collect::<Vec<_>>(), Offset::from_millis(100));
        stretches
            .iter()
            .map(|one| format!("{} {}..{}", one.state.0.name(), one.from / 1_000_000, one.to / 1_000_000))
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
        assert_eq!(told(&[&life[..], &end].concat()), ["unready 10..20", "ready 20..30", "ending 30..40"]);
        assert_eq!(told(&life[..2]), ["unready 10..20", "ready 20..100"]);
        assert_eq!(told(&[(0, "pod-found"), (30, "pod-deleting")]), ["ready 0..30", "ending 30..100"]);
    }

    #[test]
    fn a_workload_rolls_out_until_its_rollout_is_complete() {
        let rollout = [(10, "rollout-started"), (20, "noted"), (30, "rollout-complete"), (40, "noted")];
        assert_eq!(told(&rollout), ["rolling out 10..30", "ready 30..100"]);
        assert_eq!(told(&rollout[..2]), ["rolling out 10..100"]);
        let again = [(50, "rollout-started"), (60, "workload-deleted")];
        let all = ["rolling out 10..30", "ready 30..50", "rolling out 50..60"];
        assert_eq!(told(&[&rollout[..], &again].concat()), all);
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
