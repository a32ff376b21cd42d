//! What sort of thing happened: all kinds of events in one table, with all that the kind alone decides.

use super::words::words;
use ObjectState::{Ending, Gone, Ready, RollingOut, Unready};

/// The state that an event leaves its object in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectState {
    /// It is there and not ready yet, or not any more.
    Unready,
    /// It is ready; a workload: all its pods are new and available.
    Ready,
    /// It is a workload whose pods are being replaced.
    RollingOut,
    /// It was told to go.
    Ending,
    /// It is not there.
    Gone,
}

impl ObjectState {
    /// The words for it in reports.
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

/// What the kind of an event alone decides.
#[derive(Clone, Copy)]
struct Traits {
    how: Shown,
    state: Option<ObjectState>,
    rolls: bool,
}

/// How an event is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// As an event among others.
    Plainly,
    /// Where it may explain an outage: it is marked on the timeline.
    Loudly,
    /// As a line of output, of which there may be thousands.
    AsLine,
    /// Among the notes of a report too.
    AsNote,
}

const PLAIN: Traits = Traits { how: Shown::Plainly, state: None, rolls: false };
const LOUD: Traits = Traits { how: Shown::Loudly, ..PLAIN };
const LINE: Traits = Traits { how: Shown::AsLine, ..PLAIN };
const NOTE: Traits = Traits { how: Shown::AsNote, ..PLAIN };

impl Traits {
    /// It leaves its object in `state`.
    const fn puts(self, state: ObjectState) -> Self {
        Self { state: Some(state), ..self }
    }

    /// It is a part of a rollout.
    const fn rolling(self) -> Self {
        Self { rolls: true, ..self }
    }
}

