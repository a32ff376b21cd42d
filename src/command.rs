//! The wrapped command: started as it would be without lapse, watched, and ended with all processes that it started.
//!
//! The command keeps lapse's stdin, terminal and process group; its output passes through unchanged and without delay.
//! The caller decides whether and when to end it, and what an exit code means.

mod lines;
mod output_tee;
mod process;
mod process_tree;
mod running;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, PipeReader, Write};
use std::process::Stdio;
use std::sync::Arc;

use self::output_tee::{OutputTee, Stream};
use self::process_tree::{Mark, ProcessTree};
pub(crate) use self::running::{CommandUpdate, Running};
use lapse_measure::time::Offset;

/// A command line: a program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    program: OsString,
    arguments: Vec<OsString>,
    /// The number of the trial that it is started for, which it is told by [`TRIAL`].
    trial: Option<u16>,
}

/// The variable that tells the command which of several trials it is started for, from 1 on.
const TRIAL: &str = "LAPSE_TRIAL";

/// The error for a command line without a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no command given: write it after `--`, for example `-- helm upgrade web ./chart --wait`")]
pub(crate) struct NoProgram;

/// The sinks for the command's output. Each gets its bytes in order, in pieces that may end anywhere, and is flushed
/// after each piece; after an error it gets no more. A sink that blocks delays only the command.
pub(crate) struct Output {
    /// The sink for stdout.
    pub stdout: Box<dyn Write + Send>,
    /// The sink for stderr.
    pub stderr: Box<dyn Write + Send>,
}

/// Why the command could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpawnError {
    /// The program does not exist.
    #[error(
        "could not start `{program}`: no such file; check its spelling and PATH, or the `#!` line if it is a script"
    )]
    NotFound {
        /// The program.
        program: String,
    },
    /// The program is not executable.
    #[error("could not start `{program}`: permission denied; make it executable (`chmod +x`) or name its interpreter")]
    Denied {
        /// The program.
        program: String,
    },
    /// Any other error of the system.
    #[error("could not start `{program}`; try it without lapse")]
    Other {
        /// The program.
        program: String,
        /// The error of the system.
        source: io::Error,
    },
}

// === impl Command ===

impl Command {
    /// Creates a command line; the first word is the program. Fails if there are no words.
    pub(crate) fn new(argv: impl IntoIterator<Item = OsString>) -> Result<Self, NoProgram> {
        let mut words = argv.into_iter();
        let program = words.next().filter(|program| !program.is_empty()).ok_or(NoProgram)?;
        Ok(Self { program, arguments: words.collect(), trial: None })
    }

    /// The command line for the trial of this number.
    pub(crate) fn for_trial(self, number: u16) -> Self {
        Self { trial: Some(number), ..self }
    }

    /// The words of the command line, with `\u{fffd}` for what is not UTF-8.
    pub(crate) fn argv(&self) -> impl Iterator<Item = String> {
        std::iter::once(&self.program).chain(&self.arguments).map(|word| word.to_string_lossy().into_owned())
    }

    /// Starts the command. Must be called within a tokio runtime with I/O and time enabled.
    pub(crate) fn spawn<Now>(&self, now: Now, output: Output) -> Result<Running, SpawnError>
    where
        Now: Fn() -> Offset + Clone + Send + Sync + 'static,
    {
        self.try_spawn(now, output).map_err(|error| SpawnError::new(self.program.to_string_lossy().into_owned(), error))
    }

    fn try_spawn<Now>(&self, now: Now, output: Output) -> io::Result<Running>
    where
        Now: Fn() -> Offset + Clone + Send + Sync + 'static,
    {
        let mark = Mark::new();
        let (exited, exit) = io::pipe()?;
        let (stdout, its_stdout) = io::pipe()?;
        let (stderr, its_stderr) = io::pipe()?;
        let child = tokio::process::Command::new(&self.program)
            .args(&self.arguments)
            .env(mark.name(), "1")
            .envs(self.trial.map(|number| (TRIAL, number.to_string())))
            .stdin(Stdio::inherit())
            .stdout(its_stdout)
            .stderr(its_stderr)
            .kill_on_drop(true)
            .spawn()?;
        let tree = ProcessTree::new(mark, child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(0));
        let (tell, told) = tokio::sync::mpsc::unbounded_channel();
        let running = Running::new(child, tree, exit, told, Arc::new(now.clone()));
        let streams: [(_, PipeReader, _); 2] =
            [(Stream::Stdout, stdout, output.stdout), (Stream::Stderr, stderr, output.stderr)];
        for (stream, from, to) in streams {
            let (exited, tell) = (exited.try_clone()?, tell.clone());
            OutputTee { stream, from, to, exited, now: now.clone(), tell }.start()?;
        }
        Ok(running)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.argv().collect::<Vec<_>>().join(" "))
    }
}

// === impl Output ===

impl Output {
    /// Sinks that write to lapse's own stdout and stderr.
    #[cfg(test)]
    pub(crate) fn inherited() -> Self {
        Self { stdout: Box::new(io::stdout()), stderr: Box::new(io::stderr()) }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

// === impl SpawnError ===

impl SpawnError {
    fn new(program: String, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound { program },
            io::ErrorKind::PermissionDenied => Self::Denied { program },
            _ => Self::Other { program, source: error },
        }
    }
}

#[cfg(test)]
mod tests;
