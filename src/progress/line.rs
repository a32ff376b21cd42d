//! Formats a snapshot as one line: a pure function of the snapshot, the width and the look.

use std::time::Duration;

use super::Snapshot;
use super::look::Look;
use lapse_measure::time::Human;
use lapse_measure::timeline::State;

/// The shortest sparkline worth showing, in characters.
const SHORTEST_SPARK: usize = 5;
/// The share of the offered rate below which the achieved rate is shown beside it.
const ON_RATE: f64 = 0.95;

/// The line for `snapshot`, at most `width` columns wide. Parts that do not fit are left out from the right: first the
/// sparkline, then the figures.
pub(crate) fn line(snapshot: &Snapshot, width: usize, look: Look) -> String {
    let phase = format!("{} {}  ", snapshot.phase, duration(snapshot));
    let state = format!("{:8}", snapshot.state.name());
    let figures = format!("  {}", figures(snapshot));
    let room = width.saturating_sub(phase.chars().count() + state.chars().count() + figures.chars().count() + 2);
    let mut text = Fitted { text: String::new(), room: width };
    text.push(&phase, str::to_owned);
    text.push(&state, |part| look.paint(part, snapshot.state));
    text.push(&figures, str::to_owned);
    if room >= SHORTEST_SPARK && !snapshot.spark.is_empty() {
        text.push("  ", str::to_owned);
        text.text.push_str(&spark(&snapshot.spark, room, look));
    }
    text.text
}

/// The figures: `down 412 ms, 206 failed, 1000/s`.
pub(super) fn figures(snapshot: &Snapshot) -> String {
    let Snapshot { downtime, failed, offered, achieved, .. } = snapshot;
    let rate = if *achieved < offered * ON_RATE {
        format!("{achieved:.0} of {offered:.0}/s")
    } else {
        format!("{achieved:.0}/s")
    };
    format!("down {}, {failed} failed, {rate}", Human(*downtime))
}

/// The time in the phase: `12 s`, or `2 of 5 s`.
pub(super) fn duration(snapshot: &Snapshot) -> String {
    let at = snapshot.phase_at.as_secs();
    match snapshot.phase_of {
        Some(of) => format!("{at} of {} s", whole(of)),
        None => format!("{at} s"),
    }
}

/// Whole seconds, rounded up, so that a phase does not seem to overrun.
const fn whole(duration: Duration) -> u64 {
    duration.as_secs() + (duration.subsec_nanos() > 0) as u64
}

/// The newest `room` states as a sparkline; equal neighbours are painted together.
fn spark(states: &[State], room: usize, look: Look) -> String {
    let newest = &states[states.len().saturating_sub(room)..];
    newest
        .chunk_by(|one, next| one == next)
        .map(|alike| look.paint(&look.letter(alike[0]).to_string().repeat(alike.len()), alike[0]))
        .collect()
}

/// Text limited to a width, in which colours do not count.
struct Fitted {
    text: String,
    room: usize,
}

impl Fitted {
    fn push(&mut self, part: &str, paint: impl Fn(&str) -> String) {
        let fitting: String = part.chars().take(self.room).collect();
        self.room -= fitting.chars().count();
        self.text.push_str(&paint(&fitting));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::look::{Ink, Letters};
    use super::*;
    use lapse_measure::time::Offset;
    use proptest::prelude::*;

    const PLAIN: Look = Look { letters: Letters::Ascii, ink: Ink::Plain };

    pub(in super::super) fn snapshot() -> Snapshot {
        use State::{Blind, Degraded, Down, Slow, Unobserved, Up};
        Snapshot {
            phase: "event",
            at: Offset::from_millis(17_300),
            phase_at: Duration::from_millis(12_300),
            phase_of: None,
            offered: 1000.0,
            achieved: 998.0,
            state: Down,
            downtime: Duration::from_millis(412),
            failed: 206,
            spark: vec![Unobserved, Up, Up, Slow, Degraded, Down, Down, Blind, Up],
        }
    }

    #[test]
    fn a_line_says_phase_state_figures_and_the_last_seconds() {
        let text = |look| line(&snapshot(), 80, look);
        assert_eq!(text(PLAIN), "event 12 s  down      down 412 ms, 206 failed, 998/s   ..sxXX?.");
        let blocks = Look { letters: Letters::Blocks, ..PLAIN };
        assert_eq!(text(blocks), "event 12 s  down      down 412 ms, 206 failed, 998/s   ▁▁▃▅██░▁");
    }

    #[test]
    fn a_known_end_and_a_missed_rate_are_said() {
        let snapshot = Snapshot { phase_of: Some(Duration::from_secs(30)), achieved: 700.4, ..snapshot() };
        assert!(line(&snapshot, 80, PLAIN).starts_with("event 12 of 30 s  down"));
        assert!(line(&snapshot, 80, PLAIN).contains("700 of 1000/s"));
    }

    #[test]
    fn in_little_room_the_newest_and_most_important_stays() {
        assert_eq!(line(&snapshot(), 59, PLAIN), "event 12 s  down      down 412 ms, 206 failed, 998/s  xXX?.");
        assert_eq!(line(&snapshot(), 20, PLAIN), "event 12 s  down    ");
        assert_eq!(line(&snapshot(), 0, PLAIN), "");
    }

    #[test]
    fn colour_marks_the_state_and_ends_where_it_does() {
        let text = line(&snapshot(), 80, Look { ink: Ink::Colour, ..PLAIN });
        assert!(text.contains("\x1b[31mdown    \x1b[0m  down 412 ms"), "{text:?}");
        assert!(text.ends_with("\x1b[31mXX\x1b[0m\x1b[2m?\x1b[0m\x1b[32m.\x1b[0m"), "{text:?}");
    }

    proptest! {
        #[test]
        fn a_line_never_exceeds_its_room(width in 0_usize..120, sparks in 0_usize..200) {
            let snapshot = Snapshot { spark: vec![State::Up; sparks], ..snapshot() };
            prop_assert!(line(&snapshot, width, PLAIN).chars().count() <= width);
        }
    }
}
