//! A scenario: a world, its acts, and the expected cost of each act.
//!
//! Scenarios are read from YAML and checked as a whole before anything starts. Keys are spelt as in Kubernetes.

pub mod cure;
pub mod expect;
pub mod hop;
pub mod pod;
mod settings;
pub mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_saphyr::UserMessageFormatter;

use self::expect::Expect;
use self::hop::HopSpec;
use self::pod::PodSpec;
use super::duration_range::DurationRange;
use super::strategy::Strategy;

/// Why a text is not a scenario.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key that is not known at its place.
    #[error("line {line}: unknown key `{key}`{}", hint(key, known))]
    UnknownKey {
        /// The line of the key, counted from one.
        line: u64,
        /// The key as written.
        key: String,
        /// The keys that are known at that place.
        known: Vec<&'static str>,
    },
    /// The text is not YAML or does not have the shape of a scenario.
    #[error("{}{what}", place(*line))]
    Unreadable {
        /// The line of the error, counted from one, if known.
        line: Option<u64>,
        /// The message of the YAML parser: the text found, and what is expected there.
        what: String,
    },
    /// The first line is not a comment that says what the scenario shows.
    #[error("line 1: the first line must say what the scenario shows: write `# ` and one sentence")]
    Silent,
    /// A reference to a pod template that is not under `pods`.
    #[error("{place} names the pod template `{name}`, which is not under `pods`{}", hint(name, known))]
    UnknownPod {
        /// The key that has the reference.
        place: String,
        /// The name as written.
        name: String,
        /// The templates under `pods`.
        known: Vec<String>,
    },
    /// The scenario is well-formed, but its world cannot be built.
    #[error("{0}")]
    Impossible(String),
}

/// The scenario's advice for the prober; flags of the command line take precedence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Measure {
    /// Probes a second of the target, over all lanes.
    #[serde(skip_serializing_if = "Option::is_none")]
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

/// The lanes that an expectation may name.
const LANES: [&str; 2] = ["new", "reused"];

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
    /// Parses and checks a scenario in YAML. An error names the line, the key and the fix.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let first = text.lines().next().and_then(|line| line.strip_prefix('#')).map(str::trim);
        let shows = first.filter(|line| !line.is_empty()).ok_or(Error::Silent)?.to_owned();
        let script: Script = serde_saphyr::from_str(text).map_err(|error| unreadable(error.without_snippet()))?;
        script.check()?;
        Ok(Self { shows, script })
    }

    /// The scenario of these keys, with what it shows in one sentence; an error names the key and the fix.
    pub fn new(shows: &str, script: Script) -> Result<Self, Error> {
        let shows = write::one_line(shows);
        if shows.is_empty() {
            return Err(Error::Silent);
        }
        script.check()?;
        Ok(Self { shows, script })
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

impl Script {
    fn check(&self) -> Result<(), Error> {
        let impossible = |what: &str| Err(Error::Impossible(what.to_owned()));
        if self.name.trim().is_empty() {
            return impossible("`name` is empty: write one, it names the run's folder");
        }
        if self.acts.is_empty() {
            return impossible("`acts` is empty: write at least one, with `name`, `upgrade` and `expect`");
        }
        if self.replicas == 0 || self.replicas > 100 {
            return impossible("`replicas` must be from 1 to 100");
        }
        if matches!(self.rollout, Strategy::RollingUpdate(update) if update.is_stuck()) {
            return impossible(
                "`maxSurge` and `maxUnavailable` are both 0, so no pod could ever be replaced: raise one",
            );
        }
        if matches!(self.measure.rate, Some(0)) {
            return impossible("`measure.rate` is 0: nothing would be sent");
        }
        self.check_hops()?;
        self.check_pods()?;
        self.check_expectations()
    }

    fn check_expectations(&self) -> Result<(), Error> {
        let lanes = self.acts.iter().flat_map(|act| act.expect.lanes.keys().map(move |lane| (&act.name, lane)));
        match lanes.into_iter().find(|(_, lane)| !LANES.contains(&lane.as_str())) {
            Some((act, lane)) => {
                let hint = hint(lane, &LANES);
                Err(Error::Impossible(format!(
                    "act `{act}` expects something of a lane `{lane}` that there is not{hint}"
                )))
            }
            None => Ok(()),
        }
    }

    fn check_hops(&self) -> Result<(), Error> {
        let Some((_, outer)) = self.hops.split_last() else {
            return Err(Error::Impossible("`hops` is empty: write at least one, such as `- service: {}`".to_owned()));
        };
        self.hops.iter().try_for_each(HopSpec::check).map_err(Error::Impossible)?;
        match outer.iter().find(|hop| matches!(hop, HopSpec::Service(_))) {
            Some(_) => Err(Error::Impossible(
                "a `service` can only be the last of `hops`: it passes connections on to pods".to_owned(),
            )),
            None => Ok(()),
        }
    }

    fn check_pods(&self) -> Result<(), Error> {
        let acts = self.acts.iter().map(|act| (format!("act `{}`", act.name), &act.upgrade));
        for (place, name) in std::iter::once(("`first`".to_owned(), &self.first)).chain(acts) {
            if !self.pods.contains_key(name) {
                let known = self.pods.keys().cloned().collect();
                return Err(Error::UnknownPod { place, name: name.clone(), known });
            }
        }
        for (name, pod) in &self.pods {
            pod.check().map_err(|what| Error::Impossible(format!("pod template `{name}`: {what}")))?;
        }
        Ok(())
    }
}

/// Refuses a count of 0 under `key`.
fn at_least_one(key: &str, count: u32) -> Result<(), String> {
    if count > 0 { Ok(()) } else { Err(format!("`{key}` is 0: write at least 1")) }
}

/// Refuses a duration of 0 under `key`.
fn some_time(key: &str, span: DurationRange) -> Result<(), String> {
    if span.low().is_zero() { Err(format!("`{key}` is nothing: write one such as 100ms")) } else { Ok(()) }
}

fn unreadable(error: &serde_saphyr::Error) -> Error {
    let line = error.location().map(|location| location.line()).filter(|line| *line > 0);
    match error {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => {
            Error::UnknownKey { line: line.unwrap_or(0), key: field.clone(), known: expected.clone() }
        }
        serde_saphyr::Error::SerdeUnknownVariant { variant, expected, .. } => {
            Error::Unreadable { line, what: format!("`{variant}` cannot stand here{}", hint(variant, expected)) }
        }
        serde_saphyr::Error::InvalidScalar { ty, .. } => {
            Error::Unreadable { line, what: format!("{} must stand here", wanted(ty)) }
        }
        other => Error::Unreadable { line, what: other.render_with_formatter(&UserMessageFormatter) },
    }
}

/// An example of a value of the Rust type `ty`, for error messages.
fn wanted(ty: &str) -> &'static str {
    match ty {
        "bool" => "`true` or `false`",
        "f32" | "f64" => "a number such as 0.05",
        _ => "a whole number such as 2",
    }
}

