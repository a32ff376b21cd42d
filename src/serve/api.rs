//! The requests that a server of measurements answers: paths, methods, and who may ask.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, ORIGIN, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use url::form_urlencoded;

use super::board::Board;
use super::flagger::{self, Payload};
use super::measurement::Measurement;
use super::refusal::{Refusal, json_answer};
use super::token::Token;
use super::wait;
use crate::http_server::{Answer, HTML, TEXT, is_ours, respond};
use lapse_report::metrics::Metrics;

/// The most bytes of a request's body.
const MOST_OF_A_BODY: usize = 64 << 10;
/// The time within which a body has to come.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// The most letters of a key.
const MOST_OF_A_KEY: usize = 128;
/// What there is, for requests of anything else.
const PATHS: &str = "there is /v1/measurements, /v1/measurements/ID, /v1/flagger/HOOK, /metrics and /healthz: \
                     docs/SERVE.md says what each does";

/// What is asked, and by whom it may be.
pub(crate) struct Api {
    /// The measurements.
    pub(crate) board: Arc<Board>,
    /// The token that callers have to show; `None` if there is none, and only this machine can ask.
    pub(crate) token: Option<Token>,
}

/// What a query asks for.
#[derive(Debug, Default)]
struct Query {
    key: Option<String>,
    wait: Duration,
}

impl Api {
    /// The answer to a request.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        match self.route(&head, body).await {
            Ok(answer) => answer,
            Err(refusal) => {
                self.board.refused(&refusal);
                let is_flagger = head.uri.path().starts_with("/v1/flagger/");
                let mut answer = if is_flagger { flagger::refused(&refusal) } else { refusal.answer() };
                if refusal.status == StatusCode::UNAUTHORIZED {
                    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                }
                answer
            }
        }
    }

    async fn route(&self, head: &Parts, body: Incoming) -> Result<Answer, Refusal> {
        self.guard(head)?;
        let path = head.uri.path();
        let parts: Vec<_> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        match (parts.as_slice(), &head.method) {
            (["healthz"], &Method::GET) => return Ok(respond(StatusCode::OK, TEXT, "ok\n")),
            // Its address is a secret of its own, since a browser sends no token.
            (["live", watch, page], &Method::GET) => {
                let found = self.board.watched(watch);
                let found =
                    found.ok_or_else(|| Refusal::unknown("there is no such page: ask the measurement for `live`"))?;
                return Ok(found.page(page, head.uri.query()).await);
            }
            (["v1", "flagger", hook], &Method::POST) => {
                let payload = Payload::parse(&read(body).await?)?;
                // Flagger sends no header of the operator's, but metadata.
                self.authorize(&head.headers, payload.metadata("token"))?;
                return flagger::answer(&self.board, hook.parse()?, &payload).await;
            }
            _ => self.authorize(&head.headers, None)?,
        }
        match (parts.as_slice(), &head.method) {
            (["metrics"], &Method::GET) => {
                let board = Arc::clone(&self.board);
                let text = spawn_blocking(move || board.metrics().prometheus()).await.unwrap_or_default();
                Ok(respond(StatusCode::OK, Metrics::PROMETHEUS, text))
            }
            (["v1", "measurements"], &Method::GET) => {
                let mut documents = Vec::new();
                for measurement in self.board.list() {
                    documents.push(document(&measurement).await);
                }
                Ok(json_answer(StatusCode::OK, &json!({ "measurements": documents })))
            }
            (["v1", "measurements"], &Method::POST) => self.start(head.uri.query(), body).await,
            (["v1", "measurements", id, rest @ ..], method) => {
                let measurement = self.find(id)?;
                self.of_one(&measurement, (rest, method), head.uri.query(), body).await
            }
            (["healthz" | "metrics"] | ["live", ..], _) => Err(refused_method("GET")),
            (["v1", "flagger", _], _) => Err(refused_method("POST")),
            (["v1", "measurements"], _) => Err(refused_method("GET, POST")),
            _ => Err(Refusal::unknown(PATHS)),
        }
    }

    /// Starts a measurement, and waits for its verdict if that is asked for.
    async fn start(&self, query: Option<&str>, body: Incoming) -> Result<Answer, Refusal> {
        let query = Query::parse(query)?;
        let (measurement, is_new) = self.board.start(read(body).await?, query.key).await?;
        measurement.wait(query.wait).await;
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        let mut answer = json_answer(status, &document(&measurement).await);
        if let Ok(place) = HeaderValue::from_str(&format!("/v1/measurements/{}", measurement.id)) {
            answer.headers_mut().insert(LOCATION, place);
        }
        Ok(answer)
    }

    /// What is asked of one measurement.
    async fn of_one(
        &self,
        measurement: &Arc<Measurement>,
        (rest, method): (&[&str], &Method),
        query: Option<&str>,
        body: Incoming,
    ) -> Result<Answer, Refusal> {
        match (rest, method) {
            ([], &Method::GET) => measurement.wait(Query::parse(query)?.wait).await,
            ([], &Method::DELETE) => {
                let query = Query::parse(query)?;
                measurement.end("a caller asked for its end");
                measurement.wait(query.wait).await;
            }
            (["stop"], &Method::POST) => {
                let query = Query::parse(query)?;
                measurement.settle();
                measurement.wait(query.wait).await;
            }
            (["events"], &Method::POST) => measurement.tell(&event(&read(body).await?)?, None)?,
            ([file @ ("report.json" | "report.html")], &Method::GET) => {
                let (read, name) = (Arc::clone(measurement), (*file).to_owned());
                let text = spawn_blocking(move || read.report(&name)).await;
                let text = text.unwrap_or_else(|_| Err(Refusal::unknown("the report cannot be read: try again")))?;
                let kind = if *file == "report.json" { "application/json" } else { HTML };
                return Ok(respond(StatusCode::OK, kind, text));
            }
            ([], _) => return Err(refused_method("GET, DELETE")),
            (["stop" | "events"], _) => return Err(refused_method("POST")),
            (["report.json" | "report.html"], _) => return Err(refused_method("GET")),
            _ => {
                let why = "a measurement has /stop, /events, /report.json and /report.html: docs/SERVE.md says what each does";
                return Err(Refusal::unknown(why));
            }
        }
        Ok(json_answer(StatusCode::OK, &document(measurement).await))
    }

    fn find(&self, id: &str) -> Result<Arc<Measurement>, Refusal> {
        let why = || Refusal::unknown("there is no such measurement: GET /v1/measurements has all that are kept");
        self.board.find(id).ok_or_else(why)
    }

    /// Refuses what another site's page could send from a browser on this machine, where no token keeps that out.
    fn guard(&self, head: &Parts) -> Result<(), Refusal> {
        if self.token.is_some() {
            return Ok(());
        }
        if !is_ours(&head.headers) {
            let why = "without a token this is served under an address or as localhost only: use that, or give lapse serve a token";
            return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "other-name", why));
        }
        if head.method != Method::GET && head.headers.contains_key(ORIGIN) {
            return Err(Refusal::forbidden(
                "without a token no page of a browser may ask for this: use another client",
            ));
        }
        Ok(())
    }

    /// Refuses a request that shows no token, or another one.
    fn authorize(&self, headers: &HeaderMap, beside: Option<&str>) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer =
            header.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let shown = bearer.map(|(_, token)| token.trim()).or(beside);
        let why = match shown {
            Some(shown) if token.is(shown) => return Ok(()),
            Some(_) => "this is not the token of lapse serve: send `Authorization: Bearer TOKEN` with that",
            None => "a token is needed: send `Authorization: Bearer TOKEN`, or with Flagger `token` in the metadata",
        };
        Err(Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", why))
    }
}

