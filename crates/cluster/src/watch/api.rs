//! The client of the cluster's API: which cluster, which kinds it serves, and the watch of each kind.

use std::collections::{BTreeMap, HashMap};
use std::error::Error as StdError;
use std::time::Duration;

use futures_util::{StreamExt, pin_mut};
use kube::api::{Api, ApiResource};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Config};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};

use super::super::kind::{Kind, Served};
use super::super::object::Object;
use super::super::scope::{Of, Scope};
use super::Error;
use super::raw_object::RawObject;
use lapse_measure::time::Offset;
use lapse_record::error_chain::with_causes;

/// The timeout for the first answer of a cluster, and for its first lists.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The wait before the first repetition of a request.
pub(super) const RETRY_DELAY: Duration = Duration::from_millis(100);

/// A message from the API server's watches.
pub(super) enum ApiEvent {
    /// The beginning of a list.
    List,
    /// An object that exists or has changed.
    Put(Box<Object>),
    /// An object that was deleted.
    Gone(String),
    /// The end of a list.
    Listed,
    /// An object that cannot be read.
    Odd(String),
    /// The permission to watch the kind is missing.
    Forbidden,
    /// The connection is lost.
    Lost(String),
    /// The connection is back.
    Back,
    /// A fresh list of the names and versions of a kind; `None` if the request failed.
    Fresh(Option<BTreeMap<String, String>>),
}

/// A message about a kind.
pub(super) struct KindEvent {
    pub(super) kind: Kind,
    pub(super) event: ApiEvent,
    /// When the message was received.
    pub(super) at: Offset,
}

/// A reachable cluster, and the part of it that is watched.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    client: ClientBox,
    namespace: String,
    of: Of,
    kinds: BTreeMap<Kind, Served>,
}

/// A client whose `Debug` output hides its parts.
#[derive(Clone)]
struct ClientBox(Client);

impl std::fmt::Debug for ClientBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Cluster {
    /// Finds the cluster, checks that it answers, and reads which kinds it serves.
    pub(super) async fn connect(scope: &Scope) -> Result<Self, Error> {
        let config = config(scope).await.map_err(Error::Config)?;
        let (url, namespace) = (config.cluster_url.to_string(), config.default_namespace.clone());
        let silent = |source: Box<dyn StdError + Send + Sync>| Error::Silent { url: url.clone(), source };
        let client = Client::try_from(config).map_err(|error| Error::Config(error.into()))?;
        let served = timeout(ANSWER_TIMEOUT, served(&client)).await;
        let kinds = served.map_err(|_| silent("it took too long".into()))?.map_err(|error| silent(error.into()))?;
        let namespace = scope.namespace.clone().unwrap_or(namespace);
        let mut cluster = Self { client: ClientBox(client), namespace, of: scope.of.clone(), kinds };
        if !matches!(cluster.of, Of::Release(_) | Of::Everything) {
            cluster.kinds.remove(&Kind::Release);
        }
        if matches!(cluster.of, Of::Workloads(_)) && !cluster.needs(Kind::Rollout) {
            cluster.kinds.remove(&Kind::Rollout);
        }
        Ok(cluster)
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The kinds that the cluster serves.
    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.kinds.keys().copied().collect()
    }

    /// Whether the rollout cannot be followed without this kind.
    pub(super) fn needs(&self, kind: Kind) -> bool {
        self.of.needs(kind)
    }

    /// How the cluster serves a kind; `None` if it does not.
    pub(super) fn served(&self, kind: Kind) -> Option<Served> {
        self.kinds.get(&kind).copied()
    }

    /// Watches a kind until the receiver is gone.
    pub(super) async fn follow(self, kind: Kind, now: impl Fn() -> Offset + Send, hear: UnboundedSender<KindEvent>) {
        let config = watcher::Config { label_selector: self.labels(kind), ..watcher::Config::default() };
        let hear = |event| hear.send(KindEvent { kind, event, at: now() }).is_ok();
        // Of a Secret only the metadata is requested, never its contents.
        if kind == Kind::Release {
            listen(kind, watcher(self.api::<true>(kind), config), hear).await;
        } else {
            listen(kind, watcher(self.api::<false>(kind), config), hear).await;
        }
    }

    /// A fresh list of the names and versions of all objects of a kind; `None` if the request fails.
    pub(super) fn fresh(&self, kind: Kind) -> impl Future<Output = Option<BTreeMap<String, String>>> + Send + 'static {
        super::fresh::list(self.api(kind), self.labels(kind))
    }

    fn api<const METADATA_ONLY: bool>(&self, kind: Kind) -> Api<RawObject<METADATA_ONLY>> {
        Api::namespaced_with(self.client.0.clone(), &self.namespace, &self.resource(kind))
    }

    fn resource(&self, kind: Kind) -> ApiResource {
        let Served { group, version, kind, plural } = self.served(kind).unwrap_or(kind.served()[0]);
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") },
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        }
    }

    /// The labels that objects of a kind must have.
    fn labels(&self, kind: Kind) -> Option<String> {
        match (&self.of, kind) {
            (Of::Release(name), Kind::Release) => Some(format!("owner=helm,name={name}")),
            (_, Kind::Release) => Some("owner=helm".to_owned()),
            (Of::Selector(labels), kind) if kind.is_needed() => Some(labels.clone()),
            _ => None,
        }
    }
}

