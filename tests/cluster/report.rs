//! What these tests ask of a report.json.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// A run's report, and its exit code.
pub(crate) struct Report {
    value: Value,
    pub(crate) exit: Option<i32>,
}

/// An event of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Whom it happened to.
    pub(crate) object: String,
    pub(crate) at_ns: u64,
    pub(crate) text: String,
}

impl Report {
    pub(crate) fn read(folder: &Path, exit: Option<i32>) -> Self {
        let text = fs::read_to_string(folder.join("report.json")).expect("the run left a report");
        Self { value: serde_json::from_str(&text).unwrap(), exit }
    }

    /// How many probes resolved on the lane of the target at `place`.
    pub(crate) fn resolved(&self, place: usize, lane: &str) -> u64 {
        self.lane(place, lane)["resolved"].as_u64().unwrap()
    }

    fn lane(&self, place: usize, lane: &str) -> &Value {
        let lanes = self.value["targets"][place]["lanes"].as_array().unwrap();
        lanes.iter().find(|other| other["name"] == lane).expect("there is such a lane")
    }

    /// All that was lost on the lane of the target at `place`, by class.
    pub(crate) fn lost(&self, place: usize, lane: &str) -> BTreeMap<String, u64> {
        let classes = self.lane(place, lane)["classes"].as_object().unwrap().iter();
        let counted = classes.map(|(class, count)| (class.clone(), count.as_u64().unwrap()));
        counted.filter(|(class, _)| class != "ok" && class != "slow" && !class.starts_with("not-sent")).collect()
    }

    /// How many probes failed on the target at `place`.
    pub(crate) fn failed(&self, place: usize) -> u64 {
        self.value["targets"][place]["totals"]["failed"].as_u64().unwrap()
    }

    /// A total of the first target as least, figure and most, in nanoseconds; what has no upper bound has a very large one.
    pub(crate) fn total(&self, name: &str) -> (u64, u64, u64) {
        let total = &self.value["targets"][0]["totals"][name];
        let figure = |key: &str| total[key].as_u64().unwrap_or_else(|| panic!("{name}: {total}"));
        (figure("at_least_ns"), figure("estimate_ns"), total["at_most_ns"].as_u64().unwrap_or(u64::MAX / 2))
    }

    /// What the first target's lanes may have missed, in nanoseconds.
    pub(crate) fn floor(&self) -> u64 {
        self.value["targets"][0]["totals"]["floor_ns"].as_u64().unwrap()
    }

    /// When the first target's first episode began, and its last one ended.
    pub(crate) fn trouble(&self) -> (u64, u64) {
        let episodes = self.episodes();
        (episodes.first().unwrap().0, episodes.last().unwrap().1)
    }

    /// The first target's episodes, from and to.
    pub(crate) fn episodes(&self) -> Vec<(u64, u64)> {
        let episodes = self.value["targets"][0]["episodes"].as_array().unwrap();
        let span = |episode: &Value| (episode["from_ns"].as_u64().unwrap(), episode["to_ns"].as_u64().unwrap());
        episodes.iter().map(span).collect()
    }

    /// What the cluster told of this kind.
    pub(crate) fn told(&self, kind: &str) -> Vec<Event> {
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

    /// When the pods' processes ended by their own word, as offsets of the run.
    pub(crate) fn exits(&self) -> Vec<u64> {
        let anchor = &self.value["run"]["anchor"];
        let zero = anchor["unix_ns"].as_u64().unwrap() - anchor["offset_ns"].as_u64().unwrap();
        let told = self.told("container-exited");
        let ended = told
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

    pub(crate) fn doubts(&self) -> String {
        self.value["verdict"]["doubts"].to_string()
    }

    /// Whether the rollout was seen, and seen to its end. (A machine that is too busy for the prober is no matter here.)
    pub(crate) fn was_followed(&self) -> bool {
        !self.doubts().contains("rolled") && !self.doubts().contains("rollout")
    }

    /// The run in a line, for whoever watches the tests.
    pub(crate) fn line(&self) -> String {
        let targets = self.value["targets"].as_array().unwrap().iter();
        let lanes = targets.flat_map(|target| target["lanes"].as_array().unwrap());
        let lanes: Vec<_> = lanes.map(|lane| format!("{} {}", lane["name"], lane["classes"])).collect();
        format!("{} {}", self.verdict(), lanes.join("; "))
    }
}
