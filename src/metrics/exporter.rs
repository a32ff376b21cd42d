//! Sends metrics and spans to a receiver of OTLP, as JSON over HTTP.
//!
//! Values are cumulative, so the next export makes good what one that failed has lost. Only the last one is tried again.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::destination::{Certificates, Destination, Endpoint};
use super::source::Source;
use lapse_hammer::clock::Clock;
use lapse_hammer::tls;
use lapse_measure::time::UnixTime;
use lapse_record::error_chain::innermost;
use lapse_report::metrics::Metrics;

/// The pauses before the last export is tried again.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];
/// The most bytes of a receiver's answer that are read.
const LONGEST_ANSWER: usize = 64 << 10;

/// What a run ends with.
#[derive(Debug)]
pub(super) struct Final {
    /// The final metrics.
    pub(super) metrics: Arc<Metrics>,
    /// The spans of the run; `None` if they go nowhere.
    pub(super) spans: Option<Value>,
}

/// Why data did not arrive.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Client(String),
    #[error("{}", innermost(.0))]
    Send(#[from] reqwest::Error),
    #[error("the receiver answers {0}")]
    Status(StatusCode),
    #[error("the receiver refused {0} of them: {1:?}")]
    Refused(String, String),
    #[error("the receiver did not answer within {0:?}")]
    Late(Duration),
}

impl Error {
    /// Whether the same data may be taken later.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Client(_) | Self::Refused(..) | Self::Late(_) => false,
            Self::Send(_) => true,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }
}

/// The date by the machine's wall clock.
fn now() -> UnixTime {
    Clock::start().anchor().date
}

/// Sends to one receiver.
#[derive(Debug)]
pub(super) struct Exporter {
    destination: Destination,
    client: Result<Client, String>,
}

impl Exporter {
    /// An exporter to `destination`.
    pub(super) fn new(destination: Destination) -> Self {
        let ends = [&destination.metrics, &destination.traces];
        let is_secure = ends.into_iter().flatten().any(|end| end.url.scheme() == "https");
        let client = client(is_secure, &destination.tls);
        Self { destination, client }
    }

    /// Sends the metrics of the run so far once it is time for that.
    pub(super) async fn export_when_due(&mut self, source: &Source) {
        sleep(self.destination.interval).await;
        let Some(endpoint) = &self.destination.metrics else { return };
        if let (Some(metrics), _) = source.newest() {
            let request = metrics.otlp(&self.destination.resource, now());
            // If the last export fails as well, that is said.
            let _ = timeout(endpoint.timeout, self.send(endpoint, &request)).await;
        }
    }

    /// Sends the final metrics and the spans, each within its timeout. Returns a sentence for each that failed.
    pub(super) async fn flush(&mut self, last: &Final) -> Vec<String> {
        let Destination { metrics, traces, resource, .. } = &self.destination;
        let metrics = async {
            let endpoint = metrics.as_ref()?;
            let request = last.metrics.otlp(resource, now());
            self.send_at_last(endpoint, &request).await.err().map(|error| complaint("metrics", endpoint, &error))
        };
        let spans = async {
            let (endpoint, request) = (traces.as_ref()?, last.spans.as_ref()?);
            self.send_at_last(endpoint, request).await.err().map(|error| complaint("spans", endpoint, &error))
        };
        let (metrics, spans) = tokio::join!(metrics, spans);
        metrics.into_iter().chain(spans).collect()
    }

    /// Sends a request, more than once if that may help, within its timeout.
    async fn send_at_last(&self, endpoint: &Endpoint, request: &Value) -> Result<(), Error> {
        let all = async {
            for pause in PAUSES {
                match self.send(endpoint, request).await {
                    Err(error) if error.may_pass() => sleep(pause).await,
                    result => return result,
                }
            }
            self.send(endpoint, request).await
        };
        timeout(endpoint.timeout, all).await.unwrap_or(Err(Error::Late(endpoint.timeout)))
    }

    async fn send(&self, endpoint: &Endpoint, request: &Value) -> Result<(), Error> {
        let client = self.client.as_ref().map_err(|error| Error::Client(error.clone()))?;
        let post = client.post(endpoint.url.clone()).headers(endpoint.headers.clone());
        let post = post.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut answer = post.body(request.to_string()).send().await?;
        if !answer.status().is_success() {
            return Err(Error::Status(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await? {
            body.extend_from_slice(&part);
            if body.len() > LONGEST_ANSWER {
                return Ok(());
            }
        }
        refused(&body).map_or(Ok(()), Err)
    }
}

/// The client for all exports. An error is kept until the end, since it fails no run.
fn client(is_secure: bool, certificates: &Certificates) -> Result<Client, String> {
    // reqwest needs a process-wide provider, even with a complete configuration. An error means that one is installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Plain HTTP needs no roots: without this the client would load the system's, which a slim container lacks.
    let rootless =
        || rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let trust = if is_secure {
        let config =
            tls::config(&certificates.options()).map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
        (*config).clone()
    } else {
        rootless()
    };
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).tls_backend_preconfigured(trust);
    client.build().map_err(|error| innermost(&error))
}

/// What a receiver that answered did not take; `None` if it took everything.
fn refused(answer: &[u8]) -> Option<Error> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let partial = answer.get("partialSuccess")?;
    let number = ["rejectedDataPoints", "rejectedSpans"].into_iter().find_map(|key| partial.get(key))?;
    let number = number.as_str().map_or_else(|| number.to_string(), str::to_owned);
    let why = partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    (number != "0").then(|| Error::Refused(number.chars().take(20).collect(), why.chars().take(200).collect()))
}

fn complaint(what: &str, endpoint: &Endpoint, error: &Error) -> String {
    format!("the {what} of the run could not be sent to {}: {error}: check its address", endpoint.shown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_success_that_refused_nothing_is_a_success() {
        let error = |text: &str| refused(text.as_bytes()).map(|error| error.to_string());
        for fine in ["", "{}", "x", r#"{"partialSuccess":{}}"#, r#"{"partialSuccess":{"rejectedSpans":"0"}}"#] {
            assert_eq!(error(fine), None, "{fine}");
        }
        let told = error(r#"{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too\nold"}}"#);
        assert_eq!(told.as_deref(), Some(r#"the receiver refused 3 of them: "too\nold""#));
    }
}
