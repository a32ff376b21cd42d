//! A change of an object: one event of the timeline before its arrival time is known.

use lapse_measure::time::UnixTime;
use lapse_record::event::detail::Detail;
use lapse_record::event::{EventKind, Object};

/// A change of an object, as the timeline shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) kind: EventKind,
    /// The event's text for people.
    pub(super) text: String,
    /// The cluster's own time of the change; `None` if the object has none.
    pub(super) source_time: Option<UnixTime>,
    /// The row of the report that shows the change.
    pub(super) object: Object,
    /// The typed facts of the change; `None` if it has none.
    pub(super) detail: Option<Detail>,
}
