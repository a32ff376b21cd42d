//! The versions that the answers of a target named.

use schemars::JsonSchema;
use serde::Serialize;

use super::figure::Figure;
use lapse_measure::fallback;
use lapse_measure::lane::LaneId;
use lapse_measure::version::{self, VersionId};
use lapse_record::record::Record;

/// The versions that a target's answers named in a header (`--version-header`).
#[derive(Serialize, JsonSchema)]
pub(super) struct Versions<'a> {
    /// Name of the header.
    header: &'a str,
    /// Versions in the order in which they were first met.
    all: Vec<Version<'a>>,
    /// Number of answers without the header.
    unnamed: u64,
    /// Number of answers of versions beyond the 32 that are told apart.
    further: u64,
    /// Stretches in which only versions older than the newest one answered, in order of time.
    fallbacks: Vec<Fallback<'a>>,
    /// Number of such stretches that were not kept.
    fallbacks_dropped: u64,
    /// Answers over time, in intervals of equal width; those without an answer are left out.
    shares: Vec<Interval<'a>>,
}

/// A version of the service.
#[derive(Serialize, JsonSchema)]
struct Version<'a> {
    /// Name as the answers have it; a long one is cut, with its length and a checksum.
    name: &'a str,
    /// True if the version came up during the run: it was not met in the baseline, or without one not first.
    new: bool,
    /// Age: 0 for versions that are not new, a greater number for each that came later.
    generation: usize,
    /// Number of its answers.
    answers: u64,
    /// Number of those that failed.
    failed: u64,
    /// When its first answer was complete.
    first_ns: u64,
    /// When its last answer was complete.
    last_ns: u64,
}

/// A stretch in which only versions older than the newest one answered, and that chance does not explain.
#[derive(Serialize, JsonSchema)]
struct Fallback<'a> {
    /// Version of which there was no answer.
    from: &'a str,
    /// Versions that answered instead.
    to: Vec<&'a str>,
    /// Lanes that met it, by their connection policy.
    lanes: Vec<String>,
    /// When its first answer was sent for.
    from_ns: u64,
    /// When its last answer was complete.
    to_ns: u64,
    duration: Figure,
    /// True if it went on to the end of the run.
    to_the_end: bool,
}

/// Answers in an interval of the run, by when they were complete.
#[derive(Serialize, JsonSchema)]
struct Interval<'a> {
    from_ns: u64,
    to_ns: u64,
    /// Number of answers by version, in the order of `all`.
    answers: &'a [u64],
    /// Number of answers without the header.
    unnamed: u64,
    /// Number of answers of versions that are not told apart.
    further: u64,
}

impl<'a> Versions<'a> {
    pub(super) fn of(record: &'a Record, versions: &'a version::Versions) -> Self {
        let name = |id: &VersionId| versions.all.get(id.0).map_or("", |one| one.name.as_str());
        let lane = |id: &LaneId| record.seen.lane(*id).lane.policy.to_string();
        let fallback = |one: &fallback::Fallback| Fallback {
            from: name(&one.from),
            to: one.to.iter().map(name).collect(),
            lanes: one.lanes.iter().map(lane).collect(),
            from_ns: one.span.from.as_nanos(),
            to_ns: one.span.to.as_nanos(),
            duration: one.length.into(),
            to_the_end: one.to_the_end,
        };
        let shares = versions.shares.iter().filter(|one| one.answers() > 0);
        Self {
            header: record.about.version_header.as_deref().unwrap_or_default(),
            all: versions.all.iter().map(Version::of).collect(),
            unnamed: versions.unnamed,
            further: versions.further,
            fallbacks: versions.fallbacks.iter().map(fallback).collect(),
            fallbacks_dropped: versions.fallbacks_dropped,
            shares: shares.map(Interval::of).collect(),
        }
    }
}

impl<'a> Version<'a> {
    fn of(version: &'a version::Version) -> Self {
        Self {
            name: &version.name,
            new: version.is_new(),
            generation: version.generation,
            answers: version.answers,
            failed: version.failed,
            first_ns: version.first.as_nanos(),
            last_ns: version.last.as_nanos(),
        }
    }
}

impl<'a> Interval<'a> {
    fn of(interval: &'a version::Interval) -> Self {
        Self {
            from_ns: interval.span.from.as_nanos(),
            to_ns: interval.span.to.as_nanos(),
            answers: &interval.by_version,
            unnamed: interval.unnamed,
            further: interval.further,
        }
    }
}
