//! The table of the longest disruptions. The text report shows it if a lane had several disruptions in one episode.

use super::page::Page;
use crate::date;
use crate::longest::{LaneDisruption, Longest};
use crate::words::disruption::{lasted, lost};
use crate::words::episode::origin;
use crate::words::phrase::{apart, signed, some, some_classes};
use lapse_measure::time::Offset;
use lapse_record::record::Record;

/// Minimum page width for the columns with the brackets of begin and end.
const WIDE: usize = 150;
/// Rows on a narrow page.
const MAX_ROWS: usize = 5;
/// Rows on a page of at least [`WIDE`] columns.
const MAX_ROWS_WIDE: usize = 12;

pub(super) fn write(record: &Record, page: &mut Page) {
    let wide = page.look().columns() >= WIDE;
    let Longest { shown, more } = Longest::disruptions(record, if wide { MAX_ROWS_WIDE } else { MAX_ROWS });
    page.heading("The longest disruptions (first failed probe due at this time of day in UTC)");
    let mut rows = Vec::new();
    if wide {
        let head = ["", "first failed", "", "lasted", "began between", "ended between", "lost", ""];
        rows.push(head.map(str::to_owned).to_vec());
    }
    for one in shown {
        let row = if wide { wide_row(record, one) } else { narrow_row(record, one) };
        rows.push([vec![record.summary.lane(one.0.id).name.clone()], row].concat());
    }
    page.table(2, &rows);
    if !more.is_empty() {
        page.say(2, &format!("and {}", some(more.len() as u64, "shorter disruption")));
    }
}

fn narrow_row(record: &Record, (lane, one): LaneDisruption<'_>) -> Vec<String> {
    let at = date::moment(record.about.anchor, one.from);
    vec![at, lasted((lane, one)), some_classes(&one.classes_of(&lane.timeline))]
}

/// The cells of a wide row: those of a narrow one plus the brackets, in seconds relative to the
/// disruption's [`origin`].
fn wide_row(record: &Record, (lane, one): LaneDisruption<'_>) -> Vec<String> {
    let (from, what) = origin(record, one.from);
    let between = |earliest: Option<Offset>, latest: Option<Offset>| {
        let side = |at: Option<Offset>| at.map_or_else(|| "?".to_owned(), |at| signed(at, from));
        format!("{} to {}", side(earliest), side(latest))
    };
    vec![
        date::moment(record.about.anchor, one.from),
        format!("{} {what}", apart(one.from, from)),
        lasted((lane, one)),
        between(one.began.0, Some(one.began.1)),
        between(Some(one.ended.0), one.ended.1),
        lost(one),
        some_classes(&one.classes_of(&lane.timeline)),
    ]
}
