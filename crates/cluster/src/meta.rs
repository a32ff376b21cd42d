//! The metadata that every kind of object has, and how a part of an object is read.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use lapse_measure::time::UnixTime;

/// The parts of `metadata` that are read of an object of any kind.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) generation: u64,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) owner_references: Vec<Owner>,
    pub(super) creation_timestamp: Option<Instant>,
    /// The time by which a deleted object is to be gone: `deletion_grace_period_seconds` after the deletion was
    /// requested.
    pub(super) deletion_timestamp: Option<Instant>,
    pub(super) deletion_grace_period_seconds: u64,
}

/// A reference to the owner of an object.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Owner {
    pub(super) uid: String,
    pub(super) controller: bool,
}

/// A point in time as the cluster writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Instant(String);

impl Meta {
    /// The owner that controls the object; `None` if it has none.
    pub(super) fn controller(&self) -> Option<&str> {
        self.owner_references.iter().find(|owner| owner.controller).map(|owner| owner.uid.as_str())
    }

    /// The Helm release that made the object, from the annotation that helm writes on everything it makes.
    pub(super) fn release(&self) -> Option<&str> {
        self.annotations.get("meta.helm.sh/release-name").map(String::as_str)
    }

    /// The time at which the deletion was requested; `None` if it was not, or if its time cannot be read.
    pub(super) fn deletion_asked(&self) -> Option<UnixTime> {
        let gone = self.deletion_timestamp.as_ref()?.unix_time()?;
        gone.checked_sub(Duration::from_secs(self.deletion_grace_period_seconds))
    }
}

impl Instant {
    /// The time as a number; `None` if the text is no time, or one before 1970 or after 2262.
    pub(super) fn unix_time(&self) -> Option<UnixTime> {
        let nanos = DateTime::parse_from_rfc3339(&self.0).ok()?.timestamp_nanos_opt()?;
        u64::try_from(nanos).ok().map(UnixTime::from_nanos)
    }
}

/// Reads a part of an object; its default where the object has no such part.
pub(super) fn part<T: DeserializeOwned + Default>(value: &Value, pointer: &str) -> Result<T, serde_json::Error> {
    match value.pointer(pointer) {
        None | Some(Value::Null) => Ok(T::default()),
        Some(part) => T::deserialize(part),
    }
}
