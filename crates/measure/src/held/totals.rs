//! What the held streams of a target come to: silence, drops, time to be back, herds, where they landed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Arrival, Drop, Gap, MAX_GAPS, Numbers, Stream};
use crate::span::Span;
use crate::time::{Bounded, Offset};

/// The width of the window in which reconnects are a herd.
pub const HERD: Duration = Duration::from_millis(10);

/// The held streams of a target, in the order in which they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// How many are held at a time.
    pub places: u32,
    /// The streams that were kept.
    pub streams: Vec<Stream>,
    /// Streams that were not kept.
    pub left_out: u64,
}

/// A stretch without a message, in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The place.
    pub place: u32,
    /// The stretch.
    pub gap: Gap,
}

/// A drop and what followed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The place.
    pub place: u32,
    /// How it was dropped.
    pub how: Drop,
    /// When.
    pub at: Arrival,
    /// The time from its head to its drop.
    pub age: Bounded,
    /// The time until the first message of the stream that took its place; `None` if none came.
    pub back: Option<Bounded>,
}

/// Messages that carry numbers, over all places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Numbers that never came.
    pub lost: u64,
    /// Messages whose number had come before.
    pub repeated: u64,
}

/// The figures of a target's held streams in a stretch of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldTotals {
    /// The drops, in order of time.
    pub drops: Vec<Dropped>,
    /// The number of drops by how.
    pub by_how: BTreeMap<Drop, u64>,
    /// The places that had a drop.
    pub places_dropped: u64,
    /// The longest silence that reaches into the stretch; `None` if no stream was asked for.
    pub silence: Option<Silence>,
    /// The most streams that were asked for again within [`HERD`], and when the first of them was.
    pub herd: Option<(u64, Offset)>,
}

impl Held {
    /// The figures of what happened in `window`. A silence belongs to each stretch that it reaches into.
    pub fn totals(&self, window: Span) -> HeldTotals {
        let mut drops: Vec<_> = self.by_place().values().flat_map(|streams| dropped(streams)).collect();
        drops.retain(|one| (window.from..=window.to).contains(&one.at.read));
        drops.sort_by_key(|one| (one.at.read, one.place));
        let mut by_how = BTreeMap::new();
        for one in &drops {
            *by_how.entry(one.how).or_insert(0) += 1;
        }
        let mut places: Vec<_> = drops.iter().map(|one| one.place).collect();
        places.sort_unstable();
        places.dedup();
        HeldTotals {
            places_dropped: places.len() as u64,
            by_how,
            silence: self.silence(window),
            herd: self.herd(window),
            drops,
        }
    }

    /// The number of streams whose head came.
    pub fn opened(&self) -> u64 {
        self.streams.iter().filter(|stream| stream.opened.is_some()).count() as u64
    }

    /// The number of messages.
    pub fn messages(&self) -> u64 {
        self.streams.iter().map(|stream| stream.messages).fold(0, u64::saturating_add)
    }

    /// The attempts that failed, and how the last of a stream's failed, with the number of streams.
    pub fn failed(&self) -> (u64, BTreeMap<&str, u64>) {
        let mut classes = BTreeMap::new();
        let named = self.streams.iter().filter_map(|stream| stream.failed_as.as_deref());
        named.for_each(|class| *classes.entry(class).or_insert(0) += 1);
        (self.streams.iter().map(|stream| stream.failed).fold(0, u64::saturating_add), classes)
    }

    /// The number of streams that were open at the end of the run.
    pub fn open(&self) -> u64 {
        self.streams.iter().filter(|stream| stream.is_open()).count() as u64
    }

    /// How many of the streams that were open at the end each backend had; those that name none are under `None`.
    pub fn landed(&self) -> BTreeMap<Option<&str>, u64> {
        let mut landed = BTreeMap::new();
        let open = self.streams.iter().filter(|stream| stream.is_open());
        open.for_each(|stream| *landed.entry(stream.backend.as_deref()).or_insert(0) += 1);
        landed
    }

