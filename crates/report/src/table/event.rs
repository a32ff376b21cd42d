//! The table of events, one per row.

use std::io;

use super::{Column, Field, Kind, Take};
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

pub(super) fn rows(record: &Record, take: Take<'_>) -> io::Result<()> {
    record.events.iter().try_for_each(|event| {
        let object = event.object.as_ref().map(ToString::to_string);
        take(&[
            Field::Instant(event.at),
            Field::ns(event.at),
            Field::text(event.source.name()),
            Field::text(event.kind.name()),
            Field::of_text(object.as_deref()),
            Field::text(&event.text),
            Field::number(event.told_unix_ns),
        ])
    })
}
