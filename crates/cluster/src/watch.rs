//! The handle of a watch: its updates, and requests to confirm them. The watch itself is the feature `watch`.

#[cfg(feature = "watch")]
pub(super) mod api;
#[cfg(feature = "watch")]
mod fresh;
#[cfg(feature = "watch")]
mod raw_object;
#[cfg(feature = "watch")]
mod watcher;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::{Scope, WatchUpdate};
use lapse_measure::time::Offset;

/// Why the cluster cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No kubeconfig, or none that can be used.
    #[error("cannot tell which cluster to watch: check KUBECONFIG, --context and --kubeconfig, or say --no-kube")]
    Config(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The API server does not answer.
    #[error("the cluster at {url} does not answer: check it with `kubectl get pods`, or say --no-kube")]
    Silent {
        /// The URL of the API server.
        url: String,
        /// The reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The thread of the watch cannot be started.
    #[error("cannot start the thread that watches the cluster")]
    Thread(#[from] io::Error),
    /// This build has no Kubernetes client.
    #[cfg(not(feature = "watch"))]
    #[error("this lapse was built without the feature `kubernetes`: build it with that to watch the cluster")]
    NotBuilt,
}

/// A running watch. It ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    scope: String,
    services: BTreeMap<String, SocketAddr>,
    told: UnboundedReceiver<WatchUpdate>,
    confirm: UnboundedSender<()>,
}

impl Watch {
    /// Starts a watch of `scope`. Returns when all of its objects are known, or after ten seconds.
    #[cfg(feature = "watch")]
    pub async fn start(scope: Scope, now: impl Fn() -> Offset + Clone + Send + Sync + 'static) -> Result<Self, Error> {
        watcher::start(scope, now).await
    }

    /// Fails, because this build has no Kubernetes client.
    #[cfg(not(feature = "watch"))]
    #[expect(clippy::unused_async, reason = "with the feature `watch`, this function waits for the cluster")]
    pub async fn start(_: Scope, _: impl Fn() -> Offset + Clone + Send + Sync + 'static) -> Result<Self, Error> {
        Err(Error::NotBuilt)
    }

    /// The scope as text: `release shop in namespace prod`.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The addresses of the namespace's services when the watch began, each with the service's first port.
    pub const fn services(&self) -> &BTreeMap<String, SocketAddr> {
        &self.services
    }

    /// The next update; `None` if the watch has ended.
    pub async fn next(&mut self) -> Option<WatchUpdate> {
        self.told.recv().await
    }

    /// Requests a confirmation that the state is up to date;
    /// [`Status::confirmed`](super::Status::confirmed) counts them.
    pub fn confirm(&self) {
        let _ = self.confirm.send(());
    }
}
