//! How far the pod of a prober has come, by its status.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

/// The reasons for which a container waits that will not pass by themselves.
const UNUSABLE: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "CreateContainerConfigError",
    "CreateContainerError",
];

/// How far a pod has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PodState {
    /// It may still start; the text says what it waits for.
    Waiting(String),
    /// Its image cannot be used: the reason and what is said of it.
    Unusable(String, String),
    /// It runs.
    Running,
    /// It has ended; the text says how.
    Ended(String),
}

/// How far this pod has come.
pub(super) fn of(pod: &Pod) -> PodState {
    let Some(status) = &pod.status else { return PodState::Waiting("it has no status yet".to_owned()) };
    let container = status.container_statuses.iter().flatten().next();
    if let Some(ended) = container.and_then(ended) {
        return PodState::Ended(ended);
    }
    if status.phase.as_deref() == Some("Failed") {
        let said = [&status.reason, &status.message].into_iter().flatten().cloned().collect::<Vec<_>>().join(": ");
        return PodState::Ended(if said.is_empty() { "the pod failed".to_owned() } else { said });
    }
    let state = container.and_then(|container| container.state.as_ref());
    if state.is_some_and(|state| state.running.is_some()) {
        return PodState::Running;
    }
    if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
        let reason = waiting.reason.clone().unwrap_or_default();
        let message = waiting.message.clone().unwrap_or_default();
        return match reason.as_str() {
            known if UNUSABLE.contains(&known) => PodState::Unusable(reason, message),
            _ => PodState::Waiting(format!("its container waits ({reason} {message})").replace(" )", ")")),
        };
    }
    let unscheduled =
        status.conditions.iter().flatten().find(|one| one.type_ == "PodScheduled" && one.status != "True");
    PodState::Waiting(match unscheduled {
        Some(condition) => {
            format!("no node takes it: {}", condition.message.as_deref().unwrap_or("the scheduler does not say why"))
        }
        None => format!("its phase is {}", status.phase.as_deref().unwrap_or("unknown")),
    })
}

/// How the container ended, if it has.
fn ended(container: &ContainerStatus) -> Option<String> {
    let ended = container.state.as_ref()?.terminated.as_ref()?;
    let reason = ended.reason.as_deref().unwrap_or("it ended");
    Some(match ended.signal {
        Some(signal) => format!("{reason}, by signal {signal}"),
        None => format!("{reason}, exit code {}", ended.exit_code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn state(status: &Value) -> PodState {
        of(&serde_json::from_value(json!({ "metadata": {}, "status": status })).unwrap())
    }

    fn container(state: &Value) -> Value {
        let status =
            json!({ "name": "prober", "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": state });
        json!({ "phase": "Pending", "containerStatuses": [status] })
    }

    #[test]
    fn a_status_says_whether_the_pod_can_still_start_and_why_not() {
        let waiting = |reason: &str| container(&json!({ "waiting": { "reason": reason, "message": "not found" } }));
        let unusable = PodState::Unusable("ErrImagePull".into(), "not found".into());
        assert_eq!(state(&waiting("ErrImagePull")), unusable);
        let creating = PodState::Waiting("its container waits (ContainerCreating not found)".into());
        assert_eq!(state(&waiting("ContainerCreating")), creating);
        assert_eq!(state(&container(&json!({ "running": {} }))), PodState::Running);
        let killed = json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } });
        assert_eq!(state(&container(&killed)), PodState::Ended("OOMKilled, exit code 137".into()));
        let evicted = json!({ "phase": "Failed", "reason": "Evicted", "message": "the node was low on memory" });
        assert_eq!(state(&evicted), PodState::Ended("Evicted: the node was low on memory".into()));
        let condition = json!({ "type": "PodScheduled", "status": "False", "message": "0/1 nodes are available" });
        let unscheduled = json!({ "phase": "Pending", "conditions": [condition] });
        assert_eq!(state(&unscheduled), PodState::Waiting("no node takes it: 0/1 nodes are available".into()));
    }
}
