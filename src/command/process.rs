//! Processes as `/proc` shows them, and handles on them that a reused pid cannot mislead.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};

/// The identity of a process since boot: a pid may be reused, but not in the same clock tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) pid: i32,
    /// The start time in clock ticks since boot.
    started: u64,
}

/// A living process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    pub(super) identity: Identity,
    /// The parent's pid.
    pub(super) parent: i32,
}

impl Process {
    /// The process with this pid, unless it is dead or a zombie.
    pub(super) fn of(pid: i32) -> Option<Self> {
        parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// All living processes that are visible to lapse.
    pub(super) fn all() -> Vec<Self> {
        let Ok(folder) = fs::read_dir("/proc") else { return Vec::new() };
        folder.flatten().filter_map(|entry| Self::of(entry.file_name().to_str()?.parse().ok()?)).collect()
    }

    /// Whether the process was started with `variable` (`NAME=value`) in its environment, as far as this user may read
    /// that.
    pub(super) fn was_given(&self, variable: &str) -> bool {
        let Ok(environment) = fs::read(format!("/proc/{}/environ", self.identity.pid)) else { return false };
        environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
    }

    /// A handle on this process. `None` if the process is gone, even if its pid is in use again.
    pub(super) fn handle(&self) -> Option<Handle> {
        let fd = pidfd_open(Pid::from_raw(self.identity.pid)?, PidfdFlags::empty()).ok()?;
        // Open first, compare second: the comparison shows whether the pid was reused before the handle was opened.
        (Self::of(self.identity.pid)?.identity == self.identity).then_some(Handle { identity: self.identity, fd })
    }
}

/// Parses `PID (name) state ppid ...`: the name may contain blanks and brackets, so the fields after the last bracket
/// count.
fn parse(pid: i32, stat: &str) -> Option<Process> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
    let started = fields.nth(17)?.parse().ok()?;
    (!matches!(state, "Z" | "X" | "x")).then_some(Process { identity: Identity { pid, started }, parent })
}

/// A pidfd of one process.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) identity: Identity,
    fd: OwnedFd,
}

impl Handle {
    /// Sends a signal; ignored if the process is dead or belongs to another user.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.fd, signal);
    }

    /// Sends a signal and returns the handle.
    pub(super) fn signalled(self, signal: Signal) -> Self {
        self.signal(signal);
        self
    }

    /// Whether the process is still alive.
    pub(super) fn lives(&self) -> bool {
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|dead| dead == 0)
    }

    /// Reaps the process if it is dead and has become a child of lapse.
    pub(super) fn reap(&self) {
        let _ =
            waitid(WaitId::PidFd(std::os::fd::AsFd::as_fd(&self.fd)), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}

/// Waits until one of these processes has died, at most for `patience`.
pub(super) fn wait_for_any(handles: &[&Handle], patience: Duration) {
    let mut fds: Vec<_> = handles.iter().map(|handle| PollFd::new(&handle.fd, PollFlags::IN)).collect();
    let _ = poll(&mut fds, Timespec::try_from(patience).ok().as_ref());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_brackets_does_not_mislead() {
        let stat = |state| format!("7 (a) b ( c) {state} 42 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0");
        let process = parse(7, &stat("S")).unwrap();
        assert_eq!((process.parent, process.identity.started), (42, 12345));
        assert!(parse(7, &stat("Z")).is_none(), "a zombie is dead");
        assert!(parse(7, "7 (cut").is_none());
    }

    #[test]
    fn a_handle_is_refused_when_the_id_has_changed_hands() {
        let own = Process::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.handle().is_some());
        let former = Process { identity: Identity { started: own.identity.started - 1, ..own.identity }, ..own };
        assert!(former.handle().is_none());
    }
}
