//! Failures that the rollout did not bring.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::before;

pub(super) const CAUSE: Cause = Cause {
    name: "failing-before",
    family: Family::Artefact,
    title: "the service failed in this way before the rollout began",
    mechanism: "The baseline, in which nothing was done to the service yet, shows the same failures. The rollout \
                may be fine; what fails was failing already: a wrong URL or status, a limiter, a broken backend, \
                an idle timeout on the way.",
    signature: "About the same share of the same classes fails in the baseline and afterwards.",
    rules: &[
        rule(75, 60, "the baseline lost about as large a share", before::failed_alike),
    ],
    remedy: "Cure what fails in the baseline first; until then judge the rollout against it (`lapse run` does, \
             and says so).",
    fix: no_fix,
    tell_apart: "run without any command (`lapse run URL --duration 30s`) and look at the classes",
    shown: &[
        Shown::NotYet("a baseline that fails needs no scenario of its own: `errors:` in any pod template of the lab \
                    shows it"),
    ],
    sources: &[
    ],
};
