//! `--fix`: its patches, merged here as Kubernetes merges them, mend what was found.

use serde_json::{Map, Value};

use super::{SHOP, json, lint};

/// The documents of a YAML text.
fn documents(text: &str) -> Vec<Value> {
    let parts = text.split("---\n").filter(|part| !part.trim().is_empty());
    parts.map(|part| serde_saphyr::from_str(part).unwrap_or_else(|error| panic!("{error}\n{part}"))).collect()
}

/// The strategic merge of Kubernetes, as far as these patches need it: null removes, lists of named items merge by name.
fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => merge_maps(target, patch),
        (Value::Array(target), Value::Array(patch)) if patch.iter().all(|item| item["name"].is_string()) => {
            for item in patch {
                match target.iter_mut().find(|one| one["name"] == item["name"]) {
                    Some(one) => merge(one, item),
                    None => target.push(item.clone()),
                }
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

fn merge_maps(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else if let Some(inner) = target.get_mut(key) {
            merge(inner, value);
        } else {
            target.insert(key.clone(), Value::Object(Map::new()));
            merge(&mut target[key], value);
        }
    }
}

/// `text` with the patches that `--fix` prints for it.
fn mended(text: &str) -> String {
    let patches = documents(&lint(&["-", "--fix"], text).stdout);
    assert!(!patches.is_empty());
    let mut objects = documents(text);
    for patch in &patches {
        let same = |object: &&mut Value| {
            object["kind"] == patch["kind"] && object["metadata"]["name"] == patch["metadata"]["name"]
        };
        merge(objects.iter_mut().find(same).expect("the object of the patch"), patch);
    }
    // JSON is YAML.
    objects.iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n")
}

fn rules(text: &str) -> Vec<String> {
    let report = json(&["-"], text);
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn patches_mend_what_they_are_for() {
    assert_eq!(
        rules(&mended(SHOP)),
        ["min-ready-seconds-zero", "one-replica"],
        "the first is hidden by the worse ones"
    );
    assert_eq!(rules(&mended(&mended(SHOP))), ["one-replica"]);
}

#[test]
fn each_patch_removes_its_finding() {
    let with = |from: &str, to: &str| SHOP.replace(from, to);
    let hook = "        lifecycle:\n          preStop:\n            exec:\n              command: [sh, -c, sleep 40]\n";
    for (rule, text) in [
        ("no-pre-stop", with("      maxUnavailable: 1\n", "      maxUnavailable: 0\n").replace(hook, "")),
        ("recreate", with("    rollingUpdate:\n      maxUnavailable: 1\n", "    type: Recreate\n")),
        ("zero-grace", with("      containers:\n", "      terminationGracePeriodSeconds: 0\n      containers:\n")),
        ("pre-stop-needs-shell", with("example.com/shop:1.2", "gcr.io/distroless/static")),
        ("rollout-cannot-move", with("maxUnavailable: 1", "maxUnavailable: 0\n      maxSurge: 0")),
        ("selector-has-version", with("selector: {app: shop}", "selector: {app: shop, helm.sh/chart: shop-1.2.3}")),
        ("publish-not-ready", with("  selector: {app", "  publishNotReadyAddresses: true\n  selector: {app")),
        (
            "liveness-without-startup",
            with(hook, "        livenessProbe: {httpGet: {path: /, port: http}, periodSeconds: 2}\n"),
        ),
        ("readiness-gives-up-at-once", with("replicas: 1", "replicas: 3")),
    ] {
        assert!(rules(&text).iter().any(|found| found == rule), "{rule} is not found in\n{text}");
        assert!(rules(&mended(&text)).iter().all(|found| found != rule), "{rule} is still found in\n{}", mended(&text));
    }
}

#[test]
fn what_no_patch_mends_is_said_and_still_denied() {
    let ended = lint(&["-", "--fix"], SHOP);
    assert_eq!(ended.code(), Some(0), "both errors have patches\n{}", ended.stderr);
    assert!(ended.stderr.contains("-:6:3 one-replica Deployment/shop spec.replicas"), "{}", ended.stderr);
    assert_eq!(lint(&["-", "--fix", "--deny", "note"], SHOP).code(), Some(1));
}