/// The configuration that kubectl would use with these flags; without a kubeconfig in a pod, that of its cluster.
pub(in super::super) async fn config(scope: &Scope) -> Result<Config, Box<dyn StdError + Send + Sync>> {
    let options = KubeConfigOptions { context: scope.context.clone(), ..KubeConfigOptions::default() };
    Ok(match (&scope.kubeconfig, &scope.context) {
        (Some(path), _) => Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &options).await?,
        (None, Some(_)) => Config::from_kubeconfig(&options).await?,
        (None, None) => Config::infer().await?,
    })
}

/// The kinds that the cluster serves, each in the preferred version.
async fn served(client: &Client) -> Result<BTreeMap<Kind, Served>, kube::Error> {
    let mut groups: HashMap<String, Vec<String>> = HashMap::new();
    let mut kinds = BTreeMap::new();
    for kind in Kind::ALL {
        for served in kind.served() {
            let name = format!("{}/{}", served.group, served.version);
            if !groups.contains_key(&name) {
                groups.insert(name.clone(), resources(client, served).await?);
            }
            if groups[&name].iter().any(|plural| plural == served.plural) {
                kinds.insert(kind, *served);
                break;
            }
        }
    }
    Ok(kinds)
}

/// The plurals in a version of a group; empty if the cluster does not serve it.
async fn resources(client: &Client, Served { group, version, .. }: &Served) -> Result<Vec<String>, kube::Error> {
    let list = if group.is_empty() {
        client.list_core_api_resources(version).await
    } else {
        client.list_api_group_resources(&format!("{group}/{version}")).await
    };
    match list {
        Ok(list) => Ok(list.resources.into_iter().map(|resource| resource.name).collect()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Passes changes on until the receiver is gone or the API server forbids the watch.
async fn listen<const METADATA_ONLY: bool>(
    kind: Kind,
    stream: impl futures_util::Stream<Item = watcher::Result<Event<RawObject<METADATA_ONLY>>>> + Send,
    hear: impl Fn(ApiEvent) -> bool,
) {
    pin_mut!(stream);
    let mut failures = 0;
    while let Some(event) = stream.next().await {
        let heard = match event {
            Ok(event) => {
                failures = 0;
                read(kind, event)
            }
            Err(error) if is_forbidden(&error) => {
                hear(ApiEvent::Forbidden);
                return;
            }
            Err(error) => ApiEvent::Lost(with_causes(&error)),
        };
        let lost = matches!(heard, ApiEvent::Lost(_));
        if !hear(heard) {
            return;
        }
        if lost {
            back_off(failures).await;
            failures += 1;
        }
    }
}

fn read<const METADATA_ONLY: bool>(kind: Kind, event: Event<RawObject<METADATA_ONLY>>) -> ApiEvent {
    let odd = |error: serde_json::Error| ApiEvent::Odd(format!("a {}: {error}", kind.object_kind()));
    match event {
        Event::Init => ApiEvent::List,
        Event::InitDone => ApiEvent::Listed,
        Event::InitApply(object) | Event::Apply(object) => {
            Object::read(kind, &object.json).map_or_else(odd, |object| ApiEvent::Put(Box::new(object)))
        }
        Event::Delete(object) => {
            Object::read(kind, &object.json).map_or_else(odd, |object| ApiEvent::Gone(object.meta.name))
        }
    }
}

/// Whether the API server answered 403 Forbidden.
fn is_forbidden(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code == 403,
        _ => false,
    }
}

/// Waits before a retry: longer each time, up to two seconds.
pub(super) async fn back_off(failures: u32) {
    sleep(RETRY_DELAY.saturating_mul(1 << failures.min(5)).min(Duration::from_secs(2))).await;
}

#[cfg(test)]
mod tests {
    use kube::Resource;
    use kube::core::ObjectList;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_odd_object_is_left_out_of_a_list_and_the_others_are_read() {
        let list = json!({
            "apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "9"},
            "items": [
                {"metadata": {"name": "odd-labels", "labels": 5}},
                {"metadata": {"name": "odd-generation", "generation": -1}},
                {"metadata": "none"},
                {"metadata": {"name": "odd-status"}, "status": {"conditions": "many"}},
                {"metadata": {"name": "unset", "labels": null, "resourceVersion": "7"}, "status": null},
            ],
        });
        let list: ObjectList<RawObject<false>> = serde_json::from_value(list).unwrap();
        assert_eq!(list.items[4].meta().resource_version.as_deref(), Some("7"));
        let told = list.items.into_iter().map(|object| match read(Kind::Pod, Event::Apply(object)) {
            ApiEvent::Put(object) => object.meta.name,
            ApiEvent::Odd(why) => why,
            _ => unreachable!("an object is either read or odd"),
        });
        let told: Vec<_> = told.collect();
        assert!(told[0].starts_with("a pod: invalid type: integer `5`"), "{told:?}");
        assert!(told[1].starts_with("a pod: invalid value: integer `-1`"), "{told:?}");
        assert!(told[2].starts_with("a pod: invalid type: string \"none\""), "{told:?}");
        assert!(told[3].starts_with("a pod: invalid type: string \"many\""), "{told:?}");
        assert_eq!(told[4], "unset");
    }
}
