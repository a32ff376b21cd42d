//! Counts, shares, classes and times as the sentences of lapse say them.

use std::fmt;
use std::time::Duration;

use crate::answer::Class;

/// A count with thousands separators: `12,000`.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub u64);

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

/// A count with its noun in the right number: `1 probe`, `12,000 probes`.
pub fn some(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", Count(count))
}

/// A part of a whole with the noun: `34 of 12,000 probes`.
pub fn part(part: u64, whole: u64, noun: &str) -> String {
    format!("{} of {}", Count(part), some(whole, noun))
}

/// A duration in seconds, cut to the millisecond: `7.003 s`.
pub fn seconds(time: Duration) -> String {
    format!("{}.{:03} s", time.as_secs(), time.subsec_millis())
}

/// All classes with their counts, most frequent first: `reset x20, closed x14`.
pub fn classes<'a>(counts: impl IntoIterator<Item = (&'a Class, &'a u64)>) -> String {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(class, count)| (std::cmp::Reverse(**count), **class));
    let listed = counts.iter().map(|(class, count)| format!("{class} x{}", Count(**count)));
    listed.collect::<Vec<_>>().join(", ")
}

/// The share of failed probes in words: `all`, `40 %`, `0.3 %`, `none`. Only exact shares print as `all` or `none`.
#[expect(clippy::cast_precision_loss, reason = "a share in words has two digits")]
pub fn share(failed: u64, resolved: u64) -> String {
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
