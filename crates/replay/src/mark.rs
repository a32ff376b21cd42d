//! Places in a recorded run, as `--from` and `--to` name them.

use std::str::FromStr;
use std::time::Duration;

use lapse_measure::span::Span;
use lapse_measure::time::{Anchor, Human, Offset};

/// How much of the time around an episode is played with it.
const AROUND: Duration = Duration::from_secs(1);
const NANOS_PER_SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * NANOS_PER_SECOND;

/// A place in a recorded run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Time since the start of the run.
    After(Duration),
    /// A time of day (UTC, as reports give it), in nanoseconds since midnight.
    TimeOfDay(u64),
    /// An episode of the target, counted from one: a second before it began, or after it ended.
    Episode(usize),
}

/// What of a run is needed to find a place in it.
#[derive(Clone, Debug)]
pub struct Course {
    /// The whole run.
    pub whole: Span,
    /// The wall clock of the run.
    pub anchor: Anchor,
    /// The episodes of the target, in order, each from its first failure to its last.
    pub episodes: Vec<Span>,
}

/// Why there is no such part of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The run has fewer episodes.
    #[error("there is no episode {asked}: {}", match there {
        0 => "the target of this run has none".to_owned(),
        1 => "the target of this run has one, episode:1".to_owned(),
        there => format!("the target of this run has {there}, episode:1 to episode:{there}"),
    })]
    NoEpisode {
        /// The number asked for.
        asked: usize,
        /// How many episodes there are.
        there: usize,
    },
    /// A place lies outside of the run.
    #[error("{flag} lies {} after the start of the run, which took {}", Human(*at), Human(*length))]
    Outside {
        /// The flag that names the place.
        flag: &'static str,
        /// The place, from the start of the run.
        at: Duration,
        /// How long the run took.
        length: Duration,
    },
    /// The part would end before it begins.
    #[error("--from ({}) does not come before --to ({})", Human(*from), Human(*to))]
    Backwards {
        /// The beginning, from the start of the run.
        from: Duration,
        /// The end, from the start of the run.
        to: Duration,
    },
}

impl Course {
    /// The part of the run between two marks, the whole run without any.
    pub fn between(&self, from: Option<Mark>, to: Option<Mark>) -> Result<Span, Error> {
        let begins = |mark| self.place(mark, "--from", |episode| episode.from.back(AROUND));
        let ends = |mark| self.place(mark, "--to", |episode| (episode.to + AROUND).min(self.whole.to));
        let from = from.map_or(Ok(self.whole.from), begins)?;
        let to = to.map_or(Ok(self.whole.to), ends)?;
        let since_start = |at: Offset| at.since(Offset::ZERO);
        if from >= to {
            return Err(Error::Backwards { from: since_start(from), to: since_start(to) });
        }
        Ok(Span::new(from, to))
    }

    fn place(&self, mark: Mark, flag: &'static str, edge: impl Fn(Span) -> Offset) -> Result<Offset, Error> {
        let at = match mark {
            Mark::After(time) => Offset::ZERO + time,
            Mark::TimeOfDay(nanos) => self.time_of_day(nanos),
            Mark::Episode(number) => {
                let found = number.checked_sub(1).and_then(|nth| self.episodes.get(nth));
                edge(*found.ok_or(Error::NoEpisode { asked: number, there: self.episodes.len() })?)
            }
        };
        let length = self.whole.to.since(Offset::ZERO);
        if at > self.whole.to {
            return Err(Error::Outside { flag, at: at.since(Offset::ZERO), length });
        }
        Ok(at)
    }

    /// The first time in the run at which the wall clock showed this time of day. The start of a run is a date within a
    /// day, and a time of day up to a minute before it is the start itself.
    fn time_of_day(&self, nanos: u64) -> Offset {
        let start = self.anchor.date_at(Offset::ZERO).as_nanos() % DAY;
        let after = (nanos + DAY - start) % DAY;
        Offset::from_nanos(if DAY - after <= 60 * NANOS_PER_SECOND { 0 } else { after })
    }
}

impl FromStr for Mark {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HINT: &str = "write a time since the start of the run such as 6.8s, 6800ms or 1m30s, a time of day (UTC) \
                            such as 19:06:59.1, or an episode such as episode:2";
        if let Some(number) = text.strip_prefix("episode:") {
            return number.parse().map(Self::Episode).map_err(|_| HINT);
        }
        if text.contains(':') {
            return time_of_day(text).map(Self::TimeOfDay).ok_or(HINT);
        }
        since_start(text).map(Self::After).ok_or(HINT)
    }
}

