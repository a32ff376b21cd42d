//! `lapse lint`: what of rendered Kubernetes manifests will lose requests in a rollout.
//!
//! Text in, findings out. It reads no files, asks no cluster and never panics: what cannot be read is said. Each rule is
//! a file under `rules/`; each finding has the exact field, its line, and the cause of downtime that it leads to.

mod container;
mod documents;
pub mod entry;
mod field;
mod finding;
pub mod format;
mod image;
mod manifests;
mod object;
mod patch;
mod quantity;
pub mod rollout;
mod rule;
mod rules;
mod sanitize;
mod service;
mod shell;
#[cfg(test)]
mod testing;
pub mod upgrade;
mod workload;

pub use self::finding::{Counts, Finding, Held, Remark, Report};
pub use self::object::ObjectName;
pub use self::patch::{Patches, patches};
pub use self::rule::{Rule, Severity};
pub use self::rules::RULES;
pub use lapse_yaml::Position;

use self::manifests::Manifests;
use self::object::{Contents, Kind};

/// The size from which on a source is refused, in bytes.
pub const MOST_BYTES: usize = 64 << 20;

/// The number of YAML values from which on the rest of the input is refused.
pub const MOST_NODES: usize = 1_000_000;

/// A text to lint.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The name in findings: a file, `-` or a release.
    pub name: &'a str,
    /// The text, as YAML of any number of documents or as JSON.
    pub text: &'a [u8],
}

/// The rule with that name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.name == name)
}

/// Lints `sources` together, as one release: objects of one may belong to those of another. Rules in `skip` are left out.
pub fn lint(sources: &[Source<'_>], skip: &[&Rule]) -> Report {
    check(&object::read(sources), None, skip)
}

/// As [`lint`], with the release that `sources` will replace: rules look at what the upgrade itself changes too.
pub fn lint_upgrade(before: &[Source<'_>], sources: &[Source<'_>], skip: &[&Rule]) -> Report {
    let before = object::read(before);
    let mut report = check(&object::read(sources), Some(&Manifests::new(&before.objects, None)), skip);
    report.read.unread += before.unread;
    report.said.extend(before.said.into_iter().filter(|remark| remark.unread));
    report
}

fn check(contents: &Contents, before: Option<&Manifests<'_>>, skip: &[&Rule]) -> Report {
    let manifests = Manifests::new(&contents.objects, before);
    let others = contents.objects.iter().filter(|object| matches!(object.kind, Kind::Other | Kind::Custom)).count();
    let read = Counts {
        documents: contents.documents,
        unread: contents.unread,
        objects: contents.objects.len() - others,
        others,
    };
    let mut report = Report { said: contents.said.clone(), read, ..Report::default() };
    for rule in RULES {
        if skip.iter().any(|skipped| skipped.name == rule.name) {
            continue;
        }
        let (findings, held) = rule.run(&manifests);
        report.findings.extend(findings);
        report.held.extend(held);
    }
    let place = |finding: &Finding| (finding.source.clone(), finding.position, std::cmp::Reverse(finding.severity));
    report.findings.sort_by_cached_key(place);
    report
}
