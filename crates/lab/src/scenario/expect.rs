//! What an act is expected to cost, for the caller to hold against what was measured.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::duration_range::Span;

/// Whether there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Amount {
    /// Not a single one.
    None,
    /// At least one.
    Some,
    /// Perhaps some, perhaps none: it is a matter of luck.
    Any,
}

impl Amount {
    /// Whether `count` is as expected.
    pub const fn allows(self, count: u64) -> bool {
        match self {
            Self::None => count == 0,
            Self::Some => count > 0,
            Self::Any => true,
        }
    }
}

/// What an act is expected to cost.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// Requests that fail, over all lanes.
    pub lost: Amount,
    /// The same for single lanes, by name; others may do as they like.
    #[serde(default)]
    pub lanes: BTreeMap<String, Amount>,
    /// The classes of which each failure must be one, spelt as in reports (`refused`, `status 503`); empty for any.
    #[serde(default)]
    pub classes: Vec<String>,
    /// How long the target is impaired in all.
    #[serde(default)]
    pub downtime: Option<Span>,
    /// Answers that come, but late.
    #[serde(default)]
    pub slow: Option<Amount>,
}