    /// Messages lost and repeated, within streams and from a stream to the one that took its place; `None` if messages
    /// carry no numbers. A server that numbers each stream anew says nothing of what was lost between two.
    pub fn delivery(&self) -> Option<Delivery> {
        let mut sum: Option<Delivery> = None;
        for streams in self.by_place().into_values() {
            let mut before: Option<Numbers> = None;
            for (stream, numbers) in streams.iter().filter_map(|stream| Some((stream, stream.numbers?))) {
                let sum = sum.get_or_insert_default();
                sum.lost = sum.lost.saturating_add(numbers.lost);
                sum.repeated = sum.repeated.saturating_add(numbers.repeated);
                if let Some(before) = before.filter(|before| before.first != numbers.first) {
                    let skipped = numbers.first.saturating_sub(before.last).saturating_sub(1);
                    let again = before.last.min(numbers.last).saturating_add(1).saturating_sub(numbers.first);
                    sum.lost = sum.lost.saturating_add(skipped);
                    sum.repeated = sum.repeated.saturating_add(again.min(stream.messages));
                }
                before = Some(numbers);
            }
        }
        sum
    }

    /// The streams of each place, in order of time.
    fn by_place(&self) -> BTreeMap<u32, Vec<&Stream>> {
        let mut places: BTreeMap<u32, Vec<&Stream>> = BTreeMap::new();
        for stream in &self.streams {
            places.entry(stream.place).or_default().push(stream);
        }
        for streams in places.values_mut() {
            streams.sort_by_key(|stream| stream.asked);
        }
        places
    }

    fn silence(&self, window: Span) -> Option<Silence> {
        let places = self.by_place().into_iter();
        let gaps = places.flat_map(|(place, streams)| silences(&streams).into_iter().map(move |gap| (place, gap)));
        let reaching = gaps.filter(|(_, gap)| gap.to.read > window.from && gap.from.read <= window.to);
        let longest = reaching.max_by_key(|(_, gap)| gap.length().estimate);
        longest.map(|(place, gap)| Silence { place, gap })
    }

    fn herd(&self, window: Span) -> Option<(u64, Offset)> {
        let places = self.by_place();
        let again = places.values().flat_map(|streams| streams.iter().skip(1).map(|stream| stream.asked));
        let mut asked: Vec<_> = again.filter(|at| (window.from..=window.to).contains(at)).collect();
        asked.sort_unstable();
        let (mut best, mut from) = (None, 0);
        for (to, at) in asked.iter().enumerate() {
            while asked.get(from).is_some_and(|first| at.since(*first) >= HERD) {
                from += 1;
            }
            let count = (to - from + 1) as u64;
            if best.is_none_or(|(most, _)| count > most) {
                best = asked.get(from).map(|first| (count, *first));
            }
        }
        best
    }
}

/// The stretches of a place without a message, across its streams: the longest of each stream, those between two
/// streams, and the first and the last.
fn silences(streams: &[&Stream]) -> Vec<Gap> {
    let Some(first) = streams.first() else { return Vec::new() };
    let mut gaps = Vec::new();
    let mut last = Arrival::exact(first.asked);
    for stream in streams {
        if let Some(message) = stream.first {
            gaps.push(Gap { from: last, to: message });
        }
        gaps.extend(bounded_gaps(stream));
        last = stream.last.unwrap_or(last);
    }
    let end = streams.last().map_or(last, |stream| stream.end);
    gaps.push(Gap { from: last, to: end });
    gaps
}

/// The kept gaps of a stream. If some were not kept, the rest of it was silent for no longer than the shortest of these,
/// which stands for them all: it ends with the last message.
fn bounded_gaps(stream: &Stream) -> Vec<Gap> {
    let mut gaps = stream.gaps.clone();
    let shortest = gaps.iter().map(|gap| gap.length().estimate).min();
    if let (Some(shortest), Some(last), true) = (shortest, stream.last, gaps.len() >= MAX_GAPS) {
        let is_late = |gap: &Gap| gap.to.read >= last.read;
        if !gaps.iter().any(is_late) {
            gaps.push(Gap { from: Arrival { after: last.after.back(shortest), read: last.read }, to: last });
        }
    }
    gaps
}

/// The drops of a place.
fn dropped(streams: &[&Stream]) -> Vec<Dropped> {
    let (mut drops, mut next) = (Vec::new(), None);
    for stream in streams.iter().rev() {
        if let (Some(how), Some(opened)) = (stream.dropped, stream.opened) {
            let back = next.map(|first| stream.end.until(first));
            drops.push(Dropped { place: stream.place, how, at: stream.end, age: opened.until(stream.end), back });
        }
        next = stream.first.or(next);
    }
    drops
}

impl HeldTotals {
    /// The times to be back that are known, the shortest first.
    pub fn backs(&self) -> Vec<Bounded> {
        let mut backs: Vec<_> = self.drops.iter().filter_map(|one| one.back).collect();
        backs.sort_by_key(|back| back.estimate);
        backs
    }

