//! All objects of the input and what they have to do with one another.

use std::collections::HashMap;

use super::container::Container;
use super::field::Field;
use super::object::{Kind, Object};
use super::rule::Severity;
use super::service::Service;
use super::workload::{Strategy, Workload};

/// The objects of the input, by what they are.
#[derive(Debug)]
pub(crate) struct Manifests<'a> {
    pub(crate) objects: &'a [Object],
    /// The release before, if the input has it.
    pub(crate) before: Option<&'a Manifests<'a>>,
    pub(crate) workloads: Vec<Workload<'a>>,
    pub(crate) services: Vec<Service<'a>>,
    /// For each Service, the workloads whose pods it selects.
    selected: Vec<Vec<usize>>,
    /// For each workload, the Services that select its pods.
    selecting: Vec<Vec<usize>>,
    /// Autoscalers by the kind and name of their target.
    autoscalers: HashMap<(&'a str, &'a str), Vec<&'a Object>>,
    backends: Vec<Backend<'a>>,
    /// The places of Services and workloads by their kind and name.
    places: HashMap<(Kind, &'a str), Vec<usize>>,
    /// The places of the backends by the Service that they name.
    routed: HashMap<&'a str, Vec<usize>>,
}

/// A Service as an Ingress or a route names it.
#[derive(Clone, Debug)]
pub(crate) struct Backend<'a> {
    pub(crate) object: &'a Object,
    pub(crate) service: &'a str,
    pub(crate) namespace: Option<&'a str>,
    /// The field with the port, which may be a name or a number.
    pub(crate) port: Field<'a>,
    /// The hosts whose requests it gets; empty for any.
    pub(crate) hosts: Vec<&'a str>,
    /// The path whose requests it gets, or the beginning of it.
    pub(crate) path: &'a str,
    /// Whether clients come by TLS; `None` if that is said elsewhere.
    pub(crate) tls: Option<bool>,
}

/// The number of pods of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Replicas<'a> {
    /// The smallest number that the manifests allow; one if they say nothing. `None` for a pod on each node.
    pub(crate) least: Option<u32>,
    /// The field that says so, or would.
    pub(crate) field: Field<'a>,
}

/// A workload that gets requests.
#[derive(Clone, Debug)]
pub(crate) struct Served<'m, 'a> {
    pub(crate) workload: &'m Workload<'a>,
    /// The Services with an address of their own that send it requests other than for metrics.
    pub(crate) services: Vec<&'m Service<'a>>,
    /// The containers that answer.
    pub(crate) serving: Vec<&'m Container<'a>>,
    pub(crate) replicas: Replicas<'a>,
    /// False if the input has no Service at all, so that requests can only be supposed.
    pub(crate) certain: bool,
    /// Whether requests come from outside the cluster, as far as the input tells.
    pub(crate) external: bool,
}

