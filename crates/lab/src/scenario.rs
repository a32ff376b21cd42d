//! A scenario: a world, its acts, and the expected cost of each act.
//!
//! Scenarios are read from YAML and checked as a whole before anything starts. Keys are spelt as in Kubernetes.

pub mod cure;
pub mod expect;
mod flaw;
pub mod hop;
pub mod pod;
mod settings;
pub mod write;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lapse_yaml::{Node, Position, Problem, Value};
use serde::{Deserialize, Serialize};

use self::expect::Expect;
use self::hop::HopSpec;
use self::pod::PodSpec;
use super::duration_range::DurationRange;
use super::strategy::Strategy;

/// Why there is no such scenario.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not a scenario; the problems are in the order of their places.
    #[error("{}", listed(.0))]
    Unreadable(Vec<Problem>),
    /// The keys make no world; the text has the key and the fix.
    #[error("{0}")]
    Impossible(String),
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The scenario's advice for the prober; flags of the command line take precedence. The key has others too, which are read
/// as in a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Measure {
    /// Probes a second of the target, over all lanes.
    #[serde(deserialize_with = "rate", skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// The time to probe before the first act.
    #[serde(deserialize_with = "length", serialize_with = "write::length", skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Duration>,
    /// The time for which all lanes must have been up before the run ends.
    #[serde(deserialize_with = "length", serialize_with = "write::length", skip_serializing_if = "Option::is_none")]
    pub settle: Option<Duration>,
    /// The timeout of a probe.
    #[serde(deserialize_with = "length", serialize_with = "write::length", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// The latency from which on an answer counts as slow.
    #[serde(deserialize_with = "length", serialize_with = "write::length", skip_serializing_if = "Option::is_none")]
    pub slow: Option<Duration>,
}

const SILENT: &str = "the first line must say what the scenario shows: write `# ` and one sentence";

/// One rollout and its expected cost.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Act {
    /// The act's name in reports.
    pub name: String,
    /// A description for readers of the report: what happens in the act, and why; empty if not given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub story: String,
    /// The pod template that the rollout goes to.
    pub upgrade: String,
    /// The time after which the rollout is rolled back to the previous template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roll_back_after: Option<DurationRange>,
    /// The expected cost.
    pub expect: Expect,
}

/// A checked scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    shows: String,
    script: Script,
}

/// The keys of a scenario, before they are checked as a whole.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Script {
    /// The name of the scenario, which also names the run's folder.
    pub name: String,
    /// The advice for the prober.
    #[serde(default)]
    pub measure: Measure,
    /// The number of pods that serve.
    #[serde(default = "two")]
    pub replicas: u32,
    /// The rollout strategy.
    #[serde(default)]
    pub rollout: Strategy,
    /// The hops in front of the pods, outermost first.
    pub hops: Vec<HopSpec>,
    /// The pod templates by name.
    pub pods: BTreeMap<String, PodSpec>,
    /// The name of the template that runs at the start.
    pub first: String,
    /// The rollouts in order.
    pub acts: Vec<Act>,
}

// === impl Scenario ===

impl Scenario {
    /// The keys of a scenario that a plan has not.
    pub const WORLD: [&str; 6] = ["replicas", "rollout", "hops", "pods", "first", "acts"];
    /// The keys of a scenario that a plan has too.
    const SHARED: [&str; 2] = ["name", "measure"];

    /// Parses and checks a scenario in YAML that has no keys but its own.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let root =
            lapse_yaml::document("scenario", text.as_bytes()).map_err(|problem| Error::Unreadable(vec![problem]))?;
        Self::of(text, &root.unwrap_or_else(|| Arc::new(Node::new(Position::START, Value::Map(Vec::new())))))
    }

    /// The scenario in the tree of a text, which may have keys of a plan as well.
    pub fn read(text: &str, root: &Node) -> Result<Self, Error> {
        let Value::Map(entries) = &root.value else { return Self::of(text, root) };
        let own =
            entries.iter().filter(|entry| Self::WORLD.contains(&&*entry.key) || Self::SHARED.contains(&&*entry.key));
        Self::of(text, &Node::new(root.position, Value::Map(own.cloned().collect())))
    }

    fn of(text: &str, root: &Node) -> Result<Self, Error> {
        let first = text.lines().next().and_then(|line| line.strip_prefix('#')).map(str::trim);
        let silent = || Error::Unreadable(vec![Problem::at(Position::START, SILENT)]);
        let shows = first.filter(|line| !line.is_empty()).ok_or_else(silent)?.to_owned();
        let script: Script = lapse_yaml::from_node(root).map_err(|problem| Error::Unreadable(vec![problem]))?;
        let mut problems: Vec<_> = script.flaws().into_iter().map(|flaw| flaw.placed(root)).collect();
        if problems.is_empty() {
            return Ok(Self { shows, script });
        }
        problems.sort();
        Err(Error::Unreadable(problems))
    }

    /// The scenario of these keys, with what it shows in one sentence; an error names the key and the fix.
    pub fn new(shows: &str, script: Script) -> Result<Self, Error> {
        let shows = write::one_line(shows);
        if shows.is_empty() {
            return Err(Error::Impossible("it says nothing of what it shows".to_owned()));
        }
        match script.flaws().into_iter().next() {
            Some(flaw) => Err(Error::Impossible(flaw.text)),
            None => Ok(Self { shows, script }),
        }
    }

    /// The scenario's name, which also names the run's folder.
    pub fn name(&self) -> &str {
        &self.script.name
    }

    /// The purpose of the scenario in one sentence, from the comment in its first line.
    pub fn shows(&self) -> &str {
        &self.shows
    }

    /// The advice for the prober.
    pub const fn measure(&self) -> &Measure {
        &self.script.measure
    }

    /// The acts in order; at least one.
    pub fn acts(&self) -> &[Act] {
        &self.script.acts
    }

    /// The number of replicas.
    pub const fn replicas(&self) -> u32 {
        self.script.replicas
    }

    /// The rollout strategy.
    pub const fn rollout(&self) -> Strategy {
        self.script.rollout
    }

    /// The hops in front of the pods, outermost first; at least one.
    pub fn hops(&self) -> &[HopSpec] {
        &self.script.hops
    }

    /// The name of the template that runs at the start.
    pub fn first(&self) -> &str {
        &self.script.first
    }

    /// The pod template `name`, or `None` if there is none.
    pub fn pod(&self, name: &str) -> Option<&PodSpec> {
        self.script.pods.get(name)
    }

    /// The keys of the scenario.
    pub const fn script(&self) -> &Script {
        &self.script
    }
}

