//! The settings of manifests on which it depends what a rollout costs, with the defaults of the API server.

use std::time::Duration;

use super::container::{Container, Probe};
use super::finding::Remark;
use super::manifests::{Manifests, Served};
use super::object::{self, Kind, ObjectName};
use super::workload::Strategy;
use super::{Counts, Source};

/// The longest time in seconds that is taken over from a manifest: longer ones are cut to it.
const MOST_SECONDS: i64 = 86_400;
/// The pods that a workload without a number of its own has: one on each node, of which there may be any number.
const NODES: u32 = 2;

/// A workload that is rolled and gets requests, with what its rollout depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// The workload.
    pub workload: ObjectName,
    /// The Services that send it requests, by name; empty if the input has no Service at all.
    pub services: Vec<String>,
    /// Whether an Ingress or a route leads to one of these Services.
    pub behind_ingress: bool,
    /// The number of pods: the least that an autoscaler allows, or one where nothing says so.
    pub replicas: u32,
    /// How old pods are replaced.
    pub way: Way,
    /// How long a new pod must have been ready to count as available.
    pub min_ready: Duration,
    /// The time from a pod's deletion to SIGKILL.
    pub grace: Duration,
    /// The preStop hook of the containers that answer, the longest of them.
    pub pre_stop: Hook,
    /// The readiness probe of the first container that answers and has one.
    pub readiness: Option<Probing>,
    /// The liveness probe of the first container that answers and has one, and no startup probe before it.
    pub liveness: Option<Probing>,
}

/// How the pods of a workload are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A few at a time.
    Rolling {
        /// The pods beyond the replicas that may exist.
        surge: u32,
        /// The replicas that may be missing.
        unavailable: u32,
    },
    /// All old pods end before the first new one is created.
    Recreate,
    /// A second set of pods, and then a switch.
    BlueGreen,
}

/// A preStop hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// There is none.
    None,
    /// It takes this long.
    Sleep(Duration),
    /// How long it takes is not in the manifest.
    Unknown,
}

/// The timing of a probe of the kubelet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probing {
    /// The time from the start of the container to the first check.
    pub initial_delay: Duration,
    /// The time between two checks.
    pub period: Duration,
    /// The number of failures in a row that count.
    pub failures: u32,
}

/// The rollouts of manifests.
#[derive(Clone, Debug, Default)]
pub struct Rollouts {
    /// The workloads that are rolled and get requests, in the order of the input.
    pub all: Vec<Rollout>,
    /// What the reader should know of the input itself.
    pub said: Vec<Remark>,
    /// How much was read.
    pub read: Counts,
}

