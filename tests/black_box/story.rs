//! The README's first command: the wine store as it stands, and fixed.

use serde_json::Value;

use super::support::lapse::Lapse;

/// The absolute path of a scenario, because lapse runs in a temporary folder.
fn scenario(name: &str) -> String {
    format!("{}/scenarios/{name}.yaml", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_wine_store_loses_requests_as_it_stands_and_none_once_fixed() {
    // Blind time is allowed, because the test is about the scenario, not about the load of this machine.
    let ended = Lapse::run([&scenario("wine-store"), "--resolution", "60s"]).end();
    assert_eq!(ended.code(), Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let report = std::fs::read_to_string(ended.run_folder().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let totals = |act: usize| &report["run"]["acts"][act]["targets"][0]["totals"];
    let lost = |act: usize| totals(act)["failed"].as_u64().unwrap();
    assert_eq!(report["run"]["acts"][1]["name"], "fixed");
    assert!(lost(0) > 0, "{}", ended.stdout);
    assert_eq!(lost(1), 0, "{}", ended.stdout);
    let downtime = &totals(0)["equivalent"];
    let bound = |key: &str| downtime[key].as_u64().unwrap_or(u64::MAX);
    assert!(bound("at_least_ns") <= bound("estimate_ns") && bound("estimate_ns") <= bound("at_most_ns"));
    for word in ["as it stands", "fixed", "as expected", "PASS"] {
        assert!(ended.stdout.contains(word), "{word:?} in\n{}", ended.stdout);
    }
    let lab = |event: &&Value| event["source"] == "lab";
    assert!(report["events"].as_array().unwrap().iter().filter(lab).any(|event| event["kind"] == "pod-gone"));
}
