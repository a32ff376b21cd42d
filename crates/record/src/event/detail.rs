//! The facts of an event, typed. The event's text says them to people; causes are found from these alone.

use std::time::Duration;

/// The facts of an event that its kind, its object and its time do not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A container, or a pod's process, has ended.
    Exit(ContainerExit),
    /// A workload exists, or its spec has changed, and these are its settings from here on.
    Workload(Box<Workload>),
    /// A pod exists that was made from this template: the pod template's hash, the revision or the lab's name for it.
    PodTemplate(String),
    /// A component of the cluster reported an Event.
    Notice(Notice),
}

/// The exit of a container or of a pod's process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerExit {
    /// The name of the container; empty for a pod's process in the lab.
    pub container: String,
    /// The exit code; 128 and the signal's number if a signal ended it. `None` if it is not known.
    pub code: Option<i32>,
    /// The kubelet's word for it (`Error`, `OOMKilled`, `Completed`); empty if there is none.
    pub reason: String,
}

impl ContainerExit {
    /// Whether SIGKILL ended the process: by the kubelet at the end of the grace period, or by the kernel for lack of
    /// memory.
    pub fn was_killed(&self) -> bool {
        self.code == Some(137)
    }
}

/// The settings of a workload on which it depends what a rollout costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// The number of pods wanted.
    pub replicas: u64,
    /// How old pods are replaced.
    pub strategy: Strategy,
    /// How long a new pod must have been ready to count as available (`minReadySeconds`).
    pub min_ready: Duration,
    /// The time from a pod's deletion to SIGKILL (`terminationGracePeriodSeconds`).
    pub grace: Duration,
    /// The containers that run as long as the pod does, in order.
    pub containers: Vec<Container>,
    /// A fingerprint of the pod template: two of the same run are of the same template if they are equal.
    pub template: u64,
}

impl Workload {
    /// The longest preStop hook of its containers whose length is known; zero without one.
    pub fn pre_stop(&self) -> Duration {
        self.containers.iter().filter_map(|container| container.pre_stop.length()).max().unwrap_or_default()
    }
}

/// How a workload replaces its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Step by step, within two limits in pods.
    RollingUpdate {
        /// The number of wanted pods that may be missing.
        max_unavailable: u64,
        /// The number of pods beyond those wanted that may exist.
        max_surge: u64,
    },
    /// All old pods end before the first new one is created.
    Recreate,
    /// All new pods exist before the service selects them.
    BlueGreen,
    /// A pod is replaced when something else deletes it.
    OnDelete,
}

/// The settings of a container on which it depends what a rollout costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// The name of the container.
    pub name: String,
    /// Its preStop hook.
    pub pre_stop: PreStop,
    /// Whether it has a readiness probe.
    pub readiness: bool,
    /// Whether it has a liveness probe.
    pub liveness: bool,
    /// Whether it has a startup probe.
    pub startup: bool,
}

/// The preStop hook of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreStop {
    /// There is none: SIGTERM comes at once.
    #[default]
    None,
    /// The kubelet waits for this long (`preStop.sleep`).
    Sleep(Duration),
    /// A command that sleeps for this long.
    Command(Duration),
    /// A command or a request whose length is not known.
    Other,
}

impl PreStop {
    /// How long the hook takes; `None` if there is none, or if that is not known.
    pub const fn length(self) -> Option<Duration> {
        match self {
            Self::Sleep(length) | Self::Command(length) => Some(length),
            Self::None | Self::Other => None,
        }
    }
}

/// An Event of a component of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// Kubernetes' word for it: `Killing`, `Unhealthy`, `FailedPreStopHook`.
    pub reason: String,
    /// The probe that failed, for an `Unhealthy` Event.
    pub probe: Option<Probe>,
}

/// A probe of the kubelet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The readiness probe, which decides whether the pod gets requests.
    Readiness,
    /// The liveness probe, which decides whether the container is restarted.
    Liveness,
    /// The startup probe, which holds the other two back until the container has started.
    Startup,
}
