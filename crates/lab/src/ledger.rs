//! The ledger of injected faults: the truth that a measurement is compared with.
//!
//! The parts of the world that inject a fault write its entry at that moment.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use lapse_measure::time::Offset;
use lapse_record::entry;

/// The kind of an injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InjectedFault {
    /// A hop's list differed from the ready pods: new pods were missing, or old ones still listed.
    Stale,
    /// A hop refused every new connection.
    Shut,
    /// A hop routed new connections, or a share of them, to pods without network, where SYNs are dropped.
    Swallowed,
    /// A connection was cut with requests unanswered on it.
    Cut,
    /// A request was answered with this error status.
    Status(u16),
    /// An answer was late because a hop had to retry.
    Held,
}

impl InjectedFault {
    /// The kind for people, with the status if there is one.
    pub fn words(self) -> String {
        match self {
            Self::Status(code) => format!("status {code}"),
            other => other.name().to_owned(),
        }
    }

    /// The kind's name in the ledger file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Shut => "shut",
            Self::Swallowed => "swallowed",
            Self::Cut => "cut",
            Self::Status(_) => "status",
            Self::Held => "held",
        }
    }
}

/// One injected fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The start of the fault.
    pub from: Offset,
    /// The end of the fault; equal to `from` for a fault of one instant.
    pub to: Offset,
    /// The name of the pod or hop that injected the fault.
    pub by: String,
    /// The kind of the fault.
    pub what: InjectedFault,
    /// The client's address, where the fault concerns one connection.
    pub client: Option<SocketAddr>,
    /// The cause, for people.
    pub cause: String,
}

/// The injected faults in the order in which they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The entries kept, at most [`Ledger::MAX_ENTRIES`].
    pub entries: Vec<Entry>,
    /// The number of entries dropped because the ledger was full.
    pub dropped: u64,
}

/// Entries further apart than this are not merged in [`Ledger::sums`].
const TOGETHER: Duration = Duration::from_secs(1);

/// The JSON form of an entry.
#[derive(Serialize)]
struct Line<'a> {
    from_ns: u64,
    to_ns: u64,
    by: &'a str,
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<SocketAddr>,
    cause: &'a str,
}

impl Ledger {
    /// The maximum number of entries; later ones are only counted.
    pub const MAX_ENTRIES: usize = 500_000;

    /// Adds an entry, or counts it if the ledger is full.
    pub(super) fn add(&mut self, entry: Entry) {
        if self.entries.len() < Self::MAX_ENTRIES {
            self.entries.push(entry);
        } else {
            self.dropped += 1;
        }
    }

    /// The entries in the order of their start, with equal ones (same injector, kind and cause) merged.
    pub fn sums(&self) -> Vec<entry::InjectedFault> {
        let mut sums: Vec<entry::InjectedFault> = Vec::new();
        let mut newest: BTreeMap<(&str, InjectedFault, &str), usize> = BTreeMap::new();
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|entry| entry.from);
        for entry in entries {
            let key = (entry.by.as_str(), entry.what, entry.cause.as_str());
            let place = newest.get(&key).copied().filter(|place| entry.from.since(sums[*place].to) <= TOGETHER);
            let place = place.unwrap_or_else(|| {
                let (by, cause) = (entry.by.clone(), entry.cause.clone());
                let (what, from, to) = (entry.what.words(), entry.from, entry.to);
                sums.push(entry::InjectedFault { by, what, cause, times: 0, from, to, lasted: Duration::ZERO });
                sums.len() - 1
            });
            newest.insert(key, place);
            let sum = &mut sums[place];
            sum.times += 1;
            sum.to = sum.to.max(entry.to);
            sum.lasted += entry.to.since(entry.from);
        }
        sums
    }

    /// Writes one JSON object a line; if entries were dropped, the last line counts them. Fails where `to` does.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        for entry in &self.entries {
            serde_json::to_writer(&mut to, &Line::of(entry))?;
            writeln!(to)?;
        }
        match self.dropped {
            0 => Ok(()),
            dropped => writeln!(to, "{}", serde_json::json!({ "dropped": dropped })),
        }
    }
}

impl<'a> Line<'a> {
    fn of(entry: &'a Entry) -> Self {
        let status = if let InjectedFault::Status(code) = entry.what { Some(code) } else { None };
        Self {
            from_ns: entry.from.as_nanos(),
            to_ns: entry.to.as_nanos(),
            by: &entry.by,
            what: entry.what.name(),
            status,
            client: entry.client,
            cause: &entry.cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_is_a_line() {
        let entry = Entry {
            from: Offset::from_millis(1),
            to: Offset::from_millis(2),
            by: "ingress".into(),
            what: InjectedFault::Status(503),
            client: Some("127.0.0.1:9".parse().unwrap()),
            cause: "its list is empty".into(),
        };
        let ledger = Ledger { entries: vec![entry], dropped: 2 };
        let mut text = Vec::new();
        ledger.write(&mut text).unwrap();
        let expected = "{\"from_ns\":1000000,\"to_ns\":2000000,\"by\":\"ingress\",\"what\":\"status\",\"status\":503,\
                        \"client\":\"127.0.0.1:9\",\"cause\":\"its list is empty\"}\n{\"dropped\":2}\n";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
