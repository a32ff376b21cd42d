//! Failures of a prober that did not run when it should have.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::before;

pub(super) const CAUSE: Cause = Cause {
    name: "prober-held-up",
    family: Family::Artefact,
    title: "the prober itself was held up, and sent the probes that failed too late",
    mechanism: "lapse shares its machine with builds, containers and the service. Where it did not get a \
                processor in time it sent late, several probes at once, and a server or a proxy may have \
                answered that burst with failures that it would never show to even traffic.",
    signature: "The failed probes were sent more than a millisecond after they were due, in stretches in which \
                the control lane shows that lapse stood still.",
    rules: &[
        rule(55, 40, "most failed probes were sent late", before::sent_late),
        rule(25, 0, "the prober could not send what it was asked to", before::shed),
        rule(0, 20, "the baseline was clean and failures are many", before::baseline_was_clean),
    ],
    remedy: "Run lapse where the machine is less busy, with precedence (root, CAP_SYS_NICE), or at a lower \
             --rate.",
    fix: no_fix,
    tell_apart: "run again on an idle machine; compare the quality section of both reports",
    shown: &[
        Shown::NotYet("a starved prober has no failures on a healthy server, so there is nothing to name; \
                    `tests/proxies` holds that"),
    ],
    sources: &[
    ],
};
