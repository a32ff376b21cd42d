//! The webhooks of Flagger: which of them starts, asks and ends the measurement of a canary, and what each answers.
//!
//! Flagger knows two answers: up to 202 it goes on, anything else holds the canary, and the body of that is shown among
//! the Events of the cluster. So the body is one sentence, and no status is one whose body Flagger throws away.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::board::Board;
use super::measurement::Measurement;
use super::outcome::{Outcome, Verdict};
use super::refusal::Refusal;
use crate::http_server::{Answer, TEXT, respond};
use lapse_measure::phase::Phase;
use lapse_measure::time::UnixTime;

/// How long a hook waits where its metadata do not say: Flagger gives up after 10 s by default.
const USUAL_WAIT: Duration = Duration::from_secs(8);
/// The pause between two looks at a baseline.
const LOOK: Duration = Duration::from_millis(250);
/// The most bytes of the name of a canary, of its namespace and of its checksum: those of names in Kubernetes.
const MOST_OF_A_NAME: usize = 253;

/// A kind of webhook, as the `type` of a canary's webhook has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    /// Before the canary is scaled up: is there room for a measurement?
    ConfirmRollout,
    /// Before traffic is sent to the canary: the measurement begins.
    PreRollout,
    /// In each step of the analysis: is a budget exceeded?
    Rollout,
    /// Before more traffic is sent to the canary: the same.
    ConfirmTrafficIncrease,
    /// Before the canary becomes the primary: the same.
    ConfirmPromotion,
    /// After the promotion or the rollback: the measurement settles, and is judged.
    PostRollout,
    /// In a hook of any type that has to wait for a verdict: the same, and nothing but a pass goes on.
    Verdict,
    /// While the analysis goes on: should it be rolled back?
    Rollback,
    /// Whenever Flagger does something: an event for the timeline.
    Event,
}

impl FromStr for Hook {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Ok(match text {
            "confirm-rollout" => Self::ConfirmRollout,
            "pre-rollout" => Self::PreRollout,
            "rollout" => Self::Rollout,
            "confirm-traffic-increase" => Self::ConfirmTrafficIncrease,
            "confirm-promotion" => Self::ConfirmPromotion,
            "post-rollout" => Self::PostRollout,
            "verdict" => Self::Verdict,
            "rollback" => Self::Rollback,
            "event" => Self::Event,
            _ => {
                return Err(Refusal::unknown(
                    "there is no such hook: write /v1/flagger/ and the type of the webhook, as in /v1/flagger/rollout",
                ));
            }
        })
    }
}

/// What Flagger says with a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    name: String,
    namespace: String,
    /// The phase of the canary, such as `Progressing`; not the type of the webhook.
    phase: String,
    /// The checksum of the canary's spec: another one is another rollout.
    checksum: String,
    metadata: Vec<(String, String)>,
}

impl Payload {
    /// Reads a payload. An error names what is missing.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let document: Value = serde_json::from_slice(body)
            .map_err(|error| Refusal::invalid(format!("the payload is not JSON ({error}): send what Flagger sends")))?;
        let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let named = |key: &str| {
            let text = text(key);
            let fits =
                !text.is_empty() && text.len() <= MOST_OF_A_NAME && text.bytes().all(|byte| byte.is_ascii_graphic());
            let why = || format!("the payload has no `{key}` that could be one: send what Flagger sends");
            if fits && !text.contains('/') { Ok(text) } else { Err(Refusal::invalid(why())) }
        };
        let metadata = document.get("metadata").and_then(Value::as_object);
        let metadata = metadata.into_iter().flatten().filter_map(|(key, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some((key.clone(), value)).filter(|_| !key.is_empty())
        });
        let (phase, metadata) = (text("phase"), metadata.collect());
        let checksum = Some(text("checksum")).filter(|text| text.len() <= MOST_OF_A_NAME && !text.contains('/'));
        let checksum = checksum.unwrap_or_default();
        Ok(Self { name: named("name")?, namespace: named("namespace")?, phase, checksum, metadata })
    }

    /// A value of the metadata, which the operator of Flagger writes at the webhook.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The key of the measurement of this rollout by this plan; no caller of the API can give a key with a slash.
    fn key(&self, plan: &str) -> String {
        format!("{}{plan}/{}", self.canary(), self.checksum)
    }

    /// The keys of all measurements of this canary begin so.
    fn canary(&self) -> String {
        format!("flagger/{}/{}/", self.namespace, self.name)
    }

    /// The checksum in the key of a measurement of this canary by the webhook's plan, or by any if it has none.
    fn checksum_in<'a>(&self, key: &'a str) -> Option<&'a str> {
        let (plan, checksum) = key.strip_prefix(&self.canary())?.rsplit_once('/')?;
        self.metadata("plan").is_none_or(|wanted| wanted == plan).then_some(checksum)
    }

    fn wait(&self, usual: Duration) -> Result<Duration, Refusal> {
        let Some(text) = self.metadata("wait") else { return Ok(usual) };
        super::wait(text)
            .map_err(|refusal| Refusal { message: format!("metadata.wait: {}", refusal.message), ..refusal })
    }

    /// The plan that the metadata name.
    fn plan(&self) -> Result<&str, Refusal> {
        self.metadata("plan").ok_or_else(|| {
            Refusal::invalid(format!(
                "the webhook of {}/{} says no plan: write the name of one into its metadata, as `plan: shop`",
                self.namespace, self.name
            ))
        })
    }

    /// The request for the measurement that the metadata ask for.
    fn asks_for(&self) -> Result<Bytes, Refusal> {
        let plan = self.plan()?;
        let request = match self.metadata("profile") {
            Some(profile) => json!({ "plan": plan, "profile": profile }),
            None => json!({ "plan": plan }),
        };
        Ok(request.to_string().into())
    }

    /// The sentence of an event, and when it happened by Flagger's clock.
    fn event(&self) -> (String, Option<UnixTime>) {
        let said = self.metadata("eventMessage").filter(|text| !text.is_empty());
        let text = said.map_or_else(|| format!("{}: {}", self.name, self.phase), str::to_owned);
        let text = if self.metadata("eventType") == Some("Warning") { format!("warning: {text}") } else { text };
        let millis = self.metadata("timestamp").and_then(|text| text.parse::<u64>().ok());
        (text, millis.and_then(|millis| millis.checked_mul(1_000_000)).map(UnixTime::from_nanos))
    }
}

