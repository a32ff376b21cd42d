//! The definitions of lapse as pure functions: probes in, outages, totals and verdicts out.
//!
//! Nothing here waits, reads a clock, does I/O or knows a wire format. `docs/MEASUREMENT.md` has the definitions in
//! prose; each module implements one of its terms.

pub mod answer;
pub mod availability;
pub mod binomial;
mod brackets;
pub mod budget;
pub mod burst;
pub mod clocks;
pub mod coverage;
pub mod detection;
pub mod difference;
pub mod disruption;
pub mod disruptions;
pub mod episode;
pub mod fallback;
pub mod fold;
pub mod held;
pub mod lane;
pub mod latency;
mod loss;
#[cfg(any(test, feature = "notation"))]
pub mod notation;
pub mod observations;
pub mod outage;
pub mod phase;
pub mod phrase;
pub mod probe_id;
mod ruling;
pub mod schedule;
pub mod span;
pub mod success_gap;
mod suspect;
pub mod time;
pub mod timeline;
pub mod totals;
pub mod trend;
pub mod verdict;
pub mod version;
