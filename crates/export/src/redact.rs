//! Takes what may be secret out of the entries of a run.
//!
//! Texts from outside are searched: the command line, URLs, lines of output, what the cluster and servers said. Names,
//! times, addresses and figures stay, for without them there is no record.

use std::collections::BTreeMap;

use regex::Regex;

use super::secret::{REDACTED, Secrets};
use lapse_measure::answer::Evidence;
use lapse_record::entry::{Entry, RunHeader};

/// Where a value was that was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The words of the wrapped command.
    Command,
    /// The URL of a target.
    Url,
    /// A line of the command's output, or another event.
    Event,
    /// What a server answered to a failed probe, or what failed.
    Failure,
    /// The version that an answer named.
    Version,
}

impl Place {
    /// The place, as a sentence names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "the command line",
            Self::Url => "a URL",
            Self::Event => "events and output",
            Self::Failure => "failed answers",
            Self::Version => "versions that answers named",
        }
    }
}

/// Takes out what may be secret, and counts it.
#[derive(Debug)]
pub struct Redactor {
    secrets: Secrets,
    found: BTreeMap<(Place, String), u64>,
}

impl Redactor {
    /// Takes out the kinds of values that lapse knows, and what matches one of `extra`: its group named `keep` stays.
    pub fn new(extra: &[Regex]) -> Result<Self, regex::Error> {
        Ok(Self { secrets: Secrets::new(extra)?, found: BTreeMap::new() })
    }

    /// What was taken out so far: how many values of each kind, by place.
    pub const fn found(&self) -> &BTreeMap<(Place, String), u64> {
        &self.found
    }

    /// Takes out what may be secret of a run header.
    pub fn header(&mut self, header: &mut RunHeader) {
        for target in &mut header.targets {
            self.text(Place::Url, &mut target.url);
        }
        if let Some(path) = header.held.as_mut().and_then(|held| held.path.as_mut()) {
            self.text(Place::Url, path);
        }
        let mut is_value = false;
        for word in header.command.iter_mut().flatten() {
            if is_value {
                REDACTED.clone_into(word);
                self.count(Place::Command, "the value of an option that is called secret");
                is_value = false;
                continue;
            }
            is_value = self.secrets.is_option(word);
            self.text(Place::Command, word);
        }
    }

    /// Takes out what may be secret of an entry.
    pub fn entry(&mut self, entry: &mut Entry) {
        match entry {
            Entry::Batch(batch) => {
                let evidence = batch.records.iter_mut().filter_map(|record| record.evidence.as_deref_mut());
                evidence.for_each(|evidence| self.evidence(evidence));
                batch.versions.iter_mut().for_each(|name| self.text(Place::Version, name));
            }
            Entry::Event(event) => self.text(Place::Event, &mut event.text),
            Entry::Stream(_, stream) => {
                let texts = stream.backend.iter_mut().chain(&mut stream.failed_as);
                texts.for_each(|text| self.text(Place::Failure, text));
            }
            Entry::Doubt(text) => self.text(Place::Event, text),
            Entry::Phase(..)
            | Entry::Act(..)
            | Entry::Started(_)
            | Entry::Exit(_)
            | Entry::InjectedFault(_)
            | Entry::Interrupted(_)
            | Entry::End(_) => {}
        }
    }

    fn evidence(&mut self, evidence: &mut Evidence) {
        let Evidence { server, backend, body, detail, .. } = evidence;
        for text in [server, backend, body].into_iter().flatten().chain([detail]) {
            self.text(Place::Failure, text);
        }
    }

    fn text(&mut self, place: Place, text: &mut String) {
        let mut kinds = Vec::new();
        let rest = self.secrets.taken_out(text, |kind| kinds.push(kind.to_owned())).into_owned();
        for kind in kinds {
            self.count(place, &kind);
        }
        *text = rest;
    }

    fn count(&mut self, place: Place, kind: &str) {
        *self.found.entry((place, kind.to_owned())).or_insert(0) += 1;
    }
}
