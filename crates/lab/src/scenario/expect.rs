//! The expected cost of an act; the caller compares it with the measurement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::duration_range::DurationRange;

/// An expected number, by whether it is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Amount {
    /// Exactly zero.
    None,
    /// At least one.
    Some,
    /// Any number: it depends on chance.
    Any,
}

impl Amount {
    /// Whether `count` meets the expectation.
    pub const fn allows(self, count: u64) -> bool {
        match self {
            Self::None => count == 0,
            Self::Some => count > 0,
            Self::Any => true,
        }
    }
}

/// The expected cost of an act.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expect {
    /// Failed requests over all lanes.
    pub lost: Amount,
    /// Failed requests of single lanes, by name; other lanes are not checked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lanes: BTreeMap<String, Amount>,
    /// The classes allowed for failures, spelt as in reports (`refused`, `status 503`); empty allows any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The range for the time in which the target is impaired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime: Option<DurationRange>,
    /// Slow answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Amount>,
}
