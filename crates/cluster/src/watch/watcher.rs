//! Lists and watches objects of the cluster's API until the receiver of the updates is gone.
//!
//! The watcher has its own thread, so that decoding delays neither probes nor the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::super::kind::{Kind, Served};
use super::super::state::State;
use super::super::{PodAddress, Scope, Status, WatchUpdate};
use super::api::{ANSWER_TIMEOUT, ApiEvent, Cluster, KindEvent, RETRY_DELAY, back_off};
use super::{Error, Watch};
use lapse_measure::time::{Human, Offset};
use lapse_record::event::{Event, EventKind, Source};

/// The watch, on its thread.
struct Watcher<Now> {
    cluster: Cluster,
    now: Now,
    state: State,
    told: UnboundedSender<WatchUpdate>,
    /// The sender of `heard`, for further tasks that hear of the cluster.
    hear: UnboundedSender<KindEvent>,
    heard: UnboundedReceiver<KindEvent>,
    confirm: UnboundedReceiver<()>,
    /// Whether all objects that existed when the watch began have been reported.
    begun: bool,
    forbidden: BTreeSet<Kind>,
    /// Since when the connection is lost.
    lost: Option<Offset>,
    /// The kinds that are still to be confirmed.
    unconfirmed: BTreeSet<Kind>,
    last: Status,
    pods: Vec<PodAddress>,
}

