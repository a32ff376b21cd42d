//! The figures and events that these tests read from a report.json.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// A run's report, and its exit code.
pub(crate) struct Report {
    value: Value,
    pub(crate) exit: Option<i32>,
}

/// A cluster event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The object of the event, such as `pod/wine-0`; empty if it has none.
    pub(crate) object: String,
    pub(crate) at_ns: u64,
    pub(crate) text: String,
}

impl Report {
    pub(crate) fn read(folder: &Path, exit: Option<i32>) -> Self {
        let text = fs::read_to_string(folder.join("report.json")).expect("the run left a report");
        Self { value: serde_json::from_str(&text).unwrap(), exit }
    }

    /// The exit code of the verdict.
    pub(crate) fn exit_code(&self) -> i32 {
        i32::try_from(self.value["verdict"]["exit_code"].as_i64().unwrap()).unwrap()
    }

    /// The number of probes resolved on `lane` of the target at `place`.
    pub(crate) fn resolved(&self, place: usize, lane: &str) -> u64 {
        self.lane(place, lane)["resolved"].as_u64().unwrap()
    }

    fn lane(&self, place: usize, lane: &str) -> &Value {
        let lanes = self.value["targets"][place]["lanes"].as_array().unwrap();
        lanes.iter().find(|other| other["name"] == lane).expect("there is such a lane")
    }

    /// The failures on `lane` of the target at `place`, by class.
    pub(crate) fn lost(&self, place: usize, lane: &str) -> BTreeMap<String, u64> {
        let classes = self.lane(place, lane)["classes"].as_object().unwrap().iter();
        let counted = classes.map(|(class, count)| (class.clone(), count.as_u64().unwrap()));
        counted.filter(|(class, _)| class != "ok" && class != "slow" && !class.starts_with("not-sent")).collect()
    }

    /// The number of probes that failed on the target at `place`.
    pub(crate) fn failed(&self, place: usize) -> u64 {
        self.value["targets"][place]["totals"]["failed"].as_u64().unwrap()
    }

    /// A total of the first target as (at least, estimate, at most) in nanoseconds; a missing upper bound becomes a
    /// very large one.
    pub(crate) fn total(&self, name: &str) -> (u64, u64, u64) {
        let total = &self.value["targets"][0]["totals"][name];
        let figure = |key: &str| total[key].as_u64().unwrap_or_else(|| panic!("{name}: {total}"));
        (figure("at_least_ns"), figure("estimate_ns"), total["at_most_ns"].as_u64().unwrap_or(u64::MAX / 2))
    }

    /// The detection limit of the first target, in nanoseconds.
    pub(crate) fn detection_limit(&self) -> u64 {
        self.value["targets"][0]["totals"]["floor_ns"].as_u64().unwrap()
    }

    /// The beginning of the first target's first episode and the end of its last one.
    pub(crate) fn failing_span(&self) -> (u64, u64) {
        let episodes = self.episodes();
        (episodes.first().unwrap().0, episodes.last().unwrap().1)
    }

    /// The first target's episodes as (from, to) offsets.
    pub(crate) fn episodes(&self) -> Vec<(u64, u64)> {
        let episodes = self.value["targets"][0]["episodes"].as_array().unwrap();
        let span = |episode: &Value| (episode["from_ns"].as_u64().unwrap(), episode["to_ns"].as_u64().unwrap());
        episodes.iter().map(span).collect()
    }

    /// The cluster's events of `kind`, in the order of the report.
    pub(crate) fn events(&self, kind: &str) -> Vec<Event> {
        let events = self.value["events"].as_array().unwrap().iter();
        let of_kind = events.filter(|event| event["source"] == "kubernetes" && event["kind"] == kind);
        let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
        let event = |event: &Value| Event {
            at_ns: event["at_ns"].as_u64().unwrap(),
            object: event["object"].as_str().unwrap_or_default().to_owned(),
            text: text(event, "text"),
        };
        of_kind.map(event).collect()
    }

    /// The times at which the pods' processes ended, from their own termination messages, as offsets of the run.
    pub(crate) fn exits(&self) -> Vec<u64> {
        let anchor = &self.value["run"]["anchor"];
        let zero = anchor["unix_ns"].as_u64().unwrap() - anchor["offset_ns"].as_u64().unwrap();
        let exited = self.events("container-exited");
        let ended = exited
            .iter()
            .filter_map(|event| event.text.split_once("ended at ")?.1.split_once(' ')?.0.parse::<u64>().ok());
        ended.map(|unix_ns| unix_ns - zero).collect()
    }

    pub(crate) fn phase(&self, name: &str) -> (u64, u64) {
        let phases = self.value["run"]["phases"].as_array().unwrap();
        let phase = phases.iter().find(|phase| phase["name"] == name).expect("there is such a phase");
        (phase["from_ns"].as_u64().unwrap(), phase["to_ns"].as_u64().unwrap())
    }

    pub(crate) fn verdict(&self) -> &str {
        self.value["verdict"]["result"].as_str().unwrap()
    }

    /// An offset of the run as a reading of `CLOCK_MONOTONIC`.
    pub(crate) fn monotonic(&self, offset: u64) -> u64 {
        self.value["run"]["anchor"]["monotonic_ns"].as_u64().unwrap() + offset
    }

    pub(crate) fn notes(&self) -> String {
        self.value["notes"].to_string()
    }

    pub(crate) fn doubts(&self) -> String {
        self.value["verdict"]["doubts"].to_string()
    }

    /// The cause that comes first in the case of the target at `place` that lost the most; empty if none is named.
    pub(crate) fn first_cause(&self, place: usize) -> &str {
        let name = &self.value["targets"][place]["name"];
        let cases = self.value["explanation"]["cases"].as_array().unwrap().iter();
        let worst = cases.filter(|case| case["target"] == *name).max_by_key(|case| case["failed"].as_u64());
        worst.and_then(|case| case["causes"][0]["name"].as_str()).unwrap_or_default()
    }

    /// Whether a cause is named of any case, first or not.
    pub(crate) fn names(&self, cause: &str) -> bool {
        let cases = self.value["explanation"]["cases"].as_array().unwrap().iter();
        cases.flat_map(|case| case["causes"].as_array().unwrap()).any(|named| named["name"] == cause)
    }

    /// The explanation as JSON, for the message of a test that fails.
    pub(crate) fn explanation(&self) -> String {
        format!("{:#}", self.value["explanation"])
    }

    /// Whether the rollout was seen to its end. Other reasons for an inconclusive verdict, such as a busy machine, are
    /// ignored.
    pub(crate) fn was_followed(&self) -> bool {
        !self.doubts().contains("rolled") && !self.doubts().contains("rollout")
    }

    /// The verdict and the classes of each lane in one line, for the test output.
    pub(crate) fn summary(&self) -> String {
        let targets = self.value["targets"].as_array().unwrap().iter();
        let lanes = targets.flat_map(|target| target["lanes"].as_array().unwrap());
        let lanes: Vec<_> = lanes.map(|lane| format!("{} {}", lane["name"], lane["classes"])).collect();
        format!("{} {}", self.verdict(), lanes.join("; "))
    }
}
