//! What several rules ask of `PodDisruptionBudgets`.

use super::prelude::*;
use crate::manifests::together;
use crate::object::Object;
use crate::workload::Workload;

/// Whether `budget` is for the pods of `workload`; `None` if its selector has expressions.
pub(super) fn covers(budget: &Object, workload: &Workload<'_>) -> Option<bool> {
    let selector = Field::root(budget).dig("spec.selector");
    if !together(budget, workload.object) {
        return Some(false);
    }
    if selector.get("matchExpressions").is_there() {
        return None;
    }
    Some(selector.get("matchLabels").pairs().iter().all(|label| workload.labels.contains(label)))
}
