//! A receiver of OTLP, as the environment variables of OpenTelemetry or a flag name it.
//!
//! Specification: <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>. What the environment has wrong is said
//! and left out: it was set for many programs, and no run fails for it.

use std::path::PathBuf;
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use lapse_hammer::tls::TlsOptions;
use lapse_report::metrics::Resource;

/// The time between two exports where none is given.
const INTERVAL: Duration = Duration::from_secs(60);
/// The time that an export may take where none is given.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A receiver of OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// Where metrics go; `None` if they go nowhere.
    pub(super) metrics: Option<Endpoint>,
    /// Where spans go; `None` if they go nowhere.
    pub(super) traces: Option<Endpoint>,
    /// The time from one export of metrics to the next.
    pub(super) interval: Duration,
    /// What the data are of.
    pub(super) resource: Resource,
    /// The span around the run, of the program that started lapse; `None` if there is none.
    pub(super) parent: Option<SpanContext>,
    /// The certificates to trust and to show.
    pub(super) tls: Certificates,
}

/// A span of another program, as the environment variable `TRACEPARENT` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SpanContext {
    pub(super) trace: u128,
    pub(super) span: u64,
}

impl SpanContext {
    /// Reads the version 00 of the header of W3C Trace Context; `None` if it is none.
    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.trim().split('-').collect();
        let [_, trace, span, _] = parts.as_slice() else { return None };
        let (trace, span) = match (trace.len(), span.len()) {
            (32, 16) => (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?),
            _ => return None,
        };
        (trace != 0 && span != 0).then_some(Self { trace, span })
    }
}

/// Where one kind of data goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// The time that an export may take.
    pub(super) timeout: Duration,
}

/// The files of certificates that the environment names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Certificates {
    trusted: Option<PathBuf>,
    own: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Certificates {
    /// The same as flags of a probe.
    pub(super) fn options(&self) -> TlsOptions {
        let Self { trusted, own, key } = self.clone();
        TlsOptions { cacert: trusted, insecure: false, cert: own, key }
    }
}

impl Endpoint {
    /// The URL without what may be secret.
    pub(super) fn shown(&self) -> String {
        format!("{}{}", self.url.origin().ascii_serialization(), self.url.path())
    }
}

impl Destination {
    /// The receiver that `flag` names, or else the environment; `None` if neither does. Also returns a sentence for each
    /// setting of the environment that cannot be used.
    pub(crate) fn read(flag: Option<&Url>, variable: impl Fn(&str) -> Option<String>) -> (Option<Self>, Vec<String>) {
        // By the specification an empty variable is one that is not set.
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let mut settings = Settings { variable: &variable, wrong: Vec::new() };
        let disabled = settings.text("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if disabled && flag.is_none() {
            return (None, Vec::new());
        }
        let (metrics, traces) = (settings.endpoint("METRICS", flag), settings.endpoint("TRACES", flag));
        if metrics.is_none() && traces.is_none() {
            return (None, settings.wrong);
        }
        let destination = Self {
            metrics,
            traces,
            interval: settings.milliseconds("OTEL_METRIC_EXPORT_INTERVAL").unwrap_or(INTERVAL),
            resource: settings.resource(),
            parent: settings.text("TRACEPARENT").and_then(|text| SpanContext::parse(&text)),
            tls: Certificates {
                trusted: settings.text("OTEL_EXPORTER_OTLP_CERTIFICATE").map(PathBuf::from),
                own: settings.text("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE").map(PathBuf::from),
                key: settings.text("OTEL_EXPORTER_OTLP_CLIENT_KEY").map(PathBuf::from),
            },
        };
        (Some(destination), settings.wrong)
    }

    /// A sentence that says where the data go.
    pub(super) fn sentence(&self) -> Option<String> {
        match (&self.metrics, &self.traces) {
            (Some(metrics), Some(traces)) => {
                Some(format!("metrics are sent to {}, spans to {} at the end", metrics.shown(), traces.shown()))
            }
            (Some(metrics), None) => Some(format!("metrics are sent to {}", metrics.shown())),
            (None, Some(traces)) => Some(format!("spans are sent to {} at the end", traces.shown())),
            (None, None) => None,
        }
    }

    /// The same for the run of this name, which is unique.
    pub(super) fn of_run(mut self, instance: String) -> Self {
        let key = "service.instance.id";
        if self.resource.0.iter().all(|(other, _)| other != key) {
            self.resource.0.push((key.to_owned(), instance));
        }
        self
    }
}

