//! Why a request is refused: the status, a word for programs, and a sentence with the thing, the value and the next step.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::http_server::{Answer, respond};

/// The media type of JSON.
const JSON: &str = "application/json";
/// The longest line of a refusal, in characters. An Event of a cluster has room for 1,024 in all.
const LONGEST_LINE: usize = 900;

/// A request that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// The word by which programs know the reason.
    pub(crate) kind: &'static str,
    /// The sentence for people.
    pub(crate) message: String,
}

impl Refusal {
    /// A refusal with this status.
    pub(crate) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    /// A request that cannot be understood.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    /// A thing that is not there.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown", message)
    }

    /// Something that the operator does not allow.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not-allowed", message)
    }

    /// More than a limit of the server.
    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "limit", message)
    }

    /// The sentence in one line of bounded length: what a caller sent may be part of it, and a terminal may show it.
    pub(crate) fn line(&self) -> String {
        let words = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        words.chars().map(|letter| if letter.is_control() { '?' } else { letter }).take(LONGEST_LINE).collect()
    }

    /// The answer as JSON.
    pub(crate) fn answer(&self) -> Answer {
        json_answer(self.status, &json!({ "error": { "kind": self.kind, "message": self.message } }))
    }
}

/// An answer with a JSON document.
pub(crate) fn json_answer(status: StatusCode, document: &Value) -> Answer {
    respond(status, JSON, format!("{document:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_sent_does_no_harm_in_a_line() {
        let line = |message: String| Refusal::unknown(message).line();
        assert_eq!(line("no plan `\u{1b}[2J`,\n  write shop".to_owned()), "no plan `?[2J`, write shop");
        assert_eq!(line("a".repeat(60_000)).len(), LONGEST_LINE);
    }
}
