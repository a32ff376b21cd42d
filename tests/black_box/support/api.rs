//! An API server that answers what a real one once answered (`recorded/upgrade.jsonl`), as clusters of other ages and
//! moods would have put it.

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
/// The addresses of the service and its pods when it was recorded.
const THEN: [&str; 3] = ["10.96.216.254", "10.244.0.65", "10.244.0.66"];
/// From one change to the next; in truth they took several seconds.
const STEP: Duration = Duration::from_millis(20);

/// What sort of cluster it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it was recorded: Kubernetes 1.34.
    Today,
    /// `EndpointSlice` is v1beta1, which says only whether an endpoint is ready; so are Ingress and autoscaling older.
    Slices,
    /// There are `Endpoints` only, and neither Ingress nor autoscaling in any version that is known.
    Endpoints,
    /// A watch on pods is told in the middle that its version is too old.
    Gone,
    /// Every watch ends after each change that it tells.
    Closing,
    /// Nobody may see pods.
    Forbidding,
}

/// A cluster at work, until the test ends.
#[derive(Debug)]
pub(crate) struct Api {
    folder: tempfile::TempDir,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mood: Mood,
    /// What each version of a group serves.
    groups: BTreeMap<String, Value>,
    lists: BTreeMap<String, Value>,
    /// Changes in the order of their arrival, with the plural of their kind.
    changes: Vec<(String, Value)>,
    /// The upgrade begins when this file is there,
    trigger: PathBuf,
    /// and then began at this moment.
    began: OnceLock<u64>,
    watches: AtomicUsize,
    asked: Mutex<Vec<String>>,
}

impl Api {
    pub(crate) fn start(mood: Mood) -> Self {
        Self::start_with(mood, IpAddr::from([127, 0, 0, 1]))
    }

    /// One whose services and pods all answer at this address.
    pub(crate) fn start_with(mood: Mood, everyone: IpAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = bind();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "recorded",
            "clusters": [{"name": "recorded", "cluster": {"server": format!("http://{}", listener.local_addr().unwrap())}}],
            "contexts": [{"name": "recorded", "context": {"cluster": "recorded", "user": "nobody", "namespace": "default"}}],
            "users": [{"name": "nobody", "user": {}}],
        });
        fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();
        let shared = Arc::new(Shared::read(mood, everyone, folder.path().join("upgrade")));
        let serving = Arc::clone(&shared);
        thread::spawn(move || serving.serve(&listener));
        Self { folder, shared }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A command that has it roll.
    pub(crate) fn upgrade(&self) -> [String; 2] {
        ["touch".to_owned(), self.shared.trigger.display().to_string()]
    }

    /// The paths that were asked for, each time.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Shared {
    fn read(mood: Mood, everyone: IpAddr, trigger: PathBuf) -> Self {
        let (mut groups, mut lists, mut changes) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        // Nobody is where they were then.
        let recorded = THEN.iter().fold(RECORDED.to_owned(), |text, then| text.replace(then, &everyone.to_string()));
        for line in recorded.lines() {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let says = mood.put(line["says"].take());
            let name = |key: &str| line[key].as_str().map(str::to_owned);
            if let Some(group) = name("group") {
                groups.extend(mood.serves(&group).map(|group| (group, says)));
            } else if let Some(plural) = name("list") {
                lists.insert(plural, says);
            } else if let Some(plural) = name("watch") {
                changes.push((plural, says));
            }
        }
        let (began, watches, asked) = Default::default();
        Self { mood, groups, lists, changes, trigger, began, watches, asked }
    }

    fn serve(self: Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().flatten() {
            let shared = Arc::clone(&self);
            thread::spawn(move || shared.answer(client));
        }
    }

    /// Answers one request. A client that goes away while it is told something has heard enough.
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
        if self.mood == Mood::Forbidding && plural == "pods" {
            return reply(&mut client, 403, &status(403, "Forbidden"));
        }
        if !query.contains("watch=true") {
            return reply(&mut client, 200, &self.list(plural));
        }
        let since = query.split('&').find_map(|part| part.strip_prefix("resourceVersion="))?.parse().unwrap_or(0);
        self.watch(client, plural, since)
    }

    /// How many changes have come to pass.
    fn passed(&self) -> usize {
        if !self.trigger.exists() {
            return 0;
        }
        let began = *self.began.get_or_init(clock::now);
        let steps = (clock::now() - began) / u64::try_from(STEP.as_nanos()).unwrap();
        // The first has come to pass when whoever asked for it is answered.
        usize::try_from(steps + 1).unwrap().min(self.changes.len())
    }

    /// All of a kind, as it is by now.
    fn list(&self, plural: &str) -> Value {
        let Some(list) = self.lists.get(plural) else {
            let kind = "PartialObjectMetadataList";
            return json!({"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": "1"}, "items": []});
        };
        let mut list = list.clone();
        let mut items: BTreeMap<String, Value> = BTreeMap::new();
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
        items.extend(list["items"].as_array().unwrap().iter().map(|object| (name(object), object.clone())));
        for (_, change) in self.changes[..self.passed()].iter().filter(|(of, _)| of == plural) {
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

    /// Tells of one kind what came after this version.
    fn watch(&self, mut client: TcpStream, plural: &str, since: u64) -> Option<()> {
        client.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n").ok()?;
        let nth = self.watches.fetch_add(usize::from(plural == "pods"), Ordering::Relaxed);
        let (mut place, mut told) = (0, 0);
        loop {
            while place < self.passed() {
                let (of, change) = &self.changes[place];
                place += 1;
                if of != plural || version(change) <= since {
                    continue;
                }
                if self.mood == Mood::Gone && plural == "pods" && nth == 0 && told == 2 {
                    let gone = json!({"type": "ERROR", "object": status(410, "Expired")});
                    return writeln!(client, "{gone}").ok();
                }
                writeln!(client, "{change}").ok()?;
                told += 1;
                if self.mood == Mood::Closing {
                    return Some(());
                }
            }
            thread::sleep(STEP / 4);
        }
    }
}

impl Mood {
    /// The name under which such a cluster serves what was recorded of a group, if it does.
    fn serves(self, group: &str) -> Option<String> {
        let older = |version: &str| Some(format!("{}/{version}", group.rsplit_once('/').unwrap().0));
        match (self, group) {
            (Self::Slices, "apis/discovery.k8s.io/v1" | "apis/networking.k8s.io/v1") => older("v1beta1"),
            (Self::Slices, "apis/autoscaling/v2") => older("v1"),
            (Self::Endpoints, group) if !["api/v1", "apis/apps/v1"].contains(&group) => None,
            _ => Some(group.to_owned()),
        }
    }

    /// How such a cluster puts it.
    fn put(self, mut says: Value) -> Value {
        match &mut says {
            Value::Object(fields) => {
                if self == Self::Slices && fields.contains_key("terminating") {
                    fields.retain(|name, _| name == "ready");
                }
                fields.values_mut().for_each(|value| *value = self.put(value.take()));
            }
            Value::Array(values) => values.iter_mut().for_each(|value| *value = self.put(value.take())),
            _ => {}
        }
        says
    }
}

fn version(change: &Value) -> u64 {
    change["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

fn status(code: u16, reason: &str) -> Value {
    let message = format!("{reason}, says the recorded cluster");
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})
}

fn reply(client: &mut TcpStream, code: u16, says: &Value) -> Option<()> {
    let body = says.to_string();
    let head = format!(
        "HTTP/1.1 {code} Recorded\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).ok()?;
    client.write_all(body.as_bytes()).ok()
}
