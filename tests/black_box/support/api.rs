//! An API server that replays the recorded responses of a real one (`recorded/upgrade.jsonl`), optionally as an older
//! or less reliable cluster would give them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::clock;
use super::listener::bind;

const RECORDED: &str = include_str!("../recorded/upgrade.jsonl");
/// The addresses of the service and its pods in the recording.
const RECORDED_ADDRESSES: [&str; 3] = ["10.96.216.254", "10.244.0.65", "10.244.0.66"];
/// The time between two replayed changes; in the recording they are several seconds apart.
const STEP: Duration = Duration::from_millis(20);

/// How the replayed cluster differs from the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// No difference: Kubernetes 1.34 as recorded.
    Current,
    /// `EndpointSlice` is v1beta1, which has only the condition `ready`; Ingress and autoscaling are older as well.
    BetaSlices,
    /// There are only `Endpoints`, and neither Ingress nor autoscaling in any version that lapse knows.
    EndpointsOnly,
    /// A watch on pods ends in the middle with 410, because its resource version has expired.
    ExpiredVersion,
    /// Every watch ends after each change that it reports.
    ShortWatches,
    /// Lists and watches of pods are answered with 403.
    PodsForbidden,
}

/// A running API server; its thread ends with the test process.
#[derive(Debug)]
pub(crate) struct Api {
    folder: tempfile::TempDir,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    variant: Variant,
    /// The resource list of each group version.
    groups: BTreeMap<String, Value>,
    lists: BTreeMap<String, Value>,
    /// Changes in the recorded order, each with the plural of its kind.
    changes: Vec<(String, Value)>,
    /// The file whose creation starts the upgrade.
    trigger: PathBuf,
    /// The time at which the upgrade started, in nanoseconds of `CLOCK_MONOTONIC`.
    began: OnceLock<u64>,
    watches: AtomicUsize,
    asked: Mutex<Vec<String>>,
}

impl Api {
    pub(crate) fn start(variant: Variant) -> Self {
        Self::start_with(variant, IpAddr::from([127, 0, 0, 1]))
    }

