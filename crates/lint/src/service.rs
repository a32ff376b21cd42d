//! A Service: whom it selects, and what its ports are for.

use super::field::Field;
use super::object::Object;

/// A Service.
#[derive(Clone, Debug)]
pub(crate) struct Service<'a> {
    /// Its place among the Services of its manifests.
    pub(crate) index: usize,
    pub(crate) object: &'a Object,
    pub(crate) spec: Field<'a>,
    pub(crate) selector: Vec<(&'a str, &'a str)>,
    pub(crate) ports: Vec<ServicePort<'a>>,
}

/// A port of a Service.
#[derive(Clone, Debug)]
pub(crate) struct ServicePort<'a> {
    pub(crate) field: Field<'a>,
    pub(crate) name: Option<&'a str>,
    pub(crate) number: Option<i64>,
    /// The port of the pods, as written: a name or a number; the Service's own if there is none.
    pub(crate) target: Option<&'a str>,
    pub(crate) protocol: &'a str,
}

impl<'a> Service<'a> {
    pub(crate) fn new(object: &'a Object, index: usize) -> Self {
        let spec = Field::root(object).get("spec");
        let ports = spec.get("ports").items().into_iter().map(ServicePort::new).collect();
        Self { index, object, selector: spec.get("selector").pairs(), spec, ports }
    }

    /// Whether Kubernetes itself finds its pods.
    pub(crate) fn selects(&self) -> bool {
        !self.selector.is_empty() && !self.spec.get("type").is("ExternalName")
    }

    /// Whether it has no address of its own, so that clients find the pods by DNS.
    pub(crate) fn is_headless(&self) -> bool {
        self.spec.get("clusterIP").is("None")
    }

    /// Whether load balancers or nodes take connections for it.
    pub(crate) fn is_external(&self) -> bool {
        matches!(self.spec.get("type").text(), Some("LoadBalancer" | "NodePort"))
    }

    /// Whether it is for collecting metrics only, by its name or the names of its ports: a lost request is a sample less.
    pub(crate) fn is_for_metrics(&self) -> bool {
        let name = &self.object.name;
        let named = name.ends_with("-metrics") || name.ends_with("exporter");
        named || (!self.ports.is_empty() && self.ports.iter().all(ServicePort::is_for_metrics))
    }

    /// Whether the pods find one another by it: they know when one of them goes.
    pub(crate) fn is_for_peers(&self) -> bool {
        const WORDS: [&str; 4] = ["gossip", "memberlist", "peer", "raft"];
        let among = |port: &ServicePort<'_>| port.name.is_some_and(|name| WORDS.iter().any(|word| name.contains(word)));
        let early = self.spec.get("publishNotReadyAddresses").is_true();
        self.is_headless() && (early || self.ports.iter().any(among))
    }
}

impl<'a> ServicePort<'a> {
    fn new(field: Field<'a>) -> Self {
        Self {
            name: field.get("name").text(),
            number: field.get("port").integer(),
            target: field.get("targetPort").text().or_else(|| field.get("port").text()),
            protocol: field.get("protocol").text().unwrap_or("TCP"),
            field,
        }
    }

    /// The target, if it is a name.
    pub(crate) fn target_name(&self) -> Option<&'a str> {
        self.target.filter(|target| target.parse::<i64>().is_err())
    }

    /// The target, if it is a number.
    pub(crate) fn target_number(&self) -> Option<i64> {
        self.target?.parse().ok()
    }

    /// Whether the port is for collecting metrics, by its names.
    pub(crate) fn is_for_metrics(&self) -> bool {
        const WORDS: [&str; 5] = ["metric", "prom", "monitoring", "telemetry", "exporter"];
        let names = [self.name, self.target_name()];
        names.into_iter().flatten().any(|name| WORDS.iter().any(|word| name.contains(word)))
    }
}
