//! A scenario with the reasons for its values, put together of its parts.

use std::collections::BTreeMap;

use lapse_lab::duration_range::DurationRange;
use lapse_lab::scenario::expect::{Amount, Expect};
use lapse_lab::scenario::pod::{Liveness, PodSpec};
use lapse_lab::scenario::write::{self, Comments};
use lapse_lab::scenario::{self, Act, Measure, Scenario, Script};
use lapse_lab::strategy::Strategy;

use crate::ending::Ending;
use crate::hop::Hop;
use crate::known::{Known, is_assumed};
use crate::starting::Starting;

/// The names of the pod templates.
const OLD: &str = "old";
const NEW: &str = "replacement";
/// The longest name that is taken over.
const NAME: usize = 40;

/// A scenario with the reasons for its values.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The scenario.
    pub scenario: Scenario,
    /// The evidence of each value, or why it is assumed.
    pub comments: Comments,
    /// What the scenario was made of, in sentences.
    pub preface: Vec<String>,
}

/// The parts of a scenario with one act.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) shows: String,
    pub(crate) preface: Vec<String>,
    pub(crate) measure: Measure,
    /// Why the prober is set so, by key.
    pub(crate) measured: Vec<(&'static str, String)>,
    pub(crate) replicas: Known<u32>,
    pub(crate) strategy: Known<Strategy>,
    pub(crate) hop: Hop,
    pub(crate) old: Pods,
    pub(crate) new: Pods,
    pub(crate) roll_back_after: Option<Known<DurationRange>>,
    pub(crate) expect: Known<Expect>,
}

/// The pods of a template.
#[derive(Clone, Debug)]
pub(crate) struct Pods {
    pub(crate) starting: Starting,
    pub(crate) ending: Ending,
    pub(crate) liveness: Option<Known<Liveness>>,
    /// What is known of them as a whole.
    pub(crate) why: String,
}

impl Draft {
    /// The scenario as YAML, each value with the reason for it.
    pub fn to_yaml(&self) -> Result<String, write::Error> {
        self.scenario.to_yaml(&self.comments, &self.preface)
    }

    /// The values that are assumed: the path of each and why.
    pub fn assumed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.comments.iter().filter(|(_, why)| is_assumed(why))
    }
}

impl Parts {
    /// The scenario of these parts.
    pub(crate) fn draft(self) -> Result<Draft, scenario::Error> {
        let mut comments = Comments::default();
        for (key, why) in &self.measured {
            comments.set(format!("measure.{key}"), why);
        }
        comments.set("replicas", &self.replicas.why);
        comments.set("rollout", &self.strategy.why);
        let hop = format!("hops.0.{}", self.hop.kind);
        comments.set(&*hop, &self.hop.why);
        for (key, why) in &self.hop.whys {
            comments.set(format!("{hop}.{key}"), why);
        }
        let pods = [(OLD, self.old), (NEW, self.new)];
        let pods: BTreeMap<_, _> =
            pods.into_iter().map(|(name, pods)| (name.to_owned(), pods.spec(name, &mut comments))).collect();
        if let Some(known) = &self.roll_back_after {
            comments.set("acts.0.rollBackAfter", &known.why);
        }
        comments.set("acts.0.expect", &self.expect.why);
        let act = Act {
            name: "rollout".to_owned(),
            story: String::new(),
            upgrade: NEW.to_owned(),
            roll_back_after: self.roll_back_after.map(|known| known.value),
            expect: self.expect.value,
        };
        let script = Script {
            name: plain(&self.name),
            measure: self.measure,
            replicas: self.replicas.value,
            rollout: self.strategy.value,
            hops: vec![self.hop.spec],
            pods,
            first: OLD.to_owned(),
            acts: vec![act],
        };
        Ok(Draft { scenario: Scenario::new(&self.shows, script)?, comments, preface: self.preface })
    }
}

impl Pods {
    fn spec(self, name: &str, comments: &mut Comments) -> PodSpec {
        let Self { starting, ending, liveness, why } = self;
        let mut set = |key: &str, why: &str| comments.set(format!("pods.{name}{key}"), why);
        set("", &why);
        set(".preStop", &ending.pre_stop.why);
        set(".grace", &ending.grace.why);
        let new = [
            (".schedule", &starting.schedule.why),
            (".boot", &starting.boot.why),
            (".readiness", &starting.readiness.why),
        ];
        let old = [
            (".work", &starting.work.why),
            (".onSigterm", &ending.on_sigterm.why),
            (".teardown", &ending.teardown.why),
            (".afterwards", &ending.afterwards.why),
        ];
        // Each reason stands once, where it was seen: new pods start, old pods end.
        for (key, why) in if name == NEW { new.as_slice() } else { old.as_slice() } {
            set(key, why);
        }
        if let Some(liveness) = &liveness {
            set(".liveness", &liveness.why);
        }
        // What has its default is not written.
        if !starting.init.value.is_nothing() {
            set(".init", &starting.init.why);
        }
        if name == NEW && starting.errors.value > 0.0 {
            set(".errors", &starting.errors.why);
        }
        PodSpec {
            schedule: starting.schedule.value,
            boot: starting.boot.value,
            init: starting.init.value,
            work: starting.work.value,
            errors: if name == NEW { starting.errors.value } else { 0.0 },
            readiness: starting.readiness.value,
            liveness: liveness.map(|known| known.value),
            pre_stop: ending.pre_stop.value,
            on_sigterm: ending.on_sigterm.value,
            grace: ending.grace.value,
            teardown: ending.teardown.value,
            afterwards: ending.afterwards.value,
            ..PodSpec::default()
        }
    }
}

/// An expectation of this many lost requests.
pub(crate) const fn amount(lost: u64) -> Amount {
    match lost {
        0 => Amount::None,
        // So few may be chance.
        1..=4 => Amount::Any,
        _ => Amount::Some,
    }
}

/// A name that is valid as one of a folder.
fn plain(name: &str) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let name: String = name.chars().map(|letter| if fits(letter) { letter } else { '-' }).take(NAME).collect();
    let name = name.trim_matches(['-', '.']).to_owned();
    if name.is_empty() { "run".to_owned() } else { name }
}
