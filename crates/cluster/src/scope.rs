//! The part of a cluster that a rollout concerns: given by the user, or read from the command that starts it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::kind::Kind;

/// The cluster to watch, and the part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The path of the kubeconfig; `None` for the one that kubectl would use.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; `None` for the current one.
    pub context: Option<String>,
    /// The namespace; `None` for the one of the context.
    pub namespace: Option<String>,
    /// The objects to watch in the namespace.
    pub of: Of,
}

/// The objects of a namespace that a rollout concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// A Helm release, by its name.
    Release(String),
    /// Some workloads, by kind and name.
    Workloads(Vec<Workload>),
    /// The objects with these labels, as a label selector.
    Selector(String),
    /// All objects of the namespace.
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
#[error("{0:?} is no workload: write deploy/NAME, sts/NAME, ds/NAME or rollout/NAME")]
pub struct NoWorkload(String);

impl Of {
    /// Whether the rollout cannot be followed without objects of this kind. Of Argo's Rollouts it is known by name only:
    /// most clusters that serve them have releases without any.
    pub(super) fn needs(&self, kind: Kind) -> bool {
        match (kind, self) {
            (Kind::Rollout, Self::Workloads(workloads)) => workloads.iter().any(|named| named.kind == kind),
            (Kind::Rollout, Self::Release(_) | Self::Selector(_) | Self::Everything) => false,
            _ => kind.is_needed(),
        }
    }
}

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
