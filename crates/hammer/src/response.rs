//! An HTTP/1.1 response, read piece by piece as its bytes arrive (RFC 9112).
//!
//! The parts of its grammar that have bounds (head, chunk size, trailers) are parsed by `httparse`, as in hyper. A part
//! that arrives whole, as nearly all do, is parsed where it lies and nothing is copied.

use std::mem::MaybeUninit;

use httparse::{EMPTY_HEADER, Header, ParserConfig, Status};
use hyper::Method;

/// The maximum number of fields in a head or in trailers.
const FIELDS: usize = 100;
/// The maximum length of a head, of trailers and of a chunk's size line, in bytes.
const LONGEST_PART: usize = 64 << 10;
/// A part that is shorter is parsed with each piece, so that nonsense is found at once.
const SHORT_PART: usize = 64;
/// The bytes that may arrive before the final head is complete: a server may send interim answers (RFC 9110, section
/// 15.2) without end, and faster than they are read.
const INTERIM: usize = 2 * LONGEST_PART;

/// Takes the contents of a response as they arrive.
pub(super) trait Sink {
    /// The final head is complete.
    fn head(&mut self, status: u16, fields: &[Header<'_>]);
    /// A piece of the body, without its framing.
    fn body(&mut self, bytes: &[u8]);
}

/// Why bytes are no HTTP/1.1 response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the head is not HTTP/1.1: {0}")]
    Head(httparse::Error),
    #[error("status {0} is none of HTTP")]
    Status(u16),
    #[error("an answer of HTTP/1.0 cannot have a Transfer-Encoding")]
    TransferEncoding,
    #[error("the Content-Length is no number, or there are two that differ")]
    ContentLength,
    #[error("a chunk has no valid size")]
    ChunkSize,
    #[error("a chunk does not end where its size says")]
    ChunkEnd,
    #[error("the trailers are not HTTP/1.1: {0}")]
    Trailers(httparse::Error),
    #[error("a head, trailers or the size of a chunk longer than 64 KiB")]
    TooLong,
    #[error("interim answers without end")]
    Interim,
}

/// Reads one response to its end.
#[derive(Debug)]
pub(super) struct ResponseReader<'a> {
    /// The method of the request: it decides whether there is a body.
    method: &'a Method,
    closes: bool,
    state: State,
    /// The beginning of a part that has not arrived whole.
    partial: Vec<u8>,
    received: u64,
    /// Whether the server keeps the connection open, as its head says.
    keeps_alive: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    /// A body, with the number of its bytes that are still to come.
    Length(u64),
    /// A body that ends with the connection.
    UntilClose,
    ChunkSize,
    /// A chunk, with the number of its bytes that are still to come.
    Chunk(u64),
    /// The line end after a chunk: its first byte, then its second.
    ChunkCr,
    ChunkLf,
    Trailers,
    Complete,
}

/// A part's length in bytes, and what it says; `None` while it has not arrived whole.
type Parsed<T> = Result<Option<(usize, T)>, Malformed>;

impl<'a> ResponseReader<'a> {
    /// A reader of the response to a request with this method. `closes` says whether the request itself asked the server
    /// to close the connection.
    pub(super) const fn new(method: &'a Method, closes: bool) -> Self {
        Self { method, closes, state: State::Head, partial: Vec::new(), received: 0, keeps_alive: false }
    }

    /// Reads `bytes`, and returns those behind the end of the response.
    pub(super) fn read<'b>(&mut self, mut bytes: &'b [u8], sink: &mut impl Sink) -> Result<&'b [u8], Malformed> {
        self.received += bytes.len() as u64;
        while !bytes.is_empty() && self.state != State::Complete {
            let (taken, next) = self.part(bytes, sink)?;
            bytes = &bytes[taken..];
            self.state = next;
        }
        if self.state == State::Head && self.received > INTERIM as u64 {
            return Err(Malformed::Interim);
        }
        Ok(bytes)
    }

    /// Whether the response has been read to its end.
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Whether the end of the connection is the end of the response.
    pub(super) fn ends_with_connection(&self) -> bool {
        self.state == State::UntilClose
    }

    /// Whether any byte has arrived.
    pub(super) const fn is_begun(&self) -> bool {
        self.received > 0
    }

    /// Whether another request may follow on the connection.
    pub(super) const fn keeps_alive(&self) -> bool {
        self.keeps_alive && !self.closes
    }

    /// Reads at most one part: the bytes it took, and the state that follows.
    fn part(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(usize, State), Malformed> {
        let partial = &mut self.partial;
        let (taken, next) = match self.state {
            State::Head => {
                let (taken, head) = whole(partial, bytes, |bytes| head(bytes, self.method, sink))?;
                self.keeps_alive = head.is_some_and(|(_, keeps_alive)| keeps_alive);
                (taken, head.map(|(next, _)| next))
            }
            State::ChunkSize => whole(partial, bytes, chunk_size)?,
            State::ChunkCr => (1, Some(byte(bytes, b'\r', State::ChunkLf)?)),
            State::ChunkLf => (1, Some(byte(bytes, b'\n', State::ChunkSize)?)),
            State::Trailers => whole(partial, bytes, trailers)?,
            State::UntilClose => {
                sink.body(bytes);
                (bytes.len(), None)
            }
            State::Length(left) => {
                let (taken, left) = body(bytes, left, sink);
                (taken, Some(if left == 0 { State::Complete } else { State::Length(left) }))
            }
            State::Chunk(left) => {
                let (taken, left) = body(bytes, left, sink);
                (taken, Some(if left == 0 { State::ChunkCr } else { State::Chunk(left) }))
            }
            State::Complete => (0, None),
        };
        Ok((taken, next.unwrap_or(self.state)))
    }
}

