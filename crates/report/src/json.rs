//! The JSON report and its schema, a stable interface for other programs.
//!
//! The wire structs are separate from the core's types, so that the core can change while the keys stay. Times are
//! whole numbers of nanoseconds; only shares and rates are fractions.

mod disruption;
pub(crate) mod document;
mod explanation;
mod failure;
pub(crate) mod figure;
mod held;
mod lane;
mod pod;
mod run;
mod target;
mod verdict;
mod version;

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use self::explanation::Explanation;
use self::failure::Failures;
use self::pod::Pod;
use self::run::{Clock, Control, Event, InjectedFault, Machine, Run};
use self::target::Target;
use self::verdict::Verdict;
pub use self::verdict::verdict;
use lapse_record::record::Record;

/// Value of the key `schema` in every report.
const SCHEMA: &str = "lapse/report/v1";

/// The measurements of one run. Values of keys that end in `_ns` are whole nanoseconds, and instants count from the
/// beginning of the run. Shares are numbers from 0 to 1.
#[derive(Serialize, JsonSchema)]
struct Report<'a> {
    /// Version of this layout: `lapse/report/v1`.
    schema: &'static str,
    /// Version of the lapse that measured the run.
    version: &'a str,
    /// Name, start, settings, phases and command of the run.
    run: Run<'a>,
    /// Measurements by target.
    targets: Vec<Target<'a>>,
    /// The failed probes that were kept, each with its evidence.
    failures: Failures<'a>,
    /// Events of the command, the cluster, the scenario and the prober, in the order in which they were seen.
    events: Vec<Event<'a>>,
    /// Number of events that were not kept.
    events_dropped: u64,
    /// Pods that ended or answered, those that ended first; empty if no pod was observed.
    pods: Vec<Pod<'a>>,
    /// Faults that the scenario's world recorded in its ledger; empty if the run was no scenario.
    inflicted: Vec<InjectedFault<'a>>,
    /// The control lane, on which the prober probes a responder of its own.
    control: Control,
    /// The machine that the prober ran on.
    machine: Machine,
    /// The machine's wall clock.
    clock: Clock,
    /// The verdict, with its reasons.
    verdict: Verdict<'a>,
    /// Why requests were lost: the likely causes with their evidence.
    explanation: Explanation<'a>,
    /// Remarks that do not affect the verdict.
    notes: &'a [String],
}

/// Writes the report of `record` as indented JSON with a final line end.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    document::write(&Report::of(record), out)
}

/// Writes an explanation of `record` alone, as the value of the report's key `explanation`.
pub fn write_explanation(
    record: &Record,
    explanation: &lapse_explain::explanation::Explanation,
    out: &mut impl Write,
) -> io::Result<()> {
    document::write(&Explanation::of(record, explanation), out)
}

/// The JSON Schema of the report, as committed in schema/report.v1.json.
pub fn schema() -> String {
    document::schema::<Report<'_>>()
}

