//! Formats counts, shares and instants for sentences.

use std::collections::BTreeMap;

use unicode_width::UnicodeWidthStr;

use lapse_measure::answer::Class;
pub(crate) use lapse_measure::phrase::{Count, classes, part, seconds, share, some};
use lapse_measure::time::Offset;

/// Classes listed where space is short; the rest are counted.
const MAX_CLASSES: usize = 3;

/// Failed probes out of all probes: `lost 34 of 12,000 probes`, `lost all 34 probes`.
pub(crate) fn lost(failed: u64, all: u64) -> String {
    match failed {
        1 if all == 1 => "lost 1 probe".to_owned(),
        1.. if failed == all => format!("lost all {}", some(all, "probe")),
        _ => format!("lost {}", part(failed, all, "probe")),
    }
}

/// Failed probes out of all probes, with the share unless all failed: `lost 799 of 2,000 probes (40 %)`.
pub(crate) fn lost_share(failed: u64, all: u64) -> String {
    if failed == all { lost(failed, all) } else { format!("{} ({})", lost(failed, all), share(failed, all)) }
}

/// `name` in at most `width` columns. A longer name is cut at its beginning, since names of pods and lanes differ at
/// the end.
pub(crate) fn tail(name: &str, width: usize) -> String {
    if name.width() <= width { name.to_owned() } else { format!("…{}", ending(name, width.saturating_sub(1))) }
}

/// The longest ending of `name` that fits `width` columns.
pub(crate) fn ending(name: &str, width: usize) -> &str {
    let mut ends = name.char_indices().map(|(at, _)| &name[at..]);
    ends.find(|end| end.width() <= width).unwrap_or_default()
}

/// `text` padded with spaces to `width` columns; a wider text is unchanged.
pub(crate) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// A share from 0 to 1 as a percentage: `99.9958 %`. Only 1 itself prints as `100 %`, so rounding never hides a loss.
pub(crate) fn percent(share: f64) -> String {
    let figure = share * 100.0;
    let rounded = format!("{figure:.4}");
    let shown = if figure < 100.0 && rounded == "100.0000" { "99.9999" } else { &rounded };
    let trimmed = if shown.contains('.') { shown.trim_end_matches('0').trim_end_matches('.') } else { shown };
    format!("{trimmed} %")
}

/// The distance from `from` to `at` and its direction: `2.000 s after`, `0.350 s before`.
pub(crate) fn apart(at: Offset, from: Offset) -> String {
    if at < from { format!("{} before", seconds(from.since(at))) } else { format!("{} after", seconds(at.since(from))) }
}

/// Seconds from `from` to `at` as a signed number, cut to the millisecond: `2.000`, `-0.350`.
pub(crate) fn signed(at: Offset, from: Offset) -> String {
    let apart = at.since(from).max(from.since(at));
    let sign = if at < from && apart.as_millis() > 0 { "-" } else { "" };
    format!("{sign}{}", seconds(apart).trim_end_matches(" s"))
}

/// The [`MAX_CLASSES`] most frequent classes and the number of the others: `reset x20, closed x14 and 3 more`.
pub(crate) fn some_classes(counts: &BTreeMap<Class, u64>) -> String {
    let mut most: Vec<_> = counts.iter().collect();
    most.sort_by_key(|(class, count)| (std::cmp::Reverse(**count), **class));
    let more = most.split_off(most.len().min(MAX_CLASSES)).len();
    if more > 0 { format!("{} and {more} more", classes(most)) } else { classes(most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_thousands_separators_and_matching_plurals() {
        assert_eq!(some(1, "probe"), "1 probe");
        assert_eq!(some(0, "probe"), "0 probes");
        assert_eq!(part(34, 1_234_567, "probe"), "34 of 1,234,567 probes");
        assert_eq!([lost(0, 1), lost(1, 1), lost(2, 2)], ["lost 0 of 1 probe", "lost 1 probe", "lost all 2 probes"]);
    }

    #[test]
    fn a_loss_has_its_share_unless_it_is_all() {
        assert_eq!(
            [lost_share(799, 2_000), lost_share(2, 2)],
            ["lost 799 of 2,000 probes (40 %)", "lost all 2 probes"]
        );
    }

    #[test]
    fn long_names_lose_their_beginning_and_wide_characters_count_twice() {
        assert_eq!([tail("wine-7d4", 8), tail("wine-7d4", 6)], ["wine-7d4", "…e-7d4"]);
        assert_eq!([tail("店-漢字", 7), tail("店-漢字", 6)], ["店-漢字", "…-漢字"]);
        assert_eq!([padded("漢", 4), padded("long", 2)], ["漢  ", "long"]);
    }

    #[test]
    fn percentages_never_round_a_loss_away() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.999_999_99), "99.9999 %");
        assert_eq!(percent(0.972_6), "97.26 %");
        assert_eq!(percent(0.0), "0 %");
    }

    #[test]
    fn distances_say_before_or_after() {
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
    fn shares_never_round_to_all_or_none() {
        let shares = [(0, 9), (9, 9), (9_999, 10_000), (4, 10), (3, 1000), (1, 100_000)];
        let shares = shares.map(|(failed, resolved)| share(failed, resolved));
        assert_eq!(shares, ["none", "all", "over 99 %", "40 %", "0.3 %", "less than 0.1 %"]);
    }
}
