//! Every class, on both policies and every protocol: the report's counts equal the server's ledger, request by request,
//! and each failure carries its evidence.

mod blind;
mod unreached;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::support::fault::{Fault, Plan};
use super::support::http1::{BAD_BODY, SERVER};
use super::support::lapse::Lapse;
use super::support::ledger::{CROSSED_GOAWAY, Ledger, Request};
use super::support::report::{Failure, Lane, Report};
use super::support::server::{Protocol, Server};

const LANES: [&str; 2] = ["reused", "new"];
/// The number of runs at once, low enough for a machine of two cores.
const PARALLEL_RUNS: usize = 4;

/// Longer than a machine that does other work keeps the server from a request that has arrived.
const TIMEOUT: &str = "3s";

/// One combination of protocol, lane and fault.
#[derive(Clone, Copy, Debug)]
struct Cell {
    protocol: Protocol,
    lane: &'static str,
    fault: Fault,
}

/// Runs every fault on both lanes, and fails with the objections of all of them.
fn check_faults(protocol: Protocol, faults: &[Fault]) {
    let cells: Vec<_> =
        LANES.iter().flat_map(|lane| faults.iter().map(|&fault| Cell { protocol, lane, fault })).collect();
    let mut objections = Vec::new();
    for some in cells.chunks(PARALLEL_RUNS) {
        std::thread::scope(|scope| {
            let runs: Vec<_> = some.iter().map(|cell| (cell, scope.spawn(|| cell.run()))).collect();
            for (cell, run) in runs {
                match run.join() {
                    Ok(found) => objections.extend(found.into_iter().map(|what| format!("{cell:?}: {what}"))),
                    Err(_) => objections.push(format!("{cell:?}: no report, see above")),
                }
            }
        });
    }
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

impl Cell {
    /// Probes for 1.5 s with the fault from 400 to 800 ms; returns the differences between report and ledger.
    fn run(&self) -> Vec<String> {
        let server = Server::start(self.protocol, Plan::healthy().then(self.fault, 400, 800));
        let ended = Lapse::against(
            &server,
            self.protocol,
            [
                "--lanes",
                self.lane,
                "--rate",
                "50/s",
                "--duration",
                "1500ms",
                "--timeout",
                TIMEOUT,
                "--slow",
                "100ms",
                "--expect-body",
                "^fine",
            ],
        )
        .end();
        let report = ended.report();
        let ledger = server.ledger_of(&report);
        let lane = report.lane(self.lane);
        let mut objections = counts(lane, &ledger);
        objections.extend(self.graceful(lane, &ledger));
        // Two examples are enough; a hundred would hide the other objections.
        objections.extend(evidence(&report, &ledger, server.address()).into_iter().take(2));
        let protocol = if self.protocol.is_http2() { "h2" } else { "http/1.1" };
        objections.extend(differs("protocol", &lane.protocol.as_str(), &protocol));
        objections.extend(differs("policy", &lane.policy.as_str(), &self.lane));
        objections.extend(differs("totals.resolved", &report.target().totals.resolved, &lane.resolved));
        objections
    }

    /// Objects if a fault that is not a failure is missing from the slow answers or the reconnects.
    fn graceful(&self, lane: &Lane, ledger: &Ledger) -> Option<String> {
        let hits = ledger.hits(0);
        let shown = match self.fault {
            Fault::Slow(_) | Fault::Freeze => lane.count("slow") >= 1,
            Fault::IdleFin if self.lane == "reused" => (1..=hits).contains(&lane.reconnects),
            // The server reset a stream only, so the connection stays open.
            Fault::RstStream => lane.reconnects == 0,
            _ => true,
        };
        (!shown || hits == 0)
            .then(|| format!("{hits} hits, slow {}, reconnects {}", lane.count("slow"), lane.reconnects))
    }
}

/// Objects unless every slot is one request and one answer, in the class that the ledger gives.
fn counts(lane: &Lane, ledger: &Ledger) -> Vec<String> {
    let mut truth = ledger.classes();
    let answered = truth.remove("ok").unwrap_or(0);
    // Requests that the server never processed are no requests.
    let crossed = truth.remove(CROSSED_GOAWAY).unwrap_or(0);
    [
        differs("classes", &lane.failed(), &truth),
        differs("answered", &lane.answered(), &answered),
        differs("requests sent", &lane.sent, &(ledger.requests.len() as u64 - crossed)),
        differs(CROSSED_GOAWAY, &lane.count(CROSSED_GOAWAY), &crossed),
        differs("resolved", &lane.resolved, &lane.sent),
        differs("not sent", &lane.not_sent, &lane.blind()),
        differs("offered", &lane.offered, &(lane.sent + lane.not_sent)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn differs<T: PartialEq + std::fmt::Debug>(what: &str, reported: &T, truly: &T) -> Option<String> {
    (reported != truly).then(|| format!("{what}: reported {reported:?}, truly {truly:?}"))
}

/// Objects unless every failed request is among the kept failures, each with its evidence and a slot of its own.
fn evidence(report: &Report, ledger: &Ledger, peer: SocketAddr) -> Vec<String> {
    let kept = &report.failures.kept;
    let mut left: Vec<&Request> = ledger.failed().collect();
    let mut objections: Vec<_> =
        differs("failures kept", &(kept.len() as u64 + report.failures.dropped), &(left.len() as u64))
            .into_iter()
            .chain(differs("totals.failed", &report.target().totals.failed, &(left.len() as u64)))
            .collect();
    // Failures that ended first are matched first, so that a long one does not take the request of a short one.
    let mut by_end: Vec<_> = kept.iter().collect();
    by_end.sort_by_key(|failure| failure.done_ns);
    let slots: BTreeSet<_> = kept.iter().map(|failure| (&failure.lane, failure.slot)).collect();
    objections.extend(differs("slots of the failures kept", &slots.len(), &kept.len()));
    for failure in by_end {
        match left.iter().position(|request| matches(report, failure, request)) {
            Some(place) => objections.extend(wrong_evidence(failure, left.remove(place), peer)),
            None => objections.push(format!("no request in the ledger matches: {failure:?}")),
        }
    }
    objections
}

/// Whether `failure` can be `request`: read after `sent`, and before `done` unless it crossed the connection's end, of the same class and kind of connection.
fn matches(report: &Report, failure: &Failure, request: &Request) -> bool {
    let at = report.offset(request.at);
    let connection = if request.uses == 0 { "new" } else { "reused" };
    failure.sent_ns <= at
        && (request.late || at <= failure.done_ns)
        && request.class().as_ref() == Some(&failure.class)
        && failure.connection == connection
}

/// Objects if the evidence of `failure` differs from the fault that hit `request`.
fn wrong_evidence(failure: &Failure, request: &Request, peer: SocketAddr) -> Option<String> {
    let (_, fault) = request.hit?;
    let body = matches!(fault, Fault::Status(_) | Fault::WrongBody).then_some(BAD_BODY);
    let holds = failure.due_ns <= failure.sent_ns
        && failure.status == fault.status()
        && failure.peer.as_deref() == Some(&peer.to_string())
        && (fault.status().is_none() || failure.server.as_deref() == Some(SERVER))
        && body.is_none_or(|body| failure.body.as_deref() == Some(body));
    (!holds).then(|| format!("evidence is wrong or missing: {failure:?}"))
}

#[test]
fn every_class_over_http1() {
    use Fault::*;
    check_faults(
        Protocol::Http1,
        &[
            Status(500),
            Status(503),
            Rst,
            Fin,
            Hang,
            Truncate,
            TruncateRst,
            HeadCut,
            Malformed,
            Interim,
            WrongBody,
            Slow(Duration::from_millis(200)),
            Freeze,
            ConnectionClose,
            IdleFin,
        ],
    );
}

#[test]
fn every_class_over_tls() {
    use Fault::*;
    check_faults(
        Protocol::Https1,
        &[Status(503), Rst, Fin, Hang, Truncate, HeadCut, Malformed, Interim, WrongBody, ConnectionClose, IdleFin],
    );
}

#[test]
fn every_class_over_http2() {
    use Fault::*;
    check_faults(
        Protocol::Http2,
        &[
            Status(503),
            Rst,
            Fin,
            Hang,
            Truncate,
            HeadCut,
            Malformed,
            WrongBody,
            RstStream,
            GoAwayRefuse,
            GoAwayGraceful,
            IdleFin,
        ],
    );
}

#[test]
fn every_class_over_http2_with_tls() {
    use Fault::*;
    check_faults(Protocol::Https2, &[Status(503), Rst, Fin, Hang, RstStream, GoAwayRefuse, GoAwayGraceful]);
}

#[test]
fn a_failed_handshake_has_the_class_tls() {
    let cell = Cell { protocol: Protocol::Https1, lane: "new", fault: Fault::TlsGarbage };
    let objections = cell.run();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}