impl<'a> Manifests<'a> {
    pub(crate) fn new(objects: &'a [Object], before: Option<&'a Self>) -> Self {
        let workloads = objects.iter().filter_map(Workload::new).enumerate();
        let workloads: Vec<_> = workloads.map(|(index, workload)| Workload { index, ..workload }).collect();
        let services = of_kind(objects, Kind::Service).enumerate();
        let services: Vec<_> = services.map(|(index, object)| Service::new(object, index)).collect();
        let selected = select(&services, &workloads);
        let mut selecting = vec![Vec::new(); workloads.len()];
        for (service, workloads) in selected.iter().enumerate() {
            for workload in workloads {
                selecting[*workload].push(service);
            }
        }
        let mut places: HashMap<_, Vec<_>> = HashMap::new();
        for (index, service) in services.iter().enumerate() {
            places.entry((Kind::Service, service.object.name.as_str())).or_default().push(index);
        }
        for (index, workload) in workloads.iter().enumerate() {
            places.entry((workload.kind(), workload.object.name.as_str())).or_default().push(index);
        }
        let mut autoscalers: HashMap<_, Vec<_>> = HashMap::new();
        for object in of_kind(objects, Kind::Autoscaler) {
            let target = Field::root(object).dig("spec.scaleTargetRef");
            if let Some(name) = target.get("name").text() {
                let kind = target.get("kind").text().unwrap_or("Deployment");
                autoscalers.entry((kind, name)).or_default().push(object);
            }
        }
        let ingresses = of_kind(objects, Kind::Ingress).flat_map(ingress_backends);
        let routes = of_kind(objects, Kind::HttpRoute).flat_map(route_backends);
        let backends: Vec<Backend<'_>> = ingresses.chain(routes).collect();
        let mut by_service: HashMap<_, Vec<_>> = HashMap::new();
        for (index, backend) in backends.iter().enumerate() {
            by_service.entry(backend.service).or_default().push(index);
        }
        Self {
            objects,
            before,
            workloads,
            services,
            selected,
            selecting,
            autoscalers,
            backends,
            places,
            routed: by_service,
        }
    }

    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &'a Object> {
        of_kind(self.objects, kind)
    }

    /// The Services that select pods, each with the workloads of those.
    pub(crate) fn selections(&self) -> impl Iterator<Item = (&Service<'a>, Vec<&Workload<'a>>)> {
        let selections = self.services.iter().zip(&self.selected).filter(|(service, _)| service.selects());
        selections.map(|(service, found)| (service, found.iter().map(|index| &self.workloads[*index]).collect()))
    }

    /// The workloads whose pods `service` selects, which is one of these manifests.
    pub(crate) fn selected_by(&self, service: &Service<'_>) -> Vec<&Workload<'a>> {
        self.selected[service.index].iter().map(|workload| &self.workloads[*workload]).collect()
    }

    /// The same Service, by its name, in other manifests.
    pub(crate) fn same_service(&self, other: &Service<'_>) -> Option<&Service<'a>> {
        let named = self.places.get(&(Kind::Service, other.object.name.as_str()))?;
        let services = named.iter().map(|index| &self.services[*index]);
        services.into_iter().find(|service| together(service.object, other.object))
    }

    /// The same workload, by its kind and name, in other manifests.
    pub(crate) fn same_workload(&self, other: &Workload<'_>) -> Option<&Workload<'a>> {
        let named = self.places.get(&(other.kind(), other.object.name.as_str()))?;
        let workloads = named.iter().map(|index| &self.workloads[*index]);
        workloads.into_iter().find(|workload| together(workload.object, other.object))
    }

    /// The Services that select the pods of `workload`.
    fn services_of(&self, workload: &Workload<'a>) -> Vec<&Service<'a>> {
        self.selecting[workload.index].iter().map(|service| &self.services[*service]).collect()
    }

    /// The autoscaler of `workload`.
    pub(crate) fn autoscaler(&self, workload: &Workload<'a>) -> Option<&'a Object> {
        let found = self.autoscalers.get(&(workload.object.named.kind.as_str(), workload.object.name.as_str()))?;
        found.iter().copied().find(|object| together(object, workload.object))
    }

    pub(crate) fn replicas(&self, workload: &Workload<'a>) -> Replicas<'a> {
        if workload.kind() == Kind::DaemonSet {
            return Replicas { least: None, field: workload.spec.get("replicas") };
        }
        let count = |field: &Field<'_>| field.integer().map(|number| u32::try_from(number).unwrap_or(0));
        if let Some(autoscaler) = self.autoscaler(workload) {
            let spec = Field::root(autoscaler).get("spec");
            let field = if spec.get("minReplicaCount").is_there() { "minReplicaCount" } else { "minReplicas" };
            let field = spec.get(field);
            return Replicas { least: Some(count(&field).unwrap_or(1).max(1)), field };
        }
        let field = workload.spec.get("replicas");
        Replicas { least: Some(count(&field).unwrap_or(1)), field }
    }

    /// The smallest number of pods of `workload`; `None` for a pod on each node.
    pub(crate) fn replicas_of(&self, workload: &Workload<'a>) -> Option<u32> {
        self.replicas(workload).least
    }

    /// The workloads that are rolled and get requests.
    pub(crate) fn served(&self) -> Vec<Served<'_, 'a>> {
        self.workloads.iter().filter_map(|workload| self.serve(workload)).collect()
    }

    fn serve<'m>(&'m self, workload: &'m Workload<'a>) -> Option<Served<'m, 'a>> {
        let replicas = self.replicas(workload);
        if !workload.is_rolled() || replicas.least == Some(0) {
            return None;
        }
        if self.services.is_empty() {
            let serving: Vec<_> = workload.main_containers().filter(|container| !container.ports.is_empty()).collect();
            let supposed =
                Served { workload, services: Vec::new(), serving, replicas, certain: false, external: false };
            return (!supposed.serving.is_empty()).then_some(supposed);
        }
        // The pods of a `StatefulSet` find one another by a headless Service.
        let stateful = workload.kind() == Kind::StatefulSet;
        let peers = |service: &Service<'_>| service.is_for_peers() || (stateful && service.is_headless());
        let asks = |service: &&Service<'_>| !service.is_for_metrics() && !peers(service);
        let services: Vec<_> = self.services_of(workload).into_iter().filter(asks).collect();
        if services.is_empty() {
            return None;
        }
        let external = services.iter().any(|service| service.is_external() || !self.routes_to(service).is_empty());
        let serving = serving(workload, &services);
        Some(Served { workload, services, serving, replicas, certain: true, external })
    }

    /// The Ingresses and routes that lead to `service`.
    pub(crate) fn routes_to(&self, service: &Service<'_>) -> Vec<&Backend<'a>> {
        let named = self.routed.get(service.object.name.as_str()).into_iter().flatten();
        named.map(|index| &self.backends[*index]).filter(|backend| backend.leads_to(service)).collect()
    }
}

impl<'a> Served<'_, 'a> {
    /// Whether some pods go on serving while others are replaced. If not, what happens to a single connection does not
    /// matter any more.
    pub(crate) fn keeps_serving(&self) -> bool {
        match (self.workload.strategy(), self.replicas.least) {
            (Strategy::Recreate(_), _) => false,
            (Strategy::InPlace, Some(least)) => least > 1,
            (Strategy::Rolling(rolling), Some(least)) => rolling.resolve(least).1 < least,
            _ => true,
        }
    }

    /// A warning where clients outside or a whole Deployment are concerned, else a note: a database or an agent on each
    /// node has clients of its own, which try again.
    pub(crate) fn severity(&self) -> Severity {
        let plain = matches!(self.workload.kind(), Kind::Deployment | Kind::Rollout);
        if plain || self.external { Severity::Warning } else { Severity::Note }
    }

    /// The containers that answer and are not native sidecars.
    pub(crate) fn answering(&self) -> impl Iterator<Item = &Container<'a>> {
        self.serving.iter().copied().filter(|container| !container.native_sidecar)
    }

    /// The names of the Services, as part of a sentence.
    pub(crate) fn by(&self) -> String {
        list(&self.services)
    }

    /// The names of the Services that lead to `container`, as part of a sentence; of all if that cannot be told.
    pub(crate) fn by_which(&self, container: &Container<'_>) -> String {
        let leads = |service: &&&Service<'_>| service.ports.iter().any(|port| container.answers(port));
        let leading: Vec<_> = self.services.iter().filter(leads).copied().collect();
        list(if leading.is_empty() { &self.services } else { &leading })
    }
}

/// The names of `services`, as part of a sentence.
fn list(services: &[&Service<'_>]) -> String {
    let name = |service: &Service<'_>| format!("`{}`", service.object.named.name);
    match services {
        [] => "a Service".to_owned(),
        [one] => format!("Service {}", name(one)),
        [one, two] => format!("Services {} and {}", name(one), name(two)),
        [one, rest @ ..] => format!("Services {} and {} more", name(one), rest.len()),
    }
}

impl Backend<'_> {
    pub(crate) fn leads_to(&self, service: &Service<'_>) -> bool {
        let namespaces = (self.namespace, service.object.namespace.as_deref());
        self.service == service.object.name && same_namespace(namespaces)
    }
}

/// Whether two objects are in one namespace, as far as the manifests tell: helm leaves out the release's own.
pub(crate) fn together(one: &Object, other: &Object) -> bool {
    same_namespace((one.namespace.as_deref(), other.namespace.as_deref()))
}

fn same_namespace(names: (Option<&str>, Option<&str>)) -> bool {
    !matches!(names, (Some(one), Some(other)) if one != other)
}

fn of_kind(objects: &[Object], kind: Kind) -> impl Iterator<Item = &Object> {
    objects.iter().filter(move |object| object.kind == kind)
}

/// For each Service the workloads that it selects.
fn select(services: &[Service<'_>], workloads: &[Workload<'_>]) -> Vec<Vec<usize>> {
    let mut labelled: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (index, workload) in workloads.iter().enumerate() {
        for label in &workload.labels {
            labelled.entry(*label).or_default().push(index);
        }
    }
    let none = Vec::new();
    let find = |service: &Service<'_>| {
        if !service.selects() {
            return Vec::new();
        }
        // The rarest label leaves the fewest workloads to look at.
        let candidates = service.selector.iter().map(|label| labelled.get(label).unwrap_or(&none));
        let candidates = candidates.min_by_key(|found| found.len()).unwrap_or(&none);
        let fits = |index: &&usize| {
            let workload = &workloads[**index];
            let has = |label: &(&str, &str)| workload.labels.contains(label);
            together(service.object, workload.object) && service.selector.iter().all(has)
        };
        let mut found: Vec<_> = candidates.iter().filter(fits).copied().collect();
        found.dedup();
        found
    };
    services.iter().map(find).collect()
}

/// The containers that answer to the ports of `services`; the first one if that cannot be told.
fn serving<'m, 'a>(workload: &'m Workload<'a>, services: &[&Service<'a>]) -> Vec<&'m Container<'a>> {
    let ports = || services.iter().flat_map(|service| &service.ports).filter(|port| !port.is_for_metrics());
    let answers = |container: &&Container<'_>| ports().any(|port| container.answers(port));
    let found: Vec<_> = workload.containers.iter().filter(answers).collect();
    if found.is_empty() { workload.containers.first().into_iter().collect() } else { found }
}

fn ingress_backends(object: &Object) -> Vec<Backend<'_>> {
    let spec = Field::root(object).get("spec");
    let secured = spec.get("tls").items();
    let tls = |host: Option<&str>| {
        secured.iter().any(|tls| {
            let hosts = tls.get("hosts").texts();
            hosts.is_empty() || host.is_some_and(|host| hosts.contains(&host))
        })
    };
    let mut all = Vec::new();
    for rule in spec.get("rules").items() {
        let host = rule.get("host").text();
        for path in rule.dig("http.paths").items() {
            all.push((path.get("backend"), host, path.get("path").text().unwrap_or("/")));
        }
    }
    all.extend([spec.get("defaultBackend"), spec.get("backend")].map(|backend| (backend, None, "/")));
    let named = all.into_iter().filter_map(|(backend, host, path)| {
        let (field, port) = ingress_backend(&backend);
        let hosts = host.into_iter().collect();
        let tls = Some(tls(host));
        Some(Backend { object, service: field.text()?, namespace: object.namespace.as_deref(), port, hosts, path, tls })
    });
    named.collect()
}

/// The fields with the name and the port of the Service, as networking.k8s.io/v1 or as the versions before it have them.
fn ingress_backend<'a>(backend: &Field<'a>) -> (Field<'a>, Field<'a>) {
    let service = backend.get("service");
    if service.is_absent() {
        return (backend.get("serviceName"), backend.get("servicePort"));
    }
    let port = service.get("port");
    let by = if port.get("name").is_there() { port.get("name") } else { port.get("number") };
    (service.get("name"), by)
}

fn route_backends(object: &Object) -> Vec<Backend<'_>> {
    let spec = Field::root(object).get("spec");
    let mut all = Vec::new();
    for rule in spec.get("rules").items() {
        let path = rule.get("matches").items().first().and_then(|first| first.dig("path.value").text()).unwrap_or("/");
        let references = rule.get("backendRefs").items().into_iter();
        let services = references.filter(|reference| reference.get("kind").text().is_none_or(|kind| kind == "Service"));
        all.extend(services.filter_map(|reference| {
            let (field, namespace) = (reference.get("name"), reference.get("namespace").text());
            Some(Backend {
                object,
                service: field.text()?,
                namespace: namespace.or(object.namespace.as_deref()),
                port: reference.get("port"),
                hosts: spec.get("hostnames").texts(),
                path,
                tls: None,
            })
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use crate::testing::{SERVICE, findings, found, report, shop};

    /// [`shop`] with its Deployment in one namespace and its Service in another.
    fn placed(deployment: &str, service: &str) -> String {
        let text = shop("", "", "");
        let (workload, selecting) = text.split_once("---\n").unwrap();
        let place = |text: &str, namespace: &str| {
            text.replacen("metadata: {name: shop", &format!("metadata: {{{namespace}name: shop"), 1)
        };
        format!("{}---\n{}", place(workload, deployment), place(selecting, service))
    }

    #[test]
    fn a_service_selects_pods_of_its_namespace_and_helm_leaves_out_the_releases_own() {
        let sees = |text: &str| !found("no-pre-stop", text).is_empty();
        assert!(sees(&placed("namespace: a, ", "namespace: a, ")));
        assert!(sees(&placed("namespace: a, ", "")));
        assert!(sees(&placed("", "namespace: a, ")));
        assert!(!sees(&placed("namespace: a, ", "namespace: b, ")));
    }

    #[test]
    fn a_finding_names_the_services_that_lead_to_its_container() {
        let other = SERVICE.replace("name: shop", "name: admin").replace("targetPort: http", "targetPort: 9");
        let text =
            shop("", "", "").replace("containerPort: 8080}]", "containerPort: 8080}, {containerPort: 9}]") + &other;
        let message = &findings("no-pre-stop", &text)[0].message;
        assert!(message.contains("Services `shop` and `admin`"), "{message}");
        let apart = text.replace(", {containerPort: 9}]", "]\n      - {name: admin, ports: [{containerPort: 9}]}");
        let apart = findings("no-pre-stop", &apart);
        assert!(
            apart[0].message.contains("Service `shop` ") && apart[1].message.contains("Service `admin` "),
            "{apart:?}"
        );
    }

    #[test]
    fn pods_that_find_one_another_and_collectors_of_metrics_are_no_clients() {
        let peers = SERVICE.replace("  selector", "  clusterIP: None\n  publishNotReadyAddresses: true\n  selector");
        let metrics = SERVICE.replace("metadata: {name: shop}", "metadata: {name: shop-metrics}");
        for service in [peers, metrics] {
            let text = shop("", "", "").replace(SERVICE, &service);
            assert!(report(&text).findings.is_empty(), "{:?}", report(&text).findings);
        }
    }

    #[test]
    fn anchors_and_merge_keys_are_read_as_kubernetes_reads_them() {
        let text = shop("", "", "<<: &hooks {lifecycle: {preStop: {sleep: {seconds: 9}}}}");
        assert_eq!(found("no-pre-stop", &text), [""; 0]);
        let own = shop(
            "",
            "",
            "<<: {livenessProbe: {failureThreshold: 3, httpGet: {port: 1}}}\nlivenessProbe: {failureThreshold: 1, httpGet: {port: 1}}",
        );
        assert_eq!(found("liveness-gives-up-at-once", &own).len(), 1, "a key of the map itself wins");
        let alias = shop("", "", "x: &probe {failureThreshold: 1, httpGet: {port: 1}}\nreadinessProbe: *probe");
        let expected = "warning spec.template.spec.containers[0].readinessProbe.failureThreshold @ x: &probe \
                        {failureThreshold: 1, httpGet: {port: 1}}";
        assert_eq!(found("readiness-gives-up-at-once", &alias), [expected]);
    }

    #[test]
    fn the_pods_of_a_cron_job_are_under_its_job() {
        let job = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        \
                   spec:\n          terminationGracePeriodSeconds: 5\n          containers: [{name: a, lifecycle: {preStop: \
                   {sleep: {seconds: 9}}}}]\n";
        let finding = &findings("grace-shorter-than-pre-stop", job)[0];
        assert_eq!(finding.path, "spec.jobTemplate.spec.template.spec.terminationGracePeriodSeconds");
        let pod = &finding.patch.as_ref().unwrap()["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        assert_eq!(pod["terminationGracePeriodSeconds"], 39);
    }
}
