//! `report.json` as documented for its readers, with types of its own, so that the product's types are tested too.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) schema: String,
    pub(crate) run: Run,
    pub(crate) targets: Vec<Target>,
    pub(crate) failures: Failures,
    pub(crate) events: Vec<Event>,
    #[serde(default)]
    pub(crate) machine: Machine,
    pub(crate) verdict: Verdict,
    #[serde(default)]
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Machine {
    pub(crate) precedence: Option<Precedence>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Precedence {
    pub(crate) class: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Run {
    pub(crate) anchor: Anchor,
    pub(crate) length_ns: u64,
    pub(crate) interrupted: bool,
    pub(crate) cut: bool,
    pub(crate) phases: Vec<Phase>,
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "these are the report's keys")]
pub(crate) struct Anchor {
    pub(crate) unix_ns: u64,
    pub(crate) offset_ns: u64,
    pub(crate) monotonic_ns: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Phase {
    pub(crate) name: String,
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Command {
    pub(crate) argv: Vec<String>,
    pub(crate) started_ns: u64,
    pub(crate) ended_ns: u64,
    pub(crate) exit_code: Option<i32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) episodes: Vec<Episode>,
    pub(crate) totals: Totals,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) policy: String,
    pub(crate) protocol: String,
    pub(crate) offered: u64,
    pub(crate) sent: u64,
    pub(crate) resolved: u64,
    pub(crate) not_sent: u64,
    pub(crate) reconnects: u64,
    pub(crate) classes: BTreeMap<String, u64>,
    pub(crate) floor_ns: u64,
    pub(crate) outages: Vec<Outage>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Outage {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
    pub(crate) began: (Option<u64>, u64),
    pub(crate) ended: (u64, Option<u64>),
    pub(crate) duration: Bounded,
    pub(crate) failed: u64,
    pub(crate) classes: BTreeMap<String, u64>,
    pub(crate) open: Vec<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[expect(clippy::struct_field_names, reason = "these are the report's keys")]
pub(crate) struct Bounded {
    pub(crate) estimate_ns: u64,
    pub(crate) at_least_ns: u64,
    pub(crate) at_most_ns: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Episode {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
    pub(crate) span: Bounded,
    pub(crate) failed: u64,
    pub(crate) total: u64,
    pub(crate) classes: BTreeMap<String, u64>,
    pub(crate) peers: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Availability {
    pub(crate) requests: Option<f64>,
    pub(crate) time: Option<f64>,
    pub(crate) worst_1s: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Totals {
    pub(crate) equivalent: Bounded,
    pub(crate) availability: Availability,
    pub(crate) impaired: Bounded,
    pub(crate) down: Bounded,
    pub(crate) longest: Bounded,
    pub(crate) failed: u64,
    pub(crate) resolved: u64,
    pub(crate) blind_ns: u64,
    pub(crate) silence: Option<SuccessGap>,
    pub(crate) unseen: Unseen,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Unseen {
    pub(crate) longest_ns: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SuccessGap {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Failures {
    pub(crate) kept: Vec<Failure>,
    pub(crate) dropped: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Failure {
    pub(crate) target: String,
    pub(crate) lane: String,
    pub(crate) slot: u64,
    pub(crate) due_ns: u64,
    pub(crate) sent_ns: u64,
    pub(crate) done_ns: u64,
    pub(crate) class: String,
    pub(crate) status: Option<u16>,
    pub(crate) connection: String,
    pub(crate) peer: Option<String>,
    pub(crate) server: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) detail: String,
    pub(crate) uuid: Option<String>,
    pub(crate) traceparent: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) at_ns: u64,
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) object: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) result: String,
    pub(crate) exit_code: i32,
    pub(crate) breaches: Vec<Value>,
    pub(crate) doubts: Vec<Value>,
}

// === impl Report ===

impl Report {
    pub(crate) fn parse(text: &str) -> Self {
        let parsed: Result<Self, _> = serde_json::from_str(text);
        let report = parsed
            .unwrap_or_else(|error| panic!("the report does not have the documented form: {error}\n{text:.2000}"));
        assert_eq!(report.schema, "lapse/report/v1");
        report
    }

    pub(crate) fn read(folder: &Path) -> Self {
        let path = folder.join("report.json");
        Self::parse(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// The offset of a `CLOCK_MONOTONIC` time.
    pub(crate) fn offset(&self, monotonic_ns: u64) -> u64 {
        monotonic_ns.checked_sub(self.run.anchor.monotonic_ns).expect("nothing happens before the run begins")
    }

    /// The target of a run with one target.
    pub(crate) fn target(&self) -> &Target {
        assert_eq!(self.targets.len(), 1, "one target was probed");
        &self.targets[0]
    }

    /// The lane `name` of a run with one target.
    pub(crate) fn lane(&self, name: &str) -> &Lane {
        self.target()
            .lanes
            .iter()
            .find(|lane| lane.name == name)
            .unwrap_or_else(|| panic!("the report has no lane {name}"))
    }
}

// === impl Lane ===

impl Lane {
    pub(crate) fn count(&self, class: &str) -> u64 {
        self.classes.get(class).copied().unwrap_or(0)
    }

    /// The number of probes answered as expected, slow ones included.
    pub(crate) fn answered(&self) -> u64 {
        self.count("ok") + self.count("slow")
    }

    /// The number of failed slots by class. Slots that were not sent are blind, not failed.
    pub(crate) fn failed(&self) -> BTreeMap<String, u64> {
        let failed = |class: &str| !matches!(class, "ok" | "slow") && !class.starts_with("not-sent");
        self.classes
            .iter()
            .filter(|(class, count)| failed(class) && **count > 0)
            .map(|(c, n)| (c.clone(), *n))
            .collect()
    }

    pub(crate) fn blind(&self) -> u64 {
        self.classes.iter().filter(|(class, _)| class.starts_with("not-sent")).map(|(_, count)| count).sum()
    }
}
