//! The wire form of a held stream.

use serde::{Deserialize, Serialize};

use lapse_measure::held::{Arrival, Drop, Gap, MAX_GAPS, Numbers, Stream};
use lapse_measure::lane::TargetId;
use lapse_measure::time::Offset;

/// An arrival: the look before, and when it was read.
type ArrivalWire = (u64, u64);

/// A held stream with the index of its target.
#[derive(Serialize, Deserialize)]
pub(super) struct StreamWire {
    target: usize,
    place: u32,
    asked_ns: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    failed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed_as: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opened: Option<ArrivalWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<ArrivalWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<ArrivalWire>,
    messages: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<(ArrivalWire, ArrivalWire)>,
    end: ArrivalWire,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dropped: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backend: Option<String>,
    /// First, last, lost, repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    numbers: Option<(u64, u64, u64, u64)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn to_wire(arrival: Arrival) -> ArrivalWire {
    (arrival.after.as_nanos(), arrival.read.as_nanos())
}

fn of_wire((after, read): ArrivalWire) -> Arrival {
    Arrival { after: Offset::from_nanos(after), read: Offset::from_nanos(read) }
}

impl StreamWire {
    pub(super) fn of(target: TargetId, stream: &Stream) -> Self {
        let Stream { place, asked, failed, failed_as, opened, first, last, messages, gaps, .. } = stream;
        Self {
            target: target.0,
            place: *place,
            asked_ns: asked.as_nanos(),
            failed: *failed,
            failed_as: failed_as.clone(),
            opened: opened.map(to_wire),
            first: first.map(to_wire),
            last: last.map(to_wire),
            messages: *messages,
            gaps: gaps.iter().map(|gap| (to_wire(gap.from), to_wire(gap.to))).collect(),
            end: to_wire(stream.end),
            dropped: stream.dropped.map(|how| how.name().to_owned()),
            backend: stream.backend.clone(),
            numbers: stream.numbers.map(|numbers| (numbers.first, numbers.last, numbers.lost, numbers.repeated)),
        }
    }

    /// The stream; the error says what of it is none.
    pub(super) fn read(self) -> Result<(TargetId, Stream), String> {
        if self.gaps.len() > MAX_GAPS {
            return Err(format!("a stream with {} gaps: {MAX_GAPS} are kept", self.gaps.len()));
        }
        let kind = |name: String| Drop::from_name(&name).ok_or_else(|| format!("{name:?} is no way to drop a stream"));
        let stream = Stream {
            place: self.place,
            asked: Offset::from_nanos(self.asked_ns),
            failed: self.failed,
            failed_as: self.failed_as,
            opened: self.opened.map(of_wire),
            first: self.first.map(of_wire),
            last: self.last.map(of_wire),
            messages: self.messages,
            gaps: self.gaps.into_iter().map(|(from, to)| Gap { from: of_wire(from), to: of_wire(to) }).collect(),
            end: of_wire(self.end),
            dropped: self.dropped.map(kind).transpose()?,
            backend: self.backend,
            numbers: self.numbers.map(|(first, last, lost, repeated)| Numbers { first, last, lost, repeated }),
        };
        Ok((TargetId(self.target), stream))
    }
}
