//! A load balancer that still sends to pods that have ended.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::evidence::{answers, before, endpoints, pods};

pub(super) const CAUSE: Cause = Cause {
    name: "deregistration-lag",
    family: Family::Path,
    title: "the load balancer went on sending to pods that had already ended",
    mechanism: "A load balancer outside the cluster hears of a pod's end through a controller and its own API, \
                seconds to minutes later, and sends to the pod meanwhile. In the cluster everything is clean.",
    signature: "Errors that the load balancer writes (502, 504 after 10 s), beginning with the end of a pod and \
                going on long after it has left the endpoints; hops within the cluster lose nothing.",
    rules: &[
        rule(30, 35, "a load balancer wrote the answers", answers::by_a_load_balancer),
        rule(20, 25, "failures began while a pod was ending", pods::began_with_an_end),
        rule(15, 10, "502, 503 or 504 was answered", answers::gateway),
        rule(15, 20, "nearer hops lost nothing", before::inner_hops_were_clean),
        rule(10, 20, "pods remained in the endpoints", endpoints::remained),
        rule(10, 0, "failures ended as a hop took a new list over", endpoints::ended_with_a_hop),
    ],
    remedy: "A preStop sleep longer than the load balancer's lag (ALB 10 to 40 s, AGIC 90 s, NLB 120 s and more, \
             as users report), a grace period above that, and a deregistration delay below it.",
    fix,
    tell_apart: "probe a Service or NodePort beside the load balancer: if that loses nothing, it is the load \
                 balancer",
    shown: &[
        Shown::Lab("elb-deregistration-lag"),
    ],
    sources: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html",
        "https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/2366",
    ],
};

/// The preStop sleep that would have covered the lag, and a deregistration delay within it.
fn fix(case: &Case<'_>) -> Option<Fix> {
    let of_race = super::endpoint_race::fix(case)?;
    Some(Fix { yaml: format!("{}# and on the ingress: alb.ingress.kubernetes.io/target-group-attributes: \
        deregistration_delay.timeout_seconds=30\n", of_race.yaml), ..of_race })
}
