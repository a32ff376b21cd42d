//! A method that the service does not know.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::answers;

pub(super) const CAUSE: Cause = Cause {
    name: "method-refused",
    family: Family::Artefact,
    title: "the service refuses the method of the probes",
    mechanism: "Some services answer HEAD or OPTIONS with 405 or 501, from the application or from a framework \
                in front of it, whatever state they are in.",
    signature: "405 or 501, from the first probe on.",
    rules: &[
        rule(80, 80, "405 or 501 was answered", answers::method_refused),
    ],
    remedy: "Probe with GET, or with the method that real clients use (`--request`).",
    fix: no_fix,
    tell_apart: "run again with `--request GET`",
    shown: &[
        Shown::NotYet("the check before a run refuses it; only a method that is refused later gets here"),
    ],
    sources: &[
    ],
};
