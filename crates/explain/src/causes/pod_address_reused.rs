//! An address that went to another pod.

use crate::cause::{Cause, Family, Shown, no_fix, rule};
use crate::evidence::{answers, endpoints, lanes, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "pod-address-reused",
    family: Family::Termination,
    title: "another application answered at the address of a pod that was gone",
    mechanism: "The network plugin gives the address of a deleted pod to the next pod that asks, which may \
                belong to another application. A hop that still lists the old pod then sends requests there, and \
                the stranger answers them.",
    signature: "Answers that are well-formed and wrong: 404, 401, another body, a certificate for another name, \
                about one in as many as pods are listed, shortly after a pod is gone.",
    rules: &[
        rule(20, 40, "something else answered", answers::foreign),
        rule(45, 30, "what answered is no pod of this workload", pods::a_stranger_answered),
        rule(5, 10, "only a part of the requests failed", lanes::a_part_lost),
        rule(5, 20, "other pods stayed in the endpoints", endpoints::remained),
    ],
    remedy: "Keep every hop's lag below the time for which the network plugin holds an address back (AWS VPC \
             CNI: `IP_COOLDOWN_PERIOD`, 30 s by default), and have clients check what they talk to (TLS names).",
    fix: no_fix,
    tell_apart: "let the service name itself (`--backend-header`, `--expect-body`): a stranger names itself \
                 differently or not at all",
    shown: &[
        Shown::NotYet("the lab gives no address to a second pod"),
    ],
    sources: &[
        "https://github.com/aws/amazon-vpc-cni-k8s",
    ],
};
