//! A migration that helm runs while all old pods serve.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    name: "migration-hook",
    cause: "breaking-migration",
    clears: false,
    severity: Severity::Note,
    field: "metadata.annotations[\"helm.sh/hook\"]",
    says: "a migration runs before the upgrade, while all old pods serve",
    why: "If the migration takes something away that the old version needs, every old pod fails from its end until the pod is \
          replaced, and a rollback does not bring it back.",
    fix: "Migrate in steps that both versions can work with: add first, deploy, and take away one release later.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for workload in manifests.workloads.iter().filter(|workload| workload.kind() == Kind::Job) {
        let field = Field::root(workload.object).dig("metadata.annotations").get("helm.sh/hook");
        if !field.text().is_some_and(|hook| hook.contains("pre-upgrade")) {
            continue;
        }
        let commands = workload.containers.iter().flat_map(|one| {
            let args = one.field.get("args").texts();
            one.field.get("command").texts().into_iter().chain(args).chain([one.name])
        });
        let mut words = commands.chain([workload.object.name.as_str()]);
        if words.any(|word| word.contains("migrat")) {
            outcome.find(&field, "runs while all pods of the old version serve");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::found;

    #[test]
    fn a_migration_under_the_old_pods() {
        let job = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: shop-migrate\n  annotations:\n    helm.sh/hook: \
                   pre-install,pre-upgrade\nspec: {template: {spec: {containers: [{name: main}]}}}\n";
        let expected = "note metadata.annotations[\"helm.sh/hook\"] @ helm.sh/hook: pre-install,pre-upgrade";
        assert_eq!(found("migration-hook", job), [expected]);
        assert_eq!(found("migration-hook", &job.replace("pre-upgrade", "post-install")), [""; 0]);
        assert_eq!(found("migration-hook", &job.replace("migrate", "clean")), [""; 0]);
    }
}
