//! The table of failed probes, one per row, with the evidence of each.

use std::io;

use super::{Column, Field, Kind, RowSink};
use lapse_measure::time::nanos;
use lapse_record::identity::Identity;
use lapse_record::record::Record;

pub(super) const COLUMNS: [Column; 21] = [
    ("time", Kind::Instant),
    ("target", Kind::Text),
    ("lane", Kind::Text),
    ("slot", Kind::Number),
    ("due_ns", Kind::Number),
    ("sent_ns", Kind::Number),
    ("done_ns", Kind::Number),
    ("class", Kind::Text),
    ("status", Kind::Number),
    ("connection", Kind::Text),
    ("age_ns", Kind::Number),
    ("uses", Kind::Number),
    ("peer", Kind::Text),
    ("local_port", Kind::Number),
    ("server", Kind::Text),
    ("backend", Kind::Text),
    ("body", Kind::Text),
    ("detail", Kind::Text),
    ("idle_ns", Kind::Number),
    ("uuid", Kind::Text),
    ("traceparent", Kind::Text),
];

pub(super) fn rows(record: &Record, sink: RowSink<'_>) -> io::Result<()> {
    record.failures.kept.iter().try_for_each(|failure| {
        let (lane, probe, evidence) = (record.seen.lane(failure.lane).lane, &failure.probe, &failure.evidence);
        let identity = record.identity(failure.lane, probe.slot);
        let id = |form: fn(&Identity) -> Option<String>| {
            identity.as_ref().and_then(form).map_or(Field::Unknown, |id| Field::printable(&id))
        };
        sink(&[
            Field::Instant(probe.sent),
            Field::text(&record.seen.target(lane.target).name),
            Field::printable(&lane.policy),
            Field::Number(probe.slot),
            Field::ns(probe.due),
            Field::ns(probe.sent),
            Field::ns(probe.done),
            Field::printable(&probe.class),
            Field::number(evidence.status),
            Field::printable(&probe.connection),
            Field::span(evidence.age),
            Field::number(Some(evidence.uses)),
            evidence.peer.map_or(Field::Unknown, |peer| Field::printable(&peer)),
            Field::number(evidence.local_port),
            Field::of_text(evidence.server.as_deref()),
            Field::of_text(evidence.backend.as_deref()),
            Field::of_text(evidence.body.as_deref()),
            Field::text(&evidence.detail),
            Field::number(evidence.idle.map(nanos)),
            id(Identity::uuid),
            id(Identity::traceparent),
        ])
    })
}
