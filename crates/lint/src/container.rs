//! A container of a pod template: its ports, probes and hooks, with the defaults of the API server.

use std::collections::HashSet;

use super::field::Field;
use super::image::Image;
use super::service::ServicePort;
use super::shell;

/// A container that runs as long as its pod does.
#[derive(Clone, Debug)]
pub(crate) struct Container<'a> {
    pub(crate) field: Field<'a>,
    pub(crate) name: &'a str,
    /// Whether it is an init container that goes on running: a sidecar that Kubernetes knows.
    pub(crate) native_sidecar: bool,
    pub(crate) ports: Vec<Port<'a>>,
    names: HashSet<(&'a str, &'a str)>,
    numbers: HashSet<(i64, &'a str)>,
}

/// A declared port of a container.
#[derive(Clone, Debug)]
pub(crate) struct Port<'a> {
    pub(crate) field: Field<'a>,
    pub(crate) name: Option<&'a str>,
    pub(crate) number: Option<i64>,
    pub(crate) protocol: &'a str,
}

/// A probe with its defaults applied.
#[derive(Clone, Debug)]
pub(crate) struct Probe<'a> {
    pub(crate) field: Field<'a>,
}

/// A preStop hook.
#[derive(Clone, Debug)]
pub(crate) struct PreStop<'a> {
    pub(crate) field: Field<'a>,
    /// How long it takes, in seconds, if the manifest tells.
    pub(crate) seconds: Option<f64>,
    /// The command of an `exec` hook.
    pub(crate) command: Vec<&'a str>,
}

impl<'a> Container<'a> {
    pub(crate) fn new(field: Field<'a>, native_sidecar: bool) -> Self {
        let ports: Vec<_> = field.get("ports").items().into_iter().map(Port::new).collect();
        let names = ports.iter().filter_map(|port| Some((port.name?, port.protocol))).collect();
        let numbers = ports.iter().filter_map(|port| Some((port.number?, port.protocol))).collect();
        Self { name: field.get("name").text().unwrap_or_default(), native_sidecar, ports, names, numbers, field }
    }

    /// Whether it declares the port of a Service.
    pub(crate) fn answers(&self, port: &ServicePort<'_>) -> bool {
        match (port.target_number(), port.target_name()) {
            (Some(number), _) => self.numbers.contains(&(number, port.protocol)),
            (None, Some(name)) => self.names.contains(&(name, port.protocol)),
            (None, None) => false,
        }
    }

    pub(crate) fn image(&self) -> Image<'a> {
        Image::parse(self.field.get("image").text().unwrap_or_default())
    }

    /// The preStop hook, if there is one that does anything.
    pub(crate) fn pre_stop(&self) -> Option<PreStop<'a>> {
        let field = self.field.dig("lifecycle.preStop");
        let has = ["exec", "httpGet", "sleep", "tcpSocket"].iter().any(|action| field.get(action).is_there());
        if !has {
            return None;
        }
        let command = field.dig("exec.command").texts();
        let slept = field.dig("sleep.seconds").text().and_then(|text| text.trim().parse::<f64>().ok());
        Some(PreStop { seconds: slept.or_else(|| shell::sleeps(&command)), command, field })
    }

    /// Whether a flag makes the program go on serving for some time after SIGTERM.
    pub(crate) fn waits_itself(&self) -> bool {
        const FLAGS: [&str; 3] = ["requestAcceptGraceTimeout", "shutdown-delay", "shutdown-grace-period"];
        let mut words = self.field.get("args").texts().into_iter().chain(self.field.get("command").texts());
        words.any(|word| FLAGS.iter().any(|flag| word.contains(flag)))
    }

    pub(crate) fn probe(&self, name: &str) -> Option<Probe<'a>> {
        let field = self.field.get(name);
        let has = ["httpGet", "tcpSocket", "exec", "grpc"].iter().any(|how| field.get(how).is_there());
        has.then_some(Probe { field })
    }

    pub(crate) fn readiness(&self) -> Option<Probe<'a>> {
        self.probe("readinessProbe")
    }

    pub(crate) fn liveness(&self) -> Option<Probe<'a>> {
        self.probe("livenessProbe")
    }

    pub(crate) fn startup(&self) -> Option<Probe<'a>> {
        self.probe("startupProbe")
    }

    /// What process 1 is started with: `command`, and `args` after it.
    pub(crate) fn command(&self) -> Vec<&'a str> {
        let mut command = self.field.get("command").texts();
        if !command.is_empty() {
            command.extend(self.field.get("args").texts());
        }
        command
    }
}

impl<'a> Port<'a> {
    fn new(field: Field<'a>) -> Self {
        Self {
            name: field.get("name").text(),
            number: field.get("containerPort").integer(),
            protocol: field.get("protocol").text().unwrap_or("TCP"),
            field,
        }
    }
}

impl Probe<'_> {
    fn number(&self, key: &str, default: i64) -> i64 {
        self.field.get(key).integer().filter(|number| *number >= 0).unwrap_or(default).min(1_000_000)
    }

    pub(crate) fn initial_delay(&self) -> i64 {
        self.number("initialDelaySeconds", 0)
    }

    pub(crate) fn period(&self) -> i64 {
        self.number("periodSeconds", 10).max(1)
    }

    pub(crate) fn timeout(&self) -> i64 {
        self.number("timeoutSeconds", 1).max(1)
    }

    pub(crate) fn failure_threshold(&self) -> i64 {
        self.number("failureThreshold", 3).max(1)
    }
}
