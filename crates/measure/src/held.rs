//! Held streams: long-lived answers of which each piece counts, one after the other in each place.
//!
//! A stream is described as the client saw it; what many of them come to is in [`totals`].

pub mod limit;
pub mod totals;

use std::fmt;

use super::time::{Bounded, Offset};

/// The longest gaps that are kept of one stream.
pub const MAX_GAPS: usize = 16;

/// When something reached this machine: not before the prober had last looked and found nothing, and not after it was
/// read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The look before, which found nothing.
    pub after: Offset,
    /// When it was read.
    pub read: Offset,
}

impl Arrival {
    /// An instant that is known exactly, such as one of our own doing.
    pub const fn exact(at: Offset) -> Self {
        Self { after: at, read: at }
    }

    /// The time from this arrival to a later one, with the bounds that both looks allow.
    pub fn until(self, later: Self) -> Bounded {
        let at_most = later.read.since(self.after);
        Bounded::new(later.read.since(self.read), later.after.since(self.read), Some(at_most))
    }
}

/// A stretch of a stream without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The message before, or when the stream was asked for.
    pub from: Arrival,
    /// The message after; where none came, the end of the stream or of the run.
    pub to: Arrival,
}

impl Gap {
    /// How long it lasted.
    pub fn length(&self) -> Bounded {
        self.from.until(self.to)
    }
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drop {
    /// The answer was complete: its last chunk had come, or all of its length.
    Ended,
    /// FIN, where nothing but the end of the connection ends the answer.
    Fin,
    /// FIN within a chunk, between two, or before all of the length had come.
    Truncated,
    /// RST.
    Reset,
    /// Bytes that are not HTTP, or a failure of TLS.
    Broken,
}

impl Drop {
    /// All kinds, in order.
    pub const ALL: [Self; 5] = [Self::Ended, Self::Fin, Self::Truncated, Self::Reset, Self::Broken];

    /// The word for it in reports and journals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Fin => "fin",
            Self::Truncated => "truncated",
            Self::Reset => "reset",
            Self::Broken => "broken",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Drop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The messages of a stream that carry a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// The number of the first one.
    pub first: u64,
    /// The greatest number.
    pub last: u64,
    /// Numbers that were left out between two messages.
    pub lost: u64,
    /// Messages whose number was no greater than one before.
    pub repeated: u64,
}

impl Numbers {
    /// The numbers of a stream whose first message has the number `first`.
    pub const fn new(first: u64) -> Self {
        Self { first, last: first, lost: 0, repeated: 0 }
    }

    /// Counts the next message.
    pub const fn push(&mut self, number: u64) {
        if number > self.last {
            self.lost = self.lost.saturating_add(number - self.last - 1);
            self.last = number;
        } else {
            self.repeated = self.repeated.saturating_add(1);
        }
    }
}

/// One held stream, from when it was asked for to its end or that of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The place that it was held in, from 0.
    pub place: u32,
    /// When the first attempt to open it began.
    pub asked: Offset,
    /// Attempts that failed before one succeeded, or before the end of the run.
    pub failed: u64,
    /// How the last of these failed, as a class; `None` if none did.
    pub failed_as: Option<String>,
    /// When its head was complete; `None` if it was never opened.
    pub opened: Option<Arrival>,
    /// Its first message.
    pub first: Option<Arrival>,
    /// Its last message.
    pub last: Option<Arrival>,
    /// The number of its messages.
    pub messages: u64,
    /// Its longest gaps between two messages, at most [`MAX_GAPS`], in order of time.
    pub gaps: Vec<Gap>,
    /// Its drop, or the end of the run.
    pub end: Arrival,
    /// How it was dropped; `None` if it was still open, or being opened, at the end of the run.
    pub dropped: Option<Drop>,
    /// The backend that its head named.
    pub backend: Option<String>,
    /// The numbers that its messages carried; `None` if they carry none.
    pub numbers: Option<Numbers>,
}

impl Stream {
    /// A stream that is asked for at `asked`.
    pub const fn new(place: u32, asked: Offset) -> Self {
        Self {
            place,
            asked,
            failed: 0,
            failed_as: None,
            opened: None,
            first: None,
            last: None,
            messages: 0,
            gaps: Vec::new(),
            end: Arrival::exact(asked),
            dropped: None,
            backend: None,
            numbers: None,
        }
    }

    /// Adds a message, with its number if it carries one.
    pub fn message(&mut self, at: Arrival, number: Option<u64>) {
        if let Some(last) = self.last.replace(at) {
            keep_longest(&mut self.gaps, Gap { from: last, to: at });
        }
        self.first.get_or_insert(at);
        self.messages += 1;
        match (number, &mut self.numbers) {
            (Some(number), Some(numbers)) => numbers.push(number),
            (Some(number), none) => *none = Some(Numbers::new(number)),
            (None, _) => {}
        }
    }

    /// Whether it was open at the end of the run.
    pub const fn is_open(&self) -> bool {
        self.opened.is_some() && self.dropped.is_none()
    }
}

fn keep_longest(gaps: &mut Vec<Gap>, gap: Gap) {
    gaps.push(gap);
    if gaps.len() > MAX_GAPS {
        let shortest = gaps.iter().enumerate().min_by_key(|(_, gap)| gap.length().estimate).map(|(place, _)| place);
        shortest.map(|place| gaps.remove(place));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_gap_lies_between_what_both_looks_allow() {
        let at = |after, read| Arrival { after: Offset::from_millis(after), read: Offset::from_millis(read) };
        let length = at(98, 100).until(at(595, 600));
        let ms = Duration::from_millis;
        assert_eq!((length.estimate, length.at_least, length.at_most), (ms(500), ms(495), Some(ms(502))));
    }

    #[test]
    fn the_longest_gaps_are_kept_in_order_of_time() {
        let mut stream = Stream::new(0, Offset::ZERO);
        let mut at = 0;
        for gap in (1..=40).chain([5]) {
            at += gap;
            stream.message(Arrival::exact(Offset::from_millis(at)), None);
        }
        let kept: Vec<_> = stream.gaps.iter().map(|gap| gap.length().estimate.as_millis()).collect();
        assert_eq!(kept, (25..=40).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_that_are_left_out_are_lost_and_old_ones_repeated() {
        let mut numbers = Numbers::new(7);
        for number in [8, 11, 11, 9, 12] {
            numbers.push(number);
        }
        assert_eq!(numbers, Numbers { first: 7, last: 12, lost: 2, repeated: 2 });
        numbers.push(u64::MAX);
        numbers.push(0);
        assert_eq!((numbers.last, numbers.repeated), (u64::MAX, 3));
    }
}
