//! Real reports validate against the published JSON Schema.

use serde_json::Value;

use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse};
use super::support::server::{Protocol, Server};

/// The schema's validation errors for the report of `ended`.
fn schema_errors(ended: &Ended) -> Vec<String> {
    let schema = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/report.v1.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let report = std::fs::read_to_string(ended.run_folder().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["schema"], "lapse/report/v1");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a valid JSON Schema");
    validator.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn reports_of_all_kinds_of_run_validate() {
    let plan = Plan::healthy().then(Fault::Status(503), 300, 500).then(Fault::Refuse, 700, 800);
    let server = Server::start(Protocol::Http1, plan);
    let healthy = Server::start(Protocol::Http1, Plan::healthy());
    let rate = ["--rate", "100/s"];
    let runs = [
        Lapse::against(&server, Protocol::Http1, rate).end_with(["--duration", "1200ms"]),
        Lapse::against(&healthy, Protocol::Http1, rate).end_with(["--duration", "300ms"]),
        Lapse::against(&healthy, Protocol::Http1, rate).end_with([
            "--baseline",
            "200ms",
            "--settle",
            "200ms",
            "--",
            "echo",
            "hello",
        ]),
        Lapse::against(&healthy, Protocol::Http1, rate).end_with([
            "--baseline",
            "200ms",
            "--settle",
            "200ms",
            "--",
            "/no/such",
        ]),
        Lapse::run(["http://no-such-host.invalid/"]).end_with(["--rate", "20/s", "--duration", "300ms"]),
    ];
    for ended in &runs {
        assert_eq!(schema_errors(ended), Vec::<String>::new());
    }
}

#[test]
fn a_report_with_a_missing_key_does_not_validate() {
    let healthy = Server::start(Protocol::Http1, Plan::healthy());
    let ended = Lapse::against(&healthy, Protocol::Http1, ["--rate", "100/s", "--duration", "300ms"]).end();
    let path = ended.run_folder().join("report.json");
    let mut report: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    report["targets"][0]["lanes"][0].as_object_mut().unwrap().remove("floor_ns").expect("a lane has its floor");
    std::fs::write(&path, report.to_string()).unwrap();
    assert!(!schema_errors(&ended).is_empty());
}
