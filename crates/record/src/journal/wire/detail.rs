//! The JSON encoding of an event's facts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::detail::{Container, ContainerExit, Detail, Notice, PreStop, Probe, Strategy, Workload};
use lapse_measure::time::nanos;

#[derive(Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub(super) enum DetailWire {
    Exit {
        container: String,
        code: Option<i32>,
        reason: String,
    },
    Workload {
        replicas: u64,
        strategy: StrategyWire,
        min_ready_ns: u64,
        grace_ns: u64,
        containers: Vec<ContainerWire>,
        template: u64,
    },
    PodTemplate {
        template: String,
    },
    Notice {
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        probe: Option<ProbeWire>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StrategyWire {
    RollingUpdate { max_unavailable: u64, max_surge: u64 },
    Recreate,
    BlueGreen,
    OnDelete,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ContainerWire {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pre_stop: Option<PreStopWire>,
    readiness: bool,
    liveness: bool,
    startup: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PreStopWire {
    SleepNs(u64),
    CommandNs(u64),
    Other,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ProbeWire {
    Readiness,
    Liveness,
    Startup,
}

impl From<&Detail> for DetailWire {
    fn from(detail: &Detail) -> Self {
        match detail.clone() {
            Detail::Exit(ContainerExit { container, code, reason }) => Self::Exit { container, code, reason },
            Detail::Workload(workload) => {
                let Workload { replicas, strategy, min_ready, grace, containers, template } = *workload;
                let strategy = match strategy {
                    Strategy::RollingUpdate { max_unavailable, max_surge } => {
                        StrategyWire::RollingUpdate { max_unavailable, max_surge }
                    }
                    Strategy::Recreate => StrategyWire::Recreate,
                    Strategy::BlueGreen => StrategyWire::BlueGreen,
                    Strategy::OnDelete => StrategyWire::OnDelete,
                };
                let containers = containers.into_iter().map(ContainerWire::from).collect();
                let (min_ready_ns, grace_ns) = (nanos(min_ready), nanos(grace));
                Self::Workload { replicas, strategy, min_ready_ns, grace_ns, containers, template }
            }
            Detail::PodTemplate(template) => Self::PodTemplate { template },
            Detail::Notice(Notice { reason, probe }) => {
                let probe = probe.map(|probe| match probe {
                    Probe::Readiness => ProbeWire::Readiness,
                    Probe::Liveness => ProbeWire::Liveness,
                    Probe::Startup => ProbeWire::Startup,
                });
                Self::Notice { reason, probe }
            }
        }
    }
}

impl From<DetailWire> for Detail {
    fn from(wire: DetailWire) -> Self {
        match wire {
            DetailWire::Exit { container, code, reason } => Self::Exit(ContainerExit { container, code, reason }),
            DetailWire::Workload { replicas, strategy, min_ready_ns, grace_ns, containers, template } => {
                let strategy = match strategy {
                    StrategyWire::RollingUpdate { max_unavailable, max_surge } => {
                        Strategy::RollingUpdate { max_unavailable, max_surge }
                    }
                    StrategyWire::Recreate => Strategy::Recreate,
                    StrategyWire::BlueGreen => Strategy::BlueGreen,
                    StrategyWire::OnDelete => Strategy::OnDelete,
                };
                let [min_ready, grace] = [min_ready_ns, grace_ns].map(Duration::from_nanos);
                let containers = containers.into_iter().map(Container::from).collect();
                Self::Workload(Box::new(Workload { replicas, strategy, min_ready, grace, containers, template }))
            }
            DetailWire::PodTemplate { template } => Self::PodTemplate(template),
            DetailWire::Notice { reason, probe } => {
                let probe = probe.map(|probe| match probe {
                    ProbeWire::Readiness => Probe::Readiness,
                    ProbeWire::Liveness => Probe::Liveness,
                    ProbeWire::Startup => Probe::Startup,
                });
                Self::Notice(Notice { reason, probe })
            }
        }
    }
}

impl From<Container> for ContainerWire {
    fn from(container: Container) -> Self {
        let Container { name, pre_stop, readiness, liveness, startup } = container;
        let pre_stop = match pre_stop {
            PreStop::None => None,
            PreStop::Sleep(length) => Some(PreStopWire::SleepNs(nanos(length))),
            PreStop::Command(length) => Some(PreStopWire::CommandNs(nanos(length))),
            PreStop::Other => Some(PreStopWire::Other),
        };
        Self { name, pre_stop, readiness, liveness, startup }
    }
}

impl From<ContainerWire> for Container {
    fn from(wire: ContainerWire) -> Self {
        let ContainerWire { name, pre_stop, readiness, liveness, startup } = wire;
        let pre_stop = match pre_stop {
            None => PreStop::None,
            Some(PreStopWire::SleepNs(length)) => PreStop::Sleep(Duration::from_nanos(length)),
            Some(PreStopWire::CommandNs(length)) => PreStop::Command(Duration::from_nanos(length)),
            Some(PreStopWire::Other) => PreStop::Other,
        };
        Self { name, pre_stop, readiness, liveness, startup }
    }
}
