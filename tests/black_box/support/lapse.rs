//! Runs the `lapse` binary as a user would, and never waits for it forever.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::clock;
use super::report::Report;
use super::server::{Server, Speech};

/// More than any run of these tests takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A `lapse` command line to be run in a folder of its own.
#[derive(Debug)]
pub(crate) struct Lapse {
    command: Command,
    folder: tempfile::TempDir,
}

/// A `lapse` that is running.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    folder: tempfile::TempDir,
}

/// A `lapse` that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    folder: tempfile::TempDir,
}

impl Lapse {
    /// `lapse` with these arguments.
    pub(crate) fn new<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lapse"));
        command.args(args).stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
        command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
        Self::from(command)
    }

    /// `lapse run`, with reports written below a folder of its own.
    pub(crate) fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        let mut lapse = Self::new(["run", "--out"]);
        lapse.command.arg(lapse.folder.path().join("runs")).args(args);
        lapse
    }

    /// `lapse run` against `server`, with what it takes to talk to it.
    pub(crate) fn against<A: AsRef<OsStr>>(server: &Server, speech: Speech, args: impl IntoIterator<Item = A>) -> Self {
        let mut lapse = Self::run([server.url()]);
        match speech {
            Speech::Http1 => {}
            Speech::Http2 => drop(lapse.command.arg("--http2")),
            Speech::Https1 | Speech::Mutual => drop(lapse.command.args(["--cacert", server.certificate()])),
            Speech::Https2 => drop(lapse.command.arg("--insecure")),
        }
        lapse.command.args(args);
        lapse
    }

    pub(crate) fn env(mut self, name: &str, value: &OsStr) -> Self {
        self.command.env(name, value);
        self
    }

    /// With these arguments after the others.
    pub(crate) fn and<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        let path = self.folder.path().join("stdin");
        std::fs::write(&path, text).unwrap();
        self.command.stdin(File::open(path).unwrap());
        self
    }

    pub(crate) fn start(mut self) -> Running {
        let file = |name| File::create(self.folder.path().join(name)).unwrap();
        let command = self.command.current_dir(self.folder.path()).stdout(file("stdout")).stderr(file("stderr"));
        Running { child: command.spawn().expect("lapse starts"), folder: self.folder }
    }

    pub(crate) fn end(self) -> Ended {
        self.start().end()
    }

    /// As [`Lapse::end`], with these arguments after the others.
    pub(crate) fn end_with<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Ended {
        self.and(args).end()
    }
}

impl From<Command> for Lapse {
    fn from(command: Command) -> Self {
        Self { command, folder: tempfile::tempdir().unwrap() }
    }
}

impl Running {
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("lapse is running");
    }

    pub(crate) fn stdout(&self) -> String {
        read(self.folder.path(), "stdout")
    }

    /// Waits for the end; a `lapse` that has lost its way is killed and fails the test.
    pub(crate) fn end(mut self) -> Ended {
        let deadline = clock::now() + u64::try_from(PATIENCE.as_nanos()).unwrap();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if clock::now() > deadline {
                self.child.kill().unwrap();
                panic!("lapse did not end by itself\n{}", read(self.folder.path(), "stderr"));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let (stdout, stderr) = (read(self.folder.path(), "stdout"), read(self.folder.path(), "stderr"));
        Ended { status, stdout, stderr, folder: self.folder }
    }
}

impl Ended {
    /// What it printed, be it text or not.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("stdout")).unwrap()
    }

    /// The exit code; a death by signal is none.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The folder in which the run left its files: the one with a journal or a report in it.
    pub(crate) fn run_folder(&self) -> PathBuf {
        let found = find(&self.folder.path().join("runs"));
        found.unwrap_or_else(|| panic!("no run folder was written\n{}\n{}", self.stdout, self.stderr))
    }

    /// Whether the run left any file at all.
    pub(crate) fn left_files(&self) -> bool {
        find(&self.folder.path().join("runs")).is_some()
    }

    pub(crate) fn report(&self) -> Report {
        Report::read(&self.run_folder())
    }
}

fn read(folder: &Path, name: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(folder.join(name)).unwrap()).into_owned()
}

/// The first folder at or below `folder` that holds a file.
fn find(folder: &Path) -> Option<PathBuf> {
    let entries: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    if entries.iter().any(|path| path.is_file()) {
        return Some(folder.to_owned());
    }
    entries.iter().filter(|path| !path.is_symlink()).find_map(|path| find(path))
}
