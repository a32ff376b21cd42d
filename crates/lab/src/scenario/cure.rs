//! Cures: changes of a scenario's settings that keep rollouts from losing requests, and what each costs.
//!
//! A cure is tried where it is in force already: it changes all pod templates, those of the pods that end as well as
//! those of the new ones. The rollout that brings a cure still loses what it would have lost without it.

use std::fmt;
use std::time::Duration;

use super::hop::{HopSpec, Reloads};
use super::pod::{Honesty, OnSigterm, PodSpec};
use super::{Scenario, Script};
use crate::duration_range::DurationRange;
use crate::strategy::{BlueGreen, KeepOld, Quantity, RollingUpdate, Strategy, Switch};

/// What a preStop sleep is longer than the slowest list at the least: what is under way then ends meanwhile.
const MARGIN: Duration = Duration::from_millis(200);
/// How often an ingress tries a request that failed on a pod, with the cure.
const TRIES: u32 = 3;
/// How long an ingress waits for a connection to a pod, with the cure.
const CONNECT: Duration = Duration::from_secs(1);

/// A change of settings that may keep rollouts from losing requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cure {
    /// A preStop hook that sleeps, in seconds.
    PreStop(u64),
    /// A grace period, in seconds.
    Grace(u64),
    /// New pods beside the old ones, none of which is missing meanwhile.
    Surge,
    /// How long a new pod must have been ready to count (`minReadySeconds`).
    MinReady(u64),
    /// A second replica.
    Replicas,
    /// A blue-green switch that waits until the new pods are ready.
    SwitchWhenReady,
    /// How long old pods stay after a blue-green switch, in seconds.
    KeepOld(u64),
    /// How long the liveness probe waits before its first check, in seconds.
    LivenessLater(u64),
    /// An ingress that tries another pod.
    Retries,
    /// An ingress that gives up sooner on a pod that does not answer.
    ConnectTimeout,
    /// An ingress that takes a new list without a reload.
    NoReloads,
    /// A readiness probe that passes only once the pod serves.
    Readiness,
    /// A process that asks its clients to reconnect on SIGTERM, and exits once they have.
    Drain,
}

/// What a cure costs, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// A setting: rollouts take longer, or take a pod more.
    Setting,
    /// More pods all the time, or requests that reach two pods.
    Running,
    /// A change of the program.
    Program,
}

impl Cost {
    /// The word for it in a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setting => "setting",
            Self::Running => "running",
            Self::Program => "program",
        }
    }
}

impl Scenario {
    /// The cures that change something of this act's rollout, in the order of their costs.
    pub fn cures(&self, act: usize) -> Vec<Cure> {
        let plain = self.with_cures(act, &[]);
        let all = plain.as_ref().map(|plain| plain.script.all_cures()).unwrap_or_default();
        let changes = |cure: &Cure| self.with_cures(act, &[*cure]) != plain;
        all.into_iter().filter(changes).collect()
    }

    /// The scenario of this act alone, from the pods that the acts before it leave, with these cures in force; `None` if
    /// there is no such act.
    pub fn with_cures(&self, act: usize, cures: &[Cure]) -> Option<Self> {
        let mut script = self.script.clone();
        let mut before = script.acts.iter().take(act).filter(|act| act.roll_back_after.is_none());
        let first = before.next_back().map_or(&script.first, |act| &act.upgrade).clone();
        let act = script.acts.get(act)?.clone();
        script.pods.retain(|name, _| *name == first || *name == act.upgrade);
        (script.first, script.acts) = (first, vec![act]);
        for cure in cures {
            script.take(*cure);
        }
        Some(Self { shows: self.shows.clone(), script })
    }
}

