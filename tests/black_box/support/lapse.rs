//! Runs the `lapse` binary as a user would, with a limit on how long it may take.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::clock;
use super::report::Report;
use super::server::{Protocol, Server};

/// The limit after which a run is killed, longer than any run of these tests takes on a busy machine.
const RUN_TIMEOUT: Duration = Duration::from_secs(120);

/// A `lapse` command line, which runs in a temporary folder of its own.
#[derive(Debug)]
pub(crate) struct Lapse {
    command: Command,
    folder: tempfile::TempDir,
}

/// A running `lapse`.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    folder: tempfile::TempDir,
}

/// The result of a `lapse` that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    folder: tempfile::TempDir,
}

impl Lapse {
    /// `lapse` with `args`, without standard input and without the environment of GitHub Actions and of OpenTelemetry.
    pub(crate) fn new<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lapse"));
        command.args(args).stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
        command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
        command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").env_remove("HTTP_PROXY").env_remove("http_proxy");
        Self::from(command)
    }

    /// `lapse run`, which writes its reports below the temporary folder.
    pub(crate) fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        let mut lapse = Self::new(["run", "--out"]);
        lapse.command.arg(lapse.folder.path().join("runs")).args(args);
        lapse
    }

    /// `lapse run` against `server`, with the flags for its protocol and certificate.
    pub(crate) fn against<A: AsRef<OsStr>>(
        server: &Server,
        protocol: Protocol,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut lapse = Self::run([server.url()]);
        match protocol {
            Protocol::Http1 => {}
            Protocol::Http2 => drop(lapse.command.arg("--http2")),
            Protocol::Https1 | Protocol::Mutual => drop(lapse.command.args(["--cacert", server.certificate()])),
            Protocol::Https2 => drop(lapse.command.arg("--insecure")),
        }
        lapse.command.args(args);
        lapse
    }

    pub(crate) fn env(mut self, name: &str, value: &OsStr) -> Self {
        self.command.env(name, value);
        self
    }

    /// Appends `args` to the command line.
    pub(crate) fn and<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Runs it in this folder, instead of one of its own.
    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Writes a file into the folder in which `lapse` runs.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
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
        if self.command.get_current_dir().is_none() {
            self.command.current_dir(self.folder.path());
        }
        let command = self.command.stdout(file("stdout")).stderr(file("stderr"));
        Running { child: command.spawn().expect("lapse starts"), folder: self.folder }
    }

    pub(crate) fn end(self) -> Ended {
        self.start().end()
    }

    /// As [`Lapse::end`], with `args` appended.
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

    pub(crate) fn stderr(&self) -> String {
        read(self.folder.path(), "stderr")
    }

    /// What `find` finds in the first line of standard output in which it finds something; fails the test if lapse
    /// prints none in time.
    pub(crate) fn await_line<T>(&self, find: impl Fn(&str) -> Option<T>) -> T {
        let deadline = clock::now() + u64::try_from(RUN_TIMEOUT.as_nanos()).unwrap();
        loop {
            if let Some(found) = self.stdout().split_inclusive('\n').filter(|line| line.ends_with('\n')).find_map(&find)
            {
                return found;
            }
            assert!(
                clock::now() < deadline,
                "no such line in\n{}\n{}",
                self.stdout(),
                read(self.folder.path(), "stderr")
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether lapse has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// A file below the folder in which lapse runs.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until lapse ends; kills it and fails the test after `RUN_TIMEOUT`.
    pub(crate) fn end(mut self) -> Ended {
        let deadline = clock::now() + u64::try_from(RUN_TIMEOUT.as_nanos()).unwrap();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if clock::now() > deadline {
                self.child.kill().unwrap();
                panic!("lapse did not end in time\n{}", read(self.folder.path(), "stderr"));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let (stdout, stderr) = (read(self.folder.path(), "stdout"), read(self.folder.path(), "stderr"));
        Ended { status, stdout, stderr, folder: self.folder }
    }
}

impl Ended {
    /// Standard output as bytes, for binary formats.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("stdout")).unwrap()
    }

    /// The exit code; `None` if a signal ended the process.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The folder with the run's journal and reports.
    pub(crate) fn run_folder(&self) -> PathBuf {
        let found = find(&self.folder.path().join("runs"));
        found.unwrap_or_else(|| panic!("no run folder was written\n{}\n{}", self.stdout, self.stderr))
    }

    /// The text of a file that lapse wrote to the folder in which it ran.
    pub(crate) fn file(&self, name: &str) -> String {
        read(self.folder.path(), name)
    }

    /// Whether the run wrote any file.
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
