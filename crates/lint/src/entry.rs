//! Where the clients of a workload come in: Ingresses and routes with their hosts and paths, and Services.

use super::Source;
use super::manifests::{Backend, Manifests};
use super::object::{self, ObjectName};
use super::rollout::Rollout;
use super::service::Service;

/// A way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The Ingress, the route or the Service.
    pub by: ObjectName,
    /// What clients name.
    pub place: Place,
}

/// What clients name to come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A host and a path, as the manifest has them, which may be no host or no path at all.
    Host {
        /// The host; `None` where any will do, and where it is a pattern.
        host: Option<String>,
        /// The path, or its beginning.
        path: String,
        /// Whether clients come by TLS; `None` if other manifests say so.
        tls: Option<bool>,
    },
    /// A Service, from inside the cluster.
    Service {
        /// Its first port for requests.
        port: Option<u16>,
    },
}

/// The ways in to the workload of `rollout`, which is one of `sources`: those from outside the cluster first, each once.
pub fn entries(sources: &[Source<'_>], rollout: &Rollout) -> Vec<Entry> {
    let contents = object::read(sources);
    let manifests = Manifests::new(&contents.objects, None);
    let served = manifests.served();
    let Some(served) = served.iter().find(|served| served.workload.object.named == rollout.workload) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let routes = served.services.iter().flat_map(|service| manifests.routes_to(service));
    for entry in routes.flat_map(of_backend).chain(served.services.iter().map(|service| of_service(service))) {
        if !all.contains(&entry) {
            all.push(entry);
        }
    }
    all
}

fn of_backend(backend: &Backend<'_>) -> Vec<Entry> {
    let named = |host: &&str| !host.contains('*');
    let hosts: Vec<Option<&str>> = backend.hosts.iter().copied().filter(named).map(Some).collect();
    let hosts = if hosts.is_empty() { vec![None] } else { hosts };
    let entry = |host: Option<&str>| Entry {
        by: backend.object.named.clone(),
        place: Place::Host { host: host.map(str::to_owned), path: backend.path.to_owned(), tls: backend.tls },
    };
    hosts.into_iter().map(entry).collect()
}

fn of_service(service: &Service<'_>) -> Entry {
    let port = service.ports.iter().find(|port| !port.is_for_metrics()).and_then(|port| port.number);
    Entry {
        by: service.object.named.clone(),
        place: Place::Service { port: port.and_then(|port| u16::try_from(port).ok()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::rollouts;

    const SHOP: &str = "
kind: Deployment
apiVersion: apps/v1
metadata: {name: shop}
spec: {template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: web}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: metrics, port: 9090}, {name: http, port: 80}]}
";

    fn places(more: &str) -> Vec<String> {
        let text = format!("{SHOP}{more}");
        let sources = [Source { name: "-", text: text.as_bytes() }];
        let all = rollouts(&sources).all;
        let line = |entry: &Entry| match &entry.place {
            Place::Host { host, path, tls } => format!("{} {host:?} {path} {tls:?}", entry.by.kind),
            Place::Service { port } => format!("{} {port:?}", entry.by.kind),
        };
        entries(&sources, &all[0]).iter().map(line).collect()
    }

    #[test]
    fn hosts_come_first_and_each_once() {
        assert_eq!(places(""), ["Service Some(80)"]);
        let ingress = "
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  tls: [{hosts: [shop.example.com]}]
  rules:
    - host: shop.example.com
      http: {paths: [{path: /api, backend: &to {service: {name: shop, port: {number: 80}}}}, {path: /api, backend: *to}]}
    - host: '*.example.com'
      http: {paths: [{backend: *to}]}
";
        assert_eq!(
            places(ingress),
            ["Ingress Some(\"shop.example.com\") /api Some(true)", "Ingress None / Some(false)", "Service Some(80)"]
        );
        let route = "
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  hostnames: [a.example.com, b.example.com]
  rules: [{matches: [{path: {value: /v1}}], backendRefs: [{name: shop, port: 80}]}]
";
        assert_eq!(
            places(route),
            [
                "HTTPRoute Some(\"a.example.com\") /v1 None",
                "HTTPRoute Some(\"b.example.com\") /v1 None",
                "Service Some(80)"
            ]
        );
    }
}
