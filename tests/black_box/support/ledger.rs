//! The truth: what the test server did, by request and by stretch of the plan.

use std::collections::BTreeMap;

use super::fault::{Fault, Plan};

/// The class of a stream that crossed an orderly GOAWAY on its way: the server did not process it.
pub(crate) const CROSSED_GOAWAY: &str = "not-sent goaway";

/// A request that the server has read to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// The time at which the request was read, which decides its fault, in nanoseconds of `CLOCK_MONOTONIC`.
    pub(crate) at: u64,
    /// The number of earlier requests on the same connection.
    pub(crate) uses: u32,
    /// The fault that hit the request, and the index of its stretch in the plan.
    pub(crate) hit: Option<(usize, Fault)>,
    /// Whether the connection was already at its end, which its client may have seen before the request was read.
    pub(crate) late: bool,
}

impl Request {
    /// The class in which the request must be reported; `None` if it was answered as expected.
    pub(crate) fn class(&self) -> Option<String> {
        match self.hit {
            Some((_, Fault::GoAwayRefuse)) if self.uses > 0 => Some(CROSSED_GOAWAY.to_owned()),
            hit => hit.and_then(|(_, fault)| fault.class()),
        }
    }

    /// Whether the client must report the request as failed.
    pub(crate) fn is_failed(&self) -> bool {
        self.class().is_some_and(|class| class != CROSSED_GOAWAY)
    }
}

/// The edges of a stretch. Each is an interval, because closing sockets takes time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truth {
    pub(crate) fault: Fault,
    pub(crate) began: Edge,
    pub(crate) ended: Edge,
}

impl Truth {
    /// The shortest and the longest possible length, in nanoseconds.
    pub(crate) fn length(&self) -> (u64, u64) {
        (self.ended.0.saturating_sub(self.began.1), self.ended.1 - self.began.0)
    }
}

/// The earliest and the latest instant of an edge, in nanoseconds of `CLOCK_MONOTONIC`.
pub(crate) type Edge = (u64, u64);

/// The server's record of requests and faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    /// The time of the first connection, at which the plan starts.
    pub(crate) start: Option<u64>,
    pub(crate) requests: Vec<Request>,
    /// The edges of stretches that are not exact, by their index in the plan.
    pub(crate) edges: BTreeMap<usize, (Edge, Edge)>,
}

impl Ledger {
    /// The ledger without requests before `at`; lapse may send a check request before its run begins.
    pub(crate) fn since(mut self, at: u64) -> Self {
        self.requests.retain(|request| request.at >= at);
        self
    }

    /// The requests that the client must report as failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(|request| request.is_failed())
    }

    /// The number of requests by class, as the client must report them; requests answered as expected are `ok`.
    pub(crate) fn classes(&self) -> BTreeMap<String, u64> {
        let mut classes = BTreeMap::new();
        for request in &self.requests {
            *classes.entry(request.class().unwrap_or_else(|| "ok".to_owned())).or_default() += 1;
        }
        classes
    }

    /// The number of requests hit by the stretch at `place` in the plan.
    pub(crate) fn hits(&self, place: usize) -> u64 {
        self.requests.iter().filter(|request| request.hit.is_some_and(|(stretch, _)| stretch == place)).count() as u64
    }

    /// The stretches of `plan` with their real edges.
    pub(crate) fn truths(&self, plan: &Plan) -> Vec<Truth> {
        let start = self.start.expect("no client has connected to the server");
        let exact = |after: std::time::Duration| start + u64::try_from(after.as_nanos()).unwrap();
        let truth = |(place, stretch): (usize, &super::fault::Stretch)| {
            let (from, to) = (exact(stretch.from), exact(stretch.to));
            let (began, ended) = self.edges.get(&place).copied().unwrap_or(((from, from), (to, to)));
            // A request sent before the client notices that its connection was cut is lost as well.
            let hits = self.requests.iter().filter(|request| request.hit.is_some_and(|(hit, _)| hit == place));
            let last = hits.map(|request| request.at + 1).max().unwrap_or(0);
            Truth { fault: stretch.fault, began, ended: (ended.0, ended.1.max(last)) }
        };
        plan.0.iter().enumerate().map(truth).collect()
    }
}
