//! The report as other programs see it.

use serde_json::Value;

use super::*;
use crate::run::record::sample;

fn json(record: &Record) -> Value {
    let mut bytes = Vec::new();
    write(record, &mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn the_worked_example_of_the_definitions() {
    let report = json(&sample::worked_example());
    let target = &report["targets"][0];
    let ms = |value: &Value| value.as_u64().unwrap() / 1_000_000;
    let bounded = |value: &Value| [&value["estimate_ns"], &value["at_least_ns"], &value["at_most_ns"]].map(ms);
    let (reused, new) = (&target["lanes"][0], &target["lanes"][1]);
    for (lane, from, to) in [(reused, 2000, 2298), (new, 2001, 2299)] {
        let outage = &lane["outages"][0];
        assert_eq!((ms(&outage["from_ns"]), ms(&outage["to_ns"]), outage["failed"].as_u64()), (from, to, Some(150)));
        assert_eq!(bounded(&outage["duration"]), [300, 298, 302]);
        assert_eq!(lane["outages"].as_array().unwrap().len(), 1);
        assert_eq!(lane["classes"]["status 503"], 150);
    }
    let episode = &target["episodes"][0];
    assert_eq!((ms(&episode["from_ns"]), ms(&episode["to_ns"])), (2000, 2299));
    assert_eq!((&episode["failed"], &episode["total"]), (&Value::from(300), &Value::from(300)));
    let totals = &target["totals"];
    assert_eq!(bounded(&totals["down"]), [299, 297, 301]);
    assert_eq!(bounded(&totals["equivalent"]), [300, 298, 302]);
    assert_eq!(bounded(&totals["longest"]), [300, 298, 302]);
    assert_eq!(bounded(&totals["impaired"]), [301, 299, 303]);
    assert_eq!(ms(&totals["floor_ns"]), 2);
    assert_eq!((&report["verdict"]["result"], &report["verdict"]["exit_code"]), (&"fail".into(), &1.into()));
    assert_eq!(report["run"]["started_at"], "2026-11-22T20:15:03.000Z");
}

#[test]
fn whatever_the_run_was_the_report_fits_its_schema() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for record in [sample::healthy(), sample::worked_example(), sample::story(), sample::empty()] {
        let report = json(&record);
        let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn the_schema_in_the_repository_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/report.v1.json");
    if std::env::var_os("LAPSE_RENEW").is_some() {
        std::fs::write(path, schema()).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == schema(), "{path} is out of date: renew it with LAPSE_RENEW=1 cargo test schema");
}
