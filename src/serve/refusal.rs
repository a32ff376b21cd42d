//! Why a request is refused: the status, a word for programs, and a sentence with the thing, the value and the next step.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::http_server::{Answer, respond};

/// The media type of JSON.
const JSON: &str = "application/json";

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

    /// The answer as JSON.
    pub(crate) fn answer(&self) -> Answer {
        json_answer(self.status, &json!({ "error": { "kind": self.kind, "message": self.message } }))
    }
}

/// An answer with a JSON document.
pub(crate) fn json_answer(status: StatusCode, document: &Value) -> Answer {
    respond(status, JSON, format!("{document:#}\n"))
}
