//! The pods of a world and the rollouts that replace them, as the Deployment controller does it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::app::Phase;
use super::duration_range::DurationRange;
use super::endpoints::List;
use super::kubelet;
use super::pod::Pod;
use super::scenario::{Act, Scenario};
use super::strategy::{BlueGreen, Census, KeepOld, RollingUpdate, Strategy, Switch};
use super::world_log::WorldLog;
use lapse_record::event::detail::Detail;
use lapse_record::event::{Event, EventKind};

/// How long the controller waits for a change before it counts again: a pod becomes available by time alone.
const LOOK_AWAY: Duration = Duration::from_millis(20);
/// The time after which a rollout counts as failed.
const DEADLINE: Duration = Duration::from_secs(30);

/// The pods of a world, with the controller that replaces them.
#[derive(Debug)]
pub(super) struct Cluster {
    scenario: Arc<Scenario>,
    log: Arc<WorldLog>,
    /// The second and third byte of all pods' addresses.
    net: [u8; 2],
    made: AtomicU8,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pods: List,
    /// The template of the newest rollout.
    template: String,
    /// The template that the Service's selector is narrowed to, in a blue-green rollout.
    selector: Option<String>,
}

impl Cluster {
    pub(super) fn new(scenario: Arc<Scenario>, log: Arc<WorldLog>) -> Self {
        let selector = matches!(scenario.rollout(), Strategy::BlueGreen(_)).then(|| scenario.first().to_owned());
        let state = State { pods: List::new(), template: scenario.first().to_owned(), selector };
        // Random bytes, so that worlds on the same machine do not share addresses.
        let net = [fastrand::u8(1..=254), fastrand::u8(1..=254)];
        Self { scenario, log, net, made: AtomicU8::new(0), state: Mutex::new(state) }
    }

    /// The pods that are ready, not being deleted, and matched by the selector.
    pub(super) fn endpoints(&self) -> List {
        let state = self.state();
        let selected = |pod: &Pod| state.selector.as_ref().is_none_or(|name| name == pod.template());
        let ready = |pod: &Pod| pod.status().ready_since.is_some() && !pod.status().deleting;
        state.pods.iter().filter(|pod| selected(pod) && ready(pod)).cloned().collect()
    }

    /// Creates the first pods and waits until all are ready and serve, also where no readiness probe checks that.
    pub(super) async fn begin(&self) {
        let first = self.scenario.first();
        self.tell_settings(EventKind::WorkloadFound, format!("the pods of {first} are there"), first);
        self.create(self.scenario.replicas());
        let serves = |pod: &Arc<Pod>| pod.app().phase() == Phase::Serving;
        self.wait(|| self.endpoints().iter().filter(|pod| serves(pod)).count() == self.scenario.replicas() as usize)
            .await;
    }

    /// Performs an act as `helm upgrade --wait` does, then waits until all old pods are gone.
    pub(super) async fn perform(&self, act: &Act) {
        let before = self.state().template.clone();
        match act.roll_back_after {
            None => self.roll(&act.upgrade).await,
            Some(after) => {
                let _ = timeout(after.draw(), self.roll(&act.upgrade)).await;
                self.roll(&before).await;
            }
        }
        self.wait(|| self.state().pods.iter().all(|pod| !pod.status().deleting || pod.status().gone)).await;
        self.state().pods.retain(|pod| !pod.status().gone);
        self.log.tell(EventKind::OldPodsGone, "all old pods are gone");
    }

    async fn roll(&self, template: &str) {
        self.tell_settings(EventKind::RolloutStarted, format!("rollout to {template} starts"), template);
        template.clone_into(&mut self.state().template);
        let rollout = async {
            match self.scenario.rollout() {
                Strategy::RollingUpdate(update) => self.roll_by(update).await,
                Strategy::Recreate => self.recreate().await,
                Strategy::BlueGreen(switch) => self.switch(switch).await,
            }
        };
        match timeout(DEADLINE, rollout).await {
            Ok(()) => self.log.tell(EventKind::RolloutComplete, format!("rollout to {template} is complete")),
            Err(_) => self.log.tell(EventKind::RolloutFailed, format!("rollout to {template} gets no further")),
        }
    }

