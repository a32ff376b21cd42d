//! The test server's HTTP/2, written frame by frame so that each fault is exact.
//!
//! Request headers are never decoded, because only the end of a stream matters here.

use std::io::{self, Read, Write};

use super::fault::Fault;
use super::http1::{BAD_BODY, BODY, SERVER};
use super::server::{Decision, Shared};
use super::wire::Wire;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
/// The error code `REFUSED_STREAM`, as the payload of a `RST_STREAM` frame.
const REFUSED: [u8; 4] = [0, 0, 0, 7];

#[derive(Debug)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// What to do with the connection after a request.
#[derive(Debug)]
enum Next {
    Serve,
    /// Streams above this one are refused.
    Refuse(u32),
    End,
}

/// Serves one connection until either side ends it.
pub(crate) fn serve(wire: &mut Wire, shared: &Shared) -> io::Result<()> {
    let mut preface = [0; PREFACE.len()];
    wire.read_exact(&mut preface)?;
    send(wire, SETTINGS, 0, 0, &[])?;
    let mut uses = 0;
    let mut refusing: Option<(u32, Decision)> = None;
    while let Some(stream) = next_request(wire)? {
        if let Some((last, decision)) = &refusing
            && stream > *last
        {
            shared.enter_unanswered(decision, Fault::GoAwayRefuse, uses);
            continue;
        }
        let decision = shared.decide(uses);
        uses += 1;
        match answer(wire, stream, &decision)? {
            Next::Serve => {}
            Next::Refuse(last) => refusing = Some((last, decision)),
            Next::End => return drain(wire, shared, &decision, uses),
        }
    }
    Ok(())
}

/// Reads frames and acknowledges SETTINGS and PING until a request is complete; `None` if the client closed.
pub(crate) fn next_request(wire: &mut Wire) -> io::Result<Option<u32>> {
    while let Some(frame) = read_frame(wire)? {
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => send(wire, SETTINGS, ACK, 0, &[])?,
            PING if frame.flags & ACK == 0 => send(wire, PING, ACK, 0, &frame.payload)?,
            HEADERS | DATA if frame.flags & END_STREAM != 0 => return Ok(Some(frame.stream)),
            _ => {}
        }
    }
    Ok(None)
}

fn read_frame(wire: &mut Wire) -> io::Result<Option<Frame>> {
    let mut head = [0; 9];
    match wire.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let [l1, l2, l3, kind, flags, stream @ ..] = head;
    let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, l1, l2, l3])).unwrap()];
    wire.read_exact(&mut payload)?;
    Ok(Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload }))
}

/// Answers one request as decided.
fn answer(wire: &mut Wire, stream: u32, decision: &Decision) -> io::Result<Next> {
    match decision.fault {
        Some(Fault::Hang) => {}
        Some(Fault::Status(code)) => respond(wire, stream, code, BAD_BODY)?,
        Some(Fault::WrongBody) => respond(wire, stream, 200, BAD_BODY)?,
        Some(Fault::RstStream) => send(wire, RST_STREAM, 0, stream, &REFUSED)?,
        Some(Fault::GoAwayRefuse) => {
            let last = stream.saturating_sub(2);
            go_away(wire, last)?;
            return Ok(Next::Refuse(last));
        }
        Some(Fault::GoAwayGraceful) => {
            go_away(wire, stream)?;
            respond(wire, stream, 200, BODY)?;
            return Ok(Next::Refuse(stream));
        }
        Some(fault @ (Fault::Rst | Fault::Fin | Fault::Truncate | Fault::HeadCut | Fault::Malformed)) => {
            wire.write_all(&bytes_before_end(fault, stream))?;
            return Ok(Next::End);
        }
        Some(Fault::IdleFin) => {
            respond(wire, stream, 200, BODY)?;
            return Ok(Next::End);
        }
        _ => {
            decision.wait();
            respond(wire, stream, 200, BODY)?;
        }
    }
    Ok(Next::Serve)
}

/// The bytes to send before the connection ends with `fault`.
fn bytes_before_end(fault: Fault, stream: u32) -> Vec<u8> {
    let head = frame(HEADERS, END_HEADERS, stream, &header_block(200, 100));
    match fault {
        Fault::Truncate => [head, frame(DATA, 0, stream, &[b'x'; 50])].concat(),
        Fault::HeadCut => head[..head.len() / 2].to_vec(),
        Fault::Malformed => b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec(),
        _ => Vec::new(),
    }
}

/// Ends the connection as decided, and enters in the ledger the requests that still arrive on it unanswered.
fn drain(wire: &mut Wire, shared: &Shared, decision: &Decision, mut uses: u32) -> io::Result<()> {
    let fate = match decision.fault {
        Some(Fault::Rst) => Fault::Rst,
        _ => Fault::Fin,
    };
    if fate == Fault::Rst {
        wire.reset()?;
        wire.stop_waiting()?;
    } else {
        wire.finish()?;
    }
    while let Ok(Some(frame)) = read_frame(wire) {
        if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0 {
            shared.enter_unanswered(decision, fate, uses);
            uses += 1;
        }
    }
    Ok(())
}

fn respond(wire: &mut Wire, stream: u32, code: u16, body: &str) -> io::Result<()> {
    let head = frame(HEADERS, END_HEADERS, stream, &header_block(code, body.len()));
    wire.write_all(&[head, frame(DATA, END_STREAM, stream, body.as_bytes())].concat())
}

/// The header block `:status`, `server` and `content-length`: literals without indexing, with names from HPACK's static
/// table.
fn header_block(code: u16, length: usize) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in
        [(&[0x08][..], code.to_string()), (&[0x0f, 39], SERVER.into()), (&[0x0f, 13], length.to_string())]
    {
        block.extend_from_slice(name);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value.as_bytes());
    }
    block
}

fn go_away(wire: &mut Wire, last: u32) -> io::Result<()> {
    send(wire, GOAWAY, 0, 0, &[last.to_be_bytes(), [0; 4]].concat())
}

fn send(wire: &mut Wire, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
    wire.write_all(&frame(kind, flags, stream, payload))
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