fn place(line: Option<u64>) -> String {
    line.map(|line| format!("line {line}: ")).unwrap_or_default()
}

/// The known word that is closest to `word`, or all of them, as the end of an error message.
fn hint<T: AsRef<str>>(word: &str, known: &[T]) -> String {
    let likeness = |known: &str| strsim::damerau_levenshtein(&word.to_lowercase(), &known.to_lowercase());
    let near = known.iter().map(AsRef::as_ref).min_by_key(|known| likeness(known));
    match near.filter(|near| likeness(near) <= 1 + near.len() / 4) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => format!("; known here: {}", known.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")),
    }
}

const fn two() -> u32 {
    2
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
        assert_eq!(refusal("first:", "frist:"), "line 6: unknown key `frist`; did you mean `first`?");
        assert_eq!(refusal("work:", "wrok:"), "line 5: unknown key `wrok`; did you mean `work`?");
        assert!(refusal("5ms", "5").contains("line 5: "), "{}", refusal("5ms", "5"));
        assert!(refusal("5ms", "5").contains("is not a length of time"), "{}", refusal("5ms", "5"));
        assert_eq!(refusal("# Shows nothing in particular.", ""), Error::Silent.to_string());
        let unknown = "`first` names the pod template `v2`, which is not under `pods`; did you mean `v1`?";
        assert_eq!(refusal("first: v1", "first: v2"), unknown);
        assert_eq!(refusal("first:", "replicas: -1\nfirst:"), "line 6: a whole number such as 2 must stand here");
        let variant = refusal("work: 5ms", "onSigterm: exi");
        assert_eq!(variant, "line 5: `exi` cannot stand here; did you mean `exit`?");
        let stray = refusal("lost: none", "lost: any, lanes: {neww: none}");
        assert_eq!(stray, "act `again` expects something of a lane `neww` that there is not; did you mean `new`?");
        let pending = refusal("first:", "rollout: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}\nfirst:");
        assert!(pending.contains("both 0"), "{pending}");
        assert_eq!(refusal("name: small", "name: ' '"), "`name` is empty: write one, it names the run's folder");
        let never = refusal("work: 5ms", "readiness: {failures: 0}");
        assert_eq!(never, "pod template `v1`: `readiness.failures` is 0: write at least 1");
        let busy = refusal("{service: {lag: 100ms..200ms}}", "{elb: {healthCheck: {period: 0ms}}}");
        assert_eq!(busy, "`elb.healthCheck.period` is nothing: write one such as 100ms");
        assert!(refusal("service", "servise").contains("line 3"), "{}", refusal("service", "servise"));
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