/// Does what a webhook asks for, and answers in one sentence.
pub(crate) async fn answer(board: &Arc<Board>, hook: Hook, payload: &Payload) -> Result<Answer, Refusal> {
    let (status, sentence) = match hook {
        // Its measurement ends where that of another revision begins.
        Hook::ConfirmRollout if running(board, payload).is_some() => {
            (StatusCode::OK, "a measurement of this canary goes on".to_owned())
        }
        Hook::ConfirmRollout => {
            board.rehearse(payload.asks_for()?).await?;
            (StatusCode::OK, "a measurement can begin".to_owned())
        }
        Hook::PreRollout => begin(board, payload).await?,
        Hook::Rollout | Hook::ConfirmTrafficIncrease | Hook::ConfirmPromotion => {
            let measurement = find(board, payload)?;
            measurement.wait(payload.wait(Duration::ZERO)?).await;
            ask(&*outcome(&measurement).await)
        }
        Hook::PostRollout => {
            // Where one of several hooks of this type fails, Flagger calls none of those after it.
            of_canary(board, payload).for_each(|measurement| measurement.settle());
            judge(board, payload, StatusCode::ACCEPTED).await?
        }
        Hook::Verdict => judge(board, payload, StatusCode::CONFLICT).await?,
        Hook::Rollback => {
            let outcome = outcome(&find(board, payload)?).await;
            // Here 200 asks for the rollback.
            if outcome.has_failed() {
                (StatusCode::OK, outcome.sentence.clone())
            } else {
                (StatusCode::CONFLICT, format!("nothing to roll back for: {}", outcome.sentence))
            }
        }
        Hook::Event => (StatusCode::OK, tell(board, payload)),
    };
    Ok(respond(status, TEXT, sentence))
}

/// A refusal in one sentence. Of 429 and of 500 and above Flagger would show no body, and say that it gave up.
pub(super) fn refused(refusal: &Refusal) -> Answer {
    let is_shown = refusal.status.is_client_error() && refusal.status != StatusCode::TOO_MANY_REQUESTS;
    let status = if is_shown { refusal.status } else { StatusCode::CONFLICT };
    respond(status, TEXT, refusal.line())
}

/// Starts the measurement of a rollout, ends one of the canary that another revision began, and waits for the baseline.
async fn begin(board: &Arc<Board>, payload: &Payload) -> Result<(StatusCode, String), Refusal> {
    let (key, wait, request) = (payload.key(payload.plan()?), payload.wait(USUAL_WAIT)?, payload.asks_for()?);
    let older = board.newest(|other| other != key && payload.checksum_in(other).is_some());
    if let Some(older) = older.filter(|older| !older.is_over()) {
        older.end("another revision of the canary");
        older.wait(wait).await;
    }
    let (measurement, _) = board.start(request, Some(key)).await?;
    let baseline = async {
        loop {
            let outcome = outcome(&measurement).await;
            if outcome.is_over() || outcome.phase.is_some_and(|phase| phase != Phase::Baseline) {
                return;
            }
            sleep(LOOK).await;
        }
    };
    // A baseline that takes longer than the hook may wait goes on beside the rollout.
    let _ = tokio::time::timeout(wait, baseline).await;
    let outcome = outcome(&measurement).await;
    if outcome.verdict == Verdict::FailedToStart {
        return Ok((StatusCode::CONFLICT, outcome.sentence.clone()));
    }
    Ok((StatusCode::OK, format!("{} began", measurement.id)))
}

