//! The table of events, one per row.

use std::io;

use super::{Column, Field, Kind, RowSink};
use lapse_measure::time::UnixTime;
use lapse_record::record::Record;

pub(super) const COLUMNS: [Column; 7] = [
    ("time", Kind::Instant),
    ("at_ns", Kind::Number),
    ("source", Kind::Text),
    ("kind", Kind::Text),
    ("object", Kind::Text),
    ("text", Kind::Text),
    ("told_unix_ns", Kind::Number),
];

pub(super) fn rows(record: &Record, sink: RowSink<'_>) -> io::Result<()> {
    record.events.iter().try_for_each(|event| {
        let object = event.object.as_ref().map(ToString::to_string);
        sink(&[
            Field::Instant(event.at),
            Field::ns(event.at),
            Field::text(event.source.name()),
            Field::text(event.kind.name()),
            Field::of_text(object.as_deref()),
            Field::text(&event.text),
            Field::number(event.source_time.map(UnixTime::as_nanos)),
        ])
    })
}
