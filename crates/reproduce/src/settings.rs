//! The settings of a rollout as manifests or the cluster's events told them.

use std::time::Duration;

use lapse_lab::duration_range::DurationRange;
use lapse_lab::scenario::pod::Liveness;
use lapse_lab::strategy::{BlueGreen, Quantity, RollingUpdate, Strategy};
use lapse_lint::rollout::{Hook, Probing, Rollout, Way};
use lapse_record::event::detail::{self, PreStop, Workload};

use crate::known::Known;

/// The most pods that a world of the lab has.
const MOST_PODS: u32 = 100;

/// What was told of a rollout; `None` where nothing was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) replicas: Option<Known<u32>>,
    pub(crate) strategy: Option<Known<Strategy>>,
    /// Of the pods that end.
    pub(crate) old: PodSettings,
    /// Of the pods that replace them.
    pub(crate) new: PodSettings,
}

/// What was told of the pods of one template.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodSettings {
    pub(crate) grace: Option<Known<Duration>>,
    /// The length of the preStop hook; zero without one, `None` inside if it has one of unknown length.
    pub(crate) pre_stop: Option<Known<Option<Duration>>>,
    /// Whether there is a readiness probe.
    pub(crate) readiness: Option<Known<bool>>,
    pub(crate) liveness: Option<Known<Liveness>>,
}

impl Settings {
    /// What manifests say, of old and of new pods alike.
    pub(crate) fn of_manifests(rollout: &Rollout) -> Self {
        let named = format!("{} {}", rollout.workload.kind, rollout.workload.name);
        let says = |what: &str| format!("the manifest of {named}: {what}");
        let pods = PodSettings {
            grace: Some(Known::shown(rollout.grace, says("terminationGracePeriodSeconds"))),
            pre_stop: Some(match rollout.pre_stop {
                Hook::None => Known::shown(Some(Duration::ZERO), says("no preStop hook")),
                Hook::Sleep(length) => Known::shown(Some(length), says("its preStop hook")),
                Hook::Unknown => Known::shown(None, says("a preStop hook of unknown length")),
            }),
            readiness: Some(match rollout.readiness {
                Some(probe) => {
                    let every = format!("a readiness probe every {} s", probe.period.as_secs());
                    Known::shown(true, says(&every))
                }
                None => Known::shown(false, says("no readiness probe")),
            }),
            liveness: rollout.liveness.map(|probe| Known::shown(liveness(probe), says("its liveness probe"))),
        };
        let strategy = match rollout.way {
            Way::Rolling { surge, unavailable } => {
                let counts = format!("maxSurge of {surge} and maxUnavailable of {unavailable}, in pods");
                Known::shown(rolling(surge, unavailable, rollout.min_ready), says(&counts))
            }
            Way::Recreate => Known::shown(Strategy::Recreate, says("strategy Recreate")),
            Way::BlueGreen => Known::shown(Strategy::BlueGreen(BlueGreen::default()), says("a blue-green strategy")),
        };
        Self {
            replicas: Some(Known::shown(
                in_bounds(rollout.replicas.into()),
                says("the replicas, or the least of them"),
            )),
            strategy: Some(strategy),
            old: pods.clone(),
            new: pods,
        }
    }

    /// What the cluster told of the workload, before the rollout and from then on.
    pub(crate) fn of_cluster(old: &Workload, new: &Workload) -> Self {
        let told = |what: &str| format!("told by the cluster: {what}");
        let strategy = match new.strategy {
            detail::Strategy::RollingUpdate { max_unavailable, max_surge } => {
                let [surge, unavailable] = [max_surge, max_unavailable].map(narrow);
                let counts = format!("maxSurge of {surge} and maxUnavailable of {unavailable}, in pods");
                Known::shown(rolling(surge, unavailable, new.min_ready), told(&counts))
            }
            detail::Strategy::Recreate => Known::shown(Strategy::Recreate, told("strategy Recreate")),
            detail::Strategy::BlueGreen => Known::shown(
                Strategy::BlueGreen(BlueGreen::default()),
                told("a switch from one set of pods to another"),
            ),
            detail::Strategy::OnDelete => {
                Known::shown(rolling(0, 1, new.min_ready), told("strategy OnDelete, played as one pod after another"))
            }
        };
        Self {
            replicas: Some(Known::shown(in_bounds(new.replicas), told("the replicas"))),
            strategy: Some(strategy),
            old: PodSettings::of_cluster(old),
            new: PodSettings::of_cluster(new),
        }
    }

    /// These settings, and those of `other` where these say nothing.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            replicas: self.replicas.or(other.replicas),
            strategy: self.strategy.or(other.strategy),
            old: self.old.or(other.old),
            new: self.new.or(other.new),
        }
    }
}

impl PodSettings {
    fn of_cluster(workload: &Workload) -> Self {
        let told = |what: &str| format!("told by the cluster: {what}");
        let hooks = || workload.containers.iter().map(|container| container.pre_stop);
        let pre_stop = if hooks().any(|hook| hook == PreStop::Other) {
            Known::shown(None, told("a preStop hook of unknown length"))
        } else if hooks().all(|hook| hook == PreStop::None) {
            Known::shown(Some(Duration::ZERO), told("no preStop hook"))
        } else {
            Known::shown(Some(workload.pre_stop()), told("its preStop hook"))
        };
        let probed = workload.containers.iter().any(|container| container.readiness);
        Self {
            grace: Some(Known::shown(workload.grace, told("terminationGracePeriodSeconds"))),
            pre_stop: Some(pre_stop),
            readiness: Some(Known::shown(
                probed,
                told(if probed { "a readiness probe" } else { "no readiness probe" }),
            )),
            // The cluster's events have no timing of probes.
            liveness: None,
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            grace: self.grace.or(other.grace),
            pre_stop: self.pre_stop.or(other.pre_stop),
            readiness: self.readiness.or(other.readiness),
            liveness: self.liveness.or(other.liveness),
        }
    }
}

/// A rolling update within these limits; both at zero count as one that may be missing, as Kubernetes has it.
pub(crate) fn rolling(surge: u32, unavailable: u32, min_ready: Duration) -> Strategy {
    let unavailable = if surge == 0 { unavailable.max(1) } else { unavailable };
    let [max_surge, max_unavailable] = [surge, unavailable].map(|pods| Quantity::Number(pods.min(MOST_PODS)));
    Strategy::RollingUpdate(RollingUpdate { max_surge, max_unavailable, min_ready: DurationRange::exactly(min_ready) })
}

/// A number of pods that a world of the lab can have.
pub(crate) fn in_bounds(pods: u64) -> u32 {
    narrow(pods).clamp(1, MOST_PODS)
}

fn narrow(pods: u64) -> u32 {
    u32::try_from(pods).unwrap_or(u32::MAX)
}

fn liveness(probe: Probing) -> Liveness {
    Liveness {
        initial_delay: DurationRange::exactly(probe.initial_delay),
        period: DurationRange::exactly(probe.period),
        failures: probe.failures,
    }
}