impl<'a> Report<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            schema: SCHEMA,
            version: &record.about.version,
            run: Run::of(record),
            targets: Target::all(record),
            failures: Failures::of(record),
            events: record.events.iter().map(Event::of).collect(),
            events_dropped: record.events_dropped,
            pods: record.summary.pods.iter().map(Pod::of).collect(),
            inflicted: record.injected_faults.iter().map(InjectedFault::of).collect(),
            control: Control::of(record),
            machine: Machine::of(record),
            clock: Clock::of(record),
            verdict: Verdict::of(&record.summary.verdict),
            explanation: Explanation::of(record, &lapse_explain::explanation::Explanation::of(record)),
            notes: &record.summary.notes,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use lapse_record::sample::{empty, healthy, hostile, killed, nasty, scenario, upgrade, versions, worked_example};

    const COMMITTED: &str = include_str!("../../../schema/report.v1.json");

    fn report(record: &Record) -> Value {
        let mut out = Vec::new();
        write(record, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    /// After a change of the wire structs, `LAPSE_RENEW=1 cargo test the_committed_schema_is_the_one_of_the_code`
    /// renews the committed schema. Review the diff: keys may be added, but none may be removed, moved or change its
    /// type.
    #[test]
    fn the_committed_schema_is_the_one_of_the_code() {
        if std::env::var_os("LAPSE_RENEW").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/report.v1.json"), schema()).unwrap();
            return;
        }
        assert_eq!(schema(), COMMITTED, "renew it: LAPSE_RENEW=1 cargo test the_committed_schema");
    }

    #[test]
    fn every_report_follows_the_schema() {
        let schema = serde_json::from_str(COMMITTED).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for record in
            [healthy(), worked_example(), upgrade(), nasty(), empty(), killed(), scenario(), hostile(), versions()]
        {
            let report = report(&record);
            let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }

    #[test]
    fn the_worked_example_has_the_figures_of_the_definitions() {
        let report = report(&worked_example());
        let ms = |ms: u64| ms * 1_000_000;
        let figure = |estimate, at_least, at_most| json!({"estimate_ns": ms(estimate), "at_least_ns": ms(at_least), "at_most_ns": ms(at_most)});
        let target = &report["targets"][0];
        let reused = &target["lanes"][0]["outages"][0];
        assert_eq!((&reused["from_ns"], &reused["to_ns"]), (&json!(ms(2000)), &json!(ms(2298))));
        assert_eq!((&reused["failed"], &reused["duration"]), (&json!(150), &figure(300, 298, 302)));
        assert_eq!(reused["began"], json!([ms(1998), ms(2000)]));
        assert_eq!(target["lanes"][0]["classes"], json!({"ok": 1850, "status 503": 150}));
        let new = &target["lanes"][1]["outages"][0];
        assert_eq!((&new["from_ns"], &new["to_ns"]), (&json!(ms(2001)), &json!(ms(2299))));
        assert_eq!(target["episodes"].as_array().unwrap().len(), 1);
        let episode = &target["episodes"][0];
        assert_eq!((&episode["failed"], &episode["total"]), (&json!(300), &json!(300)));
        assert_eq!(episode["lanes"], json!({"new": 150, "reused": 150}));
        assert_eq!(episode["peers"], json!({"none": 300}));
        let totals = &target["totals"];
        assert_eq!(totals["down"], figure(299, 297, 301));
        let mut certain = figure(300, 298, 302);
        certain["bounds"] = json!("certain");
        assert_eq!(totals["equivalent"], certain);
        assert_eq!(totals["longest"], figure(300, 298, 302));
        assert_eq!(totals["impaired"], figure(301, 299, 303));
        assert_eq!(totals["floor_ns"], json!(ms(2)));
        assert_eq!(report["verdict"]["result"], json!("fail"));
        assert_eq!(report["verdict"]["exit_code"], json!(1));
        assert_eq!(report["run"]["started_at"], json!("2023-11-14T22:13:20.000Z"));
    }

    #[test]
    fn command_phases_episodes_and_failures_of_an_upgrade() {
        let report = report(&upgrade());
        let command = &report["run"]["command"];
        assert_eq!(
            (&command["started_ns"], &command["ended_ns"]),
            (&json!(5_000_000_000_u64), &json!(9_600_000_000_u64))
        );
        assert_eq!((&command["exit_code"], &command["signal"]), (&json!(0), &Value::Null));
        let phases = report["targets"][0]["phases"].as_array().unwrap();
        let failed: Vec<_> = phases.iter().map(|phase| (phase["name"].as_str(), phase["failed"].as_u64())).collect();
        assert_eq!(failed, [(Some("baseline"), Some(0)), (Some("event"), Some(1090)), (Some("settle"), Some(0))]);
        assert_eq!(phases[1]["latency"]["max_ns"], json!(300_000));
        assert_eq!(report["targets"][0]["episodes"][0]["peers"], json!({"10.0.0.7:8080": 1090}));
        assert_eq!(report["targets"][0]["episodes"][0]["classes"], json!({"refused": 1050, "reset": 40}));
        let kept = report["failures"]["kept"].as_array().unwrap();
        assert_eq!((kept.len(), &kept[0]["class"], &kept[0]["lane"]), (1090, &json!("reset"), &json!("reused")));
        assert_eq!((&report["control"]["probes"], &report["clock"]["drift_ns"]), (&json!(14_600), &json!(0)));
    }

    #[test]
    fn each_act_has_its_own_totals() {
        let report = report(&scenario());
        let acts = report["run"]["acts"].as_array().unwrap();
        let lost = |act: &Value| act["targets"][0]["totals"]["failed"].as_u64().unwrap();
        assert_eq!(acts.iter().map(lost).collect::<Vec<_>>(), [0, 20, 1]);
    }

    #[test]
    fn the_same_record_gives_the_same_bytes() {
        let bytes = || {
            let mut out = Vec::new();
            write(&upgrade(), &mut out).unwrap();
            out
        };
        assert_eq!(bytes(), bytes());
    }
}
