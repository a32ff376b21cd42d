//! What is wrong with a scenario whose keys were read one by one: of its values taken together.

use lapse_yaml::{Node, Problem, near};

use super::hop::HopSpec;
use super::pod::PodSpec;
use super::{Script, Strategy};
use crate::duration_range::DurationRange;

/// The lanes that an expectation may name.
const LANES: [&str; 2] = ["new", "reused"];

/// A flaw, and the key that it is about.
#[derive(Debug)]
pub(super) struct Flaw {
    /// The keys that lead to it.
    path: Vec<String>,
    /// The key, the value and the fix.
    pub(super) text: String,
}

impl Flaw {
    /// A flaw of the key at `path`, whose steps are set apart by dots.
    fn at(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.split('.').map(str::to_owned).collect(), text: text.into() }
    }

    /// The flaw of a count of 0.
    fn none(path: &str, count: u32) -> Option<Self> {
        (count == 0).then(|| Self::at(path, format!("`{path}` is 0: write at least 1")))
    }

    /// The flaw of a length of 0.
    fn no_time(path: &str, span: DurationRange) -> Option<Self> {
        span.low().is_zero().then(|| Self::at(path, format!("`{path}` is nothing: write one such as 100ms")))
    }

    /// The flaw of a share beyond its limits.
    fn no_share(path: &str, share: f64) -> Option<Self> {
        let is_one = (0.0..=1.0).contains(&share);
        (!is_one).then(|| Self::at(path, format!("`{path}` is {share}: write a share from 0 to 1")))
    }

    /// The same flaw of a part of the scenario.
    fn within(mut self, path: [&str; 2]) -> Self {
        self.path.splice(0..0, path.map(str::to_owned));
        self
    }

    /// The flaw at its place in the tree that the scenario was read from.
    pub(super) fn placed(self, root: &Node) -> Problem {
        Problem::at(root.place(self.path.iter().map(String::as_str)), self.text)
    }
}

impl Script {
    /// All flaws, in the order of the keys of the documentation.
    pub(super) fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        if self.name.trim().is_empty() {
            flaws.push(Flaw::at("name", "`name` is empty: write one, it names the run's folder"));
        }
        if matches!(self.measure.rate, Some(0)) {
            flaws.push(Flaw::at("measure.rate", "`measure.rate` is 0: nothing would be sent"));
        }
        if self.replicas == 0 || self.replicas > 100 {
            flaws.push(Flaw::at("replicas", "`replicas` must be from 1 to 100"));
        }
        if matches!(self.rollout, Strategy::RollingUpdate(update) if update.is_stuck()) {
            let text = "`maxSurge` and `maxUnavailable` are both 0, so no pod could ever be replaced: raise one";
            flaws.push(Flaw::at("rollout.rollingUpdate.maxSurge", text));
        }
        self.flaws_of_hops(&mut flaws);
        self.flaws_of_pods(&mut flaws);
        self.flaws_of_acts(&mut flaws);
        flaws
    }

    fn flaws_of_hops(&self, flaws: &mut Vec<Flaw>) {
        if self.hops.is_empty() {
            flaws.push(Flaw::at("hops", "`hops` is empty: write at least one, such as `- service: {}`"));
        }
        for (nth, hop) in self.hops.iter().enumerate() {
            let of_hop = hop.flaws().into_iter().map(|flaw| flaw.within(["hops", &nth.to_string()]));
            flaws.extend(of_hop);
            if nth + 1 < self.hops.len() && matches!(hop, HopSpec::Service(_)) {
                let text = "a `service` can only be the last of `hops`: it passes connections on to pods";
                flaws.push(Flaw::at("service", text).within(["hops", &nth.to_string()]));
            }
        }
    }

    fn flaws_of_pods(&self, flaws: &mut Vec<Flaw>) {
        for (name, pod) in &self.pods {
            flaws.extend(pod.flaws().into_iter().map(|flaw| {
                let text = format!("pod template `{name}`: {}", flaw.text);
                Flaw { text, ..flaw }.within(["pods", name])
            }));
        }
        if !self.pods.contains_key(&self.first) {
            flaws.push(Flaw::at("first", self.unknown("`first`", &self.first)));
        }
    }

    fn flaws_of_acts(&self, flaws: &mut Vec<Flaw>) {
        if self.acts.is_empty() {
            flaws.push(Flaw::at("acts", "`acts` is empty: write at least one, with `name`, `upgrade` and `expect`"));
        }
        for (nth, act) in self.acts.iter().enumerate() {
            let place = ["acts", &nth.to_string()];
            if !self.pods.contains_key(&act.upgrade) {
                let text = self.unknown(&format!("act `{}`", act.name), &act.upgrade);
                flaws.push(Flaw::at("upgrade", text).within(place));
            }
            for lane in act.expect.lanes.keys().filter(|lane| !LANES.contains(&lane.as_str())) {
                let (name, hint) = (&act.name, near(lane, &LANES));
                let text = format!("act `{name}` expects something of a lane `{lane}` that there is not; {hint}");
                let path = ["expect", "lanes", lane].map(str::to_owned).to_vec();
                flaws.push(Flaw { path, text }.within(place));
            }
        }
    }

    /// What is said of a pod template that there is not.
    fn unknown(&self, place: &str, name: &str) -> String {
        let known: Vec<_> = self.pods.keys().collect();
        format!("{place} names the pod template `{name}`, which is not under `pods`; {}", near(name, &known))
    }
}

impl HopSpec {
    fn flaws(&self) -> Vec<Flaw> {
        let flaws = match self {
            Self::Service(_) => vec![],
            Self::Ingress(ingress) => vec![Flaw::none("ingress.tries", ingress.tries)],
            Self::Elb(elb) => vec![
                Flaw::no_time("elb.healthCheck.period", elb.health_check.period),
                Flaw::none("elb.healthCheck.healthy", elb.health_check.healthy),
                Flaw::none("elb.healthCheck.unhealthy", elb.health_check.unhealthy),
            ],
        };
        flaws.into_iter().flatten().collect()
    }
}

impl PodSpec {
    fn flaws(&self) -> Vec<Flaw> {
        let liveness = self.liveness.unwrap_or_default();
        let flaws = [
            Flaw::no_share("errors", self.errors),
            Flaw::no_share("longRequests.share", self.long_requests.map_or(0.0, |long| long.share)),
            Flaw::no_time("readiness.period", self.readiness.period),
            Flaw::no_time("liveness.period", liveness.period),
            Flaw::none("readiness.failures", self.readiness.failures),
            Flaw::none("liveness.failures", liveness.failures),
            Flaw::none("capacity", self.capacity.unwrap_or(1)),
        ];
        flaws.into_iter().flatten().collect()
    }
}
