//! Unary calls of gRPC over the HTTP/2 lanes: the message of a request, and what an answer's status says.
//!
//! A call is a POST whose body is one message behind a prefix of five bytes; its status comes in the trailers, or in the
//! head of an answer that has nothing else (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>). Two
//! messages are all that is read or written here, of `grpc.health.v1.Health/Check`, so there is no protobuf library.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE};
use hyper::{Method, StatusCode};

use super::target::Request;
use super::trace::{Failed, Trace};
use lapse_measure::answer::{Class, GrpcStatus};

/// The path of the health check.
pub const HEALTH: &str = "/grpc.health.v1.Health/Check";

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// The longest `grpc-message` that is kept, in characters.
const LONGEST: usize = 300;
/// The bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// The health check's answer that counts as up.
const SERVING: u64 = 1;

/// What a gRPC target is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrpcCall {
    /// A method of its own; the call is up if its status is 0.
    Method,
    /// Whether it is well: the health check of the service of this name, or of the whole server if that is empty.
    Health(String),
}

/// The status of a call, as far as an answer has told it.
#[derive(Debug)]
pub(super) enum Told {
    Nothing,
    Ok,
    Failed(GrpcStatus, String),
}

impl GrpcCall {
    /// The request of the call, with `headers` of the user and, for a method, the bytes of the user's message.
    pub fn request(&self, mut headers: HeaderMap, message: &[u8]) -> Request {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        let body = match self {
            Self::Method => framed(message),
            Self::Health(service) => framed(&health_request(service)),
        };
        Request { method: Method::POST, headers, body, ..Request::default() }
    }
}

impl Told {
    /// Reads the status in a head or in trailers, if it is there.
    pub(super) fn read(&mut self, headers: &HeaderMap) {
        let Some(status) = headers.get(STATUS) else { return };
        let code = std::str::from_utf8(status.as_bytes()).ok().and_then(|code| code.trim().parse().ok());
        *self = match code.map_or(Some(GrpcStatus::Unknown), GrpcStatus::of_code) {
            None => Self::Ok,
            Some(failed) => Self::Failed(failed, message(headers.get(MESSAGE))),
        };
    }

    /// The failure that an answer tells by its status, whether or not a gRPC call was made.
    pub(super) fn failure(&self) -> Result<(), Failed> {
        match self {
            Self::Failed(status, message) => Err(Failed::new(Class::Grpc(*status), message.as_str())),
            Self::Nothing | Self::Ok => Ok(()),
        }
    }

    /// Judges the answer to a call, of which `failure` tells nothing.
    pub(super) fn judge(&self, call: &GrpcCall, trace: &Trace) -> Result<(), Failed> {
        let status = trace.status.get().unwrap_or_default();
        match (self, call) {
            _ if status != StatusCode::OK.as_u16() => {
                Err(Failed::new(Class::Status(status), "an answer to a gRPC call has status 200"))
            }
            (Self::Nothing, _) => {
                let why =
                    "the answer has no grpc-status: does gRPC answer there, and does each proxy pass trailers on?";
                Err(Failed::new(Class::Grpc(GrpcStatus::Unknown), why))
            }
            (_, GrpcCall::Method) => Ok(()),
            (_, GrpcCall::Health(_)) => trace.with_body(health),
        }
    }
}

/// A text as the protocol encodes it: bytes that are not printable ASCII by their numbers, `%C3`.
fn message(value: Option<&HeaderValue>) -> String {
    let bytes = value.map(HeaderValue::as_bytes).unwrap_or_default();
    let (mut decoded, mut rest) = (Vec::new(), bytes);
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            decoded.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            decoded.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&decoded).chars().take(LONGEST).collect()
}

/// A message with its prefix; it is never compressed.
fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0], &length[..], message].concat().into()
}

/// `HealthCheckRequest`: the service is its field 1.
fn health_request(service: &str) -> Vec<u8> {
    const FIELD_1_TEXT: u8 = 0x0a;
    if service.is_empty() {
        return Vec::new();
    }
    let mut bytes = vec![FIELD_1_TEXT];
    let mut length = service.len();
    while length >= 0x80 {
        bytes.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    bytes.push(length.to_le_bytes()[0]);
    bytes.extend_from_slice(service.as_bytes());
    bytes
}

/// Judges `HealthCheckResponse`, a message with a number in field 1.
fn health(body: &[u8]) -> Result<(), Failed> {
    const FIELD_1_NUMBER: u8 = 0x08;
    let not_serving = |why: String| Err(Failed::new(Class::Grpc(GrpcStatus::NotServing), why));
    let message = match body.split_at_checked(PREFIX) {
        Some(([0, 0, 0, 0, length], message)) if usize::from(*length) == message.len() => message,
        _ => return not_serving("the answer is no message of grpc.health.v1.Health/Check".to_owned()),
    };
    let status = match message {
        [] => 0,
        [FIELD_1_NUMBER, status @ 0..0x80] => u64::from(*status),
        _ => return not_serving("the answer is no HealthCheckResponse".to_owned()),
    };
    match status {
        SERVING => Ok(()),
        0 => not_serving("the health check says UNKNOWN".to_owned()),
        2 => not_serving("the health check says NOT_SERVING".to_owned()),
        3 => not_serving("the health check says SERVICE_UNKNOWN".to_owned()),
        other => not_serving(format!("the health check says {other}, which is no status")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(headers: &[(&'static str, &'static str)]) -> (Class, String) {
        let pairs =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut told = Told::Nothing;
        told.read(&pairs.collect());
        told.failure().map_or_else(|failed| (failed.class, failed.detail), |()| (Class::Ok, String::new()))
    }

    #[test]
    fn a_status_is_read_with_its_message() {
        let failed = |status| Class::Grpc(status);
        assert_eq!(told(&[("grpc-status", "0")]).0, Class::Ok);
        assert_eq!(told(&[]).0, Class::Ok);
        let full = told(&[("grpc-status", "8"), ("grpc-message", "der Keller ist voll: %C3%A4%zz%4")]);
        assert_eq!(full, (failed(GrpcStatus::ResourceExhausted), "der Keller ist voll: \u{e4}%zz%4".to_owned()));
        for odd in ["99", "-1", "x", "", "4294967296"] {
            assert_eq!(told(&[("grpc-status", odd)]).0, failed(GrpcStatus::Unknown), "{odd}");
        }
    }

    #[test]
    fn a_health_check_names_its_service_and_only_serving_is_up() {
        let body = |service: &str| GrpcCall::Health(service.to_owned()).request(HeaderMap::new(), b"").body;
        assert_eq!(&body("")[..], [0; 5]);
        assert_eq!(&body("wine")[..], b"\0\0\0\0\x06\x0a\x04wine");
        let long = body(&"w".repeat(300));
        assert_eq!((&long[..8], long.len()), (&[0, 0, 0, 1, 47, 0x0a, 0xac, 2][..], 308));
        assert!(health(&[0, 0, 0, 0, 2, 8, 1]).is_ok());
        let odd: [&[u8]; 8] = [
            &[],
            &[0; 5],
            &[0, 0, 0, 0, 2, 8, 2],
            &[0, 0, 0, 0, 2, 8, 3],
            &[0, 0, 0, 0, 2, 8, 9],
            &[0, 0, 0, 0, 2, 8],
            &[1, 0, 0, 0, 2, 8, 1],
            &[0, 0, 0, 0, 3, 8, 0x81, 1],
        ];
        for body in odd {
            assert_eq!(health(body).unwrap_err().class, Class::Grpc(GrpcStatus::NotServing), "{body:?}");
        }
    }
}
