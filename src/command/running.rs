//! A started command: its events in the order in which they are seen, and the ways to end it.

use std::fmt;
use std::fs::File;
use std::future;
use std::io::PipeWriter;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use rustix::termios::tcgetpgrp;
use tokio::process::Child;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Sleep, sleep};

use super::process_tree::ProcessTree;
use lapse_measure::time::Offset;
use lapse_record::entry::Exit;
use lapse_record::event::{Event, EventKind, Source};

/// The time to wait after the exit for the last lines: they have been read, but their sink may block.
const DRAIN: Duration = Duration::from_millis(200);

/// A clock that can be shared.
type Now = Arc<dyn Fn() -> Offset + Send + Sync>;

/// An update from a running command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommandUpdate {
    /// The command printed a line (`stdout`, `stderr`; at the time of the line's first byte), or the prober has a
    /// remark about it (`stdout-closed`, `stderr-closed`, `left-running`).
    Line(Event),
    /// The command has exited. Comes once; only lines of blocked output may follow.
    Exited(Exit),
}

/// A started command.
///
/// As soon as the command has exited, the rest of its descendants is ended too: SIGTERM, after two seconds SIGKILL.
/// Dropping this value kills all of them at once. Descendants are found by parentage or by an inherited environment,
/// daemons included; not found are those with a clean environment whose parents are gone.
pub(crate) struct Running {
    child: Child,
    tree: Arc<ProcessTree>,
    lines: UnboundedReceiver<Event>,
    now: Now,
    stage: Stage,
    /// The task that ends the process tree, once started.
    ending: Option<JoinHandle<Vec<i32>>>,
}

enum Stage {
    /// The command runs. Dropping the pipe's end signals its exit to the output threads.
    Runs(#[expect(dead_code, reason = "held to be dropped")] PipeWriter),
    /// The command has exited; its last lines are still to come.
    Drains(Exit, Pin<Box<Sleep>>),
    /// The exit has been reported; the descendants are being ended.
    Ends,
    /// No process is left.
    Over,
}

/// The reasons for `next` to wake up.
enum Wake {
    Line(Event),
    Exited(Exit),
    Drained(Exit),
    Ended(Vec<i32>),
    Never,
}

// === impl Running ===

impl Running {
    pub(super) fn new(
        child: Child,
        tree: ProcessTree,
        exit: PipeWriter,
        lines: UnboundedReceiver<Event>,
        now: Now,
    ) -> Self {
        Self { child, tree: Arc::new(tree), lines, now, stage: Stage::Runs(exit), ending: None }
    }

    /// The next event; `None` once no process is left. Cancel-safe, so it may be used in a `select!`.
    pub(crate) async fn next(&mut self) -> Option<CommandUpdate> {
        loop {
            match self.wake().await {
                Wake::Line(event) => return Some(CommandUpdate::Line(event)),
                Wake::Exited(exit) => {
                    self.stage = Stage::Drains(exit, Box::pin(sleep(DRAIN)));
                    self.end();
                }
                Wake::Drained(exit) => {
                    self.stage = Stage::Ends;
                    return Some(CommandUpdate::Exited(exit));
                }
                Wake::Ended(left) => {
                    self.stage = Stage::Over;
                    if !left.is_empty() {
                        return Some(CommandUpdate::Line(left_running((self.now)(), &left)));
                    }
                }
                Wake::Never => return None,
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        let Self { child, lines, now, stage, ending, .. } = self;
        match stage {
            Stage::Runs(_) => tokio::select! {
                Some(line) = lines.recv() => Wake::Line(line),
                status = child.wait() => Wake::Exited(exit(now(), status.ok())),
            },
            Stage::Drains(exit, patience) => tokio::select! {
                biased;
                line = lines.recv() => line.map_or(Wake::Drained(*exit), Wake::Line),
                () = patience => Wake::Drained(*exit),
            },
            Stage::Ends => tokio::select! {
                biased;
                Some(line) = lines.recv() => Wake::Line(line),
                left = ended(ending) => Wake::Ended(left),
            },
            Stage::Over => lines.try_recv().map_or(Wake::Never, Wake::Line),
        }
    }

    /// Passes a signal that lapse received on to the command. SIGINT is not passed on in the foreground of a terminal:
    /// Ctrl-C there reaches the whole process group, and many programs take a second SIGINT as "die at once". If the
    /// command ignores the signal, the caller is to call [`end`](Self::end).
    pub(crate) fn signal(&self, signal: Signal) {
        if signal != Signal::INT || !in_foreground() {
            self.send(signal);
        }
    }

    /// Starts to end the command and all its descendants: SIGTERM, and after two seconds SIGKILL. [`next`](Self::next)
    /// returns the result. A second call has no effect.
    pub(crate) fn end(&mut self) {
        if self.ending.is_none() {
            let (tree, now) = (Arc::clone(&self.tree), Arc::clone(&self.now));
            self.ending = Some(spawn_blocking(move || tree.end(&*now)));
        }
    }

    /// Kills the command and all its descendants at once. [`next`](Self::next) returns the result.
    pub(crate) fn end_now(&mut self) {
        self.tree.hurry();
        self.send(Signal::KILL);
        self.end();
    }

    /// The child's pid cannot be reused before `wait` has returned its status; `id` is `None` after that.
    fn send(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        // The command may have ended a moment ago, so a failure is ignored.
        pid.map(|pid| kill_process(pid, signal));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.stage, Stage::Over) {
            self.tree.hurry();
            self.tree.kill();
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("child", &self.child).field("tree", &self.tree).finish_non_exhaustive()
    }
}

/// The pids left when the process tree has been ended; never returns if that was not started.
async fn ended(ending: &mut Option<JoinHandle<Vec<i32>>>) -> Vec<i32> {
    match ending {
        Some(handle) => handle.await.unwrap_or_default(),
        None => future::pending().await,
    }
}

fn left_running(at: Offset, left: &[i32]) -> Event {
    let pids = left.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
    Event::new(
        at,
        Source::Prober,
        EventKind::LeftRunning,
        format!("could not end what the command had started: process {pids}"),
    )
}

/// Whether Ctrl-C on the terminal reaches lapse's process group.
fn in_foreground() -> bool {
    File::open("/dev/tty").is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
}

fn exit(at: Offset, status: Option<ExitStatus>) -> Exit {
    Exit { at, code: status.and_then(|status| status.code()), signal: status.and_then(|status| status.signal()) }
}