    /// The ages of the streams that were dropped, the youngest first.
    pub fn ages(&self) -> Vec<Bounded> {
        let mut ages: Vec<_> = self.drops.iter().map(|one| one.age).collect();
        ages.sort_by_key(|age| age.estimate);
        ages
    }

    /// The drops after which no message came.
    pub fn not_back(&self) -> u64 {
        self.drops.iter().filter(|one| one.back.is_none()).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Arrival {
        Arrival::exact(Offset::from_millis(ms))
    }

    fn stream(place: u32, asked: u64, messages: &[u64], end: (u64, Option<Drop>)) -> Stream {
        let mut stream = Stream::new(place, Offset::from_millis(asked));
        stream.opened = messages.first().map(|_| at(asked + 1));
        for ms in messages {
            stream.message(at(*ms), None);
        }
        (stream.end, stream.dropped) = (at(end.0), end.1);
        stream
    }

    fn all(held: &Held) -> HeldTotals {
        held.totals(Span::new(Offset::ZERO, Offset::from_millis(10_000)))
    }

    #[test]
    fn a_silence_goes_on_from_a_stream_to_the_next() {
        let streams = vec![
            stream(0, 0, &[100, 600, 1100], (1200, Some(Drop::Reset))),
            stream(0, 1200, &[2700, 3200], (3300, None)),
            stream(1, 0, &[100, 1000, 2000, 3000], (3300, None)),
        ];
        let held = Held { places: 2, streams, left_out: 0 };
        let totals = all(&held);
        let silence = totals.silence.unwrap();
        assert_eq!((silence.place, silence.gap.length()), (0, Bounded::exact(Duration::from_millis(1600))));
        let [one] = totals.drops.as_slice() else { panic!("{:?}", totals.drops) };
        assert_eq!((one.how, one.back), (Drop::Reset, Some(Bounded::exact(Duration::from_millis(1500)))));
        assert_eq!(one.age, Bounded::exact(Duration::from_millis(1199)));
        assert_eq!((held.open(), totals.places_dropped, totals.herd), (2, 1, Some((1, Offset::from_millis(1200)))));
    }

    #[test]
    fn a_silence_before_the_window_is_not_in_it() {
        let held = Held { places: 1, streams: vec![stream(0, 0, &[10, 900, 1000, 1100], (1200, None))], left_out: 0 };
        let window = Span::new(Offset::from_millis(950), Offset::from_millis(1200));
        let silence = held.totals(window).silence.unwrap().gap.length();
        assert_eq!(silence, Bounded::exact(Duration::from_millis(100)));
    }

    #[test]
    fn a_place_that_never_comes_back_is_silent_to_the_end() {
        let streams = vec![stream(0, 0, &[100], (500, Some(Drop::Fin))), stream(0, 500, &[], (4000, None))];
        let totals = all(&Held { places: 1, streams, left_out: 0 });
        assert_eq!((totals.not_back(), totals.backs()), (1, vec![]));
        assert_eq!(totals.silence.unwrap().gap.length(), Bounded::exact(Duration::from_millis(3900)));
    }

    #[test]
    fn reconnects_within_ten_milliseconds_are_a_herd() {
        let again = |place: u32, ms| {
            [stream(place, 0, &[1], (ms, Some(Drop::Ended))), stream(place, ms, &[ms + 1], (5000, None))]
        };
        let streams = [(0, 1000), (1, 1004), (2, 1009), (3, 1011), (4, 2000)].map(|(place, ms)| again(place, ms));
        let held = Held { places: 5, streams: streams.concat(), left_out: 0 };
        assert_eq!(all(&held).herd, Some((3, Offset::from_millis(1000))));
    }

    #[test]
    fn numbers_are_followed_from_a_stream_to_the_next_unless_each_begins_anew() {
        let numbered = |asked, first, last| {
            let mut stream = stream(0, asked, &[asked + 1], (asked + 100, Some(Drop::Fin)));
            stream.numbers = Some(Numbers { first, last, lost: 0, repeated: 0 });
            stream
        };
        let delivery = |streams| Held { places: 1, streams, left_out: 0 }.delivery();
        assert_eq!(delivery(vec![stream(0, 0, &[1], (9, None))]), None);
        let lost = delivery(vec![numbered(0, 1, 10), numbered(200, 14, 20)]);
        assert_eq!(lost, Some(Delivery { lost: 3, repeated: 0 }));
        let anew = delivery(vec![numbered(0, 1, 10), numbered(200, 1, 20)]);
        assert_eq!(anew, Some(Delivery::default()));
    }
}
