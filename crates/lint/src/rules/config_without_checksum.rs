//! A `ConfigMap` that changes under running pods.

use std::collections::BTreeSet;

use super::prelude::*;
use crate::manifests::together;
use crate::object::Object;
use crate::workload::Workload;

pub(super) const RULE: Rule = Rule {
    name: "config-without-checksum",
    cause: "config-changed-in-place",
    clears: true,
    severity: Severity::Note,
    field: "spec.template.metadata.annotations",
    says: "a ConfigMap of the release that pods use, and no checksum of it in the pod template",
    why: "helm writes the ConfigMap before the pods are replaced, and without a checksum they may not be at all. Pods of the \
          old version read the new file, or some pods have one version and some the other after their next restart.",
    fix: "Put a checksum of the ConfigMap into an annotation of the pod template, or its hash into its name.",
    scenario: None,
    check,
};

fn check(manifests: &Manifests<'_>, outcome: &mut Outcome) {
    for served in manifests.served() {
        let workload = served.workload;
        let used: Vec<_> =
            references(workload).into_iter().filter(|field| is_plain(field, workload, manifests)).collect();
        let Some(first) = used.first() else { continue };
        outcome.checked(workload.object);
        if rolls_with_config(workload) {
            continue;
        }
        let names: BTreeSet<_> = used.iter().filter_map(Field::text).collect();
        let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
        let message = format!("the pods do not change with the ConfigMap {}", names.join(", "));
        outcome.find_served(&served, Severity::Note, first, &message);
    }
}

/// The fields with names of `ConfigMaps`.
fn references<'a>(workload: &Workload<'a>) -> Vec<Field<'a>> {
    let volumes = workload.pod.get("volumes").items();
    let mounted = volumes.iter().flat_map(|volume| {
        let sources = volume.dig("projected.sources").items().into_iter();
        std::iter::once(volume.dig("configMap.name")).chain(sources.map(|source| source.dig("configMap.name")))
    });
    let mut all: Vec<_> = mounted.collect();
    for container in &workload.containers {
        let from = container.field.get("envFrom").items().into_iter().map(|from| from.dig("configMapRef.name"));
        let single = container.field.get("env").items().into_iter();
        all.extend(from.chain(single.map(|env| env.dig("valueFrom.configMapKeyRef.name"))));
    }
    all.retain(Field::is_there);
    all
}

/// Whether the `ConfigMap` is one of the input that can change under its name.
fn is_plain(name: &Field<'_>, workload: &Workload<'_>, manifests: &Manifests<'_>) -> bool {
    let is_it = |config: &&Object| name.is(&config.name) && together(config, workload.object);
    let config = manifests.of_kind(Kind::ConfigMap).find(is_it);
    config.is_some_and(|config| !Field::root(config).get("immutable").is_true() && !has_hash(&config.name))
}

/// Whether a name ends in a hash, as kustomize and others make it.
fn has_hash(name: &str) -> bool {
    let last = name.rsplit('-').next().unwrap_or_default();
    let mixed =
        last.bytes().any(|b| b.is_ascii_digit()) && last.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    last.len() >= 8 && mixed
}

/// Whether something replaces the pods when their configuration changes.
fn rolls_with_config(workload: &Workload<'_>) -> bool {
    const WORDS: [&str; 5] = ["checksum", "hash", "sha", "config", "reload"];
    let of_pods = workload.template.dig("metadata.annotations").entries();
    let of_object = Field::root(workload.object).dig("metadata.annotations").entries();
    let tells =
        |key: &str| WORDS.iter().any(|word| key.to_ascii_lowercase().contains(word)) && !key.starts_with("kubectl.");
    let reloads = |key: &str| key.contains("reload");
    let image = |word: &str| workload.containers.iter().any(|container| container.image().reference.contains(word));
    of_pods.iter().any(|(key, _)| tells(key)) || of_object.iter().any(|(key, _)| reloads(key)) || image("reload")
}

#[cfg(test)]
mod tests {
    use crate::testing::{found, holds, shop};

    const CONFIG: &str = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop-config}\ndata: {a: b}\n";

    #[test]
    fn a_config_that_changes_under_the_pods() {
        let text = shop("", "volumes:\n- configMap: {name: shop-config}", "") + CONFIG;
        let expected = "note spec.template.spec.volumes[0].configMap.name @ - configMap: {name: shop-config}";
        assert_eq!(found("config-without-checksum", &text), [expected]);
        let checked = text.replace(
            "metadata: {labels: {app: shop}}",
            "metadata: {labels: {app: shop}, annotations: {checksum/config: x}}",
        );
        assert!(holds("config-without-checksum", &checked));
        let env = shop("", "", "envFrom: [{configMapRef: {name: shop-config}}]") + CONFIG;
        assert_eq!(found("config-without-checksum", &env).len(), 1);
    }

    #[test]
    fn what_cannot_change_or_is_not_of_the_release() {
        let text = shop("", "volumes:\n- configMap: {name: shop-config}", "");
        assert_eq!(found("config-without-checksum", &text), [""; 0]);
        let fixed = CONFIG.replace("data:", "immutable: true\ndata:");
        assert_eq!(found("config-without-checksum", &(text.clone() + &fixed)), [""; 0]);
        let hashed = (text + CONFIG).replace("shop-config", "shop-config-7d4f8b6c9k");
        assert_eq!(found("config-without-checksum", &hashed), [""; 0]);
    }
}
