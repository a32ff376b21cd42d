//! The progress of a workload's rollout.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::argo::{ArgoPhase, ArgoStatus};
use super::change::Change;
use super::kind::Kind;
use super::meta::{Meta, part};
use super::settings;
use lapse_record::event::detail::{Detail, Workload};
use lapse_record::event::{EventKind, Object as ReportObject};

/// The pod counts in a workload's status, in words that all kinds of workload share.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Progress {
    /// The generation that these counts describe.
    observed: u64,
    /// The number of pods wanted.
    pub(super) wanted: u64,
    /// The number of pods that exist.
    there: u64,
    /// The number of those made from the newest template.
    updated: u64,
    /// The number of those that are available.
    available: u64,
    /// Whether the rollout exceeded its progress deadline, or was given up otherwise.
    stuck: bool,
    /// How far a Rollout of Argo Rollouts is in its controller's words; `None` for other workloads.
    argo: Option<ArgoPhase>,
    /// The labels that its pods get.
    pub(super) labels: BTreeMap<String, String>,
    /// The settings on which it depends what a rollout costs.
    settings: Workload,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    observed_generation: u64,
    replicas: u64,
    updated_replicas: u64,
    ready_replicas: u64,
    available_replicas: u64,
    current_revision: String,
    update_revision: String,
    desired_number_scheduled: u64,
    current_number_scheduled: u64,
    updated_number_scheduled: u64,
    number_available: u64,
    conditions: Vec<Condition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    name: String,
    status: String,
    reason: String,
}

impl Progress {
    /// Reads a workload of this kind.
    pub(super) fn read(kind: Kind, value: &Value) -> Result<Self, serde_json::Error> {
        let wanted = value.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
        let labels = part(value, "/spec/template/metadata/labels")?;
        if kind == Kind::Rollout {
            let (status, settings) = (ArgoStatus::read(value)?, settings::read(kind, value, wanted));
            return Ok(Self::of_argo(&status, wanted, labels, settings));
        }
        let status: Status = part(value, "/status")?;
        let stuck = status.conditions.iter().any(|condition| {
            condition.name == "Progressing"
                && condition.status == "False"
                && condition.reason == "ProgressDeadlineExceeded"
        });
        let settings = |wanted| settings::read(kind, value, wanted);
        let plain = Self {
            observed: status.observed_generation,
            wanted,
            there: status.replicas,
            updated: status.updated_replicas,
            available: status.available_replicas,
            stuck,
            argo: None,
            labels,
            settings: settings(wanted),
        };
        Ok(match kind {
            Kind::DaemonSet => Self {
                wanted: status.desired_number_scheduled,
                settings: settings(status.desired_number_scheduled),
                there: status.current_number_scheduled,
                updated: status.updated_number_scheduled,
                available: status.number_available,
                ..plain
            },
            // Once all pods are updated, the count is no longer kept up, and the revision says so instead.
            Kind::StatefulSet if status.current_revision == status.update_revision => {
                Self { updated: status.replicas, available: status.ready_replicas, ..plain }
            }
            Kind::StatefulSet => Self { available: status.ready_replicas, ..plain },
            _ => plain,
        })
    }

    fn of_argo(status: &ArgoStatus, wanted: u64, labels: BTreeMap<String, String>, settings: Workload) -> Self {
        let phase = status.phase();
        Self {
            observed: status.observed(),
            wanted,
            there: status.replicas,
            updated: status.updated_replicas,
            available: status.available_replicas,
            stuck: phase.is_stuck(),
            argo: Some(phase),
            labels,
            settings,
        }
    }

    fn detail(&self) -> Detail {
        Detail::Workload(Box::new(self.settings.clone()))
    }

    /// The steps of the rollout that are still to come; empty once it is complete.
    pub(super) fn missing(&self, meta: &Meta) -> Option<String> {
        let Self { wanted, there, updated, available, .. } = *self;
        if let Some(phase) = &self.argo
            && self.observed >= meta.generation
        {
            phase.missing()
        } else if self.stuck && self.argo.is_none() {
            Some(format!("has given up: {available} of {wanted} pods available"))
        } else if self.observed < meta.generation {
            Some(format!("generation {} is not yet observed", meta.generation))
        } else if updated < wanted {
            Some(format!("{updated} of {wanted} pods updated"))
        } else if available < wanted {
            Some(format!("{available} of {wanted} pods available"))
        } else {
            (there > wanted).then(|| format!("{} old pods left", there - wanted))
        }
    }
}

/// The settings of a workload that already existed when the watch began.
pub(super) fn found(kind: Kind, meta: &Meta, progress: &Progress) -> Change {
    let (noun, name) = (kind.object_kind(), &meta.name);
    Change {
        kind: EventKind::WorkloadFound,
        text: format!("{noun} {name} is there: {}", settings::in_words(&progress.settings)),
        source_time: None,
        object: ReportObject::new(noun.clone(), name),
        detail: Some(progress.detail()),
    }
}

