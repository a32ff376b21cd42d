//! How failures lie to the lives of pods: what ended, what started, and how.

mod ending;
mod health;
mod pre_stop;
mod starting;

use std::time::Duration;

pub(crate) use self::ending::{
    began_with_an_end, began_with_an_exit, deleted_together, ended_at_once, ended_by_itself, ends_as_soon_as_ready,
    had_left_before_its_exit, killed, none_was_ending, sent_to_pods_that_had_left, sidecar_ended_first,
    used_up_its_grace,
};
pub(crate) use self::health::{
    crashed_in_place, liveness_probe_failed, lost_readiness, readiness_probe_failed, restarted,
};
use self::pre_stop::settings_pre_stop;
pub(crate) use self::pre_stop::{
    no_pre_stop, pre_stop_did_not_run, pre_stop_exceeds_grace, pre_stop_failed, pre_stop_held,
};
pub(crate) use self::starting::{
    a_stranger_answered, before_any_new_pod, began_with_a_start, cannot_start, created_after_all_had_ended,
    deleted_before_a_new_one_was_ready, got_over_it, have_a_sidecar, may_miss_all, old_pods_failed, ready_at_once,
    recreates, while_both_versions_served,
};
use super::{NO_CLUSTER, NO_SETTINGS};
use crate::case::Case;
use crate::phrase::{at, some};

/// How far before an event failures may begin and still be its consequence: a watch hears of it late, and requests that
/// were under way when it happened were due before.
const EARLY: Duration = Duration::from_millis(300);
/// How far before a pod's joining failures may begin: nothing goes to it sooner, but a watch hears of it late.
const JOINED_EARLIER: Duration = Duration::from_millis(60);
/// How long before the end of a process the requests may have been due that its end cuts.
const UNDER_WAY: Duration = Duration::from_millis(100);
/// A pod that ended within this time of SIGTERM did not drain.
const SUDDEN: Duration = Duration::from_millis(1_500);
/// Parts of the names that containers of proxies beside an application have.
const SIDECARS: [&str; 6] = ["istio-proxy", "linkerd-proxy", "envoy", "proxy", "cloud-sql-proxy", "sidecar"];

/// Whether a container is named as a proxy beside the application.
pub(crate) fn is_sidecar(name: &str) -> bool {
    SIDECARS.iter().any(|known| name.contains(known))
}

/// The words for what was lost, with the times of the first and the last failure.
fn lost(case: &Case<'_>) -> String {
    let what = match (case.new.failed, case.reused.failed) {
        (0, 0) => some(case.slow, "slow answer"),
        (new, 0) => format!("{} on new connections", some(new, "failure")),
        (0, reused) => format!("{} on kept connections", some(reused, "failure")),
        _ => some(case.failed(), "failure"),
    };
    if case.span.from == case.span.to {
        return format!("{what} at {}", at(case.span.from));
    }
    format!("{what} from {} to {}", at(case.span.from), at(case.span.to))
}