    /// Starts an API server that gives `address` as the address of every service and pod.
    pub(crate) fn start_with(variant: Variant, address: IpAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = bind();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "recorded",
            "clusters": [{"name": "recorded", "cluster": {"server": format!("http://{}", listener.local_addr().unwrap())}}],
            "contexts": [{"name": "recorded", "context": {"cluster": "recorded", "user": "nobody", "namespace": "default"}}],
            "users": [{"name": "nobody", "user": {}}],
        });
        fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();
        let shared = Arc::new(Shared::read(variant, address, folder.path().join("upgrade")));
        let serving = Arc::clone(&shared);
        thread::spawn(move || serving.serve(&listener));
        Self { folder, shared }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A command that starts the upgrade.
    pub(crate) fn upgrade(&self) -> [String; 2] {
        ["touch".to_owned(), self.shared.trigger.display().to_string()]
    }

    /// The path of every request so far.
    pub(crate) fn requested_paths(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Shared {
    fn read(variant: Variant, address: IpAddr, trigger: PathBuf) -> Self {
        let (mut groups, mut lists, mut changes) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        // The recorded addresses do not exist here.
        let recorded =
            RECORDED_ADDRESSES.iter().fold(RECORDED.to_owned(), |text, old| text.replace(old, &address.to_string()));
        for line in recorded.lines() {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let body = variant.rewrite(line["says"].take());
            let name = |key: &str| line[key].as_str().map(str::to_owned);
            if let Some(group) = name("group") {
                groups.extend(variant.group_name(&group).map(|group| (group, body)));
            } else if let Some(plural) = name("list") {
                lists.insert(plural, body);
            } else if let Some(plural) = name("watch") {
                changes.push((plural, body));
            }
        }
        let (began, watches, asked) = Default::default();
        Self { variant, groups, lists, changes, trigger, began, watches, asked }
    }

    fn serve(self: Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().flatten() {
            let shared = Arc::clone(&self);
            thread::spawn(move || shared.answer(client));
        }
    }

    /// Answers one request; `None` if the client closed the connection.
    fn answer(&self, mut client: TcpStream) -> Option<()> {
        let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
        let path = lines.next()?.ok()?.split(' ').nth(1)?.trim_start_matches('/').to_owned();
        while lines.next()?.ok()?.as_str() != "" {}
        self.asked.lock().unwrap().push(path.clone());
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let plural = path.rsplit('/').next()?;
        let group = path.split_once("/namespaces/").map_or(path, |(group, _)| group);
        if !self.groups.contains_key(group) {
            return reply(&mut client, 404, &status(404, "NotFound"));
        }
        if path == group {
            return reply(&mut client, 200, &self.groups[group]);
        }
        if self.variant == Variant::PodsForbidden && plural == "pods" {
            return reply(&mut client, 403, &status(403, "Forbidden"));
        }
        if !query.contains("watch=true") {
            return reply(&mut client, 200, &self.list(plural));
        }
        let since = query.split('&').find_map(|part| part.strip_prefix("resourceVersion="))?.parse().unwrap_or(0);
        self.watch(client, plural, since)
    }

    /// The number of changes that have happened by now.
    fn changes_so_far(&self) -> usize {
        if !self.trigger.exists() {
            return 0;
        }
        let began = *self.began.get_or_init(clock::now);
        let steps = (clock::now() - began) / u64::try_from(STEP.as_nanos()).unwrap();
        // The first change happens at once, so that the first client to ask already sees it.
        usize::try_from(steps + 1).unwrap().min(self.changes.len())
    }

    /// The list of a kind, with the changes so far applied.
    fn list(&self, plural: &str) -> Value {
        let Some(list) = self.lists.get(plural) else {
            let kind = "PartialObjectMetadataList";
            return json!({"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": "1"}, "items": []});
        };
        let mut list = list.clone();
        let mut items: BTreeMap<String, Value> = BTreeMap::new();
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
        items.extend(list["items"].as_array().unwrap().iter().map(|object| (name(object), object.clone())));
        for (_, change) in self.changes[..self.changes_so_far()].iter().filter(|(of, _)| of == plural) {
            let object = &change["object"];
            list["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
            match change["type"].as_str() {
                Some("DELETED") => drop(items.remove(&name(object))),
                _ => drop(items.insert(name(object), object.clone())),
            }
        }
        list["items"] = items.into_values().collect();
        list
    }

    /// Streams the changes of a kind after the resource version `since`.
    fn watch(&self, mut client: TcpStream, plural: &str, since: u64) -> Option<()> {
        client.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n").ok()?;
        let nth = self.watches.fetch_add(usize::from(plural == "pods"), Ordering::Relaxed);
        let (mut place, mut sent) = (0, 0);
        loop {
            while place < self.changes_so_far() {
                let (of, change) = &self.changes[place];
                place += 1;
                if of != plural || version(change) <= since {
                    continue;
                }
                if self.variant == Variant::ExpiredVersion && plural == "pods" && nth == 0 && sent == 2 {
                    let gone = json!({"type": "ERROR", "object": status(410, "Expired")});
                    return writeln!(client, "{gone}").ok();
                }
                writeln!(client, "{change}").ok()?;
                sent += 1;
                if self.variant == Variant::ShortWatches {
                    return Some(());
                }
            }
            thread::sleep(STEP / 4);
        }
    }
}

impl Variant {
    /// The group version under which this variant serves the recorded `group`; `None` if it does not.
    fn group_name(self, group: &str) -> Option<String> {
        let older = |version: &str| Some(format!("{}/{version}", group.rsplit_once('/').unwrap().0));
        match (self, group) {
            (Self::BetaSlices, "apis/discovery.k8s.io/v1" | "apis/networking.k8s.io/v1") => older("v1beta1"),
            (Self::BetaSlices, "apis/autoscaling/v2") => older("v1"),
            (Self::EndpointsOnly, group) if !["api/v1", "apis/apps/v1"].contains(&group) => None,
            _ => Some(group.to_owned()),
        }
    }

    /// Rewrites a recorded response as this variant would give it.
    fn rewrite(self, mut body: Value) -> Value {
        match &mut body {
            Value::Object(fields) => {
                if self == Self::BetaSlices && fields.contains_key("terminating") {
                    fields.retain(|name, _| name == "ready");
                }
                fields.values_mut().for_each(|value| *value = self.rewrite(value.take()));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| *value = self.rewrite(value.take())),
            _ => {}
        }
        body
    }
}

fn version(change: &Value) -> u64 {
    change["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

fn status(code: u16, reason: &str) -> Value {
    let message = format!("{reason}, says the recorded cluster");
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})
}

fn reply(client: &mut TcpStream, code: u16, body: &Value) -> Option<()> {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {code} Recorded\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).ok()?;
    client.write_all(body.as_bytes()).ok()
}
