//! A port of a service that changed before its pods did.

use crate::case::Case;
use crate::cause::{Cause, Family, Fix, Shown, rule};
use crate::evidence::{answers, config, endpoints, lanes};

pub(super) const CAUSE: Cause = Cause {
    name: "target-port-change",
    family: Family::NoEndpoints,
    title: "the service was pointed at a port on which the old pods do not listen",
    mechanism: "A numeric `targetPort` counts for all pods of the Service at once. If it changes together with \
                the containers' port, old pods are sent requests on a port that only new ones have.",
    signature: "Every request is refused (502 from an ingress), not 503: the endpoints are there, with the wrong \
                port. In the cluster: the Service changes and no pod leaves the endpoints.",
    rules: &[
        rule(50, 45, "the ports changed just before", config::ports_changed),
        rule(25, 20, "connections were refused or met nothing", answers::dead_ends),
        rule(15, 10, "pods remained in the endpoints", endpoints::remained),
        rule(10, 10, "no request succeeded", lanes::all_lost),
    ],
    remedy: "Name the port in the container and refer to the name (`targetPort: http`): each pod then brings its \
             own number. Or listen on both ports for one release.",
    fix,
    tell_apart: "`kubectl get endpointslices -o yaml` shows the port that is listed for each pod",
    shown: &[
        Shown::Cluster("a_target_port_that_changes_is_refused_while_endpoints_remain"),
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports",
    ],
};

fn fix(case: &Case<'_>) -> Option<Fix> {
    let container = case.world.settings(case.span.from).and_then(super::endpoint_race::serving);
    let name = container.map_or("app", |container| container.name.as_str());
    Some(Fix {
        says: "name the container's port in one release, and let the service refer to the name in the next: a name \
               that old pods do not have takes them out of the endpoints"
            .to_owned(),
        yaml: format!(
            "# Deployment, first\nspec:\n  template:\n    spec:\n      containers:\n      - name: {name}\n        ports:\n        - \
             name: http\n          containerPort: 8080 # the port that the program listens on\n---\n# Service, in the next \
             release\nspec:\n  ports:\n  - port: 80 # the service's own port\n    targetPort: http\n"
        ),
        sleep_seconds: None,
        costs: "two releases instead of one".to_owned(),
    })
}
