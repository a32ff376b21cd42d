//! The versions that answers named: a strip of their shares over time, a table and what happened.

use maud::{Markup, html};

use super::{sanitize, sheet};
use crate::axis;
use crate::words::version;
use lapse_measure::span::Span;
use lapse_measure::time::{Offset, nanos};
use lapse_measure::version::Versions;
use lapse_record::record::Record;

/// Size of the strip, in pixels; seconds stand below it.
const SIZE: (u64, u64) = (1160, 96);
/// Height of the shares, in pixels.
const HEIGHT: u64 = 76;
/// The most columns of the strip.
const COLUMNS: u64 = 232;
/// About how many seconds are marked.
const MARKS: usize = 12;
/// Fill colours; further versions begin again.
const COLOURS: usize = 8;

/// The section; nothing unless the run tells versions apart.
pub(super) fn section(record: &Record) -> Markup {
    let sentences = version::sentences(record);
    html! {
        @if !sentences.is_empty() {
            @for (nth, (target, versions)) in version::targets(record).enumerate() {
                @let heading = if record.summary.targets.len() == 1 { version::heading(record) } else { format!("{}: {}", target.name, version::heading(record)) };
                (sheet::section(&format!("versions-{nth}"), &heading, &version::rows(versions), if nth == 0 { &sentences } else { &[] }))
                @if !versions.all.is_empty() { (strip(record, versions)) }
            }
        }
    }
}

/// The shares of the versions over the run, stacked.
fn strip(record: &Record, versions: &Versions) -> Markup {
    let length = nanos(record.whole().length());
    let columns = COLUMNS.min(versions.shares.len() as u64).max(1);
    let edge = |nth: u64| {
        Offset::from_nanos(u64::try_from(u128::from(length) * u128::from(nth) / u128::from(columns)).unwrap_or(length))
    };
    let x = |nth: u64| SIZE.0 * nth / columns;
    html! {
        div.scroll tabindex="0" role="group" aria-label="shares of the versions over time" {
            svg.versions viewBox=(format!("0 0 {} {}", SIZE.0, SIZE.1)) role="img" aria-label="shares of the versions over time" {
                @for nth in 0..columns {
                    (column(versions, Span::new(edge(nth), edge(nth + 1)), x(nth), x(nth + 1) - x(nth)))
                }
                (marks(record))
            }
            ul.versions {
                @for (nth, one) in versions.all.iter().enumerate() {
                    li { svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect class=(colour(nth)) width="10" height="10" {} } " " (sanitize(&version::name(one))) }
                }
                @if versions.unnamed + versions.further > 0 {
                    li { svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect.unnamed width="10" height="10" {} } " others" }
                }
            }
        }
    }
}

fn column(versions: &Versions, span: Span, x: u64, width: u64) -> Markup {
    let (counts, all) = version::counts(versions, span);
    let mut below = 0;
    let pieces = counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(nth, count)| {
        let from = HEIGHT * below / all.max(1);
        below += count;
        let to = HEIGHT * below / all.max(1);
        let class = if nth < versions.all.len() { colour(nth) } else { "unnamed".to_owned() };
        (class, HEIGHT - to, to - from)
    });
    let pieces: Vec<_> = pieces.collect();
    html! {
        @for (class, y, height) in pieces { rect class=(class) x=(x) y=(y) width=(width) height=(height) {} }
    }
}

/// Seconds below the strip.
fn marks(record: &Record) -> Markup {
    let length = record.whole().length();
    let step = axis::step(length, MARKS);
    let x = |nth: u32| u128::from(SIZE.0) * (step * nth).as_nanos() / length.as_nanos().max(1);
    let count = u32::try_from(length.as_nanos() / step.as_nanos().max(1))
        .unwrap_or(0)
        .min(u32::try_from(MARKS).unwrap_or(0) * 2);
    html! {
        @for nth in 0..=count {
            text x=(x(nth)) y=(SIZE.1 - 4) { (axis::in_seconds(step * nth)) }
        }
    }
}

fn colour(nth: usize) -> String {
    format!("version{}", nth % COLOURS)
}
