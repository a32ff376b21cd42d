//! The rows of pods, workloads and hops on the timeline, with the spans of their states.
//!
//! States follow from the kinds of events, for the lab and for a cluster alike. An object without state events has a
//! row of instants only.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use super::sanitize;
use lapse_measure::time::Offset;
use lapse_record::event::{self, Event, EventKind, ObjectState};
use lapse_record::record::Record;

/// Rows of objects on the timeline; the rest are counted in a note.
const MAX_ROWS: usize = 60;

/// An object's row.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Object {
    name: String,
    stretches: Vec<StateSpan>,
    /// Spans in which the object was listed as an endpoint, as `[from, to]`.
    member: Vec<[u64; 2]>,
}

/// A span in which an object had one state.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct StateSpan {
    state: State,
    from: u64,
    to: u64,
}

/// An object's state, serialised as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State(ObjectState);

impl Serialize for State {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.name())
    }
}

/// The number of objects beyond [`MAX_ROWS`].
pub(super) fn left_out(record: &Record) -> usize {
    let names: BTreeSet<_> = record.events.iter().filter_map(|event| event.object.as_ref()).collect();
    names.len().saturating_sub(MAX_ROWS)
}

/// The objects in the order of their first events, and the index of each.
pub(super) fn all(record: &Record) -> (Vec<Object>, BTreeMap<&event::Object, usize>) {
    let mut places = BTreeMap::new();
    let mut rows: Vec<Vec<&Event>> = Vec::new();
    for event in &record.events {
        let Some(object) = event.object.as_ref() else { continue };
        let next = rows.len();
        let place = *places.entry(object).or_insert(next);
        if place == next && next < MAX_ROWS {
            rows.push(Vec::new());
        }
        if let Some(events) = rows.get_mut(place) {
            events.push(event);
        }
    }
    places.retain(|_, place| *place < rows.len());
    let object = |events: &Vec<&Event>| Object {
        name: sanitize(&name_of(events)),
        stretches: state_spans(events, record.seen.end),
        member: member_spans(events, record.seen.end),
    };
    (rows.iter().map(object).collect(), places)
}

fn name_of(events: &[&Event]) -> String {
    events.iter().find_map(|event| event.object.as_ref()).map(ToString::to_string).unwrap_or_default()
}

/// The states of an object over time. A state event during termination does not end it, and the last state lasts until
/// `end`.
fn state_spans(events: &[&Event], end: Offset) -> Vec<StateSpan> {
    let mut all: Vec<StateSpan> = Vec::new();
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
        all.push(StateSpan { state: State(state), from: at, to: end.as_nanos().max(at) });
    }
    all.retain(|span| span.state.0 != ObjectState::Gone);
    all
}

/// The spans in which at least one list of endpoints had the object.
fn member_spans(events: &[&Event], end: Offset) -> Vec<[u64; 2]> {
    // If the first change is a removal, the object was listed from the start.
    let listed_at_start = events.iter().find_map(|event| joins(&event.kind)) == Some(false);
    let mut lists = u32::from(listed_at_start);
    let mut all = if listed_at_start { vec![[0, end.as_nanos()]] } else { Vec::new() };
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

/// `true` if events of this kind add their object to a list of endpoints, `false` if they remove it, else `None`.
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

    fn states(kinds: &[(u64, &str)]) -> Vec<String> {
        let spans = state_spans(&events(kinds).iter().collect::<Vec<_>>(), Offset::from_millis(100));
        spans
            .iter()
            .map(|one| format!("{} {}..{}", one.state.0.name(), one.from / 1_000_000, one.to / 1_000_000))
            .collect()
    }

    fn listed(kinds: &[(u64, &str)]) -> Vec<[u64; 2]> {
        let listed = member_spans(&events(kinds).iter().collect::<Vec<_>>(), Offset::from_millis(100));
        listed.iter().map(|span| span.map(|edge| edge / 1_000_000)).collect()
    }

    #[test]
    fn a_pod_has_states_from_its_creation_to_the_exit_of_its_container() {
        let life = [(10, "pod-created"), (20, "pod-ready"), (30, "pod-deleting"), (31, "pod-unready")];
        let end = [(40, "container-exited"), (50, "pod-gone")];
        assert_eq!(states(&[&life[..], &end].concat()), ["unready 10..20", "ready 20..30", "ending 30..40"]);
        assert_eq!(states(&life[..2]), ["unready 10..20", "ready 20..100"]);
        assert_eq!(states(&[(0, "pod-found"), (30, "pod-deleting")]), ["ready 0..30", "ending 30..100"]);
    }

    #[test]
    fn a_workload_rolls_out_until_its_rollout_is_complete() {
        let rollout = [(10, "rollout-started"), (20, "noted"), (30, "rollout-complete"), (40, "noted")];
        assert_eq!(states(&rollout), ["rolling out 10..30", "ready 30..100"]);
        assert_eq!(states(&rollout[..2]), ["rolling out 10..100"]);
        let again = [(50, "rollout-started"), (60, "workload-deleted")];
        let all = ["rolling out 10..30", "ready 30..50", "rolling out 50..60"];
        assert_eq!(states(&[&rollout[..], &again].concat()), all);
    }

    #[test]
    fn an_endpoint_of_two_lists_is_a_member_until_both_remove_it() {
        assert_eq!(listed(&[(10, "endpoint-added"), (20, "endpoint-removed")]), [[10, 20]]);
        let two = [(0, "endpoint-found"), (0, "endpoint-found"), (20, "endpoint-removed"), (30, "endpoint-removed")];
        assert_eq!(listed(&two), [[0, 30]]);
        assert_eq!(listed(&[(20, "endpoint-removed"), (30, "endpoint-added")]), [[0, 20], [30, 100]]);
        assert_eq!(listed(&[(20, "pod-deleting")]), Vec::<[u64; 2]>::new());
    }

    #[test]
    fn events_without_a_state_give_no_spans() {
        assert_eq!(states(&[(10, "endpoint-added"), (20, "hop-synced")]), Vec::<String>::new());
    }
}
