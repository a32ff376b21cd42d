//! A recorded rollout, or the manifests of one that is to come, as a scenario of the lab; and what the scenario lost held
//! against what the run lost.
//!
//! Pure: records and manifests in, scenarios and comparisons out. Nothing here plays a scenario. Each value of a scenario
//! has a comment with its evidence, or says that it is assumed and why.

pub mod agreement;
pub mod draft;
mod ending;
mod hop;
pub mod known;
mod lag;
pub mod prediction;
pub mod run;
mod seen;
pub mod settings;
mod starting;
#[cfg(test)]
mod tests;
mod way;
