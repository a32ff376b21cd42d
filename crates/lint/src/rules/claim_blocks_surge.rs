//! A rolling update of pods that share a volume of one node.

use super::prelude::*;
use crate::manifests::together;

pub(super) const RULE: Rule = Rule {
    name: "claim-blocks-surge",
    cause: "pods-cannot-start",
    clears: false,
    severity: Severity::Warning,
    field: "spec.template.spec.volumes[*].persistentVolumeClaim.claimName",
    says: "a rolling update of pods with a volume that one node can mount at a time",
    why: "The new pod needs the volume while the old one has it. On another node it waits (Multi-Attach), and the rollout \
          with it, often for minutes.",
    fix: "Use a claim that several nodes can mount (ReadWriteMany), or keep the state outside of the pod.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let (Strategy::Rolling(rolling), Some(least)) = (served.workload.strategy(), served.replicas.least) else {
            continue;
        };
        for name in served.workload.claims() {
            let mut claims = manifests.of_kind(Kind::VolumeClaim);
            let is_it =
                |claim: &&crate::object::Object| name.is(&claim.name) && together(claim, served.workload.object);
            let Some(claim) = claims.find(is_it) else { continue };
            outcome.checked(served.workload.object);
            let modes = Field::root(claim).dig("spec.accessModes").texts();
            let single =
                !modes.is_empty() && modes.iter().all(|mode| matches!(*mode, "ReadWriteOnce" | "ReadWriteOncePod"));
            if single && rolling.resolve(least).0 > 0 {
                let message = format!(
                    "the new pod needs the claim `{}` ({}) while the old one has it",
                    claim.named.name,
                    modes.join(", ")
                );
                outcome.find_served(&served, Severity::Warning, &name, &message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    #[test]
    fn two_pods_and_one_volume() {
        let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: \
                     [ReadWriteOnce]}\n";
        let pod = "volumes:\n- name: data\n  persistentVolumeClaim:\n    claimName: data";
        let text = shop("", pod, "") + claim;
        let expected = "warning spec.template.spec.volumes[0].persistentVolumeClaim.claimName @ claimName: data";
        assert_eq!(found("claim-blocks-surge", &text), [expected]);
        assert!(holds("claim-blocks-surge", &text.replace("[ReadWriteOnce]", "[ReadWriteMany]")));
        assert_eq!(found("claim-blocks-surge", &(shop("strategy: {type: Recreate}", pod, "") + claim)), [""; 0]);
        assert_eq!(found("claim-blocks-surge", &shop("", pod, "")), [""; 0], "nothing is known of the claim");
    }
}
