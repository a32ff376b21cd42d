//! What the server really did, request by request and stretch by stretch.

use std::collections::BTreeMap;

use super::fault::{Fault, Plan};

/// One request that was read to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// When, in nanoseconds of `CLOCK_MONOTONIC`: the instant that decides how it is treated.
    pub(crate) at: u64,
    /// How many requests its connection had brought before.
    pub(crate) uses: u32,
    /// What was done to it, and by which stretch of the plan.
    pub(crate) hit: Option<(usize, Fault)>,
}

impl Request {
    /// The class in which it must be reported; `None` where it was answered as expected.
    pub(crate) fn class(&self) -> Option<String> {
        self.hit.and_then(|(_, fault)| fault.class())
    }
}

/// When a stretch began and ended, each edge an interval (they take time when sockets must be closed).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truth {
    pub(crate) fault: Fault,
    pub(crate) began: Edge,
    pub(crate) ended: Edge,
}

impl Truth {
    /// The shortest and the longest that it may have lasted.
    pub(crate) fn length(&self) -> (u64, u64) {
        (self.ended.0.saturating_sub(self.began.1), self.ended.1 - self.began.0)
    }
}

/// The earliest and the latest instant at which something happened.
pub(crate) type Edge = (u64, u64);

/// Everything that the server has seen and done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    /// When the first connection came in, which is when the plan began to count.
    pub(crate) start: Option<u64>,
    pub(crate) requests: Vec<Request>,
    /// The edges of those stretches that are not exact, by their place in the plan.
    pub(crate) edges: BTreeMap<usize, (Edge, Edge)>,
}

impl Ledger {
    /// What was read from `at` on. Before it begins, a run may ask once whether anybody is there.
    pub(crate) fn since(mut self, at: u64) -> Self {
        self.requests.retain(|request| request.at >= at);
        self
    }

    /// The requests that the client must report as failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(|request| request.class().is_some())
    }

    /// How many requests the client must report in each class; those answered as expected count as `ok`.
    pub(crate) fn classes(&self) -> BTreeMap<String, u64> {
        let mut classes = BTreeMap::new();
        for request in &self.requests {
            *classes.entry(request.class().unwrap_or_else(|| "ok".to_owned())).or_default() += 1;
        }
        classes
    }

    /// How many requests this stretch hit.
    pub(crate) fn hits(&self, place: usize) -> u64 {
        self.requests.iter().filter(|request| request.hit.is_some_and(|(stretch, _)| stretch == place)).count() as u64
    }

    /// The stretches of `plan` as they were inflicted.
    pub(crate) fn truths(&self, plan: &Plan) -> Vec<Truth> {
        let start = self.start.expect("nobody ever connected to the server");
        let exact = |after: std::time::Duration| start + u64::try_from(after.as_nanos()).unwrap();
        let truth = |(place, stretch): (usize, &super::fault::Stretch)| {
            let (from, to) = (exact(stretch.from), exact(stretch.to));
            let (began, ended) = self.edges.get(&place).copied().unwrap_or(((from, from), (to, to)));
            // A connection that was cut takes with it what the client sends before it has noticed.
            let hits = self.requests.iter().filter(|request| request.hit.is_some_and(|(hit, _)| hit == place));
            let last = hits.map(|request| request.at + 1).max().unwrap_or(0);
            Truth { fault: stretch.fault, began, ended: (ended.0, ended.1.max(last)) }
        };
        plan.0.iter().enumerate().map(truth).collect()
    }
}
