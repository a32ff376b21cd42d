//! What a session is made of.

use std::sync::Arc;
use std::time::Duration;

use crate::run::fresh::FreshReader;
use crate::run::held::Held;
use crate::run::plan::{FailFast, PhaseDurations};
use crate::run::prober::Prober;
use crate::run::rollout::Rollout;
use crate::run::steering::Steering;
use crate::run::wait_up::Waited;
use lapse_hammer::clock::Clock;
use lapse_lab::world::World;
use lapse_measure::time::Offset;
use lapse_record::event::Event;
use lapse_record::journal::Journal;
use lapse_record::record::Recorder;

/// The parts of a session, all made ready before the first probe.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The run's clock.
    pub clock: Clock,
    /// What sends the probes.
    pub prober: Prober,
    /// The held streams, if there are any.
    pub held: Held,
    /// The journal, with its first entry written.
    pub journal: Journal,
    /// The recorder that folds entries into the record.
    pub recorder: Recorder,
    /// What may ask the run for something.
    pub steering: Steering,
    /// The scenario's world, if there is one.
    pub lab: Option<Arc<World>>,
    /// The events of that world.
    pub world: Option<tokio::sync::mpsc::UnboundedReceiver<Event>>,
    /// The headers that are read anew.
    pub fresh: FreshReader,
    /// The followed rollout, if there is one.
    pub rollout: Option<Rollout>,
    /// The durations of the phases; `None` if the whole run is the event.
    pub durations: Option<PhaseDurations>,
    /// The end of the run, if known in advance.
    pub end: Option<Offset>,
    /// Whether the run ends at a breach that nothing to come can undo.
    pub fail_fast: Option<FailFast>,
    /// What came of waiting for the targets; `None` if the run did not wait.
    pub waited: Option<Waited>,
    /// The timeout of a probe.
    pub timeout: Duration,
    /// The slots per second over all targets.
    pub offered: f64,
}