/// Ends the event, and answers with the verdict; with `unsettled` if that takes longer than the hook may wait.
async fn judge(board: &Board, payload: &Payload, unsettled: StatusCode) -> Result<(StatusCode, String), Refusal> {
    let measurement = find(board, payload)?;
    measurement.settle();
    measurement.wait(payload.wait(USUAL_WAIT)?).await;
    Ok(match &*outcome(&measurement).await {
        outcome if outcome.is_over() => ask(outcome),
        _ => (unsettled, format!("{} settles: its verdict comes later", measurement.id)),
    })
}

/// Whether the rollout may go on: not with an exceeded budget, nor without a verdict where there is to be one.
fn ask(outcome: &Outcome) -> (StatusCode, String) {
    let goes_on = !outcome.has_failed() && matches!(outcome.verdict, Verdict::Running | Verdict::Pass);
    (if goes_on { StatusCode::OK } else { StatusCode::CONFLICT }, outcome.sentence.clone())
}

/// The measurement of this rollout, the newest if there are several.
fn find(board: &Board, payload: &Payload) -> Result<Arc<Measurement>, Refusal> {
    board.newest(|key| payload.checksum_in(key) == Some(&payload.checksum)).ok_or_else(|| {
        Refusal::unknown(format!(
            "nothing measures {}/{} with the checksum {:?}: add a webhook of the type pre-rollout, to /v1/flagger/pre-rollout",
            payload.namespace, payload.name, payload.checksum
        ))
    })
}

/// The measurement of this canary that goes on, of any of its revisions.
fn running(board: &Board, payload: &Payload) -> Option<Arc<Measurement>> {
    board.newest(|key| payload.checksum_in(key).is_some()).filter(|found| !found.is_over())
}

/// The measurements of this canary that go on, of any revision and by any plan.
fn of_canary(board: &Board, payload: &Payload) -> impl Iterator<Item = Arc<Measurement>> {
    let canary = payload.canary();
    let is_of_it = move |key: &str| key.starts_with(&canary);
    board.list().into_iter().filter(move |one| !one.is_over() && one.key.as_deref().is_some_and(&is_of_it))
}

/// Puts an event on the timelines of the canary's measurements that go on: an event holds up no rollout.
fn tell(board: &Board, payload: &Payload) -> String {
    let is_of_the_plan = |one: &Arc<Measurement>| one.key.as_deref().and_then(|key| payload.checksum_in(key)).is_some();
    let (text, at) = payload.event();
    let told = of_canary(board, payload).filter(is_of_the_plan).map(|measurement| match measurement.tell(&text, at) {
        Ok(()) => format!("noted in {}", measurement.id),
        Err(refusal) => refusal.message,
    });
    match told.collect::<Vec<_>>().as_slice() {
        [] => "no measurement of this canary goes on".to_owned(),
        told => told.join("; "),
    }
}

/// How a measurement fares; its journal is read away from the thread that answers.
async fn outcome(measurement: &Arc<Measurement>) -> Arc<Outcome> {
    let read = Arc::clone(measurement);
    spawn_blocking(move || read.outcome()).await.unwrap_or_else(|_| Arc::new(Outcome::unknown()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As Flagger's documentation of webhooks has it.
    const DOCUMENTED: &str = r#"{
        "name": "podinfo", "namespace": "test", "phase": "Progressing", "checksum": "85d557f47b",
        "metadata": {"test": "all", "token": "16688eb5e9f289f1991c"}
    }"#;
    /// As it has that of events.
    const EVENT: &str = r#"{
        "name": "podinfo", "namespace": "default", "phase": "Progressing", "checksum": "85d557f47b",
        "metadata": {
            "eventMessage": "Advance podinfo.default canary weight 10", "eventType": "Normal", "timestamp": "1578607635167"
        }
    }"#;

    #[test]
    fn the_documented_payloads_are_read() {
        let payload = Payload::parse(DOCUMENTED.as_bytes()).unwrap();
        assert_eq!(payload.key("shop"), "flagger/test/podinfo/shop/85d557f47b");
        assert_eq!((payload.metadata("token"), payload.phase.as_str()), (Some("16688eb5e9f289f1991c"), "Progressing"));
        assert!(payload.asks_for().unwrap_err().message.contains("plan: shop"));
        let (text, at) = Payload::parse(EVENT.as_bytes()).unwrap().event();
        assert_eq!(text, "Advance podinfo.default canary weight 10");
        assert_eq!(at, Some(UnixTime::from_nanos(1_578_607_635_167_000_000)));
    }

    #[test]
    fn a_payload_without_a_canary_is_refused_with_what_is_missing() {
        for (body, missing) in [
            ("", "not JSON"),
            ("[]", "`name`"),
            ("{\"name\":\"a\"}", "`namespace`"),
            ("{\"name\":\"a/b\",\"namespace\":\"c\"}", "`name`"),
            ("{\"name\":7,\"namespace\":\"c\"}", "`name`"),
        ] {
            let refusal = Payload::parse(body.as_bytes()).unwrap_err();
            assert!(refusal.message.contains(missing), "{body}: {}", refusal.message);
        }
        let deep = "[".repeat(100_000);
        assert!(Payload::parse(deep.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Payload::parse(&body);
        }
    }
}