/// Reads `19:06`, `19:06:59` or `19:06:59.125`, as nanoseconds since midnight.
fn time_of_day(text: &str) -> Option<u64> {
    let mut parts = text.strip_suffix('Z').unwrap_or(text).split(':');
    let mut below = |limit: u64| parts.next()?.parse().ok().filter(|number: &u64| *number < limit);
    let (hours, minutes) = (below(24)?, below(60)?);
    let seconds =
        parts.next().map_or(Some(0), |seconds| decimal(seconds).filter(|nanos| *nanos < 60 * NANOS_PER_SECOND))?;
    parts.next().is_none().then_some((hours * 60 + minutes) * 60 * NANOS_PER_SECOND + seconds)
}

/// Reads a sum of numbers with units: `6.8s`, `1m30s`, `250ms`.
fn since_start(text: &str) -> Option<Duration> {
    let (mut rest, mut sum) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let unit_at = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(unit_at);
        let unit_ends = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_ends);
        let seconds = decimal(number)?;
        let nanos = match unit.trim() {
            "ms" => seconds / 1_000,
            "s" => seconds,
            "m" | "min" => seconds.checked_mul(60)?,
            "h" => seconds.checked_mul(3_600)?,
            _ => return None,
        };
        sum = sum.checked_add(Duration::from_nanos(nanos))?;
        rest = next;
    }
    (!text.is_empty()).then_some(sum)
}

/// Reads a decimal number as billionths; digits beyond the ninth decimal are left out.
fn decimal(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let nanos: u64 = format!("{fraction:0<9.9}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(NANOS_PER_SECOND)?.checked_add(nanos)
}

#[cfg(test)]
mod tests {
    use lapse_measure::time::UnixTime;

    use super::*;

    /// A run of 20 s from 23:59:50 on, with episodes at 3 to 4 s and 12 to 19.5 s.
    fn course() -> Course {
        let date = UnixTime::from_nanos(20_000 * DAY - 10 * NANOS_PER_SECOND);
        let span = |from, to| Span::new(Offset::from_millis(from), Offset::from_millis(to));
        Course {
            whole: span(0, 20_000),
            anchor: Anchor { date, offset: Offset::ZERO },
            episodes: vec![span(3_000, 4_000), span(12_000, 19_500)],
        }
    }

    fn between(from: &str, to: &str) -> Result<(u64, u64), String> {
        let mark = |text: &str| (!text.is_empty()).then(|| text.parse().map_err(str::to_owned)).transpose();
        let span = course().between(mark(from)?, mark(to)?).map_err(|error| error.to_string())?;
        Ok((span.from.as_nanos() / 1_000_000, span.to.as_nanos() / 1_000_000))
    }

    #[test]
    fn places_are_offsets_times_of_day_and_episodes() {
        assert_eq!(between("", ""), Ok((0, 20_000)));
        assert_eq!(between("1.5s", "6800ms"), Ok((1_500, 6_800)));
        assert_eq!(between("0s500ms", "0.3m"), Ok((500, 18_000)));
        assert_eq!(between("23:59:51.25", "00:00:02Z"), Ok((1_250, 12_000)));
        assert_eq!(between("23:59", "0:00"), Ok((0, 10_000)), "from before the start");
        assert_eq!(between("episode:1", "episode:1"), Ok((2_000, 5_000)));
        assert_eq!(between("episode:2", "episode:2"), Ok((11_000, 20_000)), "no further than the run");
    }

    #[test]
    fn what_is_not_in_the_run_is_refused_with_what_there_is() {
        for (from, to, expected) in [
            ("episode:9", "", "no episode 9: the target of this run has 2, episode:1 to episode:2"),
            ("episode:0", "", "no episode 0"),
            ("25s", "", "--from lies 25.0 s after the start of the run, which took 20.0 s"),
            ("", "12:00", "--to lies"),
            ("3s", "2s", "--from (3.00 s) does not come before --to (2.00 s)"),
            ("3s", "3s", "does not come before"),
            ("soon", "", "episode:2"),
            ("5", "", "write a time"),
            ("99999999999999h", "", "write a time"),
            ("25:00", "", "write a time"),
            ("1:2:3:4", "", "write a time"),
            ("episode:-1", "", "write a time"),
        ] {
            let error = between(from, to).unwrap_err();
            assert!(error.contains(expected), "{from} {to}: {error}");
        }
    }
}
