//! Decides when a plain line is printed, for progress in a pipe or a file.

use std::time::Duration;

use super::Snapshot;
use super::line::{duration, figures};
use lapse_measure::time::Offset;
use lapse_measure::timeline::State;

/// Changes of state within this time are reported as one.
const CALM: Duration = Duration::from_secs(1);
/// The interval of lines if nothing changes.
const SILENCE: Duration = Duration::from_secs(10);

/// The last line's content.
#[derive(Debug, Default)]
pub(super) struct Log {
    said: Option<(&'static str, State, Offset)>,
}

impl Log {
    /// The line for this snapshot, or `None` if it is not time for one.
    pub(super) fn line(&mut self, snapshot: &Snapshot) -> Option<String> {
        let due = self.said.is_none_or(|(phase, state, at)| {
            let since = snapshot.at.since(at);
            phase != snapshot.phase || (state != snapshot.state && since >= CALM) || since >= SILENCE
        });
        due.then(|| {
            self.said = Some((snapshot.phase, snapshot.state, snapshot.at));
            let at = snapshot.at.as_nanos() / 1_000_000;
            let (state, figures) = (snapshot.state.name(), figures(snapshot));
            format!("{}.{:03} s  {} {}  {state}  {figures}", at / 1000, at % 1000, snapshot.phase, duration(snapshot))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::tests::snapshot;
    use super::*;

    #[test]
    fn a_line_stands_by_itself() {
        let line = Log::default().line(&snapshot()).unwrap();
        assert_eq!(line, "17.300 s  event 12 s  down  down 412 ms, 206 failed, 998/s");
    }

    #[test]
    fn changes_are_told_at_most_once_a_second_and_silence_is_broken_every_ten() {
        let mut log = Log::default();
        let mut told = |phase, state, millis| {
            log.line(&Snapshot { phase, state, at: Offset::from_millis(millis), ..snapshot() }).is_some()
        };
        assert!(told("baseline", State::Up, 0));
        assert!(!told("baseline", State::Up, 500));
        assert!(!told("baseline", State::Down, 999), "too soon");
        assert!(told("baseline", State::Down, 1000));
        assert!(told("event", State::Down, 1001), "a phase is told at once");
        assert!(!told("event", State::Down, 11_000));
        assert!(told("event", State::Down, 11_001));
    }
}
