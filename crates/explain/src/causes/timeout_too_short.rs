//! A timeout of the prober below what answers take.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, before};

pub(super) const CAUSE: Cause = Cause {
    name: "timeout-too-short",
    family: Family::Artefact,
    title: "the prober gave up on answers that usually take about as long",
    mechanism: "A probe that is not answered within --timeout counts as failed. Where healthy answers take half \
                of that or more, a little load makes them failures.",
    signature: "Only response-timeout, after exactly the prober's timeout; the baseline's latency (p99) is half \
                of it or more.",
    rules: &[
        rule(35, 40, "probes were given up", answers::response_timeouts),
        rule(45, 60, "healthy answers take half of the timeout", before::timeout_is_short),
    ],
    remedy: "Raise --timeout to several times the p99 of the baseline.",
    fix: no_fix,
    tell_apart: "run again with twice the --timeout: late answers become slow ones",
    shown: &[
        Shown::NotYet("it depends on flags of the prober alone; the tests of this crate have it"),
    ],
    sources: &[
    ],
};
