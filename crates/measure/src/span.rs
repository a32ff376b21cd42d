//! Spans of time and sets of spans, from which totals are computed.

use std::time::Duration;

use super::time::Offset;

/// A half-open interval of time: from one offset up to, not including, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first instant in the span.
    pub from: Offset,
    /// The first instant after the span; never before `from`.
    pub to: Offset,
}

impl Span {
    /// The span between two instants; empty if `to` lies before `from`.
    pub fn new(from: Offset, to: Offset) -> Self {
        Self { from, to: to.max(from) }
    }

    /// The length of the span; zero if it is empty.
    pub const fn length(&self) -> Duration {
        self.to.since(self.from)
    }

    /// The intersection with `other`; empty if the two do not overlap.
    #[must_use]
    pub fn within(&self, other: Self) -> Self {
        Self::new(self.from.max(other.from), self.to.min(other.to))
    }

    const fn is_empty(&self) -> bool {
        self.from.as_nanos() == self.to.as_nanos()
    }
}

/// A set of instants, kept as disjoint spans in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// The disjoint spans of the set, in order of time.
    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        self.0.iter().copied()
    }

    /// The total length of all spans.
    pub fn length(&self) -> Duration {
        self.iter().map(|span| span.length()).sum()
    }

    /// The length of the longest span; zero for an empty set.
    pub fn longest(&self) -> Duration {
        self.iter().map(|span| span.length()).max().unwrap_or_default()
    }

    /// The part of the set that lies inside `window`.
    #[must_use]
    pub fn within(&self, window: Span) -> Self {
        self.iter().map(|span| span.within(window)).collect()
    }

    /// The instants that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.iter().peekable(), other.iter().peekable());
        let mut common = Vec::new();
        while let (Some(a), Some(b)) = (left.peek().copied(), right.peek().copied()) {
            common.push(a.within(b));
            if a.to < b.to {
                left.next();
            } else {
                right.next();
            }
        }
        common.into_iter().collect()
    }

    /// Adds a span that starts no earlier than any span already in the set.
    pub fn append(&mut self, span: Span) {
        match self.0.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ if span.is_empty() => {}
            _ => self.0.push(span),
        }
    }
}

impl FromIterator<Span> for Spans {
    /// The union of the spans, which may come in any order.
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut sorted: Vec<_> = spans.into_iter().filter(|span| !span.is_empty()).collect();
        sorted.sort_unstable();
        let mut union = Self::default();
        for span in sorted {
            union.append(span);
        }
        union
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans(bounds: &[(u64, u64)]) -> Spans {
        bounds.iter().map(|(from, to)| Span::new(Offset::from_millis(*from), Offset::from_millis(*to))).collect()
    }

    #[test]
    fn overlapping_spans_count_once() {
        let union = spans(&[(5, 8), (1, 3), (2, 4), (4, 5)]);
        assert_eq!(union, spans(&[(1, 8)]));
        assert_eq!(union.length(), Duration::from_millis(7));
        assert_eq!(spans(&[(3, 3), (7, 2)]), Spans::default());
    }

    #[test]
    fn the_intersection_is_what_both_sets_contain() {
        let common = spans(&[(0, 10), (20, 30)]).intersection(&spans(&[(5, 22), (29, 40)]));
        assert_eq!(common, spans(&[(5, 10), (20, 22), (29, 30)]));
        assert_eq!(
            common.within(Span::new(Offset::from_millis(6), Offset::from_millis(21))),
            spans(&[(6, 10), (20, 21)])
        );
    }

    proptest! {
        #[test]
        fn an_instant_is_in_the_set_if_it_is_in_a_member(
            left in proptest::collection::vec((0_u64..50, 0_u64..50), 0..8),
            right in proptest::collection::vec((0_u64..50, 0_u64..50), 0..8),
        ) {
            let holds = |bounds: &[(u64, u64)], at: u64| bounds.iter().any(|(from, to)| (*from..*to).contains(&at));
            let (a, b) = (spans(&left), spans(&right));
            for at in 0..50 {
                let instant = Offset::from_millis(at);
                let inside = |set: &Spans| set.iter().any(|span| span.from <= instant && instant < span.to);
                prop_assert_eq!(inside(&a), holds(&left, at));
                prop_assert_eq!(inside(&a.intersection(&b)), holds(&left, at) && holds(&right, at));
            }
        }
    }
}
