//! A prober as a Job of the cluster: made, attached to, deleted. The client is the feature `watch`.
//!
//! What the prober is to send goes over its stdin. The Job's manifest holds nothing of it.

#[cfg(feature = "watch")]
mod api;
#[cfg(feature = "watch")]
mod manifest;
#[cfg(feature = "watch")]
mod pod_state;

use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Error, Scope};

/// The Job to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPlan {
    /// Which cluster, and the namespace if none is given.
    pub scope: Scope,
    /// The namespace of the Job; `None` for that of the scope.
    pub namespace: Option<String>,
    /// The image, whose entry point is lapse.
    pub image: String,
}

/// Why a prober cannot run as a Job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The cluster cannot be reached.
    #[error(transparent)]
    Cluster(#[from] Error),
    /// The API server forbids a request.
    #[error(
        "{url} does not allow {verb} on {resource} in namespace {namespace}: have a role with that bound to you \
         (docs/REFERENCE.md lists all that --in-cluster needs), or choose another namespace with --in-cluster-namespace"
    )]
    Forbidden {
        /// The URL of the API server.
        url: String,
        /// The verb, as roles have it.
        verb: &'static str,
        /// The resource, as roles have it.
        resource: &'static str,
        /// The namespace.
        namespace: String,
        /// The words of the API server.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A request failed.
    #[error("cannot {doing} in namespace {namespace}: check it with `kubectl get jobs,pods -n {namespace}`")]
    Request {
        /// What was to be done.
        doing: String,
        /// The namespace.
        namespace: String,
        /// The error of the client or of the API server.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The image cannot be used.
    #[error(
        "the node cannot use the image {image} ({reason}: {message}): name one that the cluster can pull with \
         --in-cluster-image"
    )]
    Image {
        /// The image.
        image: String,
        /// The reason that the pod's status gives.
        reason: String,
        /// What it says of it.
        message: String,
    },
    /// The pod did not start in time.
    #[error("the prober did not start within {} s: {state}: `kubectl describe {what}` says more", .after.as_secs())]
    NotStarted {
        /// The Job or the pod, as kubectl takes it.
        what: String,
        /// How long it was waited for.
        after: Duration,
        /// What its status says.
        state: String,
    },
    /// The pod ended before anything was measured.
    #[error("the prober ended before it was told what to send: {why}")]
    Ended {
        /// How it ended, and the last that it said.
        why: String,
    },
}

/// The standard streams of a running prober.
pub struct Attached {
    /// What it reads.
    pub stdin: Box<dyn AsyncWrite + Send + Unpin>,
    /// What it writes.
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// What carries both; they end when it is dropped.
    pub carrier: Box<dyn std::any::Any + Send>,
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attached")
    }
}

#[cfg(feature = "watch")]
pub use self::api::ProberJob;

/// A Job, which this build cannot make.
#[cfg(not(feature = "watch"))]
#[derive(Clone, Debug)]
pub struct ProberJob(std::convert::Infallible);

#[cfg(not(feature = "watch"))]
#[expect(clippy::unused_async, reason = "with the feature `watch`, these functions wait for the cluster")]
impl ProberJob {
    /// Fails, because this build has no Kubernetes client.
    pub async fn prepare(_: JobPlan, _: &str) -> Result<Self, JobError> {
        Err(Error::NotBuilt.into())
    }

    /// Makes the Job.
    pub async fn create(&self) -> Result<(), JobError> {
        match self.0 {}
    }

    /// Attaches to the Job's pod.
    pub async fn attach(&self) -> Result<Attached, JobError> {
        match self.0 {}
    }

    /// How the pod ended.
    pub async fn how_it_ended(&self) -> String {
        match self.0 {}
    }

    /// Deletes the Job.
    pub async fn delete(&self) -> Result<(), JobError> {
        match self.0 {}
    }
}

#[cfg(not(feature = "watch"))]
impl fmt::Display for ProberJob {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}
