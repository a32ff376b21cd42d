//! Real upgrades of the founding story's chart on a real Kubernetes, hammered through kube-proxy, and held against what the
//! cluster itself tells.
//!
//! Only where `LAPSE_CLUSTER` is set, since releases are installed wherever KUBECONFIG points to: see `tests/cluster/run`.
//! Else says SKIPPED and passes.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "these are tests")]

mod release;
mod report;
mod stories;
mod trouble;