/// Parses the part that begins with `partial` and goes on with `bytes`. Returns the bytes it took, and what it says if
/// it is whole; else `partial` keeps them.
fn whole<T>(
    partial: &mut Vec<u8>,
    bytes: &[u8],
    parse: impl FnOnce(&[u8]) -> Parsed<T>,
) -> Result<(usize, Option<T>), Malformed> {
    let held = partial.len();
    if held > 0 {
        partial.extend_from_slice(bytes);
        // All parts end with a line; to parse long ones again for each byte would take quadratic time.
        let parsed = if held < SHORT_PART || bytes.contains(&b'\n') { parse(partial)? } else { None };
        if let Some((length, value)) = parsed {
            partial.clear();
            return Ok((length - held, Some(value)));
        }
    } else if let Some((length, value)) = parse(bytes)? {
        return Ok((length, Some(value)));
    } else {
        partial.extend_from_slice(bytes);
    }
    if partial.len() > LONGEST_PART { Err(Malformed::TooLong) } else { Ok((bytes.len(), None)) }
}

/// Parses a head. Says what follows it, and whether the connection stays open; an interim head is followed by another.
fn head(bytes: &[u8], method: &Method, sink: &mut impl Sink) -> Parsed<(State, bool)> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS];
    let mut head = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut head, bytes, &mut fields);
    let Status::Complete(length) = parsed.map_err(Malformed::Head)? else { return Ok(None) };
    let (status, version) = (head.code.unwrap_or_default(), head.version.unwrap_or_default());
    let next = match status {
        0..=99 => return Err(Malformed::Status(status)),
        100 | 102..=199 => return Ok(Some((length, (State::Head, true)))),
        101 | 204 | 304 => State::Complete,
        _ if *method == Method::HEAD => State::Complete,
        200..=299 if *method == Method::CONNECT => State::Complete,
        _ => framing(version, head.headers)?,
    };
    sink.head(status, head.headers);
    // What follows these on the connection is not HTTP.
    let tunnels = status == 101 || (*method == Method::CONNECT && (200..=299).contains(&status));
    Ok(Some((length, (next, keeps_alive(version, head.headers) && !tunnels))))
}

/// What the body is made of (RFC 9112, section 6.3).
fn framing(version: u8, fields: &[Header<'_>]) -> Result<State, Malformed> {
    if let Some(last) = values(fields, "transfer-encoding").last() {
        return match last.rsplit(|byte| *byte == b',').next() {
            _ if version == 0 => Err(Malformed::TransferEncoding),
            Some(coding) if coding.trim_ascii().eq_ignore_ascii_case(b"chunked") => Ok(State::ChunkSize),
            _ => Ok(State::UntilClose),
        };
    }
    let mut lengths = tokens(fields, "content-length").map(number);
    match lengths.next() {
        None => Ok(State::UntilClose),
        Some(Some(length)) if lengths.all(|other| other == Some(length)) => {
            Ok(if length == 0 { State::Complete } else { State::Length(length) })
        }
        Some(_) => Err(Malformed::ContentLength),
    }
}

/// A number of digits only: Rust's own parser takes a sign as well.
fn number(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// Whether the connection stays open (RFC 9112, section 9.3).
fn keeps_alive(version: u8, fields: &[Header<'_>]) -> bool {
    let has = |option: &str| tokens(fields, "connection").any(|token| token.eq_ignore_ascii_case(option.as_bytes()));
    if version == 0 { has("keep-alive") && !has("close") } else { !has("close") }
}

/// The values of a field, in order.
fn values<'f>(fields: &'f [Header<'_>], name: &'static str) -> impl Iterator<Item = &'f [u8]> {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

/// The elements of a field whose value is a list.
fn tokens<'f>(fields: &'f [Header<'_>], name: &'static str) -> impl Iterator<Item = &'f [u8]> {
    values(fields, name).flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// Passes on what of `bytes` belongs to a body with `left` bytes to come: how many they are, and how many are left.
fn body(bytes: &[u8], left: u64, sink: &mut impl Sink) -> (usize, u64) {
    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    sink.body(&bytes[..taken]);
    (taken, left - taken as u64)
}

fn chunk_size(bytes: &[u8]) -> Parsed<State> {
    // The parser takes a line without digits for a size of 0.
    if !bytes.first().is_none_or(u8::is_ascii_hexdigit) {
        return Err(Malformed::ChunkSize);
    }
    // It also takes line ends within an extension for a part of that.
    let line_end = bytes.iter().position(|byte| *byte == b'\n');
    match httparse::parse_chunk_size(bytes) {
        Ok(Status::Complete((length, size))) if line_end == Some(length - 1) => {
            Ok(Some((length, if size == 0 { State::Trailers } else { State::Chunk(size) })))
        }
        Ok(Status::Partial) if line_end.is_none() => Ok(None),
        _ => Err(Malformed::ChunkSize),
    }
}

/// The state that follows if `expected` is the next byte.
fn byte(bytes: &[u8], expected: u8, next: State) -> Result<State, Malformed> {
    if bytes.first() == Some(&expected) { Ok(next) } else { Err(Malformed::ChunkEnd) }
}

fn trailers(bytes: &[u8]) -> Parsed<State> {
    match httparse::parse_headers(bytes, &mut [EMPTY_HEADER; FIELDS]).map_err(Malformed::Trailers)? {
        Status::Complete((length, _)) => Ok(Some((length, State::Complete))),
        Status::Partial => Ok(None),
    }
}

#[cfg(test)]
mod tests;
