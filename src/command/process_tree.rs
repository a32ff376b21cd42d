//! The command and all that it has started: how they are known, and how they are ended.
//!
//! A process belongs to the family if it was started with the family's mark in its environment, or if its parent
//! belongs to it. The mark is inherited, also by daemons that have left their parent, session and process
//! group. What is not found: a process that was given a clean environment *and* whose parents are gone. What is found
//! but can't be ended: a process of another user (`sudo`), and one that the kernel does not let go of.
//!
//! Orphans are handed to this process, not to the machine's first one, which in a container often buries nobody. That alone
//! does not tell whose they were, hence the mark; an orphan that ends by itself stays a zombie until lapse exits.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, set_child_subreaper};

use super::process::{Handle, Identity, Process, wait_for_any};
use lapse_measure::time::Offset;

/// How long a process may take to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// How long after SIGKILL one that is still there is given up.
const GIVE_UP: Duration = Duration::from_secs(1);
/// How long to wait for a death before looking for newcomers.
const ROUND: Duration = Duration::from_millis(100);

/// The mark that a command and its descendants carry: a variable with a name of its own, so that the family of a
/// lapse inside a lapse carries both marks.
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

/// The command and all that it has started.
#[derive(Debug)]
pub(super) struct ProcessTree {
    mark: Mark,
    /// The command itself: found even where its environment can't be read. `None` if it died at once.
    head: Option<Identity>,
    hurried: AtomicBool,
}

impl ProcessTree {
    /// The family of the command that was started with `mark` and has the id `pid`, not yet waited for.
    pub(super) fn new(mark: Mark, pid: i32) -> Self {
        // Without it (an old kernel), orphans are ended all the same, and buried by the machine's first process.
        let _ = set_child_subreaper(Some(getpid()));
        Self { mark, head: Process::of(pid).map(|process| process.identity), hurried: AtomicBool::new(false) }
    }

    /// From now on, [`end`](Self::end) kills at once.
    pub(super) fn hurry(&self) {
        self.hurried.store(true, Ordering::Relaxed);
    }

    /// Kills all that live now, and does not wait for them.
    pub(super) fn kill(&self) {
        self.members().iter().for_each(|member| member.signal(Signal::KILL));
    }

    /// Ends all that live and all that they start meanwhile: SIGTERM, then SIGKILL. Blocks for at most three
    /// seconds, and returns the ids of those that could not be ended.
    pub(super) fn end(&self, now: impl Fn() -> Offset) -> Vec<i32> {
        let (began, mut known) = (now(), HashMap::new());
        loop {
            let found = self.members();
            let none_found = found.is_empty();
            for member in found {
                known.entry(member.identity).or_insert_with(|| member.signalled(Signal::TERM));
            }
            // Once known, one stays a member until he is dead, even if his parents are gone and he carries no mark.
            let (alive, waited): (Vec<&Handle>, _) =
                (known.values().filter(|member| member.lives()).collect(), now().since(began));
            if (none_found && alive.is_empty()) || waited > GRACE + GIVE_UP {
                self.bury(&known);
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

    /// Leaves no zombie, except the command itself: it is its spawner's to wait for.
    fn bury(&self, known: &HashMap<Identity, Handle>) {
        known.values().filter(|member| Some(member.identity) != self.head).for_each(Handle::bury);
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