impl Query {
    /// Reads a query. What it does not know is refused, so that a slip is noticed.
    fn parse(query: Option<&str>) -> Result<Self, Refusal> {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "wait" => parsed.wait = wait(&value)?,
                "key" => {
                    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
                    if value.is_empty() || value.len() > MOST_OF_A_KEY || !value.bytes().all(fits) {
                        let why = format!("key: write up to {MOST_OF_A_KEY} letters, digits and any of . _ : -");
                        return Err(Refusal::invalid(why));
                    }
                    parsed.key = Some(value.into_owned());
                }
                _ => return Err(Refusal::invalid("a query has `key` and `wait`, as in ?key=shop-7f9c&wait=90s")),
            }
        }
        Ok(parsed)
    }
}

/// Reads a body, within its limits.
async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let too_late = |_| {
        let why = format!("the body did not come within {} s: send it at once", BODY_PATIENCE.as_secs());
        Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", why)
    };
    let read = timeout(BODY_PATIENCE, Limited::new(body, MOST_OF_A_BODY).collect()).await.map_err(too_late)?;
    read.map(http_body_util::Collected::to_bytes).map_err(|_| {
        let why = format!("the body broke off, or has more than {} KiB: send less", MOST_OF_A_BODY >> 10);
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", why)
    })
}

/// The text of an event that a caller tells.
fn event(body: &[u8]) -> Result<String, Refusal> {
    let document = serde_json::from_slice::<Value>(body).ok();
    let text =
        document.as_ref().and_then(|document| document.get("text")?.as_str()).filter(|text| !text.trim().is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| Refusal::invalid("an event is JSON with a text, as {\"text\": \"switched to green\"}"))
}

/// The measurement as JSON; its journal is read away from the thread that answers.
async fn document(measurement: &Arc<Measurement>) -> Value {
    let read = Arc::clone(measurement);
    spawn_blocking(move || read.document()).await.unwrap_or_default()
}

fn refused_method(allowed: &'static str) -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", format!("this takes {allowed}: ask so"))
}
