//! All kinds of events in one table, each with its word, how it is shown and the state it leaves its object in.

use super::words::words;
use ObjectState::{Ending, Gone, Ready, RollingOut, Unready};

/// The state that an event leaves its object in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectState {
    /// The object exists and is not ready, or no longer ready.
    Unready,
    /// The object is ready. For a workload: all its pods are of the new template and available.
    Ready,
    /// The object is a workload whose pods are being replaced.
    RollingOut,
    /// The object is being deleted, or its process was sent SIGTERM.
    Ending,
    /// The object does not exist any more, or its process has ended.
    Gone,
}

impl ObjectState {
    /// The words for the state in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unready => "unready",
            Self::Ready => "ready",
            Self::RollingOut => "rolling out",
            Self::Ending => "ending",
            Self::Gone => "gone",
        }
    }
}

/// The properties of a kind of event.
#[derive(Clone, Copy)]
struct Traits {
    display: Display,
    state: Option<ObjectState>,
    rolls: bool,
}

/// How an event is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Display {
    /// As an ordinary event.
    Plain,
    /// Marked on the timeline, because it may explain an outage.
    Marked,
    /// As a line of the command's output, of which there may be thousands.
    OutputLine,
    /// As an event, and its text also among the notes of a report.
    Note,
}

const PLAIN: Traits = Traits { display: Display::Plain, state: None, rolls: false };
const LOUD: Traits = Traits { display: Display::Marked, ..PLAIN };
const LINE: Traits = Traits { display: Display::OutputLine, ..PLAIN };
const NOTE: Traits = Traits { display: Display::Note, ..PLAIN };

impl Traits {
    /// Such an event leaves its object in `state`.
    const fn puts(self, state: ObjectState) -> Self {
        Self { state: Some(state), ..self }
    }

    /// Such an event is part of a rollout.
    const fn rolling(self) -> Self {
        Self { rolls: true, ..self }
    }
}

/// Declares the kinds, each with its word, its traits and its meaning, so that none of the three can be missing.
macro_rules! kinds {
    ($($variant:ident = $word:literal: $traits:expr, $doc:literal;)+) => {
        words! {
            /// The kind of an event.
            EventKind { $($variant = $word: $doc;)+ }
        }

        impl EventKind {
            const fn traits(&self) -> Traits {
                match self {
                    $(Self::$variant => $traits,)+
                    Self::Other(_) => PLAIN,
                }
            }
        }
    };
}