    /// Emits an event with the settings of a rollout to `template`.
    fn tell_settings(&self, kind: EventKind, text: String, template: &str) {
        let settings = self.scenario.settings(template);
        let event = self.log.event(kind, text);
        self.log.send(Event { detail: settings.map(|all| Detail::Workload(Box::new(all))), ..event });
    }

    async fn roll_by(&self, update: RollingUpdate) {
        let replicas = self.scenario.replicas();
        loop {
            let mut pulse = self.log.pulse();
            let census = self.census(update.min_ready);
            if census.old == 0 && census.new_available == replicas {
                return;
            }
            let step = update.next(replicas, census);
            self.create(step.create);
            self.retire(step.delete);
            let _ = timeout(LOOK_AWAY, pulse.changed()).await;
        }
    }

    async fn recreate(&self) {
        let old = self.old();
        self.retire(u32::MAX);
        for pod in old {
            pod.ended().await;
        }
        self.create(self.scenario.replicas());
        self.wait_for_new().await;
    }

    async fn switch(&self, how: BlueGreen) {
        self.create(self.scenario.replicas());
        if how.switch == Switch::WhenReady {
            self.wait_for_new().await;
        }
        let template = self.state().template.clone();
        self.log.tell(EventKind::SelectorSwitched, format!("the selector is switched to {template}"));
        self.state().selector = Some(template);
        self.log.stir();
        if let KeepOld::For(length) = how.keep_old {
            sleep(length.draw()).await;
            self.retire(u32::MAX);
        }
        self.wait_for_new().await;
    }

    async fn wait_for_new(&self) {
        self.wait(|| self.census(DurationRange::ZERO).new_available >= self.scenario.replicas()).await;
    }

    async fn wait(&self, done: impl Fn() -> bool) {
        let mut pulse = self.log.pulse();
        while !done() {
            let _ = pulse.changed().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn old(&self) -> List {
        let state = self.state();
        state.pods.iter().filter(|pod| !pod.status().deleting && pod.template() != state.template).cloned().collect()
    }

    fn census(&self, min_ready: DurationRange) -> Census {
        let state = self.state();
        let now = self.log.now();
        let available = |pod: &Pod| pod.status().ready_since.is_some_and(|since| now.since(since) >= min_ready.high());
        let mut census = Census::default();
        for pod in state.pods.iter().filter(|pod| !pod.status().deleting) {
            let is_available = u32::from(available(pod));
            let (all, some) = if pod.template() == state.template {
                (&mut census.new, &mut census.new_available)
            } else {
                (&mut census.old, &mut census.old_available)
            };
            *all += 1;
            *some += is_available;
        }
        census
    }

    /// Deletes `count` old pods: those that are not ready first, then the oldest.
    fn retire(&self, count: u32) {
        let mut old = self.old();
        old.sort_by_key(|pod| pod.status().ready_since.is_some());
        for pod in old.iter().take(count as usize) {
            pod.delete();
        }
    }

    fn create(&self, count: u32) {
        for _ in 0..count {
            let template = self.state().template.clone();
            let [second, third] = self.net;
            let number = self.made.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            let address = SocketAddr::from((Ipv4Addr::new(127, second, third, number), 0));
            let name = format!("{}-{template}-{number}", self.scenario.name());
            let Some(spec) = self.scenario.pod(&template) else { return };
            match Pod::new(name, &template, spec, address, Arc::clone(&self.log)) {
                Ok(pod) => self.add(Arc::new(pod)),
                Err(error) => self.log.tell(EventKind::LabTrouble, format!("no port is free on {address}: {error}")),
            }
        }
    }

    fn add(&self, pod: Arc<Pod>) {
        self.state().pods.push(Arc::clone(&pod));
        tokio::spawn(kubelet::keep(pod));
    }
}
