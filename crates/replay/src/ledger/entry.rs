//! A request's entry in the ledger, which is settled in any case: a request whose client goes away has failed.

use std::sync::Arc;

use super::{Outcome, Ticket};
use crate::idle::Busy;
use crate::stage::Stage;

/// The entry of one request.
#[derive(Debug)]
pub(crate) struct Entry {
    stage: Arc<Stage>,
    /// `None` once it is settled.
    ticket: Option<Ticket>,
    /// The connection is not idle until its answer is sent.
    _busy: Busy,
}

impl Entry {
    /// An entry that is to be settled.
    pub(crate) const fn new(stage: Arc<Stage>, ticket: Ticket, busy: Busy) -> Self {
        Self { stage, ticket: Some(ticket), _busy: busy }
    }

    /// Notes that the request is passed to the upstream.
    pub(crate) fn pass(&self) {
        if let Some(ticket) = self.ticket {
            self.stage.ledger().pass(ticket);
        }
    }

    /// Notes what became of the request, once.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        if let Some(ticket) = self.ticket.take() {
            let now = self.stage.now();
            self.stage.ledger().settle(ticket, now, outcome);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.settle(Outcome::Failed);
    }
}
