//! Figures as people say them.

use std::collections::BTreeMap;

use crate::measure::answer::Class;

/// `1 probe`, `12000 probes`.
pub(super) fn count(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{s}")
}

/// `refused x750, reset x10`: the most frequent first.
pub(super) fn classes(classes: &BTreeMap<Class, u64>) -> String {
    let mut all: Vec<_> = classes.iter().collect();
    all.sort_by(|left, right| right.1.cmp(left.1).then(left.0.cmp(right.0)));
    all.iter().map(|(class, count)| format!("{class} x{count}")).collect::<Vec<_>>().join(", ")
}

/// A share as a percentage that is never rounded up to all.
pub(super) fn percent(share: f64) -> String {
    let floored = (share * 1e6).floor() / 1e4;
    let text = format!("{floored:.4}");
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_up_to_all() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.999_999_9), "99.9999 %");
        assert_eq!(percent(0.5), "50 %");
    }

    #[test]
    fn the_most_frequent_class_comes_first() {
        let all = BTreeMap::from([(Class::Reset, 2), (Class::Status(503), 7), (Class::Refused, 2)]);
        assert_eq!(classes(&all), "status 503 x7, refused x2, reset x2");
    }
}
