//! A value with the reason for it.

use std::time::Duration;

use lapse_lab::duration_range::DurationRange;
use lapse_measure::time::Human;

/// The word that marks a value without evidence.
pub(crate) const ASSUMED: &str = "assumed: ";

/// A value with its evidence, or with the reason why it is assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known<T> {
    /// The value.
    pub value: T,
    /// The evidence, as a clause; it begins with `assumed:` where there is none.
    pub why: String,
}

impl<T> Known<T> {
    /// A value that something shows.
    pub fn shown(value: T, evidence: impl Into<String>) -> Self {
        Self { value, why: evidence.into() }
    }

    /// A value that nothing shows.
    pub fn assumed(value: T, why: impl AsRef<str>) -> Self {
        Self { value, why: format!("{ASSUMED}{}", why.as_ref()) }
    }

    /// The same reason for a value made of this one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Known<U> {
        Known { value: change(self.value), why: self.why }
    }
}

/// Whether a comment says that its value is assumed.
pub fn is_assumed(comment: &str) -> bool {
    comment.starts_with(ASSUMED)
}

/// Durations in whole milliseconds as a range, from the shortest to the longest; `None` without any.
pub(crate) fn range(lengths: &[Duration]) -> Option<DurationRange> {
    let whole = |length: &Duration| Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
    let (shortest, longest) = (lengths.iter().min()?, lengths.iter().max()?);
    Some(DurationRange::between(whole(shortest), whole(longest)))
}

/// Durations in words, in their order: `0.40 s, 0.52 s`; of more than four the shortest and the longest.
pub(crate) fn words(lengths: &[Duration]) -> String {
    let human = |length: &Duration| Human(*length).to_string();
    match (lengths.iter().min(), lengths.iter().max()) {
        (Some(shortest), Some(longest)) if lengths.len() > 4 => {
            format!("{} to {} in {} cases", human(shortest), human(longest), lengths.len())
        }
        _ => lengths.iter().map(human).collect::<Vec<_>>().join(", "),
    }
}