impl Script {
    /// All cures, with their numbers for this world.
    fn all_cures(&self) -> Vec<Cure> {
        let pods = || self.pods.values();
        let sleep = seconds(self.slowest_list() + MARGIN);
        let longest = pods().map(longest_answer).max().unwrap_or_default();
        let hook = pods().map(|pod| pod.pre_stop.high()).max().unwrap_or_default();
        let start = pods().map(|pod| pod.boot.high() + pod.init.high()).max().unwrap_or_default();
        vec![
            Cure::PreStop(sleep),
            Cure::Grace(seconds(hook + longest + MARGIN)),
            Cure::Surge,
            Cure::MinReady(sleep),
            Cure::SwitchWhenReady,
            Cure::KeepOld(sleep),
            Cure::LivenessLater(seconds(start * 2)),
            Cure::ConnectTimeout,
            Cure::NoReloads,
            Cure::Replicas,
            Cure::Retries,
            Cure::Readiness,
            Cure::Drain,
        ]
    }

    /// How long the slowest of the hops takes to hear of a change.
    fn slowest_list(&self) -> Duration {
        let lag = |hop: &HopSpec| match hop {
            HopSpec::Service(service) => service.lag.high(),
            HopSpec::Ingress(ingress) => ingress.lag.high() + ingress.hold.high(),
            HopSpec::Elb(elb) => {
                elb.lag.high()
                    + elb.health_check.period.high() * elb.health_check.healthy.max(elb.health_check.unhealthy)
            }
        };
        self.hops.iter().map(lag).max().unwrap_or_default()
    }

    /// Changes the settings as a cure says; what it says already stays.
    fn take(&mut self, cure: Cure) {
        match cure {
            Cure::Surge => self.surge(),
            Cure::MinReady(seconds) => {
                if let Strategy::RollingUpdate(update) = &mut self.rollout {
                    raise(&mut update.min_ready, seconds);
                }
            }
            Cure::Replicas => self.replicas = self.replicas.max(2),
            Cure::SwitchWhenReady => {
                if let Strategy::BlueGreen(blue_green) = &mut self.rollout {
                    blue_green.switch = Switch::WhenReady;
                }
            }
            Cure::KeepOld(seconds) => {
                if let Strategy::BlueGreen(BlueGreen { keep_old: KeepOld::For(length), .. }) = &mut self.rollout {
                    raise(length, seconds);
                }
            }
            Cure::Retries | Cure::ConnectTimeout | Cure::NoReloads => {
                self.hops.iter_mut().for_each(|hop| take_hop(hop, cure));
            }
            Cure::PreStop(_) | Cure::Grace(_) | Cure::LivenessLater(_) | Cure::Readiness | Cure::Drain => {
                self.pods.values_mut().for_each(|pod| take_pod(pod, cure));
            }
        }
    }

    fn surge(&mut self) {
        let min_ready = match self.rollout {
            Strategy::RollingUpdate(update) if update.unavailable(self.replicas) == 0 => return,
            Strategy::RollingUpdate(update) => update.min_ready,
            Strategy::Recreate => DurationRange::ZERO,
            Strategy::BlueGreen(_) => return,
        };
        let (max_surge, max_unavailable) = (Quantity::Number(1), Quantity::Number(0));
        self.rollout = Strategy::RollingUpdate(RollingUpdate { max_surge, max_unavailable, min_ready });
    }
}

fn take_hop(hop: &mut HopSpec, cure: Cure) {
    match (hop, cure) {
        (HopSpec::Ingress(ingress), Cure::Retries) => ingress.tries = ingress.tries.max(TRIES),
        (HopSpec::Ingress(ingress), Cure::ConnectTimeout) if ingress.connect_timeout.high() > CONNECT => {
            ingress.connect_timeout = DurationRange::exactly(CONNECT);
        }
        (HopSpec::Ingress(ingress), Cure::NoReloads) => ingress.reloads = Reloads::Never,
        _ => {}
    }
}

