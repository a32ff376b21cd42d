//! All that a run is to do, checked before the first probe.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};

use crate::command::Command;
use lapse_cluster::Scope;
use lapse_hammer::engine::Settings;
use lapse_lab::scenario::Scenario;
use lapse_measure::budget::Budget;
use lapse_measure::lane::Policy;
use lapse_measure::schedule::Rate;
use lapse_measure::time::Anchor;
use lapse_measure::verdict::MaxBlind;
use lapse_record::entry::Window;

/// How long the parts of a run take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PhaseDurations {
    /// Before the event.
    pub baseline: Duration,
    /// After it: until every lane has been up for this long,
    pub settle: Duration,
    /// or for this long at the most.
    pub settle_limit: Duration,
}

/// What is to happen to the service meanwhile.
#[derive(Debug)]
pub(crate) enum Activity {
    /// Nothing that lapse knows of: measure for so long.
    Nothing(Duration),
    /// A command.
    Command(Command),
    /// The acts of a scenario, which brings its own service.
    Scenario(Box<Scenario>),
}

/// A target that is a part of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClusterTarget {
    /// A service, at its cluster's address; `None` for its first port.
    Service(String, Option<u16>),
    /// Each ready pod of what is rolled, in turn; `None` for the port that it says it listens at.
    Pods(Option<u16>),
}

/// What of a cluster to follow.
#[derive(Clone, Debug)]
pub(crate) struct Follow {
    /// Which part of which cluster.
    pub scope: Scope,
    /// Whether somebody asked for it, so that a run without it is not what was asked for.
    pub asked: bool,
    /// What a command that rolls nothing comes to.
    pub noop: Noop,
}

/// What a command that rolls nothing comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noop {
    /// Nothing: nothing was tried.
    Inconclusive,
    /// What the probes say.
    Allowed,
}

/// One run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What it is called.
    pub name: String,
    /// Where it is kept.
    pub folder: Folder,
    /// Slots a second of each target.
    pub rate: Rate,
    /// Whom to hammer, and how; its lanes are laid out when it is known what each target speaks.
    pub settings: Settings,
    /// The connection policies of each target's lanes.
    pub policies: Vec<Policy>,
    /// What is to happen meanwhile.
    pub activity: Activity,
    /// What of a cluster to follow meanwhile.
    pub follow: Option<Follow>,
    /// The targets, by their places, that are parts of that cluster.
    pub cluster_targets: Vec<(usize, ClusterTarget)>,
    /// How long its parts take.
    pub durations: PhaseDurations,
    /// What it may cost.
    pub budgets: Vec<(Budget, Window)>,
    /// How much of the event may be blind.
    pub max_blind: MaxBlind,
}

/// Why there is no folder for a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// It cannot be made or written to.
    #[error("cannot write to the folder {path}: choose another with --out")]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is something in it.
    #[error("the folder {path} is not empty: choose another with --out, so that no run is overwritten")]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
}

/// The folder of a run: made for it, and empty.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Exactly this folder, which must be new or empty.
    pub(crate) fn at(path: &Path) -> Result<Self, FolderError> {
        let unwritable = |source| FolderError::Unwritable { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(unwritable)?;
        if fs::read_dir(path).map_err(unwritable)?.next().is_some() {
            return Err(FolderError::Occupied { path: path.to_owned() });
        }
        // The journal is created later, with the first entry: whether it can be is found out now.
        let trial = path.join(".lapse");
        fs::write(&trial, []).and_then(|()| fs::remove_file(&trial)).map_err(unwritable)?;
        Ok(Self(path.to_owned()))
    }

    /// A new folder under `parent`, named after the time and the run.
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

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// `2026-11-22T20-15-03`, in UTC: sorts by time, and is a file name everywhere.
fn folder_time(anchor: Anchor) -> String {
    let time = DateTime::from_timestamp_nanos(i64::try_from(anchor.unix_ns).unwrap_or(i64::MAX));
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
    use lapse_measure::time::Offset;

    #[test]
    fn two_runs_of_one_second_get_a_folder_each() {
        let parent = tempfile::tempdir().unwrap();
        let anchor = Anchor { unix_ns: 1_795_378_503_000_000_000, offset: Offset::ZERO };
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
