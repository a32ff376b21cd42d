//! What the world did to requests, and when: the truth that a measurement is held against.
//!
//! Written by the parts of the world that inflict it, at the moment at which they do.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use lapse_measure::time::Offset;
use lapse_record::entry;

/// What was inflicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InjectedFault {
    /// A hop's list differed from the pods that were ready: new pods were missing, or old ones still listed.
    Stale,
    /// A hop refused every new connection.
    Shut,
    /// A hop sent new connections, or a share of them, where their packets vanish.
    Swallowed,
    /// A connection was cut with requests unanswered on it.
    Cut,
    /// A request was answered with this status instead of what was asked for.
    Status(u16),
    /// A request waited for longer than an answer takes.
    Held,
}

impl InjectedFault {
    /// What it was, with its status if there was one.
    pub fn words(self) -> String {
        match self {
            Self::Status(code) => format!("status {code}"),
            other => other.name().to_owned(),
        }
    }

    /// The word for it in the ledger's file.
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

/// One thing that was inflicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From when on.
    pub from: Offset,
    /// Until when; equal to `from` for what happened in one instant.
    pub to: Offset,
    /// The pod or the hop that inflicted it.
    pub by: String,
    /// What it was.
    pub what: InjectedFault,
    /// The client's end of the connection, where there was one.
    pub client: Option<SocketAddr>,
    /// Why, for people.
    pub cause: String,
}

/// All that was inflicted, in the order in which it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The entries that were kept.
    pub entries: Vec<Entry>,
    /// How many more there were than [`Ledger::MOST`].
    pub dropped: u64,
}

/// What lies farther apart than this is not summed up.
const TOGETHER: Duration = Duration::from_secs(1);

/// An entry as a line of JSON.
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
    /// So many entries are kept, the earliest.
    pub const MOST: usize = 500_000;

    /// Adds an entry, or counts it if the ledger is full.
    pub(super) fn add(&mut self, entry: Entry) {
        if self.entries.len() < Self::MOST {
            self.entries.push(entry);
        } else {
            self.dropped += 1;
        }
    }

    /// What was inflicted, in the order in which it began: the same by the same for the same cause is one line.
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

    /// Writes one JSON object a line; of a full ledger the last line counts what is missing.
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
