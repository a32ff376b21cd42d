//! A workload that the upgrade deletes, with another in its place.

use super::prelude::*;
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    name: "workload-replaced",
    cause: "all-pods-deleted",
    clears: true,
    severity: Severity::Error,
    field: "metadata.name",
    says: "the upgrade deletes the workload of a Service and makes another one",
    why: "helm makes the new one and deletes the old one at once, also with `--wait`, without waiting for the new \
          pods: every request fails until one of them is ready.",
    fix: "Keep the name. Or run both for a release, and delete the old one in the next.",
    scenario: Some("recreate.yaml"),
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    let Some(before) = manifests.before else { return };
    for (service, workloads) in manifests.selections() {
        let Some(old) = before.same_service(service).filter(|_| !service.is_for_metrics()) else { continue };
        let old = before.selected_by(old);
        let old: Vec<_> = old.into_iter().filter(|workload| runs(before, workload)).collect();
        let Some(gone) = old.first() else { continue };
        outcome.checked(service.object);
        let stays = old.iter().any(|workload| manifests.same_workload(workload).is_some());
        let new = workloads.iter().find(|workload| runs(manifests, workload));
        if let (false, Some(new)) = (stays, new) {
            let message = format!(
                "takes the place of {}, which is deleted before its pods are ready: every request of Service `{}` fails",
                gone.object.named, service.object.named.name
            );
            outcome.find(&Field::root(new.object).dig("metadata.name"), &message);
        }
    }
}

fn runs(manifests: &Manifests<'_>, workload: &Workload<'_>) -> bool {
    workload.is_rolled() && manifests.replicas_of(workload) != Some(0)
}

#[cfg(test)]
mod tests {
    use crate::testing::{found_between, shop};

    #[test]
    fn another_in_its_place() {
        let before = shop("", "", "");
        let after =
            before.replace("kind: Deployment\nmetadata: {name: shop}", "kind: Deployment\nmetadata: {name: store}");
        let found = found_between("workload-replaced", &before, &after);
        assert_eq!(found, ["error metadata.name @ metadata: {name: store}"]);
        let kind = before.replace("kind: Deployment", "kind: StatefulSet");
        assert_eq!(found_between("workload-replaced", &before, &kind).len(), 1);
        assert_eq!(found_between("workload-replaced", &before, &before), [""; 0]);
        let (workload, _) = after.split_once("---\n").unwrap();
        let both = format!("{workload}---\n{before}");
        assert_eq!(found_between("workload-replaced", &before, &both), [""; 0], "the old one stays for a release");
    }
}
