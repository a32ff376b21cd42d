//! The test server's HTTP/1.1, written byte by byte so that each fault is exact.

use std::io::{self, Read, Write};
use std::time::Duration;

use super::fault::Fault;
use super::server::{Decision, Shared};
use super::wire::Wire;

/// The body of a good answer.
pub(crate) const BODY: &str = "fine\n";
/// The body of an answer with a wrong status or body.
pub(crate) const BAD_BODY: &str = "no healthy upstream\n";
/// The `Server` header of every answer.
pub(crate) const SERVER: &str = "weather/1";

/// Serves one connection until either side ends it.
pub(crate) fn serve(wire: &mut Wire, shared: &Shared) -> io::Result<()> {
    let mut uses = 0;
    while read_request(wire)? {
        let decision = shared.decide(uses);
        uses += 1;
        if !answer(wire, &decision)? {
            return drain(wire, shared, &decision, uses);
        }
    }
    Ok(())
}

/// Reads one request to the end of its body; false if the client closed before its first byte.
fn read_request(wire: &mut Wire) -> io::Result<bool> {
    let mut bytes = Vec::with_capacity(512);
    let mut buffer = [0; 4096];
    loop {
        let count = wire.read(&mut buffer)?;
        if count == 0 {
            return Ok(false);
        }
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n")
            && bytes.len() >= head + 4 + content_length(&bytes[..head])
        {
            return Ok(true);
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.unwrap_or(0)
}

/// Answers one request as decided; false if the connection must end now.
fn answer(wire: &mut Wire, decision: &Decision) -> io::Result<bool> {
    match decision.fault {
        Some(Fault::Hang) => return Ok(true),
        Some(Fault::Status(code)) => respond(wire, code, "", BAD_BODY)?,
        Some(Fault::WrongBody) => respond(wire, 200, "", BAD_BODY)?,
        Some(Fault::ConnectionClose) => respond(wire, 200, "connection: close\r\n", BODY)?,
        Some(Fault::Truncate | Fault::TruncateRst) => wire.write_all(&half_a_body())?,
        Some(Fault::HeadCut) => wire.write_all(b"HTTP/1.1 200 OK\r\nserver: wea")?,
        Some(Fault::Malformed) => wire.write_all(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")?,
        Some(Fault::Interim) => flood(wire),
        Some(Fault::Rst | Fault::Fin) => {}
        _ => {
            decision.wait();
            respond(wire, 200, "", BODY)?;
        }
    }
    Ok(!ends_connection(decision.fault))
}

fn ends_connection(fault: Option<Fault>) -> bool {
    use Fault::{ConnectionClose, Fin, HeadCut, IdleFin, Interim, Malformed, Rst, Truncate, TruncateRst};
    matches!(
        fault,
        Some(ConnectionClose | Fin | HeadCut | IdleFin | Interim | Malformed | Rst | Truncate | TruncateRst)
    )
}

/// Ends the connection as decided, and enters in the ledger the requests that still arrive on it unanswered.
fn drain(wire: &mut Wire, shared: &Shared, decision: &Decision, mut uses: u32) -> io::Result<()> {
    match decision.fault {
        Some(Fault::Rst | Fault::TruncateRst) => return wire.reset(),
        Some(Fault::IdleFin) => std::thread::sleep(Duration::from_millis(3)),
        _ => {}
    }
    wire.finish()?;
    while read_request(wire)? {
        shared.enter_unanswered(decision, Fault::Fin, uses);
        uses += 1;
    }
    Ok(())
}

fn respond(wire: &mut Wire, code: u16, header: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    wire.write_all(
        format!("HTTP/1.1 {code} Whatever\r\nserver: {SERVER}\r\ncontent-length: {length}\r\n{header}\r\n{body}")
            .as_bytes(),
    )
}

/// Writes `100 Continue` until the client closes the connection.
fn flood(wire: &mut Wire) {
    let many = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000);
    while wire.write_all(many.as_bytes()).is_ok() {}
}

fn half_a_body() -> Vec<u8> {
    let half = "x".repeat(50);
    format!("HTTP/1.1 200 OK\r\nserver: {SERVER}\r\ncontent-length: 100\r\n\r\n{half}").into_bytes()
}
