//! The machine's processes as `/proc` shows them, and handles on them that a reused id cannot mislead.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};

/// What tells a process from every other one since boot: ids are reused, but not at the same tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) pid: i32,
    /// Clock ticks from boot to its start.
    started: u64,
}

/// One living process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    pub(super) identity: Identity,
    /// The id of its parent.
    pub(super) parent: i32,
}

impl Process {
    /// The process that has this id now, unless it is dead (a zombie is).
    pub(super) fn of(pid: i32) -> Option<Self> {
        parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// All living processes that this one may see.
    pub(super) fn all() -> Vec<Self> {
        let Ok(folder) = fs::read_dir("/proc") else { return Vec::new() };
        folder.flatten().filter_map(|entry| Self::of(entry.file_name().to_str()?.parse().ok()?)).collect()
    }

    /// Whether it was started with this `NAME=value` in its environment, as far as this user may know.
    pub(super) fn was_given(&self, variable: &str) -> bool {
        let Ok(environment) = fs::read(format!("/proc/{}/environ", self.identity.pid)) else { return false };
        environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
    }

    /// A handle that stays on this very process. `None` if it is gone, even if its id is in use again.
    pub(super) fn handle(&self) -> Option<Handle> {
        let fd = pidfd_open(Pid::from_raw(self.identity.pid)?, PidfdFlags::empty()).ok()?;
        // Opened first, compared second: if the id had changed hands before, the comparison shows it.
        (Self::of(self.identity.pid)?.identity == self.identity).then_some(Handle { identity: self.identity, fd })
    }
}

/// `PID (name) state ppid ...`: the name may hold blanks and brackets, so reading starts after the last one.
fn parse(pid: i32, stat: &str) -> Option<Process> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
    let started = fields.nth(17)?.parse().ok()?;
    (!matches!(state, "Z" | "X" | "x")).then_some(Process { identity: Identity { pid, started }, parent })
}

/// A handle on one process.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) identity: Identity,
    fd: OwnedFd,
}

impl Handle {
    /// Sends it a signal. One that is dead already, or is another user's, is left as it is.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.fd, signal);
    }

    /// The same handle, after sending a signal.
    pub(super) fn signalled(self, signal: Signal) -> Self {
        self.signal(signal);
        self
    }

    /// Whether it has not died yet.
    pub(super) fn lives(&self) -> bool {
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|dead| dead == 0)
    }

    /// If it has died and was handed to us as an orphan, buries it.
    pub(super) fn bury(&self) {
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