const fn two() -> u32 {
    2
}

/// A number of probes a second: `1000` or `1000/s`.
fn rate<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = text.strip_suffix("/s").unwrap_or(&text).parse();
    number.map(Some).map_err(|_| serde::de::Error::custom("probes a second, such as 1000/s, must stand here"))
}

fn length<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let span = DurationRange::deserialize(deserializer)?;
    if span.low() == span.high() {
        Ok(Some(span.low()))
    } else {
        Err(serde::de::Error::custom("a range cannot stand here: write one length of time, such as 2s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
# Shows nothing in particular.
name: small
hops: [{service: {lag: 100ms..200ms}}]
pods:
  v1: {work: 5ms}
first: v1
acts:
  - {name: again, upgrade: v1, expect: {lost: none}}
";

    fn refusal(from: &str, to: &str) -> String {
        Scenario::parse(&SMALL.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn a_small_scenario_is_read() {
        let scenario = Scenario::parse(SMALL).unwrap();
        assert_eq!((scenario.name(), scenario.shows()), ("small", "Shows nothing in particular."));
        assert_eq!((scenario.replicas(), scenario.acts().len()), (2, 1));
        assert_eq!(scenario.pod("v1").unwrap().work, DurationRange::millis(5));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_the_next_step() {
        assert_eq!(refusal("first:", "frist:"), "6:1: unknown key `frist`; did you mean `first`?");
        assert_eq!(refusal("work:", "wrok:"), "5:8: unknown key `wrok`; did you mean `work`?");
        assert!(refusal("5ms", "5").starts_with("5:14: \"5\" is not a length of time"), "{}", refusal("5ms", "5"));
        assert!(refusal("# Shows nothing in particular.", "").starts_with("1:1: the first line must say"));
        let unknown = "6:1: `first` names the pod template `v2`, which is not under `pods`; did you mean `v1`?";
        assert_eq!(refusal("first: v1", "first: v2"), unknown);
        assert_eq!(refusal("first:", "replicas: -1\nfirst:"), "6:11: a whole number such as 2 must stand here");
        let variant = refusal("work: 5ms", "onSigterm: exi");
        assert_eq!(variant, "5:19: `exi` cannot stand here; did you mean `exit`?");
        let stray = refusal("lost: none", "lost: any, lanes: {neww: none}");
        assert_eq!(
            stray,
            "8:60: act `again` expects something of a lane `neww` that there is not; did you mean `new`?"
        );
        let pending = refusal("first:", "rollout: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}\nfirst:");
        assert!(pending.contains("both 0"), "{pending}");
        assert_eq!(refusal("name: small", "name: ' '"), "2:1: `name` is empty: write one, it names the run's folder");
        let never = refusal("work: 5ms", "readiness: {failures: 0}");
        assert_eq!(never, "5:20: pod template `v1`: `readiness.failures` is 0: write at least 1");
        let busy = refusal("{service: {lag: 100ms..200ms}}", "{elb: {healthCheck: {period: 0ms}}}");
        assert_eq!(busy, "3:29: `elb.healthCheck.period` is nothing: write one such as 100ms");
        assert!(refusal("service", "servise").starts_with("3:9: "), "{}", refusal("service", "servise"));
        let several = refusal("first: v1", "first: v2\nreplicas: 0");
        assert_eq!(several.lines().count(), 2, "{several}");
    }

    #[test]
    fn every_scenario_that_comes_with_lapse_is_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for path in files.filter(|path| path.is_file()) {
            let text = std::fs::read_to_string(&path).unwrap();
            let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(path.file_stem().unwrap().to_str(), Some(scenario.name()));
        }
    }
}
