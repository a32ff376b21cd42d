//! The plan of a run, as the command line gives it. Nothing in it is filled in later: addresses and other facts that
//! become known when the run is prepared are kept elsewhere.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use clap::ValueEnum;

use super::fresh::FreshHeader;
use super::prober::elsewhere::ElsewherePlan;
use crate::command::Command;
use hyper::Uri;
use hyper::header::HeaderName;
use lapse_cluster::Scope;
use lapse_hammer::addresses::Resolve;
use lapse_hammer::target::{AddressList, ConnectTo, Expect, Http, Request, Target};
use lapse_lab::scenario::Scenario;
use lapse_measure::budget::Budget;
use lapse_measure::lane::Policy;
use lapse_measure::schedule::Rate;
use lapse_measure::time::{Anchor, Offset};
use lapse_measure::verdict::Rules;
use lapse_record::entry::Window;
use lapse_record::held::HeldPlan;

/// The resolution of a scenario, whose world shares the machine with the prober.
pub(crate) const RESOLUTION_BESIDE_A_WORLD: Duration = Duration::from_secs(1);

/// The durations of a run's phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PhaseDurations {
    /// The time before the event.
    pub baseline: Duration,
    /// The time for which every lane must have been up after the event.
    pub settle: Duration,
    /// The longest time to wait for that, and for a rollout to complete.
    pub settle_limit: Duration,
}

/// The activity that the run is made around, and which decides when the run ends.
#[derive(Clone, Debug)]
pub(crate) enum Activity {
    /// Nothing that lapse starts; the run measures for this duration.
    Nothing(Duration),
    /// What another program does, which says when it has ended; after this duration that is no longer waited for.
    Asked(Duration),
    /// A command.
    Command(Command),
    /// The acts of a scenario, whose world is the service.
    Scenario(Box<Scenario>),
}

impl Activity {
    /// The words of the command, if the activity is one.
    pub(crate) fn command(&self) -> Option<Vec<String>> {
        match self {
            Self::Command(command) => Some(command.argv().collect()),
            Self::Nothing(_) | Self::Asked(_) | Self::Scenario(_) => None,
        }
    }

    /// The activity for the trial of this number.
    fn for_trial(self, number: u16) -> Self {
        match self {
            Self::Command(command) => Self::Command(command.for_trial(number)),
            Self::Nothing(_) | Self::Asked(_) | Self::Scenario(_) => self,
        }
    }

    /// The end of the run, if it is known before the run begins.
    pub(crate) fn end(&self) -> Option<Offset> {
        match self {
            Self::Nothing(duration) => Some(Offset::ZERO + *duration),
            Self::Asked(_) | Self::Command(_) | Self::Scenario(_) => None,
        }
    }
}

/// A target that is a part of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClusterTarget {
    /// A service by name, at its cluster IP, and the port; `None` for the service's first port.
    Service(String, Option<u16>),
    /// The ready pods of the rollout in turn, and the port; `None` for the port that each pod declares.
    Pods(Option<u16>),
}

/// The part of a cluster to follow.
#[derive(Clone, Debug)]
pub(crate) struct Follow {
    /// The objects to follow, and the cluster they are in.
    pub scope: Scope,
    /// Whether a flag asked for the watch, so that a cluster that cannot be watched is an error.
    pub asked: bool,
    /// How to judge a command that rolls nothing.
    pub noop: Noop,
}

/// How to judge a command that rolls nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noop {
    /// As inconclusive, because no rollout was tested.
    Inconclusive,
    /// By the probes alone.
    Allowed,
}

/// Where a target's requests go. A part of the cluster or a scenario has no address yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// An absolute URL.
    Url(Uri),
    /// A part of the cluster; the URL gives the request's host and path.
    Cluster(Uri, ClusterTarget),
    /// The outermost hop of the scenario's world.
    Scenario,
}

impl Endpoint {
    /// The URL that paths are relative to; of a scenario, whose address is not known yet, one of no server.
    pub(crate) fn base(&self) -> Uri {
        match self {
            Self::Url(uri) | Self::Cluster(uri, _) => uri.clone(),
            Self::Scenario => Uri::from_static("http://scenario.invalid/"),
        }
    }
}

/// What becomes of the command when a run ends at a breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailFast {
    /// It is told to stop.
    Stop,
    /// It is left alone, and the run ends with it.
    Leave,
}

/// A target before its address is known.
#[derive(Clone, Debug)]
pub(crate) struct PlannedTarget {
    /// The target's name in reports.
    pub name: String,
    /// The endpoint that its requests go to.
    pub endpoint: Endpoint,
    /// The versions of HTTP to speak.
    pub http: Http,
    /// The addresses to connect to instead of the URL's (`--connect-to`).
    pub connect_to: Vec<ConnectTo>,
    /// The addresses of names that are not to be looked up (`--resolve`).
    pub resolve: Vec<Resolve>,
    /// The TLS configuration, for `https`.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// The request that each probe sends.
    pub request: Request,
    /// The conditions on which an answer counts as healthy.
    pub expect: Expect,
    /// The header by which an answer names the backend that gave it.
    pub backend: Option<HeaderName>,
    /// The header by which an answer names the version of the service.
    pub version: Option<HeaderName>,
}

impl PlannedTarget {
    /// The target at `uri`, and at `addresses` where these are not to be looked up.
    pub(crate) fn at(self, uri: Uri, addresses: Option<AddressList>) -> Target {
        let Self { name, endpoint: _, http, connect_to, resolve, tls, request, expect, backend, version } = self;
        Target { name, uri, http, connect_to, resolve, tls, request, expect, addresses, backend, version }
    }
}