fn take_pod(pod: &mut PodSpec, cure: Cure) {
    match cure {
        Cure::PreStop(sleep) => {
            raise(&mut pod.pre_stop, sleep);
            // The grace period covers the hook and what comes after it.
            let grace = seconds(pod.pre_stop.high() + longest_answer(pod) + MARGIN);
            raise(&mut pod.grace, grace);
        }
        Cure::Grace(seconds) => raise(&mut pod.grace, seconds),
        Cure::LivenessLater(seconds) => {
            pod.liveness.iter_mut().for_each(|liveness| raise(&mut liveness.initial_delay, seconds));
        }
        Cure::Readiness => pod.readiness.probe = Honesty::Honest,
        Cure::Drain => pod.on_sigterm = OnSigterm::Drain,
        _ => {}
    }
}

/// The longest time that an answer of the pod takes.
fn longest_answer(pod: &PodSpec) -> Duration {
    pod.work.high().max(pod.long_requests.map(|long| long.work.high()).unwrap_or_default())
}

/// Makes a length of time as long as this, if it may be shorter.
fn raise(length: &mut DurationRange, seconds: u64) {
    let wanted = Duration::from_secs(seconds);
    if length.low() < wanted {
        *length = DurationRange::exactly(wanted.max(length.high()));
    }
}

/// Whole seconds, as Kubernetes wants them, no shorter than this.
fn seconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX)
}

impl Cure {
    /// What the cure costs.
    pub const fn cost(self) -> Cost {
        match self {
            Self::PreStop(_)
            | Self::Grace(_)
            | Self::Surge
            | Self::MinReady(_)
            | Self::SwitchWhenReady
            | Self::KeepOld(_)
            | Self::LivenessLater(_)
            | Self::ConnectTimeout
            | Self::NoReloads => Cost::Setting,
            Self::Replicas | Self::Retries => Cost::Running,
            Self::Readiness | Self::Drain => Cost::Program,
        }
    }

    /// The price of the cure, in words.
    pub const fn price(self) -> &'static str {
        match self {
            Self::PreStop(_) => "each old pod ends that much later",
            Self::Grace(_) => "a pod that hangs is killed later",
            Self::Surge => "one more pod while a rollout goes on",
            Self::MinReady(_) => "the rollout waits that long for each new pod",
            Self::SwitchWhenReady => "the switch waits for the new pods",
            Self::KeepOld(_) => "both sets of pods run that much longer",
            Self::LivenessLater(_) => "a pod that hangs at its start is restarted later",
            Self::ConnectTimeout => "a slow network looks like a dead pod sooner",
            Self::NoReloads => "an ingress controller that changes its lists in place",
            Self::Replicas => "one more pod, always",
            Self::Retries => "a request may reach two pods: it must be safe to repeat",
            Self::Readiness => "the program has to say when it can serve",
            Self::Drain => {
                "a change of the program: on SIGTERM it answers with `Connection: close` (GOAWAY) before it exits"
            }
        }
    }

    /// What to write for it, as lines of Kubernetes YAML or of an ingress controller's settings; empty where it is the
    /// program that changes.
    pub fn yaml(self) -> String {
        match self {
            Self::PreStop(seconds) => format!(
                "# Deployment: spec.template.spec.containers[0]\nlifecycle: {{preStop: {{sleep: {{seconds: {seconds}}}}}}}\n"
            ),
            Self::Grace(seconds) => {
                format!("# Deployment: spec.template.spec\nterminationGracePeriodSeconds: {seconds}\n")
            }
            Self::Surge => "# Deployment: spec\nstrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n".to_owned(),
            Self::MinReady(seconds) => format!("# Deployment: spec\nminReadySeconds: {seconds}\n"),
            Self::SwitchWhenReady => {
                "# before the Service's selector is changed\n# kubectl rollout status deployment/NEW --timeout=5m\n".to_owned()
            }
            Self::KeepOld(seconds) => format!(
                "# after the Service's selector is changed, before the old Deployment is scaled down\n# sleep {seconds}\n"
            ),
            Self::LivenessLater(seconds) => format!(
                "# Deployment: spec.template.spec.containers[0].livenessProbe\ninitialDelaySeconds: {seconds} # better: a startupProbe\n"
            ),
            Self::ConnectTimeout => {
                "# Ingress: metadata.annotations\nnginx.ingress.kubernetes.io/proxy-connect-timeout: \"1\"\n".to_owned()
            }
            Self::Replicas => "# Deployment: spec\nreplicas: 2\n".to_owned(),
            Self::Retries => format!(
                "# Ingress: metadata.annotations\nnginx.ingress.kubernetes.io/proxy-next-upstream: \"error timeout http_502 http_503\"\nnginx.ingress.kubernetes.io/proxy-next-upstream-tries: \"{TRIES}\"\n"
            ),
            Self::Readiness => {
                "# Deployment: spec.template.spec.containers[0]; /ready must fail until the program serves\nreadinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 1}\n".to_owned()
            }
            Self::NoReloads | Self::Drain => String::new(),
        }
    }
}