/// Starts a watch of `scope` on a thread of its own. Returns when all of its objects are known, or after ten seconds.
pub(super) async fn start(
    scope: Scope,
    now: impl Fn() -> Offset + Clone + Send + Sync + 'static,
) -> Result<Watch, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ready, begun) = oneshot::channel();
    let ((told, tell), (confirm, asked)) = (unbounded_channel(), unbounded_channel());
    let run = move || {
        runtime.block_on(async move {
            match Watcher::begin(&scope, now, told, asked).await {
                Ok(watcher) => {
                    let _ = ready.send(Ok((watcher.scope(&scope), watcher.state.services())));
                    watcher.run().await;
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        });
    };
    std::thread::Builder::new().name("cluster".to_owned()).spawn(run)?;
    let (scope, services) = begun.await.map_err(|_| Error::Thread(io::ErrorKind::Other.into()))??;
    Ok(Watch { scope, services, told: tell, confirm })
}

impl<Now: Fn() -> Offset + Clone + Send + Sync + 'static> Watcher<Now> {
    async fn begin(
        scope: &Scope,
        now: Now,
        told: UnboundedSender<WatchUpdate>,
        confirm: UnboundedReceiver<()>,
    ) -> Result<Self, Error> {
        let cluster = Cluster::connect(scope).await?;
        let (hear, heard) = unbounded_channel();
        let mut watcher = Self {
            cluster,
            now,
            state: State::new(scope.of.clone()),
            told,
            hear,
            heard,
            confirm,
            begun: false,
            forbidden: BTreeSet::new(),
            lost: None,
            unconfirmed: BTreeSet::new(),
            last: Status::default(),
            pods: Vec::new(),
        };
        let kinds = watcher.cluster.kinds();
        for kind in &kinds {
            let (now, hear) = (watcher.now.clone(), watcher.hear.clone());
            tokio::spawn(watcher.cluster.clone().follow(*kind, now, hear));
        }
        let learn = async {
            while !watcher.knows(&kinds) {
                let Some(heard) = watcher.heard.recv().await else { break };
                watcher.take(heard);
            }
        };
        // Objects that are not known by then are reported later.
        let _ = timeout(ANSWER_TIMEOUT, learn).await;
        watcher.begun = true;
        let now = (watcher.now)();
        for found in watcher.state.found(now) {
            let _ = watcher.told.send(WatchUpdate::Event(found));
        }
        if !watcher.forbidden.is_empty() {
            watcher.warn(watcher.missing_rights(&watcher.forbidden));
        }
        watcher.tell_status();
        Ok(watcher)
    }

    fn scope(&self, scope: &Scope) -> String {
        format!("{} in namespace {}", scope.of, self.cluster.namespace())
    }

    fn knows(&self, kinds: &[Kind]) -> bool {
        kinds.iter().all(|kind| self.forbidden.contains(kind) || self.state.has_listed(&[*kind]))
    }

    /// Ends when the receiver is gone.
    async fn run(mut self) {
        loop {
            tokio::select! {
                Some(heard) = self.heard.recv() => self.take(heard),
                asked = self.confirm.recv() => match asked {
                    Some(()) => self.begin_to_confirm(),
                    None => return,
                },
                () = self.told.closed() => return,
            }
            self.tell_status();
        }
    }

    fn take(&mut self, KindEvent { kind, event, at }: KindEvent) {
        let events = match event {
            ApiEvent::List => {
                self.state.list(kind);
                Vec::new()
            }
            ApiEvent::Put(object) => self.state.put(kind, *object, at),
            ApiEvent::Gone(name) => self.state.remove(kind, &name, at),
            ApiEvent::Listed => self.state.listed(kind, at),
            ApiEvent::Odd(why) => return self.warn(format!("an object of the cluster was left out: {why}")),
            ApiEvent::Forbidden => return self.forbid(kind),
            ApiEvent::Lost(why) => return self.lose(kind, &why, at),
            ApiEvent::Back => return self.regain(at),
            ApiEvent::Fresh(fresh) => return self.compare(kind, fresh.as_ref()),
        };
        for event in events {
            let _ = self.told.send(WatchUpdate::Event(event));
        }
    }

    /// Reports a lost connection, once for all kinds.
    fn lose(&mut self, kind: Kind, why: &str, at: Offset) {
        if self.lost.is_some() {
            return;
        }
        self.lost = Some(at);
        let text = format!("the cluster cannot be watched: {why}");
        let _ = self.told.send(WatchUpdate::Event(Event::new(at, Source::Kubernetes, EventKind::WatchLost, text)));
        // Watches resume by themselves, without a message if nothing has changed.
        let (cluster, hear, now) = (self.cluster.clone(), self.hear.clone(), self.now.clone());
        tokio::spawn(async move {
            let mut tries = 0;
            while cluster.fresh(kind).await.is_none() && !hear.is_closed() {
                back_off(tries).await;
                tries += 1;
            }
            hear.send(KindEvent { kind, event: ApiEvent::Back, at: now() })
        });
    }

    fn regain(&mut self, at: Offset) {
        if let Some(since) = self.lost.take() {
            let gap = Human(at.since(since));
            let text = format!("the cluster is watched again, after {gap}: what happened meanwhile is told late");
            let _ =
                self.told.send(WatchUpdate::Event(Event::new(at, Source::Kubernetes, EventKind::WatchResumed, text)));
        }
    }

    fn forbid(&mut self, kind: Kind) {
        if self.forbidden.insert(kind) && self.begun {
            self.warn(self.missing_rights(&BTreeSet::from([kind])));
        }
    }

    /// The kinds that may not be watched, and the RBAC rules that would allow it.
    fn missing_rights(&self, kinds: &BTreeSet<Kind>) -> String {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for Served { group, plural, .. } in kinds.iter().filter_map(|kind| self.cluster.served(*kind)) {
            groups.entry(group).or_default().push(plural);
        }
        let plurals: Vec<_> = groups.values().flatten().copied().collect();
        let rule = |(group, plurals): (&&str, &Vec<&str>)| {
            format!(
                "{{apiGroups: [\"{group}\"], resources: [\"{}\"], verbs: [\"get\", \"list\", \"watch\"]}}",
                plurals.join("\", \"")
            )
        };
        let rules: Vec<_> = groups.iter().map(rule).collect();
        let (plurals, namespace, rules) = (plurals.join(", "), self.cluster.namespace(), rules.join(", "));
        format!(
            "not allowed to get, list and watch {plurals} in namespace {namespace}, so they are not on the timeline; \
             a Role with these rules would allow it: [{rules}]"
        )
    }

    fn warn(&self, text: String) {
        let _ = self.told.send(WatchUpdate::Warning(text));
    }

    fn begin_to_confirm(&mut self) {
        self.unconfirmed = self.cluster.kinds().into_iter().filter(|kind| kind.is_needed()).collect();
        for kind in &self.unconfirmed {
            self.ask_afresh(*kind, Duration::ZERO);
        }
    }

    /// Requests, after a while, the names and versions of all objects of a kind.
    fn ask_afresh(&self, kind: Kind, after: Duration) {
        let (fresh, hear, now) = (self.cluster.fresh(kind), self.hear.clone(), self.now.clone());
        tokio::spawn(async move {
            sleep(after).await;
            let event = ApiEvent::Fresh(fresh.await);
            hear.send(KindEvent { kind, event, at: now() })
        });
    }

    fn compare(&mut self, kind: Kind, fresh: Option<&BTreeMap<String, String>>) {
        let agrees = fresh.is_some_and(|fresh| self.state.agrees(kind, fresh));
        if !agrees && !self.forbidden.contains(&kind) {
            self.ask_afresh(kind, RETRY_DELAY);
        } else if self.unconfirmed.remove(&kind) && self.unconfirmed.is_empty() {
            self.last.confirmed += 1;
            let _ = self.told.send(WatchUpdate::Status(self.last.clone()));
        }
    }

    fn tell_status(&mut self) {
        let pods = self.state.pods();
        if pods != self.pods {
            self.pods.clone_from(&pods);
            let _ = self.told.send(WatchUpdate::Pods(pods));
        }
        let blindfolded = self.forbidden.iter().any(|kind| self.cluster.needs(*kind));
        let status = Status { confirmed: self.last.confirmed, blindfolded, ..self.state.status() };
        if status != self.last {
            self.last = status.clone();
            let _ = self.told.send(WatchUpdate::Status(status));
        }
    }
}