/// The limits and settings of each probe of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProbeLimits {
    /// The timeout of a probe as a whole.
    pub timeout: Duration,
    /// The timeout for connecting, TLS included.
    pub connect_timeout: Duration,
    /// The latency from which on an answer is slow, counted from the due time.
    pub slow: Duration,
    /// The number of keep-alive connections of a `reused` lane.
    pub connections: usize,
    /// Whether names are looked up once, before the run, instead of for each connection.
    pub resolve_once: bool,
    /// Whether the hammer's threads ask the kernel for precedence over other threads.
    pub precedence: bool,
}

/// The plan of a run, from which `launch` prepares the run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The run's name.
    pub name: String,
    /// The folder for the journal and the reports.
    pub folder: Folder,
    /// The slots per second of each target.
    pub rate: Rate,
    /// The targets; at least one.
    pub targets: Vec<PlannedTarget>,
    /// The connection policies of each target's lanes.
    pub policies: Vec<Policy>,
    /// The limits of each probe.
    pub limits: ProbeLimits,
    /// The activity that the run is made around.
    pub activity: Activity,
    /// The part of a cluster to follow during the run.
    pub follow: Option<Follow>,
    /// The durations of the phases.
    pub durations: PhaseDurations,
    /// How long to wait before the run until the targets are up; `None` for not at all.
    pub wait_up: Option<Duration>,
    /// Whether the run ends at a breach that nothing to come can undo, and what becomes of its command then.
    pub fail_fast: Option<FailFast>,
    /// The budgets, each with the window that it applies to.
    pub budgets: Vec<(Budget, Window)>,
    /// The rules of the verdict beside the budgets.
    pub rules: Rules,
    /// Failures no further apart than this are one disruption.
    pub gate: Duration,
    /// The streams to hold beside the probes.
    pub held: Option<HeldPlan>,
    /// The headers whose values are read anew, and how often.
    pub fresh: (Vec<FreshHeader>, Duration),
    /// The prober elsewhere that sends the probes; `None` for this process.
    pub elsewhere: Option<ElsewherePlan>,
}

impl Plan {
    /// The plan of the trial of this number: the same run, in a folder of its own.
    pub(crate) fn for_trial(&self, number: u16, folder: Folder) -> Self {
        Self { folder, activity: self.activity.clone().for_trial(number), ..self.clone() }
    }
}

/// Why there is no folder for a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// The folder could not be created or written to.
    #[error("cannot write to the folder {path}: choose another with --out")]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The folder is not empty.
    #[error("the folder {path} is not empty: choose another with --out, so that no run is overwritten")]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
}

/// The folder of a run, created for it and empty.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Creates the folder `path`, or takes it if it is empty. Fails if it cannot be written to.
    pub(crate) fn at(path: &Path) -> Result<Self, FolderError> {
        let unwritable = |source| FolderError::Unwritable { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(unwritable)?;
        if fs::read_dir(path).map_err(unwritable)?.next().is_some() {
            return Err(FolderError::Occupied { path: path.to_owned() });
        }
        // The journal is created later, with its first entry: a folder that cannot be written to is an error now.
        let trial = path.join(".lapse");
        fs::write(&trial, []).and_then(|()| fs::remove_file(&trial)).map_err(unwritable)?;
        Ok(Self(path.to_owned()))
    }

    /// Creates a new folder under `parent`, named after the time and the run.
    pub(crate) fn named(parent: &Path, anchor: Anchor, name: &str) -> Result<Self, FolderError> {
        let unwritable = |source| FolderError::Unwritable { path: parent.to_owned(), source };
        fs::create_dir_all(parent).map_err(unwritable)?;
        let stem = format!("{}-{}", folder_time(anchor), folder_name(name));
        // Two runs may begin within the same second.
        for nth in 1..1000 {
            let path = parent.join(if nth == 1 { stem.clone() } else { format!("{stem}-{nth}") });
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(FolderError::Unwritable { path, source }),
            }
        }
        Err(FolderError::Occupied { path: parent.join(stem) })
    }

    /// The folder's path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// The time in UTC, as in `2026-11-22T20-15-03`: sorts by time, and is valid as a file name everywhere.
fn folder_time(anchor: Anchor) -> String {
    let time = DateTime::from_timestamp_nanos(i64::try_from(anchor.date.as_nanos()).unwrap_or(i64::MAX));
    time.to_rfc3339_opts(SecondsFormat::Secs, true).trim_end_matches('Z').replace(':', "-")
}

fn folder_name(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let name: String = name.chars().map(plain).take(60).collect();
    name.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_measure::time::UnixTime;

    #[test]
    fn two_runs_of_one_second_get_a_folder_each() {
        let parent = tempfile::tempdir().unwrap();
        let anchor = Anchor { date: UnixTime::from_nanos(1_795_378_503_000_000_000), offset: Offset::ZERO };
        let named = || Folder::named(parent.path(), anchor, "shop.example.com:443/../x").unwrap();
        let (first, second) = (named(), named());
        assert!(first.path().ends_with("2026-11-22T20-15-03-shop.example.com-443-..-x"), "{first:?}");
        assert!(second.path().to_string_lossy().ends_with("x-2"), "{second:?}");
    }

    #[test]
    fn a_folder_that_is_not_empty_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("journal.lapse"), "x").unwrap();
        assert!(matches!(Folder::at(parent.path()), Err(FolderError::Occupied { .. })));
        assert!(matches!(Folder::at(Path::new("/proc/none")), Err(FolderError::Unwritable { .. })));
    }
}
