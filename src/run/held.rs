//! The streams that a run holds beside its probes, if it holds any.

use std::future::pending;

use lapse_hammer::held::HeldStreams;
use lapse_measure::held::Stream;
use lapse_measure::lane::TargetId;
use lapse_measure::time::Offset;

/// The held streams of a run; `None` if it holds none, or if all have been reported.
#[derive(Debug)]
pub(crate) struct Held(pub(super) Option<HeldStreams>);

impl Held {
    /// The next stream that ended; waits for ever where there is none any more.
    pub(crate) async fn next(&mut self) -> (TargetId, Stream) {
        if let Some(streams) = &mut self.0 {
            if let Some(ended) = streams.next().await {
                return ended;
            }
            self.0 = None;
        }
        pending().await
    }

    /// The streams that are not reported yet, once all are stopped.
    pub(crate) async fn rest(&mut self) -> Vec<(TargetId, Stream)> {
        let mut rest = Vec::new();
        while let Some(streams) = &mut self.0 {
            match streams.next().await {
                Some(ended) => rest.push(ended),
                None => self.0 = None,
            }
        }
        rest
    }

    /// Ends all streams at `at`.
    pub(crate) fn stop(&self, at: Offset) {
        if let Some(streams) = &self.0 {
            streams.stop(at);
        }
    }
}
