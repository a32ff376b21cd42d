//! Where a replay is and what it does now, as its control port tells it.

use serde::Serialize;

use lapse_measure::answer::Class;
use lapse_measure::lane::Policy;

use crate::playback::Position;
use crate::stage::Stage;

/// A replay at one instant. Values of keys that end in `_ns` are whole nanoseconds.
#[derive(Debug, Serialize)]
pub(crate) struct State {
    /// `before` its start, `playing`, or `after` its end.
    phase: &'static str,
    /// The position in the recorded run, while playing.
    offset_ns: Option<u64>,
    /// Where the part of the run that is played begins.
    from_ns: u64,
    /// Where it ends.
    to_ns: u64,
    /// How many times as fast as recorded it is played.
    speed: f64,
    /// Whether it is played again and again.
    looped: bool,
    /// What the port does to new connections: `open`, `closed` or `drops-syns`.
    port: &'static str,
    /// The class that the first request on a connection meets.
    first_request: String,
    /// The class that a later request on a connection meets.
    later_request: String,
}

impl State {
    /// The state of `stage` now.
    pub(crate) fn of(stage: &Stage) -> Self {
        let now = stage.now();
        let (position, part) = (stage.playback.position(now), stage.playback.part());
        let (phase, at) = match position {
            Position::Waiting => ("before", None),
            Position::At(at) => ("playing", Some(at)),
            Position::Over => ("after", None),
        };
        let class = |policy| at.and_then(|at| stage.script.scene(policy, at)).map_or(Class::Ok, |scene| scene.class);
        Self {
            phase,
            offset_ns: at.map(lapse_measure::time::Offset::as_nanos),
            from_ns: part.from.as_nanos(),
            to_ns: part.to.as_nanos(),
            speed: stage.playback.speed().get(),
            looped: stage.playback.is_looped(),
            port: stage.door(now).0.name(),
            first_request: class(Policy::New).to_string(),
            later_request: class(Policy::Reused).to_string(),
        }
    }
}
