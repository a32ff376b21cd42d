//! A pod: an address, a process, and its status in the cluster.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::app::{App, Phase};
use super::scenario::pod::{Afterwards, PodSpec};
use super::world_log::WorldLog;
use lapse_gate::GatedListener;
use lapse_measure::time::Offset;
use lapse_record::event::detail::{ContainerExit, Detail};
use lapse_record::event::{EventKind, Object, ObjectKind};

/// The status of a pod in the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The time since which the pod is ready.
    pub(super) ready_since: Option<Offset>,
    /// The pod is being deleted.
    pub(super) deleting: bool,
    /// The pod is gone.
    pub(super) gone: bool,
}

/// A pod of the world.
#[derive(Debug)]
pub(super) struct Pod {
    name: String,
    template: String,
    spec: PodSpec,
    log: Arc<WorldLog>,
    gate: GatedListener,
    /// The current process; a restart replaces it.
    app: Mutex<Arc<App>>,
    /// The task that accepts the pod's connections.
    listening: Mutex<Option<JoinHandle<()>>>,
    status: watch::Sender<Status>,
}

impl Pod {
    /// Creates pod `name` from `template` at a free port of `address`, without a process.
    pub(super) fn new(
        name: String,
        template: &str,
        spec: &PodSpec,
        address: SocketAddr,
        log: Arc<WorldLog>,
    ) -> io::Result<Self> {
        let gate = GatedListener::bind(address)?;
        let app = Mutex::new(Arc::new(App::new(&name, template, spec, Arc::clone(&log))));
        let status = watch::Sender::default();
        Ok(Self {
            name,
            template: template.to_owned(),
            spec: spec.clone(),
            log,
            gate,
            app,
            listening: Mutex::default(),
            status,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn template(&self) -> &str {
        &self.template
    }

    pub(super) const fn spec(&self) -> &PodSpec {
        &self.spec
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.gate.address()
    }

    pub(super) fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// Whether SYNs to the pod's address are dropped.
    pub(super) fn swallows(&self) -> bool {
        self.status().gone && self.spec.afterwards == Afterwards::Swallows
    }

    pub(super) fn app(&self) -> Arc<App> {
        Arc::clone(&self.app.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Emits an event about the pod.
    pub(super) fn tell(&self, kind: EventKind, what: &str) {
        self.log.tell_of(self.object(), kind, format!("{} {what}", self.name));
    }

    /// Emits an event about the pod, with its facts.
    pub(super) fn tell_with(&self, detail: Detail, kind: EventKind, what: &str) {
        self.log.send(self.log.event(kind, format!("{} {what}", self.name)).to(self.object()).with(detail));
    }

    fn object(&self) -> Object {
        Object::new(ObjectKind::Pod, &self.name)
    }

    /// Starts the pod's deletion.
    pub(super) fn delete(&self) {
        if self.status.send_if_modified(|status| !std::mem::replace(&mut status.deleting, true)) {
            self.tell(EventKind::PodDeleting, "is being deleted");
        }
    }

    /// Waits until the pod's deletion has started.
    pub(super) async fn deleted(&self) {
        let _ = self.status.subscribe().wait_for(|status| status.deleting).await;
    }

    /// Waits until the pod is gone.
    pub(super) async fn ended(&self) {
        let _ = self.status.subscribe().wait_for(|status| status.gone).await;
    }

    /// Sets whether the pod is ready, and emits an event on a change.
    pub(super) fn mark_ready(&self, ready: bool) {
        let now = self.log.now();
        let changed = self.status.send_if_modified(|status| {
            let since = if ready { status.ready_since.or(Some(now)) } else { None };
            std::mem::replace(&mut status.ready_since, since).is_some() != ready
        });
        match (changed, ready) {
            (true, true) => self.tell(EventKind::PodReady, "is ready"),
            (true, false) => self.tell(EventKind::PodUnready, "is no longer ready"),
            (false, _) => {}
        }
    }

    /// Starts a new process in the pod, in place of the one that ended.
    pub(super) fn start(self: &Arc<Self>) {
        let mut app = self.app.lock().unwrap_or_else(PoisonError::into_inner);
        if app.phase() == Phase::Dead {
            *app = Arc::new(App::new(&self.name, &self.template, &self.spec, Arc::clone(&self.log)));
        }
        let task = tokio::spawn(Arc::clone(self).run(Arc::clone(&app)));
        *self.listening.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Tears the pod down after its process has ended with `exit`: its network goes, and its address refuses or
    /// swallows.
    pub(super) async fn tear_down(&self, exit: ContainerExit) {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(listening) = listening {
            // The task closes the port when it ends.
            let _ = listening.await;
        }
        self.tell_with(Detail::Exit(exit), EventKind::ContainerExited, "has ended its process");
        tokio::time::sleep(self.spec.teardown.draw()).await;
        if self.spec.afterwards == Afterwards::Swallows
            && let Err(error) = self.gate.swallow()
        {
            self.tell(EventKind::LabTrouble, &format!("cannot swallow packets: {error}"));
        }
        self.status.send_modify(|status| *status = Status { ready_since: None, deleting: true, gone: true });
        self.tell(EventKind::PodGone, "is gone");
    }

    /// Runs the process for as long as it listens.
    async fn run(self: Arc<Self>, app: Arc<App>) {
        tokio::select! {
            () = app.reaches(Phase::Draining) => {}
            () = self.boot(&app) => {}
        }
        self.gate.shut();
    }

    async fn boot(&self, app: &Arc<App>) {
        tokio::time::sleep(self.spec.boot.draw()).await;
        match self.gate.open() {
            Ok(listener) => {
                app.enter(Phase::Initialising);
                tokio::join!(self.initialise(app), accept(&listener, app));
            }
            Err(error) => self.tell(EventKind::LabTrouble, &format!("cannot listen on {}: {error}", self.address())),
        }
    }

    async fn initialise(&self, app: &App) {
        tokio::time::sleep(self.spec.init.draw()).await;
        app.enter(Phase::Serving);
    }
}

/// Accepts connections for `app` until the future is dropped.
pub(super) async fn accept(listener: &TcpListener, app: &Arc<App>) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => app.welcome(stream, client),
            // No descriptor is free, or the client has gone: try again.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    }
}
