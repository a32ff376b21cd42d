//! A number of pods that an autoscaler and the manifest both set.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "replicas-under-autoscaler",
    cause: "replicas-reset",
    clears: true,
    severity: Severity::Error,
    field: "spec.replicas",
    says: "replicas of a workload that an autoscaler scales",
    why: "Each upgrade by helm 3 or `kubectl apply` sets the number of pods to the manifest's. The pods above that \
          end at once, and the autoscaler needs some time to bring them back. Server-side apply, as in helm 4, refuses \
          the upgrade instead: the autoscaler owns the field.",
    fix: "Leave `replicas` out of the manifest where there is an autoscaler. The first release without it needs \
          care: helm 3 removes what it applied before, and the field goes to 1 once.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for workload in &manifests.workloads {
        let Some(autoscaler) = manifests.autoscaler(workload) else { continue };
        outcome.checked(workload.object);
        let field = workload.spec.get("replicas");
        let Some(replicas) = field.integer().filter(|replicas| *replicas > 0) else { continue };
        let limits = Field::root(autoscaler).get("spec");
        let bound = |names: [&str; 2]| names.iter().find_map(|name| limits.get(name).integer());
        let fixed = bound(["minReplicas", "minReplicaCount"]) == Some(replicas)
            && bound(["maxReplicas", "maxReplicaCount"]) == Some(replicas);
        if !fixed {
            let message = format!("each upgrade sets {replicas}, whatever {} has scaled to", named(&autoscaler.named));
            outcome.find(&field, &message);
        }
    }
}

fn named(name: &crate::ObjectName) -> String {
    format!("{} `{}`", name.kind, name.name)
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn two_say_how_many() {
        let autoscaler = "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: shop}\nspec: \
                          {minReplicas: 2, maxReplicas: 9, scaleTargetRef: {kind: Deployment, name: shop}}\n";
        let text = shop("replicas: 3", "", "") + autoscaler;
        assert_eq!(found("replicas-under-autoscaler", &text), ["error spec.replicas @ replicas: 3"]);
        assert!(holds("replicas-under-autoscaler", &(shop("", "", "") + autoscaler)));
        let fixed = autoscaler.replace('9', "3").replace("2, max", "3, max");
        assert!(holds("replicas-under-autoscaler", &(shop("replicas: 3", "", "") + &fixed)));
        let other = autoscaler.replace("name: shop}}", "name: cart}}");
        assert_eq!(found("replicas-under-autoscaler", &(shop("replicas: 3", "", "") + &other)), [""; 0]);
        let keda = "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: shop}\nspec: {scaleTargetRef: \
                    {name: shop}}\n";
        assert_eq!(found("replicas-under-autoscaler", &(shop("replicas: 3", "", "") + keda)).len(), 1);
    }
}
