//! The rows of the table of disruptions, which are also marks on the timeline: each disruption of a lane, and the
//! outages of a disruption that has several.

use super::sanitize;
use crate::longest::Longest;
use crate::words::disruption::{lasted, lost};
use crate::words::episode::open;
use crate::words::phrase::{Count, classes, lost_share, some};
use lapse_measure::disruption::Disruption;
use lapse_measure::observations::LaneObservations;
use lapse_measure::outage::Outage;
use lapse_measure::time::{Bounded, Offset};
use lapse_record::record::Record;

/// Disruptions with a row, the longest ones.
const MAX_DISRUPTIONS: usize = 500;
/// Outages with a row below their disruption's, the longest ones.
const MAX_PARTS: usize = 500;

/// The kind of a row, as the script names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A disruption of several outages.
    Disruption,
    /// A disruption that is a single outage.
    Outage,
    /// One of the outages of a disruption.
    Part,
}

/// A disruption of a lane, or one of its outages.
#[derive(Clone, Copy)]
pub(super) struct Loss<'a> {
    /// The lane that lost requests.
    pub(super) lane: &'a LaneObservations,
    disruption: &'a Disruption,
    part: Option<&'a Outage>,
}

/// All rows, in the order of lanes and time; the outages of a disruption follow it.
pub(super) fn all(record: &Record) -> Vec<Loss<'_>> {
    let disruptions = Longest::disruptions(record, MAX_DISRUPTIONS).shown;
    let losses = disruptions.into_iter().map(|(lane, disruption)| Loss { lane, disruption, part: None });
    let mut all: Vec<_> = losses.collect();
    let several = all.iter().filter(|loss| loss.kind() == Kind::Disruption);
    let parts = several.flat_map(|loss| loss.outages().iter().map(|outage| Loss { part: Some(outage), ..*loss }));
    let parts = Longest::of(parts.collect(), MAX_PARTS, |part: &Loss<'_>| (part.lasted().estimate, part.from()));
    all.extend(parts.shown);
    all.sort_by_key(|loss| (loss.lane.id, loss.disruption.from, loss.part.map(|outage| outage.from)));
    all
}

impl<'a> Loss<'a> {
    pub(super) fn kind(&self) -> Kind {
        match self.part {
            Some(_) => Kind::Part,
            None if self.outages().len() > 1 => Kind::Disruption,
            None => Kind::Outage,
        }
    }

    /// The outages of the disruption.
    pub(super) fn outages(&self) -> &'a [Outage] {
        self.disruption.outages_of(&self.lane.outages)
    }

    /// Whether `other` is of the same disruption.
    pub(super) fn shares_disruption(&self, other: &Self) -> bool {
        self.lane.id == other.lane.id && self.disruption.from == other.disruption.from
    }

    /// The due time of the first failed slot.
    pub(super) fn from(&self) -> Offset {
        self.part.map_or(self.disruption.from, |outage| outage.from)
    }

    /// The due time of the last failed slot.
    pub(super) fn to(&self) -> Offset {
        self.part.map_or(self.disruption.to, |outage| outage.to)
    }

    /// The bounds of the beginning, in nanoseconds; an open side is null.
    pub(super) fn began(&self) -> [Option<u64>; 2] {
        let (from, to) = self.part.map_or(self.disruption.began, |outage| outage.began);
        [from.map(Offset::as_nanos), Some(to.as_nanos())]
    }

    /// The bounds of the end, in nanoseconds; an open side is null.
    pub(super) fn ended(&self) -> [Option<u64>; 2] {
        let (from, to) = self.part.map_or(self.disruption.ended, |outage| outage.ended);
        [Some(from.as_nanos()), to.map(Offset::as_nanos)]
    }

    pub(super) fn lasted(&self) -> Bounded {
        self.part.map_or_else(|| self.disruption.length(), Outage::duration)
    }

    /// The lost probes, for a column.
    pub(super) fn lost(&self) -> String {
        self.part.map_or_else(|| lost(self.disruption), |outage| Count(outage.failed).to_string())
    }

    /// The classes of the lost probes.
    pub(super) fn classes(&self) -> String {
        match self.part {
            Some(outage) => classes(&outage.classes),
            None => classes(&self.disruption.classes_of(&self.lane.timeline)),
        }
    }

    /// A note on each side that no success bounds, led by a semicolon; empty if there is none.
    pub(super) fn open(&self) -> String {
        self.part.map_or_else(|| open(self.outages()), |outage| open([outage]))
    }

    /// The row in one sentence, for the timeline.
    pub(super) fn said(&self) -> String {
        let classes = self.classes();
        if self.kind() == Kind::Disruption {
            let Disruption { failed, resolved, .. } = self.disruption;
            let lasted = lasted((self.lane, self.disruption));
            return sanitize(&format!("disrupted for {lasted}, {}: {classes}", lost_share(*failed, *resolved)));
        }
        let failed = self.part.map_or(self.disruption.failed, |outage| outage.failed);
        sanitize(&format!("out for {}, {} lost: {classes}", self.lasted(), some(failed, "probe")))
    }
}

impl Kind {
    /// The word for the kind in the script's input.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Disruption => "disruption",
            Self::Outage => "outage",
            Self::Part => "part",
        }
    }
}
