//! What is being rolled, and where: typed by the user, or read from the command that rolls it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::kind::Kind;

/// Which part of which cluster to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The kubeconfig; `None` for where kubectl would look.
    pub kubeconfig: Option<PathBuf>,
    /// Its context; `None` for the current one.
    pub context: Option<String>,
    /// The namespace; `None` for the context's.
    pub namespace: Option<String>,
    /// What in it.
    pub of: Of,
}

/// What in a namespace is being rolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// A Helm release, by its name.
    Release(String),
    /// These workloads.
    Workloads(Vec<Workload>),
    /// What has these labels, in the cluster's own notation.
    Selector(String),
    /// All of it.
    Everything,
}

/// A workload by kind and name: `deploy/wine`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Workload {
    pub(super) kind: Kind,
    pub(super) name: String,
}

/// A word that names no workload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no workload: write deploy/NAME, sts/NAME or ds/NAME")]
pub struct NoWorkload(String);

impl FromStr for Workload {
    type Err = NoWorkload;

    fn from_str(typed: &str) -> Result<Self, NoWorkload> {
        let (kind, name) = typed.split_once('/').ok_or_else(|| NoWorkload(typed.to_owned()))?;
        let kind = Kind::typed(kind).filter(|_| !name.is_empty()).ok_or_else(|| NoWorkload(typed.to_owned()))?;
        Ok(Self { kind, name: name.to_owned() })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.object_kind(), self.name)
    }
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release(name) => write!(f, "release {name}"),
            Self::Workloads(workloads) => {
                let names: Vec<_> = workloads.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(", "))
            }
            Self::Selector(selector) => write!(f, "what is labelled {selector}"),
            Self::Everything => f.write_str("everything"),
        }
    }
}