/// Reads settings, and gathers what is wrong with them.
struct Settings<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    wrong: Vec<String>,
}

impl Settings<'_> {
    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name)
    }

    /// The setting of a signal, or else that of all signals.
    fn of_signal(&self, signal: &str, what: &str) -> Option<(String, String)> {
        let names = [format!("OTEL_EXPORTER_OTLP_{signal}_{what}"), format!("OTEL_EXPORTER_OTLP_{what}")];
        names.into_iter().find_map(|name| Some((self.text(&name)?, name)))
    }

    /// The endpoint of a signal, `METRICS` or `TRACES`.
    fn endpoint(&mut self, signal: &str, flag: Option<&Url>) -> Option<Endpoint> {
        let exporter = self.text(&format!("OTEL_{signal}_EXPORTER"));
        if flag.is_none() && exporter.is_some_and(|exporter| exporter.split(',').all(|one| one.trim() != "otlp")) {
            return None;
        }
        let path = format!("v1/{}", signal.to_ascii_lowercase());
        let own = format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");
        let url = match flag {
            Some(base) => below(base, &path),
            None => match self.url(&own) {
                Some(url) => url,
                None => below(&self.url("OTEL_EXPORTER_OTLP_ENDPOINT")?, &path),
            },
        };
        if let Some((protocol, name)) = self.of_signal(signal, "PROTOCOL")
            && protocol.trim() == "grpc"
        {
            // With a flag the URL is the user's own word.
            let wrong = format!("{name} is grpc, and lapse speaks OTLP over HTTP only: {} get nothing", plural(signal));
            if flag.is_none() {
                self.wrong(wrong);
                return None;
            }
        }
        let headers = self.of_signal(signal, "HEADERS").map(|(text, name)| self.headers(&text, &name));
        let timeout = format!("OTEL_EXPORTER_OTLP_{signal}_TIMEOUT");
        let timeout = self.milliseconds(&timeout).or_else(|| self.milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT"));
        Some(Endpoint { url, headers: headers.unwrap_or_default(), timeout: timeout.unwrap_or(TIMEOUT) })
    }

    fn url(&mut self, name: &str) -> Option<Url> {
        let text = self.text(name)?;
        let url =
            Url::parse(text.trim()).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        if url.is_none() {
            self.wrong(format!("{name} is no URL that begins with http:// or https://: nothing is sent there"));
        }
        url
    }

    fn milliseconds(&mut self, name: &str) -> Option<Duration> {
        let text = self.text(name)?;
        let number = text.trim().parse().ok().filter(|number| *number > 0).map(Duration::from_millis);
        if number.is_none() {
            self.wrong(format!("{name} is {text:?}, and not a number of milliseconds: the default holds"));
        }
        number
    }

    /// `key=value` pairs, of which the values are percent-encoded.
    fn pairs(&mut self, text: &str, name: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let parts = pair.split_once('=').map(|(key, value)| (key.trim(), decoded(value.trim())));
            match parts {
                Some((key, Some(value))) if !key.is_empty() => pairs.push((key.to_owned(), value)),
                _ => self.wrong(format!("{name} has a part that is not KEY=VALUE: it is left out")),
            }
        }
        pairs
    }

    fn headers(&mut self, text: &str, name: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (key, value) in self.pairs(text, name) {
            match (key.parse::<HeaderName>(), HeaderValue::try_from(value)) {
                (Ok(key), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.insert(key, value);
                }
                _ => self.wrong(format!("{name} has a header {key:?} that cannot be sent: it is left out")),
            }
        }
        headers
    }

    fn resource(&mut self) -> Resource {
        let text = self.text("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        let mut attributes = self.pairs(&text, "OTEL_RESOURCE_ATTRIBUTES");
        if let Some(service) = self.text("OTEL_SERVICE_NAME") {
            attributes.retain(|(key, _)| key != "service.name");
            attributes.push(("service.name".to_owned(), service));
        }
        for (key, value) in [("service.name", "lapse"), ("service.version", env!("CARGO_PKG_VERSION"))] {
            if attributes.iter().all(|(other, _)| other != key) {
                attributes.push((key.to_owned(), value.to_owned()));
            }
        }
        Resource(attributes)
    }

    fn wrong(&mut self, sentence: String) {
        if !self.wrong.contains(&sentence) {
            self.wrong.push(sentence);
        }
    }
}

