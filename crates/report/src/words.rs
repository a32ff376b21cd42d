//! Sentences and table rows that several formats share. Each format decides which of them it shows, and how.

pub(super) mod act;
pub(super) mod compare;
pub(super) mod disruption;
pub(super) mod downtime;
pub(super) mod episode;
pub(super) mod headline;
pub(super) mod held;
pub(super) mod history;
pub(super) mod instrument;
pub(super) mod latency;
pub(super) mod note;
pub(super) mod phrase;
pub(super) mod pod;
pub(super) mod trials;
pub(super) mod verdict;
pub(super) mod version;
pub(crate) mod why;
