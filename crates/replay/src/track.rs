//! Values over time: what holds from one offset on, up to the next.

use lapse_measure::time::Offset;

/// Values, each from an offset on; the first one holds before its offset, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Track<T>(Vec<(Offset, T)>);

impl<T> Default for Track<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone + PartialEq> Track<T> {
    /// Appends a value that holds from `from` on. Offsets must not decrease: a value that holds for no time is replaced,
    /// and one that equals the last is its continuation.
    pub(crate) fn push(&mut self, from: Offset, value: T) {
        while self.0.last().is_some_and(|(last, _)| *last >= from) {
            self.0.pop();
        }
        if self.0.last().is_none_or(|(_, last)| *last != value) {
            self.0.push((from, value));
        }
    }

    /// The value at `at`; `None` for an empty track.
    pub(crate) fn at(&self, at: Offset) -> Option<&T> {
        let after = self.0.partition_point(|(from, _)| *from <= at);
        self.0.get(after.saturating_sub(1)).map(|(_, value)| value)
    }

    /// The first change after `at`.
    pub(crate) fn next_change(&self, at: Offset) -> Option<Offset> {
        let after = self.0.partition_point(|(from, _)| *from <= at);
        self.0.get(after.max(1)).map(|(from, _)| *from)
    }

    /// The track of `map` of each value.
    pub(crate) fn map<U: Clone + PartialEq>(&self, map: impl Fn(&T) -> U) -> Track<U> {
        self.0.iter().map(|(from, value)| (*from, map(value))).collect()
    }

    /// The same track with each value of `over`, sorted and disjoint, in its place from its first offset to its second.
    pub(crate) fn overlaid(&self, over: &[(Offset, Offset, T)]) -> Self {
        let mut result = Self::default();
        let mut base = self.0.iter().peekable();
        for (from, to, value) in over {
            while let Some((at, below)) = base.next_if(|(at, _)| at < from) {
                result.push(*at, below.clone());
            }
            result.push(*from, value.clone());
            while base.next_if(|(at, _)| at <= to).is_some() {}
            if let Some(below) = self.at(*to) {
                result.push(*to, below.clone());
            }
        }
        base.for_each(|(at, below)| result.push(*at, below.clone()));
        result
    }
}

impl<T: Clone + PartialEq> FromIterator<(Offset, T)> for Track<T> {
    fn from_iter<I: IntoIterator<Item = (Offset, T)>>(values: I) -> Self {
        let mut track = Self::default();
        values.into_iter().for_each(|(from, value)| track.push(from, value));
        track
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn track(text: &str) -> Track<char> {
        (0..).map(Offset::from_millis).zip(text.chars()).collect()
    }

    fn text(track: &Track<char>, length: u64) -> String {
        (0..length).map(|ms| *track.at(Offset::from_millis(ms)).unwrap()).collect()
    }

    #[test]
    fn a_value_holds_until_the_next_and_changes_are_found() {
        let track = track("aaabba");
        assert_eq!(track.at(Offset::from_millis(9)), Some(&'a'));
        let changes: Vec<_> = [0, 2, 3, 5].map(|ms| track.next_change(Offset::from_millis(ms))).into();
        assert_eq!(changes, [Some(3), Some(3), Some(5), None].map(|ms| ms.map(Offset::from_millis)));
        assert_eq!(Track::<char>::default().at(Offset::ZERO), None);
    }

    proptest! {
        #[test]
        fn an_overlay_hides_what_lies_below_it_and_nothing_else(base in "[ab]{12}", from in 0_u64..12, length in 1_u64..6) {
            let below = track(&base);
            let to = (from + length).min(12);
            let above = below.overlaid(&[(Offset::from_millis(from), Offset::from_millis(to), 'x')]);
            let expected: String = (0..12).zip(base.chars()).map(|(ms, value)| if (from..to).contains(&ms) { 'x' } else { value }).collect();
            // Before its first offset a track has its first value, so an overlay at the very start shows nothing else.
            prop_assert_eq!(text(&above, 12), expected);
        }
    }
}
