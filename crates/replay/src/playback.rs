//! How the time of a replay maps to that of the recorded run.

use std::time::Duration;

use tokio::sync::watch;

use lapse_measure::span::Span;
use lapse_measure::time::{Offset, nanos};

/// How many times as fast as recorded the run is played.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Speed(f64);

impl Speed {
    /// The speed of the recording.
    pub const RECORDED: Self = Self(1.0);

    /// A speed of `times` that of the recording; `None` outside of a hundredth to a hundred times.
    pub fn times(times: f64) -> Option<Self> {
        (0.01..=100.0).contains(&times).then_some(Self(times))
    }

    /// The number of times as fast as the recording.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// How long `recorded` takes when played.
    pub fn played(self, recorded: Duration) -> Duration {
        Duration::try_from_secs_f64(recorded.as_secs_f64() / self.0).unwrap_or(Duration::MAX)
    }

    fn recorded(self, played: Duration) -> Duration {
        Duration::try_from_secs_f64(played.as_secs_f64() * self.0).unwrap_or(Duration::MAX)
    }
}

/// Where a replay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// It has not been started: the service is well.
    Waiting,
    /// At this offset of the recorded run.
    At(Offset),
    /// Its part of the run is over: the service is well.
    Over,
}

/// The part of a run that is played, and since when.
#[derive(Debug)]
pub struct Playback {
    part: Span,
    speed: Speed,
    looped: bool,
    started: watch::Sender<Option<Offset>>,
}

impl Playback {
    /// A replay of `part` that has not been started.
    pub fn new(part: Span, speed: Speed, looped: bool) -> Self {
        Self { part, speed, looped, started: watch::Sender::new(None) }
    }

    /// The part of the run that is played.
    pub const fn part(&self) -> Span {
        self.part
    }

    /// Whether the part is played again and again.
    pub const fn is_looped(&self) -> bool {
        self.looped
    }

    /// The speed at which the run is played.
    pub const fn speed(&self) -> Speed {
        self.speed
    }

    /// Starts the replay at `now`, or starts it again.
    pub fn start(&self, now: Offset) {
        self.started.send_replace(Some(now));
    }

    /// Starts the replay at `now` unless it has been started. Returns whether this started it.
    pub fn start_once(&self, now: Offset) -> bool {
        self.started.send_if_modified(|started| {
            let first = started.is_none();
            *started = started.or(Some(now));
            first
        })
    }

    /// Puts the replay back to before its start: the service is well until it is started again.
    pub fn reset(&self) {
        self.started.send_replace(None);
    }

    /// A receiver that is notified of each start and reset.
    pub fn starts(&self) -> watch::Receiver<Option<Offset>> {
        self.started.subscribe()
    }

    /// The instant of the last start, by the replay's own clock.
    pub fn started(&self) -> Option<Offset> {
        *self.started.borrow()
    }

    /// When the part will have been played, by the replay's own clock; `None` if it was not started, or is looped.
    pub fn ends(&self) -> Option<Offset> {
        let started = self.started().filter(|_| !self.looped)?;
        Some(started + self.speed.played(self.part.length()))
    }

    /// Where the replay is at `now`.
    pub fn position(&self, now: Offset) -> Position {
        let Some(started) = self.started() else { return Position::Waiting };
        let played = nanos(self.speed.recorded(now.since(started)));
        let length = nanos(self.part.length()).max(1);
        match played / length {
            0 => Position::At(self.part.from + Duration::from_nanos(played)),
            _ if self.looped => Position::At(self.part.from + Duration::from_nanos(played % length)),
            _ => Position::Over,
        }
    }

    /// The time from `at`, which is the position now, until the replay reaches `change`, or its end if that comes first
    /// or there is no change.
    pub fn until(&self, at: Offset, change: Option<Offset>) -> Duration {
        let next = change.map_or(self.part.to, |change| change.min(self.part.to));
        self.speed.played(next.since(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playback(speed: f64, looped: bool) -> Playback {
        let part = Span::new(Offset::from_millis(2_000), Offset::from_millis(5_000));
        Playback::new(part, Speed::times(speed).unwrap(), looped)
    }

    fn at(playback: &Playback, ms: u64) -> Position {
        playback.position(Offset::from_millis(ms))
    }

    #[test]
    fn a_replay_begins_when_it_is_started_and_ends_with_its_part() {
        let once = playback(1.0, false);
        assert_eq!(at(&once, 700), Position::Waiting);
        assert!(once.start_once(Offset::from_millis(700)) && !once.start_once(Offset::from_millis(900)));
        assert_eq!(at(&once, 700), Position::At(Offset::from_millis(2_000)));
        assert_eq!(at(&once, 3_699), Position::At(Offset::from_millis(4_999)));
        assert_eq!(at(&once, 3_700), Position::Over);
        once.start(Offset::from_millis(4_000));
        assert_eq!(at(&once, 4_500), Position::At(Offset::from_millis(2_500)));
        once.reset();
        assert_eq!(at(&once, 4_600), Position::Waiting);
        assert!(once.start_once(Offset::from_millis(4_700)));
    }

    #[test]
    fn a_loop_goes_on_from_the_beginning_and_a_faster_one_sooner() {
        let twice = playback(2.0, true);
        twice.start(Offset::ZERO);
        assert_eq!(at(&twice, 1_000), Position::At(Offset::from_millis(4_000)));
        assert_eq!(at(&twice, 1_500), Position::At(Offset::from_millis(2_000)));
        assert_eq!(at(&twice, 4_750), Position::At(Offset::from_millis(2_500)));
        let until = twice.until(Offset::from_millis(4_000), Some(Offset::from_millis(4_600)));
        assert_eq!(until, Duration::from_millis(300));
        assert_eq!(twice.until(Offset::from_millis(4_000), None), Duration::from_millis(500));
    }

    #[test]
    fn a_speed_that_no_machine_can_play_is_none() {
        for times in [0.0, -1.0, 0.009, 101.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Speed::times(times), None);
        }
    }
}
