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

/// The flags of a command line that a plan gave.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Origin {
    file: String,
    profile: Option<String>,
    flags: Vec<Flag>,
}

/// A flag that a plan gave.
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
        Self { file: plan.name().to_owned(), profile: profile.map(str::to_owned), flags: flags.collect() }
    }

    /// Which flags came from the plan, as a line for the user; `None` if there is no plan.
    pub(in super::super) fn said(&self) -> Option<String> {
        let mut names: Vec<_> = self.flags.iter().map(|flag| flag.name.as_str()).collect();
        names.dedup();
        let profile = self.profile.as_ref().map(|name| format!(" with the profile {name}")).unwrap_or_default();
        match (self.file.is_empty(), names.as_slice()) {
            (true, _) => None,
            (false, []) => Some(format!("{}{profile} gives nothing that is not typed", self.file)),
            (false, names) => Some(format!("{}{profile} gives {}", self.file, names.join(" "))),
        }
    }

    /// The error with the place in the plan of what it is about, if that came from there.
    pub(in super::super) fn place(&self, error: anyhow::Error) -> anyhow::Error {
        match self.problem(&format!("{error:#}")) {
            Some(problem) => anyhow::anyhow!("{}:{problem}", self.file),
            None => error,
        }
    }

    /// The problem that an error about flags is in the plan: that of the flag whose value it has, or else that it names.
    pub(in super::super) fn problem(&self, error: &str) -> Option<Problem> {
        let likeness = |flag: &&Flag| {
            let named = names(error, &flag.name);
            let quoted = flag.value.len() > 2 && error.contains(&flag.value);
            (named && quoted, named, quoted && flag.value.len() > 3)
        };
        let best = self.flags.iter().rev().max_by_key(likeness)?;
        (likeness(&best) != (false, false, false)).then(|| Problem::at(best.given.position, error))
    }
}

/// Whether an error names this flag, and not a longer one that begins with it.
fn names(error: &str, flag: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(|next: char| next == '-' || next.is_ascii_alphanumeric());
    error.match_indices(flag).any(|(at, _)| error.get(at + flag.len()..).is_some_and(|rest| !goes_on(rest)))
}