impl fmt::Display for Cure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PreStop(seconds) => write!(f, "preStop {seconds} s"),
            Self::Grace(seconds) => write!(f, "grace {seconds} s"),
            Self::Surge => f.write_str("surge 1, unavailable 0"),
            Self::MinReady(seconds) => write!(f, "minReady {seconds} s"),
            Self::Replicas => f.write_str("2 replicas"),
            Self::SwitchWhenReady => f.write_str("switch when ready"),
            Self::KeepOld(seconds) => write!(f, "old pods kept {seconds} s"),
            Self::LivenessLater(seconds) => write!(f, "liveness after {seconds} s"),
            Self::Retries => f.write_str("ingress retries"),
            Self::ConnectTimeout => write!(f, "connect timeout {} s", CONNECT.as_secs()),
            Self::NoReloads => f.write_str("no reloads"),
            Self::Readiness => f.write_str("honest readiness"),
            Self::Drain => f.write_str("drain"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(name: &str) -> Scenario {
        let path = format!("{}/../../scenarios/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        Scenario::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn the_cures_are_those_that_change_something() {
        let cures = scenario("wine-store").cures(0);
        assert_eq!(cures, [Cure::PreStop(1), Cure::MinReady(1), Cure::Drain]);
        assert_eq!(scenario("wine-store").cures(1), [Cure::MinReady(1)], "the second act has the others");
        let named = |name: &str, cure: Cure| assert!(scenario(name).cures(0).contains(&cure), "{name}: {cure}");
        named("recreate", Cure::Surge);
        named("one-replica", Cure::Replicas);
        named("lying-readiness-probe", Cure::Readiness);
        named("blue-green-gap", Cure::SwitchWhenReady);
    }

    #[test]
    fn a_cured_scenario_plays_one_act_and_has_the_cure_in_all_its_pods() {
        let (cure, wine) = (Cure::PreStop(1), scenario("wine-store"));
        let cured = wine.with_cures(0, &[cure]).unwrap();
        assert_eq!((cured.acts().len(), cured.first()), (1, "as-it-stands"));
        for name in ["as-it-stands", "fixed"] {
            assert_eq!(cured.pod(name).unwrap().pre_stop, DurationRange::millis(1_000));
        }
        assert_eq!(wine.with_cures(1, &[]).unwrap().first(), "fixed");
        assert_eq!(wine.with_cures(2, &[]), None);
    }

    #[test]
    fn every_cure_of_every_scenario_leaves_a_world_that_can_be_built() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for path in files.filter(|path| path.is_file()) {
            let scenario = Scenario::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
            for act in 0..scenario.acts().len() {
                let cures = scenario.cures(act);
                assert!(scenario.with_cures(act, &cures).unwrap().script.flaws().is_empty(), "{}", path.display());
                for cure in cures {
                    let twice = scenario.with_cures(act, &[cure, cure]);
                    assert_eq!(twice, scenario.with_cures(act, &[cure]), "{}: {cure}", path.display());
                }
            }
        }
    }
}
