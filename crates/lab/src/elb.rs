//! A cloud load balancer's target list: of the registered pods, those that pass its own health checks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::endpoints::List;
use super::kubelet::probe_ok;
use super::scenario::hop::HealthCheck;
use super::world_log::WorldLog;
use lapse_record::event::EventKind;

/// The health-check state of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Record {
    is_healthy: bool,
    /// The number of consecutive checks whose result contradicts `is_healthy`.
    against: u32,
}

impl Record {
    /// The state after one more check.
    fn after(self, passed: bool, check: &HealthCheck) -> Self {
        let threshold = if passed { check.healthy } else { check.unhealthy };
        match self.against + 1 {
            _ if passed == self.is_healthy => Self { against: 0, ..self },
            against if against >= threshold => Self { is_healthy: passed, against: 0 },
            against => Self { against, ..self },
        }
    }
}

/// The registered targets that are healthy, or all of them if none is: cloud balancers fail open.
pub(super) fn healthy(
    registered: watch::Receiver<List>,
    check: HealthCheck,
    log: Arc<WorldLog>,
) -> watch::Receiver<List> {
    let (sender, receiver) = watch::channel(registered.borrow().clone());
    // Targets that exist at the start count as registered and healthy for a long time.
    let start = receiver.borrow().clone();
    let known = start.iter().map(|pod| (pod.name().to_owned(), Record { is_healthy: true, against: 0 }));
    tokio::spawn(keep_checking(registered, sender, check, log, known.collect()));
    receiver
}

async fn keep_checking(
    mut registered: watch::Receiver<List>,
    healthy: watch::Sender<List>,
    check: HealthCheck,
    log: Arc<WorldLog>,
    mut records: HashMap<String, Record>,
) {
    loop {
        let targets = registered.borrow_and_update().clone();
        for pod in &targets {
            let before = records.get(pod.name()).copied().unwrap_or_default();
            let after = before.after(probe_ok(pod.address(), "/-/ready").await, &check);
            if before.is_healthy != after.is_healthy {
                let health = if after.is_healthy { "healthy" } else { "unhealthy" };
                log.tell(EventKind::TargetHealth, format!("the elb finds {} {health}", pod.name()));
            }
            records.insert(pod.name().to_owned(), after);
        }
        healthy.send_replace(fit(targets, &records));
        tokio::select! {
            changed = registered.changed() => if changed.is_err() { return },
            () = sleep(check.period.draw().max(Duration::from_millis(1))) => {}
        }
    }
}

fn fit(targets: List, records: &HashMap<String, Record>) -> List {
    let is_healthy = |name: &str| records.get(name).is_some_and(|record| record.is_healthy);
    let fit: List = targets.iter().filter(|pod| is_healthy(pod.name())).cloned().collect();
    if fit.is_empty() { targets } else { fit }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duration_range::DurationRange;

    #[test]
    fn a_target_changes_its_state_only_after_enough_consecutive_checks() {
        let check = HealthCheck { period: DurationRange::millis(100), healthy: 3, unhealthy: 2 };
        let states = |checks: &str| {
            let mut record = Record::default();
            let state = |passed| {
                record = record.after(passed == '.', &check);
                if record.is_healthy { '.' } else { 'x' }
            };
            checks.chars().map(state).collect::<String>()
        };
        assert_eq!(states("...x.xx.x..."), "xx....xxxxx.");
    }
}