kinds! {
    // The wrapped command.
    Stdout = "stdout": LINE, "A line on the command's stdout.";
    Stderr = "stderr": LINE, "A line on the command's stderr.";
    NotStarted = "not-started": PLAIN, "The command could not be started.";
    Exited = "exited": LOUD, "The command, or a pod's process, has ended.";
    // lapse itself, and its handling of the command.
    StdoutClosed = "stdout-closed": PLAIN, "The stdout of lapse was closed, so the command's output is not passed on.";
    StderrClosed = "stderr-closed": PLAIN, "The stderr of lapse was closed, so the command's output is not passed on.";
    LinesDropped = "lines-dropped": NOTE, "The command printed more lines than are recorded.";
    LeftRunning = "left-running": PLAIN, "Processes that the command started could not be ended.";
    Interrupted = "interrupted": LOUD, "A signal asked for the end of the run.";
    WaitedUp = "waited-up": PLAIN, "The targets were up, after the time that the run waited for them.";
    BudgetExceeded = "budget-exceeded": LOUD, "A budget was exceeded for good: the run ends with its command.";
    EndedEarly = "ended-early": LOUD, "A budget was exceeded for good: the run ends.";
    Redirected = "redirected": PLAIN, "The healthy answers of a target lead to another URL, which is not measured.";
    Addresses = "addresses": PLAIN, "The addresses of a target that has several, and what came of each.";
    HeaderChanged = "header-changed": PLAIN, "A header that is read anew has another value.";
    SlowAnswers = "slow-answers": PLAIN, "Where the slow answers of a target spent their time.";
    ProberClock = "prober-clock": PLAIN, "How surely the probes of a prober elsewhere lie among other events.";
    ProberLost = "prober-lost": LOUD, "The connection to a prober elsewhere was lost: no probe after this is known.";
    Warning = "warning": NOTE, "Something limits how far the run can be trusted.";
    // The program that asked for the run.
    Told = "told": LOUD, "The program that asked for the run said what it did.";
    // The watch on a cluster.
    Watching = "watching": PLAIN, "The watch on the cluster has begun.";
    WatchLost = "watch-lost": PLAIN, "The cluster stopped responding: changes may be missed from here on.";
    WatchResumed = "watch-resumed": PLAIN, "The cluster responds again.";
    // Pods, of a cluster and of the lab.
    PodFound = "pod-found": PLAIN.puts(Ready), "A pod existed and was ready when the run began.";
    PodCreated = "pod-created": PLAIN.puts(Unready).rolling(), "A pod was created.";
    PodReady = "pod-ready": PLAIN.puts(Ready), "A pod became ready.";
    PodUnready = "pod-unready": PLAIN.puts(Unready), "A pod is not ready, or no longer ready.";
    PodDeleting = "pod-deleting": LOUD.puts(Ending).rolling(), "The deletion of a pod was requested.";
    PodSigterm = "pod-sigterm": PLAIN.puts(Ending), "A pod was sent SIGTERM.";
    PodRestarting = "pod-restarting": PLAIN, "A pod failed its liveness probe and is restarted.";
    PodKilled = "pod-killed": PLAIN.puts(Gone), "A pod outlasted its grace period and was killed.";
    PodFailed = "pod-failed": LOUD, "A pod failed that was not being deleted.";
    PodGone = "pod-gone": PLAIN.puts(Gone), "A pod is gone.";
    ContainerExited = "container-exited": LOUD.puts(Gone), "A pod's container, or its process, has ended.";
    ContainerRestarted = "container-restarted": PLAIN, "A pod's container was started again.";
    ContainerWaiting = "container-waiting": PLAIN, "A pod's container cannot be started yet.";
    // Endpoints, the lists of pods that requests are sent to.
    EndpointFound = "endpoint-found": PLAIN, "A pod was in the endpoints when the run began.";
    EndpointAdded = "endpoint-added": PLAIN, "A pod was added to the endpoints.";
    EndpointRemoved = "endpoint-removed": LOUD, "A pod was removed from the endpoints.";
    EndpointChanged = "endpoint-changed": PLAIN, "A condition of a pod in the endpoints changed.";
    // Workloads.
    WorkloadFound = "workload-found": PLAIN, "A workload existed when the run began; its settings.";
    RolloutStarted = "rollout-started": PLAIN.puts(RollingOut).rolling(), "The spec of a workload changed, or the lab began a rollout.";
    RolloutComplete = "rollout-complete": PLAIN.puts(Ready), "All pods of a workload are new and available.";
    RolloutStuck = "rollout-stuck": PLAIN, "A workload exceeded its progress deadline; the cluster goes on trying.";
    RolloutStalled = "rollout-stalled": PLAIN, "The rollout did not complete in time, and the run stopped waiting for it.";
    RolloutFailed = "rollout-failed": LOUD, "A rollout of the lab failed.";
    WorkloadDeleted = "workload-deleted": LOUD.puts(Gone).rolling(), "A workload is gone.";
    OldPodsGone = "old-pods-gone": PLAIN, "The last pod of the old template is gone.";
    // Other objects of a cluster.
    Created = "created": PLAIN, "A service, ingress or autoscaler was created; it may not work yet.";
    Deleted = "deleted": LOUD.puts(Gone), "A service, ingress or autoscaler was deleted.";
    SelectorSwitched = "selector-switched": PLAIN.rolling(), "A service selects other pods.";
    PortsChanged = "ports-changed": PLAIN.rolling(), "A service sends to other ports.";
    IngressChanged = "ingress-changed": PLAIN.rolling(), "An ingress sends requests to other services.";
    HpaScaled = "hpa-scaled": PLAIN, "An autoscaler changed the wanted number of replicas.";
    ReleasePending = "release-pending": PLAIN, "A revision of a Helm release is pending.";
    ReleaseDeployed = "release-deployed": PLAIN, "A revision of a Helm release is deployed.";
    ReleaseFailed = "release-failed": LOUD, "A revision of a Helm release has failed.";
    Noted = "noted": PLAIN, "The cluster reported a normal Event about an object.";
    Warned = "warned": PLAIN, "The cluster reported a warning Event about an object.";
    // The lab's world, and the lab's pod process when it runs in a real cluster.
    WorldReady = "world-ready": PLAIN, "The world accepts requests.";
    LabTrouble = "lab-trouble": PLAIN, "The lab could not do something that the scenario asks for.";
    HopSynced = "hop-synced": PLAIN, "A hop uses a new list of endpoints.";
    HopReloaded = "hop-reloaded": PLAIN, "A hop has replaced its workers.";
    TargetHealth = "target-health": PLAIN, "A load balancer's health check of a pod changed its result.";
    Failed = "failed": LOUD, "An act of the scenario could not be run.";
    Listening = "listening": PLAIN, "The process accepts connections.";
    ProcessReady = "ready": PLAIN, "The process is ready to serve.";
    Sigterm = "sigterm": PLAIN, "The process got SIGTERM.";
    Finishing = "finishing": PLAIN, "The process finishes the requests that it has begun.";
    Draining = "draining": PLAIN, "The process asks its clients to close their connections.";
    Trouble = "trouble": PLAIN, "The process could not record how it ended.";
}

impl EventKind {
    /// The state that such an event leaves its object in; `None` if it does not change the state.
    pub const fn state_after(&self) -> Option<ObjectState> {
        self.traits().state
    }

    /// Whether such an event may explain an outage, so that reports mark it on the timeline.
    pub fn is_loud(&self) -> bool {
        self.traits().display == Display::Marked
    }

    /// Whether such an event is a line of the command's output.
    pub fn is_line(&self) -> bool {
        self.traits().display == Display::OutputLine
    }

    /// Whether the text of such an event belongs among the notes of a report.
    pub fn is_note(&self) -> bool {
        self.traits().display == Display::Note
    }

    /// Whether such an event is part of a rollout, or changes like one which pods exist or where requests go.
    pub const fn rolls(&self) -> bool {
        self.traits().rolls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_parsed_from_its_word_and_an_unknown_word_is_kept() {
        for kind in EventKind::KNOWN {
            assert_eq!(EventKind::from_name(kind.name()), *kind);
        }
        let unknown = EventKind::from_name("pod-teleported");
        assert_eq!((unknown.name(), unknown.state_after()), ("pod-teleported", None));
        assert_eq!(unknown, EventKind::Other("pod-teleported".to_owned()));
    }
}
