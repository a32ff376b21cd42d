//! How a prober elsewhere is reached: by a command that starts it, or as a Job of a cluster. Either way there are two
//! streams, and a way to learn how it ended.

use std::any::Any;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use super::elsewhere::Error;
use lapse_cluster::prober_job::{Attached, JobError, JobPlan, ProberJob};

/// How much of what a command says on stderr is kept, in bytes: its end.
const KEPT: usize = 1_000;
/// How long the end of a command is waited for after its streams have ended.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a prober is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the streams of this command, by its words.
    Command(Vec<String>),
    /// In a Job of a cluster.
    Job(JobPlan),
}

impl Place {
    /// What is said before a prober is started there.
    pub(crate) fn announcement(&self) -> String {
        match self {
            Self::Command(words) => format!("the probes are sent by `{}`", words.join(" ")),
            Self::Job(plan) => format!("the probes are sent by a Job of the cluster, from the image {}", plan.image),
        }
    }
}

/// The streams of a prober that runs.
pub(super) struct Connection {
    pub(super) stdin: Box<dyn AsyncWrite + Send + Unpin>,
    pub(super) stdout: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) process: Process,
    /// The prober in a sentence.
    pub(super) described: String,
}

/// What runs the prober.
#[derive(Debug)]
pub(super) enum Process {
    /// A command, and the end of what it says on stderr.
    Command(Child, Arc<Mutex<Vec<u8>>>),
    /// A Job, and what carries its streams.
    Job { job: ProberJob, _carrier: Box<dyn Any + Send> },
}

/// Starts a prober at `place`. A Job is left in `job` before it is made, so that it is deleted whatever comes.
pub(super) async fn open(place: Place, job: &mut Option<ProberJob>) -> Result<Connection, Error> {
    match place {
        Place::Command(words) => command(&words),
        Place::Job(plan) => {
            let made = ProberJob::prepare(plan, &format!("lapse-prober-{:08x}", Rng::new().u32(..))).await?;
            let described = made.to_string();
            *job = Some(made.clone());
            if let Err(error) = made.create().await {
                // What the API server forbade was not made, and need not be deleted.
                if matches!(error, JobError::Forbidden { .. }) {
                    *job = None;
                }
                return Err(error.into());
            }
            let Attached { stdin, stdout, carrier } = made.attach().await?;
            // The handle of the client is shared; the Job itself is deleted by the one that was left behind.
            Ok(Connection { stdin, stdout, process: Process::Job { job: made, _carrier: carrier }, described })
        }
    }
}

fn command(words: &[String]) -> Result<Connection, Error> {
    let (program, args) = words.split_first().ok_or(Error::NoStreams)?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A Ctrl-C is for this process, which ends the prober in order.
    command.process_group(0).kill_on_drop(true);
    let failed = |source| Error::Start { program: program.clone(), source };
    let mut child = command.spawn().map_err(failed)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else { return Err(Error::NoStreams) };
    let said = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn(keep_the_end(stderr, Arc::clone(&said)));
    Ok(Connection {
        stdin: Box::new(stdin),
        stdout: Box::new(stdout),
        process: Process::Command(child, said),
        described: format!("`{}`", words.join(" ")),
    })
}

/// Keeps the end of what a command says on stderr.
async fn keep_the_end(mut stderr: ChildStderr, said: Arc<Mutex<Vec<u8>>>) {
    let mut bytes = [0; 1024];
    while let Ok(read @ 1..) = stderr.read(&mut bytes).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(bytes.get(..read).unwrap_or_default());
        let extra = said.len().saturating_sub(KEPT);
        said.drain(..extra);
    }
}

impl Process {
    /// How the prober ended, once its streams have, with the last that it said.
    pub(super) async fn how_it_ended(&mut self) -> String {
        match self {
            Self::Job { job, .. } => job.how_it_ended().await,
            Self::Command(child, said) => {
                let how = match timeout(END_TIMEOUT, child.wait()).await {
                    Ok(Ok(status)) => format!("its command ended: {status}"),
                    Ok(Err(error)) => ended_unseen(&error),
                    Err(_) => "its command closed its stdout".to_owned(),
                };
                let said = String::from_utf8_lossy(&said.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
                let plain: String =
                    said.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
                if plain.is_empty() { how } else { format!("{how}; it said: {plain}") }
            }
        }
    }
}

fn ended_unseen(error: &io::Error) -> String {
    format!("its command ended, and how is not known ({error})")
}
