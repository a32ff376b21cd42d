//! The table of the longest outages. The text report shows it if a lane had several outages in one episode.

use super::page::Page;
use crate::date;
use crate::longest::Longest;
use crate::words::episode::origin;
use crate::words::phrase::{Count, apart, signed, some, some_classes};
use lapse_measure::outage::Outage;
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
    let Longest { shown, more } = Longest::outages(record, if wide { MAX_ROWS_WIDE } else { MAX_ROWS });
    page.heading("The longest outages (first failed probe due at this time of day in UTC)");
    let mut rows = Vec::new();
    if wide {
        let head = ["", "first failed", "", "lasted", "began between", "ended between", "lost", ""];
        rows.push(head.map(str::to_owned).to_vec());
    }
    for id in shown {
        let outage = record.seen.outage(id);
        let row = if wide { wide_row(record, outage) } else { narrow_row(record, outage) };
        rows.push([vec![record.summary.lane(id.lane).name.clone()], row].concat());
    }
    page.table(2, &rows);
    if !more.is_empty() {
        page.say(2, &format!("and {}", some(more.len() as u64, "shorter outage")));
    }
}

fn narrow_row(record: &Record, outage: &Outage) -> Vec<String> {
    let at = date::moment(record.about.anchor, outage.from);
    vec![at, outage.duration().to_string(), some_classes(&outage.classes)]
}

/// The cells of a wide row: those of a narrow one plus the brackets, in seconds relative to the outage's
/// [`origin`].
fn wide_row(record: &Record, outage: &Outage) -> Vec<String> {
    let (from, what) = origin(record, outage.from);
    let between = |earliest: Option<Offset>, latest: Option<Offset>| {
        let side = |at: Option<Offset>| at.map_or_else(|| "?".to_owned(), |at| signed(at, from));
        format!("{} to {}", side(earliest), side(latest))
    };
    vec![
        date::moment(record.about.anchor, outage.from),
        format!("{} {what}", apart(outage.from, from)),
        outage.duration().to_string(),
        between(outage.began.0, Some(outage.began.1)),
        between(Some(outage.ended.0), outage.ended.1),
        Count(outage.failed).to_string(),
        some_classes(&outage.classes),
    ]
}
