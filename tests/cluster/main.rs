//! Real upgrades of the wine store's chart on a real Kubernetes, hammered through kube-proxy, and compared with the
//! cluster's own events.
//!
//! The tests run only if `LAPSE_CLUSTER` is set, because they install releases in the cluster of KUBECONFIG (see
//! `tests/cluster/run`). Without it they print SKIPPED and pass. Only those of `command_line` need no cluster.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "these are tests")]

mod causes;
mod command_line;
mod in_cluster;
mod plugins;
mod release;
mod report;
mod stories;
mod trouble;
