//! What may happen to held streams, and how that fares.

use std::fmt;
use std::time::Duration;

use super::totals::Held;
use crate::budget::Outcome;
use crate::span::Span;
use crate::time::{Human, Offset};

/// The most that is allowed of what happens to the held streams of a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StreamLimit {
    /// Drops.
    Dropped(u64),
    /// The share of the places that had a drop, from 0 to 1.
    DroppedShare(f64),
    /// The longest stretch without a message in any place.
    Silence(Duration),
}

impl StreamLimit {
    /// How it fares with `held` in `window`.
    pub fn rule(&self, held: Option<&Held>, window: Span) -> Outcome {
        let Some(held) = held.filter(|held| !held.streams.is_empty()) else {
            return Outcome::Undecided("the run held no stream: add --held N".to_owned());
        };
        if held.left_out > 0 {
            return Outcome::Undecided(format!("{} held streams were not kept: hold fewer", held.left_out));
        }
        let totals = held.totals(window);
        let drops = totals.drops.len() as u64;
        match self {
            Self::Dropped(most) if drops <= *most => Outcome::Held,
            Self::Dropped(_) => Outcome::Broken(format!("{drops} dropped")),
            Self::DroppedShare(most) => {
                #[expect(clippy::cast_precision_loss, reason = "places are few")]
                let share = totals.places_dropped as f64 / f64::from(held.places.max(1));
                let of = format!("{} of {} held streams were dropped", totals.places_dropped, held.places);
                if share <= *most { Outcome::Held } else { Outcome::Broken(of) }
            }
            Self::Silence(most) => {
                let Some(silence) = totals.silence else { return Outcome::Held };
                let length = silence.gap.length();
                let at = Human(silence.gap.from.read.since(Offset::ZERO));
                if length.at_least > *most {
                    Outcome::Broken(format!("a silence of {length}, {at} after the run began,"))
                } else if length.at_most.is_some_and(|at_most| at_most <= *most) {
                    Outcome::Held
                } else {
                    Outcome::Undecided(format!("a silence of {length} is within the bounds of what was measured"))
                }
            }
        }
    }
}

impl fmt::Display for StreamLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped(0) => f.write_str("no dropped stream"),
            Self::Dropped(1) => f.write_str("1 dropped stream"),
            Self::Dropped(most) => write!(f, "{most} dropped streams"),
            Self::DroppedShare(share) => write!(f, "{} % of held streams dropped", share * 100.0),
            Self::Silence(most) => write!(f, "a silence of {}", Human(*most)),
        }
    }
}
