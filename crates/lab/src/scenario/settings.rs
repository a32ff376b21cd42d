//! The settings of a scenario's pods and rollout, in the words that a watch on a real cluster has for a workload's.

use super::Scenario;
use super::pod::Honesty;
use crate::strategy::Strategy;
use lapse_record::event::detail::{self, Container, PreStop, Workload};

impl Scenario {
    /// The settings of a rollout to the pod template `name`; `None` if there is no such template. A range counts as its
    /// longer end.
    pub(crate) fn settings(&self, name: &str) -> Option<Workload> {
        let (pod, wanted) = (self.pod(name)?, self.replicas());
        let (strategy, min_ready) = match self.rollout() {
            Strategy::RollingUpdate(update) => {
                let [max_unavailable, max_surge] = [update.unavailable(wanted), update.surge(wanted)].map(u64::from);
                (detail::Strategy::RollingUpdate { max_unavailable, max_surge }, update.min_ready.high())
            }
            Strategy::Recreate => (detail::Strategy::Recreate, std::time::Duration::ZERO),
            Strategy::BlueGreen(_) => (detail::Strategy::BlueGreen, std::time::Duration::ZERO),
        };
        let pre_stop = Some(pod.pre_stop.high()).filter(|length| !length.is_zero());
        let container = Container {
            name: "app".to_owned(),
            pre_stop: pre_stop.map_or(PreStop::None, PreStop::Sleep),
            readiness: pod.readiness.probe != Honesty::Missing,
            liveness: pod.liveness.is_some(),
            startup: false,
        };
        let template = self.script.pods.keys().position(|known| known == name)? as u64;
        let grace = pod.grace.high();
        Some(Workload { replicas: wanted.into(), strategy, min_ready, grace, containers: vec![container], template })
    }
}
