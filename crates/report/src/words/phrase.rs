//! Counts, shares and moments in words, with singular and plural right.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use lapse_measure::answer::{Class, Health};
use lapse_measure::time::Offset;
use lapse_measure::timeline::{Cell, Timeline};

/// Classes that are told where there is no room for all.
const FEW: usize = 3;

/// A count with its thousands set apart: `12,000`.
pub(crate) struct Count(pub(crate) u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// `1 probe`, `12,000 probes`.
pub(crate) fn some(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", Count(count))
}

/// `34 of 12,000 probes`.
pub(crate) fn part(part: u64, whole: u64, noun: &str) -> String {
    format!("{} of {}", Count(part), some(whole, noun))
}

/// How many of how many probes were lost: `lost 34 of 12,000 probes`, `lost all 34 probes`.
pub(crate) fn lost(failed: u64, all: u64) -> String {
    match failed {
        1 if all == 1 => "lost 1 probe".to_owned(),
        1.. if failed == all => format!("lost all {}", some(all, "probe")),
        _ => format!("lost {}", part(failed, all, "probe")),
    }
}

/// A name in `width` columns: of a longer one its end, for what tells names apart stands there.
pub(crate) fn tail(name: &str, width: usize) -> String {
    if name.width() <= width { name.to_owned() } else { format!("…{}", ending(name, width.saturating_sub(1))) }
}

/// As much of the end of `name` as has room in `width` columns.
pub(crate) fn ending(name: &str, width: usize) -> &str {
    let mut ends = name.char_indices().map(|(at, _)| &name[at..]);
    ends.find(|end| end.width() <= width).unwrap_or_default()
}

/// `text` and as many spaces as fill `width` columns.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// A share of 1 as a percentage that never rounds a loss away: `99.9958 %`, and `100 %` only of all.
pub(crate) fn percent(share: f64) -> String {
    let figure = share * 100.0;
    let rounded = format!("{figure:.4}");
    let shown = if figure < 100.0 && rounded == "100.0000" { "99.9999" } else { &rounded };
    let trimmed = if shown.contains('.') { shown.trim_end_matches('0').trim_end_matches('.') } else { shown };
    format!("{trimmed} %")
}

/// Seconds to the millisecond: `7.003 s`.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{}.{:03} s", time.as_secs(), time.subsec_millis())
}

/// `at` seen from `from`: `2.000 s after`, `0.350 s before`.
pub(crate) fn apart(at: Offset, from: Offset) -> String {
    if at < from { format!("{} before", seconds(from.since(at))) } else { format!("{} after", seconds(at.since(from))) }
}

/// `at` in seconds after `from`, to the millisecond: `2.000`, `-0.350`.
pub(crate) fn signed(at: Offset, from: Offset) -> String {
    let apart = at.since(from).max(from.since(at));
    let sign = if at < from && apart.as_millis() > 0 { "-" } else { "" };
    format!("{sign}{}", seconds(apart).trim_end_matches(" s"))
}

/// Counts of classes, the most frequent first: `reset x20, closed x14`.
pub(crate) fn classes<'a>(counts: impl IntoIterator<Item = (&'a Class, &'a u64)>) -> String {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(class, count)| (std::cmp::Reverse(**count), **class));
    let said = counts.iter().map(|(class, count)| format!("{class} x{}", Count(**count)));
    said.collect::<Vec<_>>().join(", ")
}

/// The same of the few most frequent ones: `reset x20, closed x14 and 3 more`.
pub(crate) fn some_classes(counts: &BTreeMap<Class, u64>) -> String {
    let mut most: Vec<_> = counts.iter().collect();
    most.sort_by_key(|(class, count)| (std::cmp::Reverse(**count), **class));
    let more = most.split_off(most.len().min(FEW)).len();
    if more > 0 { format!("{} and {more} more", classes(most)) } else { classes(most) }
}

/// What a lane lost of what was due in `[from, to)`, and how.
pub(crate) fn lost_between(timeline: &Timeline, from: Offset, to: Offset) -> String {
    let cell = Cell::of([timeline], from, to);
    let failed = cell.count(Health::Failed);
    let all = cell.due() - cell.count(Health::Blind);
    let bad = cell.classes.iter().filter(|(class, _)| class.health() == Health::Failed);
    format!("{}: {}", lost(failed, all), classes(bad.map(|(class, count)| (class, count))))
}

/// A share in words that neither hides a loss nor makes all of almost all: `all`, `40 %`, `0.3 %`, `none`.
#[expect(clippy::cast_precision_loss, reason = "a share in words has two digits")]
pub(crate) fn share(failed: u64, resolved: u64) -> String {
    let percent = failed as f64 * 100.0 / resolved.max(1) as f64;
    match failed {
        0 => "none".to_owned(),
        _ if failed == resolved => "all".to_owned(),
        _ if percent >= 99.5 => "over 99 %".to_owned(),
        _ if percent >= 1.0 => format!("{percent:.0} %"),
        _ if percent >= 0.1 => format!("{percent:.1} %"),
        _ => "less than 0.1 %".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_set_in_thousands_and_agree_with_their_nouns() {
        assert_eq!(some(1, "probe"), "1 probe");
        assert_eq!(some(0, "probe"), "0 probes");
        assert_eq!(part(34, 1_234_567, "probe"), "34 of 1,234,567 probes");
        assert_eq!([lost(0, 1), lost(1, 1), lost(2, 2)], ["lost 0 of 1 probe", "lost 1 probe", "lost all 2 probes"]);
    }

    #[test]
    fn names_are_cut_at_their_beginning_and_fill_columns_not_letters() {
        assert_eq!([tail("wine-7d4", 8), tail("wine-7d4", 6)], ["wine-7d4", "…e-7d4"]);
        assert_eq!([tail("店-漢字", 7), tail("店-漢字", 6)], ["店-漢字", "…-漢字"]);
        assert_eq!([padded("漢", 4), padded("long", 2)], ["漢  ", "long"]);
    }

    #[test]
    fn a_loss_is_never_rounded_away() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.999_999_99), "99.9999 %");
        assert_eq!(percent(0.972_6), "97.26 %");
        assert_eq!(percent(0.0), "0 %");
    }

    #[test]
    fn moments_are_told_from_either_side() {
        let ms = Offset::from_millis;
        assert_eq!(apart(ms(7000), ms(5000)), "2.000 s after");
        assert_eq!(apart(ms(4650), ms(5000)), "0.350 s before");
    }

    #[test]
    fn the_most_frequent_class_comes_first() {
        let counts = std::collections::BTreeMap::from([(Class::Reset, 2), (Class::Refused, 2), (Class::Dns, 30_000)]);
        assert_eq!(classes(&counts), "dns x30,000, refused x2, reset x2");
    }

    #[test]
    fn a_share_hides_no_loss_and_claims_no_more_than_was_lost() {
        let said = [(0, 9), (9, 9), (9_999, 10_000), (4, 10), (3, 1000), (1, 100_000)];
        let said = said.map(|(failed, resolved)| share(failed, resolved));
        assert_eq!(said, ["none", "all", "over 99 %", "40 %", "0.3 %", "less than 0.1 %"]);
    }
}
