//! What of a command line came from a plan, so that errors name its place.

use std::fmt::Write as _;

use lapse_plan::{Entry, Form, Given, Problem};

use super::PlanFile;

/// A plan that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", listed(file, problems))]
pub(in super::super) struct Invalid {
    /// The file.
    pub(in super::super) file: String,
    /// What is wrong with it; at least one thing.
    pub(in super::super) problems: Vec<Problem>,
}

fn listed(file: &str, problems: &[Problem]) -> String {
    if let [problem] = problems {
        return format!("{file}:{problem}");
    }
    let mut text = format!("{file} has {} errors", problems.len());
    for problem in problems {
        let _ = write!(text, "\n{file}:{problem}");
    }
    text
}

/// The flags of a command line that files gave.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Origin {
    parts: Vec<Part>,
}

/// What one file gave.
#[derive(Clone, Debug)]
struct Part {
    file: String,
    profile: Option<String>,
    is_scenario: bool,
    flags: Vec<Flag>,
}

/// A flag that a file gave.
#[derive(Clone, Debug)]
struct Flag {
    /// The flag with its dashes.
    name: String,
    /// The value; of a header nothing, since messages have none of it.
    value: String,
    given: Given,
}

impl Origin {
    /// What these entries of a plan give.
    pub(in super::super) fn of(plan: &PlanFile, profile: Option<&str>, entries: &[&Entry]) -> Self {
        let flags = entries.iter().filter_map(|entry| plan.flags.key(entry.key).map(|(key, _)| (key, &entry.values)));
        let flags = flags.flat_map(|(key, values)| {
            values.iter().map(|given| {
                let value = given.text.split_once('=').map_or(given.text.as_str(), |(_, value)| value);
                let value = if key.form == Form::Headers { "" } else { value };
                Flag { name: format!("--{}", key.flag), value: value.to_owned(), given: given.clone() }
            })
        });
        let part = Part {
            file: plan.name().to_owned(),
            profile: profile.map(str::to_owned),
            is_scenario: plan.is_scenario(),
            flags: flags.collect(),
        };
        Self { parts: vec![part] }
    }

    /// Adds what another file gave.
    pub(in super::super) fn and(&mut self, other: Self) {
        self.parts.extend(other.parts);
    }

    /// Which flags came from the plan, as a line for the user; `None` if there is no plan. A scenario is typed, and its flags
    /// are no surprise.
    pub(in super::super) fn said(&self) -> Option<String> {
        let Part { file, profile, flags, .. } = self.parts.iter().find(|part| !part.is_scenario)?;
        let mut names: Vec<_> = flags.iter().map(|flag| flag.name.as_str()).collect();
        names.dedup();
        let profile = profile.as_ref().map(|name| format!(" with the profile {name}")).unwrap_or_default();
        Some(match names.as_slice() {
            [] => format!("{file}{profile} gives nothing that is not typed"),
            names => format!("{file}{profile} gives {}", names.join(" ")),
        })
    }

    /// The error with the place in the file of what it is about, if that came from there.
    pub(in super::super) fn place(&self, error: anyhow::Error) -> anyhow::Error {
        match self.found(&format!("{error:#}")) {
            Some((file, problem)) => anyhow::anyhow!("{file}:{problem}"),
            None => error,
        }
    }

    /// The problem that an error about flags is in a file: that of the flag whose value it has, or else that it names.
    pub(in super::super) fn problem(&self, error: &str) -> Option<Problem> {
        self.found(error).map(|(_, problem)| problem)
    }

    fn found(&self, error: &str) -> Option<(&str, Problem)> {
        let likeness = |flag: &Flag| {
            let named = names(error, &flag.name);
            let quoted = flag.value.len() > 2 && error.contains(&flag.value);
            (named && quoted, named, quoted && flag.value.len() > 3)
        };
        let flags = self.parts.iter().flat_map(|part| part.flags.iter().rev().map(|flag| (part.file.as_str(), flag)));
        let (file, best) = flags.max_by_key(|(_, flag)| likeness(flag))?;
        (likeness(best) != (false, false, false)).then(|| (file, Problem::at(best.given.position, error)))
    }
}

/// Whether an error names this flag, and not a longer one that begins with it.
fn names(error: &str, flag: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|next: char| next == '-' || next.is_ascii_alphanumeric());
    error.match_indices(flag).any(|(at, _)| error.get(at + flag.len()..).is_some_and(|rest| !goes_on(rest)))
}
