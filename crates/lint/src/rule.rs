//! A rule: what it says of which field, why, and how to mend it.

use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

use super::field::Field;
use super::finding::{Finding, Held};
use super::manifests::{Manifests, Served};
use super::object::{Object, ObjectName};
use super::sanitize::sentence;

/// How bad a finding is; worse ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; it depends on the rest of the system whether requests are lost.
    Note,
    /// Requests are lost unless the program itself prevents it.
    Warning,
    /// Requests are lost, or the API server refuses the object.
    Error,
}

/// A rule. All of them are in [`RULES`](crate::RULES).
pub struct Rule {
    /// The name, such as `no-pre-stop`: stable, for `--skip` and for other programs.
    pub name: &'static str,
    /// The name of the cause of downtime in the catalogue, such as `endpoint-race`.
    pub cause: &'static str,
    /// Whether the cause is less likely for an object of which the rule holds. A rule that sees only one of many ways to
    /// the cause says nothing by holding.
    pub clears: bool,
    /// How bad a finding is at most.
    pub severity: Severity,
    /// The path of the field that it looks at, as in docs/LINT.md.
    pub field: &'static str,
    /// What it finds, in a few words.
    pub says: &'static str,
    /// Why requests are lost then.
    pub why: &'static str,
    /// How to mend it.
    pub fix: &'static str,
    /// The file under `scenarios/` that shows the loss.
    pub scenario: Option<&'static str>,
    pub(crate) check: fn(&Manifests<'_>, &mut Outcome),
}

/// What a rule finds.
#[derive(Debug)]
pub(crate) struct Outcome {
    rule: &'static Rule,
    findings: Vec<Finding>,
    checked: Vec<ObjectName>,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];

    /// The name, as `--deny` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.name)
    }
}

impl Rule {
    /// Checks the rule: its findings, and the objects of which it holds.
    pub(crate) fn run(&'static self, manifests: &Manifests<'_>) -> (Vec<Finding>, Vec<Held>) {
        let mut outcome = Outcome { rule: self, findings: Vec::new(), checked: Vec::new() };
        (self.check)(manifests, &mut outcome);
        let found: HashSet<_> = outcome.findings.iter().map(|finding| finding.object.clone()).collect();
        let mut seen = HashSet::new();
        let fine = outcome.checked.into_iter().filter(|object| !found.contains(object) && seen.insert(object.clone()));
        let held =
            fine.map(|object| Held { rule: self.name, cause: self.cause, clears: self.clears, object }).collect();
        (outcome.findings, held)
    }
}

impl Outcome {
    /// Says that `object` was checked; without a finding the rule holds for it.
    pub(crate) fn checked(&mut self, object: &Object) {
        self.checked.push(object.named.clone());
    }

    /// A finding at `field`, as bad as the rule says.
    pub(crate) fn find(&mut self, field: &Field<'_>, message: &str) -> &mut Finding {
        self.find_as(self.rule.severity, field, message)
    }

    /// A finding at `field` that is `severity` bad.
    pub(crate) fn find_as(&mut self, severity: Severity, field: &Field<'_>, message: &str) -> &mut Finding {
        let object = field.object();
        let at = self.findings.len();
        self.findings.push(Finding {
            rule: self.rule,
            severity: severity.min(self.rule.severity),
            source: object.source.to_string(),
            document: object.document,
            template: object.template.as_deref().map(str::to_owned),
            object: object.named.clone(),
            path: field.path().to_owned(),
            position: field.position(),
            message: sentence(message),
            patch: None,
            api_version: object.api_version.clone(),
        });
        &mut self.findings[at]
    }

    /// A finding of a workload that gets requests: a note only if those are supposed.
    pub(crate) fn find_served(
        &mut self,
        served: &Served<'_, '_>,
        severity: Severity,
        field: &Field<'_>,
        message: &str,
    ) -> &mut Finding {
        if served.certain {
            return self.find_as(severity, field, message);
        }
        let message = format!("{message} (if requests come here: the input has no Service)");
        self.find_as(Severity::Note, field, &message)
    }
}

impl Finding {
    /// With a patch that mends it.
    pub(crate) fn mend(&mut self, patch: Value) {
        self.patch = Some(patch);
    }
}