/// Reads the rollouts of `sources`, which are one release.
pub fn rollouts(sources: &[Source<'_>]) -> Rollouts {
    let contents = object::read(sources);
    let manifests = Manifests::new(&contents.objects, None);
    let served = manifests.served();
    let all = served.iter().map(|served| of(&manifests, served)).collect();
    let others = contents.objects.iter().filter(|object| matches!(object.kind, Kind::Other | Kind::Custom)).count();
    let (documents, unread) = (contents.documents, contents.unread);
    let read = Counts { documents, unread, objects: contents.objects.len() - others, others };
    Rollouts { all, said: contents.said, read }
}

/// The rollout of a workload that gets requests.
pub(crate) fn of(manifests: &Manifests<'_>, served: &Served<'_, '_>) -> Rollout {
    let workload = served.workload;
    let replicas = served.replicas.least.unwrap_or(NODES).max(1);
    let first = |probe: fn(&Container<'_>) -> Option<Probing>| served.answering().find_map(probe);
    Rollout {
        workload: workload.object.named.clone(),
        services: served.services.iter().map(|service| service.object.named.name.clone()).collect(),
        behind_ingress: served.services.iter().any(|service| !manifests.routes_to(service).is_empty()),
        replicas,
        way: way(&workload.strategy(), replicas),
        min_ready: seconds(workload.spec.get("minReadySeconds").integer().unwrap_or(0)),
        grace: seconds(workload.grace()),
        pre_stop: served.answering().map(hook).max().unwrap_or(Hook::None),
        readiness: first(|container| container.readiness().as_ref().map(probing)),
        liveness: first(|container| {
            container.liveness().filter(|_| container.startup().is_none()).as_ref().map(probing)
        }),
    }
}

fn way(strategy: &Strategy<'_>, replicas: u32) -> Way {
    match strategy {
        Strategy::Rolling(rolling) | Strategy::PerNode(rolling) => {
            let (surge, unavailable) = rolling.resolve(replicas);
            Way::Rolling { surge, unavailable }
        }
        Strategy::Recreate(_) => Way::Recreate,
        Strategy::BlueGreen(_) => Way::BlueGreen,
        Strategy::InPlace | Strategy::Manual => Way::Rolling { surge: 0, unavailable: 1 },
    }
}

fn hook(container: &Container<'_>) -> Hook {
    match container.pre_stop() {
        None => Hook::None,
        Some(hook) => hook.seconds.and_then(length).map_or(Hook::Unknown, Hook::Sleep),
    }
}

/// A length of time as a manifest writes it; `None` if it is none.
fn length(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().map(|length| length.min(self::seconds(MOST_SECONDS)))
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(count.clamp(0, MOST_SECONDS).unsigned_abs())
}

fn probing(probe: &Probe<'_>) -> Probing {
    Probing {
        initial_delay: seconds(probe.initial_delay()),
        period: seconds(probe.period()),
        failures: u32::try_from(probe.failure_threshold()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{port: 80, targetPort: 8080}]}
";

    fn read(spec: &str) -> Rollouts {
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: shop}}\nspec: {{{spec}}}\n{SERVICE}---\nkind: Deployment\napiVersion: apps/v1\nmetadata: {{name: worker}}\nspec: {{template: {{spec: {{containers: [{{name: w}}]}}}}}}\n"
        );
        rollouts(&[Source { name: "-", text: text.as_bytes() }])
    }

    fn one(spec: &str) -> Rollout {
        let read = read(spec);
        assert_eq!(read.all.len(), 1, "only what a Service sends requests to: {read:?}");
        read.all.into_iter().next().unwrap()
    }

    #[test]
    fn what_is_not_written_has_the_defaults_of_the_api_server() {
        let plain = one("template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: web}]}}");
        assert_eq!(
            (plain.workload.name.as_str(), plain.replicas, plain.services),
            ("shop", 1, vec!["shop".to_owned()])
        );
        assert_eq!(plain.way, Way::Rolling { surge: 1, unavailable: 0 });
        assert_eq!((plain.grace, plain.pre_stop, plain.readiness), (Duration::from_secs(30), Hook::None, None));
    }

    #[test]
    fn probes_hooks_and_limits_are_read() {
        let all = one(
            "replicas: 8, minReadySeconds: 3, strategy: {rollingUpdate: {maxUnavailable: 50%}}, template: {metadata: {labels: \
             {app: shop}}, spec: {terminationGracePeriodSeconds: 40, containers: [{name: web, lifecycle: {preStop: {exec: \
             {command: [sleep, '7']}}}, readinessProbe: {httpGet: {port: 1}, periodSeconds: 2}, livenessProbe: {tcpSocket: \
             {port: 1}}, startupProbe: {tcpSocket: {port: 1}}}]}}",
        );
        let seconds = Duration::from_secs;
        assert_eq!((all.way, all.min_ready), (Way::Rolling { surge: 2, unavailable: 4 }, seconds(3)));
        assert_eq!((all.grace, all.pre_stop), (seconds(40), Hook::Sleep(seconds(7))));
        assert_eq!(all.readiness, Some(Probing { initial_delay: seconds(0), period: seconds(2), failures: 3 }));
        assert_eq!(all.liveness, None, "the startup probe holds it back");
    }

    #[test]
    fn numbers_beyond_all_reason_are_cut_and_nothing_panics() {
        let odd = one("replicas: 4000000000, minReadySeconds: -5, template: {metadata: {labels: {app: shop}}, spec: \
             {terminationGracePeriodSeconds: 9999999999999, containers: [{name: web, lifecycle: {preStop: {sleep: {seconds: \
             1e300}}}}]}}");
        assert_eq!((odd.min_ready, odd.grace), (Duration::ZERO, Duration::from_secs(86_400)));
        assert_eq!(odd.pre_stop, Hook::Unknown);
        assert!(rollouts(&[Source { name: "-", text: b"{{ .Values.x }}: 1" }]).read.unread > 0);
    }
}
