//! The command and all its descendants: how they are found, and how they are ended.
//!
//! A process belongs to the tree if its environment carries the tree's mark, or if its parent belongs to the tree. The
//! mark is inherited, also by daemons that have left their parent, session and process group. Not found are processes
//! with a clean environment *and* whose parents are gone. Found but not ended are processes of another user (`sudo`),
//! and those that the kernel does not let go of.
//!
//! Orphans are handed to lapse (as subreaper), not to PID 1, which in a container often reaps nothing. That alone does
//! not show whose they were, hence the mark; an orphan that ends by itself stays a zombie until lapse exits.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, set_child_subreaper};

use super::process::{Handle, Identity, Process, wait_for_any};
use lapse_measure::time::Offset;

/// The time that a process gets to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// The time after SIGKILL at which a process that still exists is given up.
const GIVE_UP: Duration = Duration::from_secs(1);
/// The longest wait for a death before looking for new processes.
const ROUND: Duration = Duration::from_millis(100);

/// The mark in the environment of a command and its descendants: a variable with a unique name, so that the processes
/// of a lapse inside a lapse carry both marks.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    name: String,
}

impl Mark {
    pub(super) fn new() -> Self {
        Self { name: format!("LAPSE_COMMAND_{:016x}", fastrand::u64(..)) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// The command and all its descendants.
#[derive(Debug)]
pub(super) struct ProcessTree {
    mark: Mark,
    /// The command itself, found even where its environment can't be read. `None` if it died at once.
    head: Option<Identity>,
    hurried: AtomicBool,
}

impl ProcessTree {
    /// The tree of the command that was started with `mark` as `pid` and not yet waited for.
    pub(super) fn new(mark: Mark, pid: i32) -> Self {
        // Where this fails (an old kernel), orphans are ended all the same, and reaped by PID 1.
        let _ = set_child_subreaper(Some(getpid()));
        Self { mark, head: Process::of(pid).map(|process| process.identity), hurried: AtomicBool::new(false) }
    }

    /// Makes [`end`](Self::end) kill at once from now on.
    pub(super) fn hurry(&self) {
        self.hurried.store(true, Ordering::Relaxed);
    }

    /// Kills all living processes of the tree, without waiting.
    pub(super) fn kill(&self) {
        self.members().iter().for_each(|member| member.signal(Signal::KILL));
    }

    /// Ends all living processes and those started meanwhile: SIGTERM, then SIGKILL. Blocks for at most three seconds,
    /// and returns the pids of those that could not be ended.
    pub(super) fn end(&self, now: impl Fn() -> Offset) -> Vec<i32> {
        let (began, mut known) = (now(), HashMap::new());
        loop {
            let found = self.members();
            let none_found = found.is_empty();
            for member in found {
                known.entry(member.identity).or_insert_with(|| member.signalled(Signal::TERM));
            }
            // A known process stays a member until it is dead, even if its parents are gone and it carries no mark.
            let (alive, waited): (Vec<&Handle>, _) =
                (known.values().filter(|member| member.lives()).collect(), now().since(began));
            if (none_found && alive.is_empty()) || waited > GRACE + GIVE_UP {
                self.reap(&known);
                return alive.iter().map(|member| member.identity.pid).collect();
            }
            if waited >= GRACE || self.hurried.load(Ordering::Relaxed) {
                for member in &alive {
                    member.signal(Signal::KILL);
                }
            }
            wait_for_any(&alive, ROUND);
        }
    }

    /// Reaps the zombies of the tree, except the command itself, which its spawner waits for.
    fn reap(&self, known: &HashMap<Identity, Handle>) {
        known.values().filter(|member| Some(member.identity) != self.head).for_each(Handle::reap);
    }

    fn members(&self) -> Vec<Handle> {
        let mark = format!("{}=1", self.mark.name);
        let ours = |process: &Process| Some(process.identity) == self.head || process.was_given(&mark);
        let (mut tree, mut others): (Vec<_>, Vec<_>) = Process::all().into_iter().partition(ours);
        loop {
            let parents: HashSet<_> = tree.iter().map(|process| process.identity.pid).collect();
            let (children, rest): (Vec<_>, _) =
                others.into_iter().partition(|process| parents.contains(&process.parent));
            if children.is_empty() {
                return tree.iter().filter_map(Process::handle).collect();
            }
            tree.extend(children);
            others = rest;
        }
    }
}