/// Declares the kinds, each with its spelling, its traits and its meaning: none can be forgotten in any of these.
macro_rules! kinds {
    ($($variant:ident = $word:literal: $traits:expr, $doc:literal;)+) => {
        words! {
            /// What sort of thing happened.
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
    // What a wrapped command does.
    Stdout = "stdout": LINE, "A line on the command's stdout.";
    Stderr = "stderr": LINE, "A line on the command's stderr.";
    NotStarted = "not-started": PLAIN, "The command could not be started.";
    Exited = "exited": LOUD, "The command, or a pod's process, has ended.";
    // What the prober says of itself and of the command.
    StdoutClosed = "stdout-closed": PLAIN, "The stdout of lapse takes no more of what the command prints.";
    StderrClosed = "stderr-closed": PLAIN, "The stderr of lapse takes no more of what the command prints.";
    LinesDropped = "lines-dropped": NOTE, "Of the command's output, not all lines are recorded.";
    LeftRunning = "left-running": PLAIN, "Processes of the command could not be ended.";
    Interrupted = "interrupted": LOUD, "A signal asked for the end of the run.";
    Warning = "warning": NOTE, "Something that bears on how far the run can be trusted.";
    // What a watch on a cluster says of itself.
    Watching = "watching": PLAIN, "The watch has begun.";
    WatchLost = "watch-lost": PLAIN, "The cluster does not answer any more: what happens now may stay unseen.";
    WatchResumed = "watch-resumed": PLAIN, "The cluster answers again.";
    // What happens to a pod, in a cluster and in the lab.
    PodFound = "pod-found": PLAIN.puts(Ready), "A pod was there and ready before anything happened.";
    PodCreated = "pod-created": PLAIN.puts(Unready).rolling(), "A pod was created.";
    PodReady = "pod-ready": PLAIN.puts(Ready), "A pod became ready.";
    PodUnready = "pod-unready": PLAIN.puts(Unready), "A pod is not ready, or not any more.";
    PodDeleting = "pod-deleting": LOUD.puts(Ending).rolling(), "A pod's deletion was asked for.";
    PodSigterm = "pod-sigterm": PLAIN.puts(Ending), "A pod was sent SIGTERM.";
    PodRestarting = "pod-restarting": PLAIN, "A pod failed its liveness probe and is restarted.";
    PodKilled = "pod-killed": PLAIN.puts(Gone), "A pod outlasted its grace period and was killed.";
    PodFailed = "pod-failed": LOUD, "A pod that was not told to end has failed.";
    PodGone = "pod-gone": PLAIN.puts(Gone), "A pod is gone.";
    ContainerExited = "container-exited": LOUD.puts(Gone), "A pod's container, or its process, has ended.";
    ContainerRestarted = "container-restarted": PLAIN, "A pod's container was started again.";
    ContainerWaiting = "container-waiting": PLAIN, "A pod's container cannot be started yet.";
    // What happens to the lists of who is sent requests.
    EndpointFound = "endpoint-found": PLAIN, "It was in the list before anything happened.";
    EndpointAdded = "endpoint-added": PLAIN, "It joined the list.";
    EndpointRemoved = "endpoint-removed": LOUD, "It left the list.";
    EndpointChanged = "endpoint-changed": PLAIN, "Something else changed about it in the list.";
    // What happens to a workload.
    RolloutStarted = "rollout-started": PLAIN.puts(RollingOut).rolling(), "A workload is to change.";
    RolloutComplete = "rollout-complete": PLAIN.puts(Ready), "All pods of a workload are new and available.";
    RolloutStuck = "rollout-stuck": PLAIN, "A workload's progress deadline is over; its cluster goes on trying.";
    RolloutStalled = "rollout-stalled": PLAIN, "The run waits no longer for the rollout.";
    RolloutFailed = "rollout-failed": LOUD, "A rollout of the lab gets no further.";
    WorkloadDeleted = "workload-deleted": LOUD.puts(Gone).rolling(), "A workload is gone.";
    OldPodsGone = "old-pods-gone": PLAIN, "The last pod of the old template is gone.";
    // What happens to the other objects of a cluster.
    Created = "created": PLAIN, "A service, ingress or autoscaler was created; whether it works yet is not told.";
    Deleted = "deleted": LOUD.puts(Gone), "A service, ingress or autoscaler was deleted.";
    SelectorSwitched = "selector-switched": PLAIN.rolling(), "A service selects other pods.";
    IngressChanged = "ingress-changed": PLAIN.rolling(), "An ingress sends to other services.";
    HpaScaled = "hpa-scaled": PLAIN, "An autoscaler wants another number of replicas.";
    ReleasePending = "release-pending": PLAIN, "A revision of a Helm release is being worked on.";
    ReleaseDeployed = "release-deployed": PLAIN, "A revision of a Helm release is deployed.";
    ReleaseFailed = "release-failed": LOUD, "A revision of a Helm release has failed.";
    Noted = "noted": PLAIN, "The cluster remarked something about an object.";
    Warned = "warned": PLAIN, "The cluster warned of something about an object.";
    // What happens in the lab's world, and to a pod's process that it lends to a cluster.
    WorldReady = "world-ready": PLAIN, "The world can be sent requests.";
    LabTrouble = "lab-trouble": PLAIN, "The lab could not do something that its scenario asks for.";
    HopSynced = "hop-synced": PLAIN, "A hop goes by a new list of endpoints.";
    HopReloaded = "hop-reloaded": PLAIN, "A hop has replaced its workers.";
    TargetHealth = "target-health": PLAIN, "A load balancer changed its mind about a pod.";
    Failed = "failed": LOUD, "An act of the scenario could not be played.";
    Listening = "listening": PLAIN, "The process takes connections.";
    ProcessReady = "ready": PLAIN, "The process serves.";
    Sigterm = "sigterm": PLAIN, "The process got SIGTERM.";
    Finishing = "finishing": PLAIN, "The process finishes what was begun.";
    Draining = "draining": PLAIN, "The process asks its clients to reconnect.";
    Trouble = "trouble": PLAIN, "The process could not write down how it ended.";
}

impl EventKind {
    /// The state that such an event leaves its object in; nothing if it does not tell.
    pub const fn state_after(&self) -> Option<ObjectState> {
        self.traits().state
    }

    /// Whether it may explain an outage, and is to stand out among others.
    pub fn is_loud(&self) -> bool {
        self.traits().how == Shown::Loudly
    }

    /// Whether it is no more than a line that the command printed.
    pub fn is_line(&self) -> bool {
        self.traits().how == Shown::AsLine
    }

    /// Whether its text belongs among the notes of a report.
    pub fn is_note(&self) -> bool {
        self.traits().how == Shown::AsNote
    }

    /// Whether it is a part of a rollout, or can do what one does: to change which pods there are, or where requests go.
    pub const fn rolls(&self) -> bool {
        self.traits().rolls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_spelling_and_an_unknown_one_is_kept() {
        for kind in EventKind::KNOWN {
            assert_eq!(EventKind::from_name(kind.name()), *kind);
        }
        let unknown = EventKind::from_name("pod-teleported");
        assert_eq!((unknown.name(), unknown.state_after()), ("pod-teleported", None));
        assert_eq!(unknown, EventKind::Other("pod-teleported".to_owned()));
    }
}
