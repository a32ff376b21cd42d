//! Every class of answer, on both policies and every protocol: what the report counts is what the
//! server did, request by request, and each failure carries its evidence.

mod blind;
mod unreached;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::support::fault::{Fault, Plan};
use super::support::http1::{BAD_BODY, SERVER};
use super::support::lapse::Lapse;
use super::support::ledger::{Ledger, Request};
use super::support::report::{Failure, Lane, Report};
use super::support::server::{Server, Speech};

const LANES: [&str; 2] = ["reused", "new"];
/// As many runs at once as leave a small machine time to breathe.
const AT_ONCE: usize = 4;

/// One square of the grid.
#[derive(Clone, Copy, Debug)]
struct Cell {
    speech: Speech,
    lane: &'static str,
    fault: Fault,
}

/// Runs every fault on both lanes and fails with all objections at once.
fn grid(speech: Speech, faults: &[Fault]) {
    let cells: Vec<_> =
        LANES.iter().flat_map(|lane| faults.iter().map(|&fault| Cell { speech, lane, fault })).collect();
    let mut objections = Vec::new();
    for some in cells.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let runs: Vec<_> = some.iter().map(|cell| (cell, scope.spawn(|| cell.run()))).collect();
            for (cell, run) in runs {
                match run.join() {
                    Ok(said) => objections.extend(said.into_iter().map(|what| format!("{cell:?}: {what}"))),
                    Err(_) => objections.push(format!("{cell:?}: no report, see above")),
                }
            }
        });
    }
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

impl Cell {
    /// A second and a half of probes with the fault in the middle.
    fn run(&self) -> Vec<String> {
        let server = Server::start(self.speech, Plan::healthy().then(self.fault, 400, 800));
        let ended = Lapse::against(
            &server,
            self.speech,
            [
                "--lanes",
                self.lane,
                "--rate",
                "50/s",
                "--duration",
                "1500ms",
                "--timeout",
                "1s",
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
        // One example says it; a hundred bury it.
        objections.extend(evidence(&report, &ledger, server.address()).into_iter().take(2));
        let protocol = if self.speech.is_http2() { "h2" } else { "http/1.1" };
        objections.extend(differs("protocol", &lane.protocol.as_str(), &protocol));
        objections.extend(differs("policy", &lane.policy.as_str(), &self.lane));
        objections.extend(differs("totals.resolved", &report.target().totals.resolved, &lane.resolved));
        objections
    }

    /// What is no failure shows where it belongs: in the slow answers, or among the reconnects.
    fn graceful(&self, lane: &Lane, ledger: &Ledger) -> Option<String> {
        let hits = ledger.hits(0);
        let told = match self.fault {
            Fault::Slow(_) | Fault::Freeze => lane.count("slow") >= 1,
            Fault::IdleFin if self.lane == "reused" => (1..=hits).contains(&lane.reconnects),
            // The server closed nothing: its connection goes on.
            Fault::RstStream => lane.reconnects == 0,
            _ => true,
        };
        (!told || hits == 0)
            .then(|| format!("{hits} hits, slow {}, reconnects {}", lane.count("slow"), lane.reconnects))
    }
}

/// One slot is one request is one answer, each in the class that the server gave it.
fn counts(lane: &Lane, ledger: &Ledger) -> Vec<String> {
    let mut truth = ledger.classes();
    let answered = truth.remove("ok").unwrap_or(0);
    [
        differs("classes", &lane.failed(), &truth),
        differs("answered", &lane.answered(), &answered),
        differs("requests sent", &lane.sent, &(ledger.requests.len() as u64)),
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

/// Every failed request is kept with what was seen of it, in the order in which slots were due.
fn evidence(report: &Report, ledger: &Ledger, peer: SocketAddr) -> Vec<String> {
    let kept = &report.failures.kept;
    let mut left: Vec<&Request> = ledger.failed().collect();
    let mut objections: Vec<_> =
        differs("failures kept", &(kept.len() as u64 + report.failures.dropped), &(left.len() as u64))
            .into_iter()
            .chain(differs("totals.failed", &report.target().totals.failed, &(left.len() as u64)))
            .collect();
    // The narrowest first, so that a long one does not take what only a short one fits.
    let mut narrow: Vec<_> = kept.iter().collect();
    narrow.sort_by_key(|failure| failure.done_ns);
    let slots: BTreeSet<_> = kept.iter().map(|failure| (&failure.lane, failure.slot)).collect();
    objections.extend(differs("slots of the failures kept", &slots.len(), &kept.len()));
    for failure in narrow {
        match left.iter().position(|request| is_of(report, failure, request)) {
            Some(place) => objections.extend(told(failure, left.remove(place), peer)),
            None => objections.push(format!("no request was treated so: {failure:?}")),
        }
    }
    objections
}

/// Whether this failure may be what became of this request: it was read between `sent` and `done`.
fn is_of(report: &Report, failure: &Failure, request: &Request) -> bool {
    let at = report.offset(request.at);
    let connection = if request.uses == 0 { "new" } else { "reused" };
    failure.sent_ns <= at
        && at <= failure.done_ns
        && request.class().as_ref() == Some(&failure.class)
        && failure.connection == connection
}

fn told(failure: &Failure, request: &Request, peer: SocketAddr) -> Option<String> {
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
    grid(
        Speech::Http1,
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
    grid(
        Speech::Https1,
        &[Status(503), Rst, Fin, Hang, Truncate, HeadCut, Malformed, Interim, WrongBody, ConnectionClose, IdleFin],
    );
}

#[test]
fn every_class_over_http2() {
    use Fault::*;
    grid(
        Speech::Http2,
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
    grid(Speech::Https2, &[Status(503), Rst, Fin, Hang, RstStream, GoAwayRefuse, GoAwayGraceful]);
}

#[test]
fn a_handshake_that_goes_wrong_is_tls() {
    let cell = Cell { speech: Speech::Https1, lane: "new", fault: Fault::TlsGarbage };
    let objections = cell.run();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}
