//! Runs held against each other: each against the first, figure by figure, matched by the names of targets and lanes.
//!
//! Many runs in the order of time are a [`history`], several of one rollout are [`trials`]. Pure: records in, comparisons
//! out. A figure is called better or worse only if neither chance nor what went unseen explains the difference;
//! `docs/MEASUREMENT.md` has the rules. Nothing here says why runs differ.

mod chance;
mod comparison;
#[cfg(test)]
mod error_rate;
mod figure;
pub mod history;
mod latency;
mod length;
mod loss;
mod matching;
mod run;
mod tendency;
mod tolerance;
pub mod trials;

#[cfg(test)]
mod tests;

pub use comparison::{Against, Comparison, Conclusion, Error, Sight};
pub use figure::{Apart, Change, Doubt, Figure, Measure, TimeDifference, Value, Why};
pub use run::Run;
pub use tendency::Tendency;
pub use tolerance::{Allowance, Tolerance, Tolerances};
