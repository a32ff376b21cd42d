//! What a lint comes to.

use serde_json::Value;

use super::object::ObjectName;
use super::rule::{Rule, Severity};
use lapse_yaml::Position;

/// What was found in manifests, and what was not.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What will lose requests or may, by source and line.
    pub findings: Vec<Finding>,
    /// What was checked of an object and is fine.
    pub held: Vec<Held>,
    /// What the reader should know of the input itself.
    pub said: Vec<Remark>,
    /// How much was read.
    pub read: Counts,
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Documents that are not empty.
    pub documents: usize,
    /// Documents and sources that could not be read.
    pub unread: usize,
    /// Objects of kinds that rules know.
    pub objects: usize,
    /// Objects of other kinds.
    pub others: usize,
}

/// A place in a manifest that will lose requests, or may.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule; its cause, why and fix are the same for all of its findings.
    pub rule: &'static Rule,
    /// How bad it is here; at most as bad as the rule's.
    pub severity: Severity,
    /// The name of the source.
    pub source: String,
    /// The number of the document in the source, counted from one.
    pub document: usize,
    /// The template of the chart, where helm names it.
    pub template: Option<String>,
    /// The object.
    pub object: ObjectName,
    /// The path of the field in the document.
    pub path: String,
    /// The line and column of the field, or of its nearest parent that is there.
    pub position: Position,
    /// What is wrong, in a sentence with the values.
    pub message: String,
    /// A strategic merge patch of the object that mends it, without names.
    pub patch: Option<Value>,
    pub(crate) api_version: String,
}

/// A rule that was checked of an object and holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The rule.
    pub rule: &'static str,
    /// The cause of downtime that it is about, by its name in the catalogue.
    pub cause: &'static str,
    /// Whether that cause is less likely now.
    pub clears: bool,
    /// The object.
    pub object: ObjectName,
}

/// What is said of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The name of the source; `None` if it is about all of them.
    pub source: Option<String>,
    /// The line, counted from one.
    pub line: Option<usize>,
    /// What is to be said; with a source it goes on after its name.
    pub text: String,
    /// Whether something was not read because of it, so that it was not checked.
    pub unread: bool,
}

impl Report {
    /// The worst severity found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// The number of findings of `severity`.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}