fn plural(signal: &str) -> &'static str {
    if signal == "METRICS" { "its metrics" } else { "its spans" }
}

/// The URL of `path` below `base`, with or without a slash at its end.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// A percent-encoded text; `None` if it is none.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flag: Option<&str>, variables: &[(&str, &str)]) -> (Option<Destination>, Vec<String>) {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Destination::read(flag.map(|url| Url::parse(url).unwrap()).as_ref(), variable)
    }

    fn urls(flag: Option<&str>, variables: &[(&str, &str)]) -> [Option<String>; 2] {
        let destination = read(flag, variables).0;
        let url = |endpoint: Option<Endpoint>| endpoint.map(|endpoint| endpoint.url.to_string());
        destination.map_or([None, None], |to| [url(to.metrics), url(to.traces)])
    }

    fn some(metrics: &str, traces: &str) -> [Option<String>; 2] {
        [metrics, traces].map(|url| (!url.is_empty()).then(|| url.to_owned()))
    }

    #[test]
    fn nothing_is_sent_unless_an_endpoint_is_given() {
        assert_eq!(read(None, &[("OTEL_SERVICE_NAME", "x"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), (None, vec![]));
        let both = some("http://a:4318/v1/metrics", "http://a:4318/v1/traces");
        assert_eq!(urls(Some("http://a:4318"), &[]), both);
        assert_eq!(urls(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318/")]), both);
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a/otlp");
        let own = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://b/as-it-is");
        assert_eq!(urls(None, &[base]), some("https://a/otlp/v1/metrics", "https://a/otlp/v1/traces"));
        assert_eq!(urls(None, &[base, own]), some("http://b/as-it-is", "https://a/otlp/v1/traces"));
        assert_eq!(urls(None, &[own]), some("http://b/as-it-is", ""));
        assert_eq!(urls(None, &[base, ("OTEL_TRACES_EXPORTER", "none")]), some("https://a/otlp/v1/metrics", ""));
        assert_eq!(urls(None, &[base, ("OTEL_SDK_DISABLED", "true")]), some("", ""));
    }

    #[test]
    fn settings_are_those_of_the_specification() {
        let (destination, wrong) = read(
            None,
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%3Db, other = x"),
                ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=t"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "1500"),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=old,team=shop%20one"),
                ("OTEL_SERVICE_NAME", "new"),
            ],
        );
        let to = destination.unwrap();
        let (metrics, traces) = (to.metrics.unwrap(), to.traces.unwrap());
        assert_eq!(metrics.headers["api-key"], "a=b");
        assert_eq!((metrics.headers["other"].as_bytes(), metrics.timeout), (&b"x"[..], Duration::from_secs(3)));
        assert_eq!((traces.headers.len(), traces.headers["api-key"].as_bytes()), (1, &b"t"[..]));
        assert_eq!((to.interval, wrong), (Duration::from_millis(1500), vec![]));
        let attribute = |name: &str| to.resource.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!((attribute("service.name"), attribute("team")), (Some("new"), Some("shop one")));
    }

    #[test]
    fn the_span_around_the_run_is_that_of_traceparent() {
        let id = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let expected = SpanContext { trace: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, span: 0xb7ad_6b71_6920_3331 };
        assert_eq!(SpanContext::parse(id), Some(expected));
        for odd in ["", "00-0-0-01", "00-00000000000000000000000000000000-0000000000000000-01", &id[3..]] {
            assert_eq!(SpanContext::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn wrong_settings_are_named_without_their_values_and_left_out() {
        let (destination, wrong) = read(
            None,
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4318"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "secret,%zz=1,a=%e4,b=\u{7}"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "-1"),
            ],
        );
        assert_eq!(destination.unwrap().interval, INTERVAL);
        let all = wrong.join("\n");
        assert!(all.contains("OTEL_EXPORTER_OTLP_HEADERS") && all.contains("OTEL_METRIC_EXPORT_INTERVAL"), "{all}");
        assert!(!all.contains("secret"), "{all}");
        assert!(read(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "a:4318")]).1[0].contains("no URL"));
        let grpc = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        let (destination, wrong) = read(None, &grpc);
        assert_eq!((destination, wrong.len()), (None, 2));
    }
}
