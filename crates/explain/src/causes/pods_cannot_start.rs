//! New pods that cannot be started.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "pods-cannot-start",
    family: Family::StartUp,
    title: "new pods could not be scheduled, pulled, mounted or created",
    mechanism: "No room on any node, an image that cannot be pulled, a quota, a volume that another node still \
                holds. With `maxUnavailable: 0` the rollout waits and users see nothing; otherwise what was \
                taken away stays away.",
    signature: "Longer failures, or less capacity, of any other cause. In the cluster: FailedScheduling, \
                ErrImagePull, FailedCreate, FailedAttachVolume.",
    rules: &[
        rule(45, 0, "the cluster reported why", pods::cannot_start),
        rule(15, 20, "no pod was in the endpoints, or fewer", endpoints::empty_or_fewer),
        rule(10, 0, "no request succeeded", lanes::all_lost),
    ],
    remedy: "Room for the surge, images that are there before the rollout, `maxUnavailable: 0`.",
    fix: no_fix,
    tell_apart: "`kubectl get events --sort-by=.lastTimestamp`",
    shown: &[
        Shown::NotYet("with `maxUnavailable: 0` users see nothing of it, and beside another cause it only makes that \
                       one last longer"),
    ],
    sources: &[
        "https://kubernetes.io/docs/tasks/debug/debug-application/debug-pods/",
    ],
};