/// The changes between two versions of a workload.
pub(super) fn changes(kind: Kind, old: Option<(&Meta, &Progress)>, new: Option<(&Meta, &Progress)>) -> Vec<Change> {
    let Some((meta, _)) = new.or(old) else { return Vec::new() };
    let (noun, name) = (kind.object_kind(), &meta.name);
    let object = ReportObject::new(kind.object_kind(), name);
    let tell = |kind, text: String| Change { kind, text, source_time: None, object: object.clone(), detail: None };
    let missing = |at: Option<(&Meta, &Progress)>| at.map(|(meta, progress)| progress.missing(meta).is_some());
    let (old_generation, mut changes) = (old.map(|(meta, _)| meta.generation), Vec::new());
    let Some((meta, progress)) = new else {
        return vec![tell(EventKind::WorkloadDeleted, format!("{noun} {name} is gone"))];
    };
    if old_generation != Some(meta.generation) {
        let generation = meta.generation;
        let text = format!("{noun} {name} is to change: generation {generation}");
        changes.push(Change { detail: Some(progress.detail()), ..tell(EventKind::RolloutStarted, text) });
    }
    if missing(new) == Some(false) && missing(old) != Some(false) {
        let wanted = progress.wanted;
        changes.push(tell(EventKind::RolloutComplete, format!("{noun} {name} is rolled out: {wanted} pods available")));
    }
    if progress.stuck && !old.is_some_and(|(_, progress)| progress.stuck) {
        let why = progress.argo.as_ref().map_or("its progress deadline is over", ArgoPhase::message);
        changes.push(tell(EventKind::RolloutStuck, format!("{noun} {name} has given up: {why}")));
    }
    changes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn missing(kind: Kind, generation: u64, spec: &Value, status: &Value) -> Option<String> {
        let value = json!({"metadata": {"name": "wine", "generation": generation}, "spec": spec, "status": status});
        Progress::read(kind, &value).unwrap().missing(&part(&value, "/metadata").unwrap())
    }

    #[test]
    fn a_deployment_is_rolled_out_once_all_its_pods_are_new_and_available_and_no_other_is_left() {
        let two = json!({"replicas": 2});
        let after = |updated: u64, available: u64, replicas: u64| json!({"observedGeneration": 3, "updatedReplicas": updated, "availableReplicas": available, "replicas": replicas});
        let missing = |status: &Value| missing(Kind::Deployment, 3, &two, status);
        assert_eq!(missing(&json!({"observedGeneration": 2})), Some("generation 3 is not yet observed".into()));
        assert_eq!(missing(&after(1, 2, 3)), Some("1 of 2 pods updated".into()));
        assert_eq!(missing(&after(2, 1, 2)), Some("1 of 2 pods available".into()));
        assert_eq!(missing(&after(2, 3, 3)), Some("1 old pods left".into()));
        assert_eq!(missing(&after(2, 2, 2)), None);
    }

    #[test]
    fn the_other_kinds_count_in_words_of_their_own() {
        let daemons = json!({"observedGeneration": 1, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "currentNumberScheduled": 3, "numberAvailable": 2});
        assert_eq!(missing(Kind::DaemonSet, 1, &json!({}), &daemons), Some("2 of 3 pods available".into()));
        let done = json!({"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "currentRevision": "a", "updateRevision": "a"});
        assert_eq!(missing(Kind::StatefulSet, 1, &json!({"replicas": 2}), &done), None);
        let half = json!({"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"});
        assert_eq!(missing(Kind::StatefulSet, 1, &json!({"replicas": 2}), &half), Some("1 of 2 pods updated".into()));
    }

    #[test]
    fn a_rollout_of_argo_is_as_far_as_its_controller_says() {
        let after = |generation: &str, phase: &str, message: &str| {
            let status = json!({
                "observedGeneration": generation, "phase": phase, "message": message, "replicas": 2, "updatedReplicas": 2,
                "readyReplicas": 2, "availableReplicas": 2, "currentPodHash": "a", "stableRS": "a", "conditions": [],
            });
            missing(Kind::Rollout, 3, &json!({"replicas": 2}), &status)
        };
        assert_eq!(after("2", "Healthy", ""), Some("generation 3 is not yet observed".into()));
        assert_eq!(after("3", "Paused", "CanaryPauseStep"), Some("is paused: CanaryPauseStep".into()));
        let aborted = "RolloutAborted: Rollout aborted update to revision 2";
        assert_eq!(after("3", "Degraded", aborted), Some(format!("has given up: {aborted}")));
        assert_eq!(after("3", "", ""), Some("is on its way: its controller gives no reason".into()));
        assert_eq!(after("3", "Healthy", ""), None);
        assert_eq!(after("5d6f7c8b9", "Healthy", ""), None, "controllers before 0.10 have a hash there");
        assert!(Progress::read(Kind::Rollout, &json!({"status": {"observedGeneration": 3}})).is_err());
    }

    #[test]
    fn who_gives_up_says_so() {
        let status = json!({"observedGeneration": 1, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]});
        let missing = missing(Kind::Deployment, 1, &json!({"replicas": 2}), &status);
        assert_eq!(missing, Some("has given up: 0 of 2 pods available".into()));
    }
}
