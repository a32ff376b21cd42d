//! A scenario in a file: a plan with a world of its own, read once by the grammar of both.

use std::path::Path;

use anyhow::{Result, bail};

use super::{Flags, Invalid, PlanFile, text};
use lapse_lab::scenario::{Error, Scenario};
use lapse_plan::{Plan, Problem};
use lapse_yaml::{Node, Value, document};

/// Reads the scenario in the file `path`; an error has all that is wrong with it.
pub(in super::super) fn read(path: &str) -> Result<Scenario> {
    parts(path).map(|(_, scenario)| scenario)
}

impl PlanFile {
    /// Reads the scenario in the file `path` as the plan that it is as well.
    pub(super) fn of_scenario(path: &str) -> Result<Self> {
        let (plan, scenario) = parts(path)?;
        Ok(Self { scenario: Some(scenario), ..plan })
    }
}

/// The keys that a scenario has as a plan has them, and the scenario itself.
fn parts(path: &str) -> Result<(PlanFile, Scenario)> {
    let file = Path::new(path);
    let named_so = file.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    if !named_so && !file.exists() {
        bail!(
            "{path:?} is neither a URL nor a scenario: a URL begins with http:// or https://, a scenario is a .yaml file"
        );
    }
    let own = PlanFile::own()?;
    let text = text("scenario", file)?;
    let invalid = |problems| Invalid { file: path.to_owned(), problems };
    let root = document("scenario", &text).map_err(|problem| invalid(vec![problem]))?;
    let Some(root) = root.filter(|root| has_a_world(root)) else {
        bail!(
            "{path} has no world, so it is no scenario: write --plan {path} if it is a plan, or else `hops`, `pods`, `first` and `acts`"
        );
    };
    let (plan, mut problems) = plan(&root, &own.flags);
    // Advice that is no value of a flag would hide what is wrong with the world.
    let without = without_advice(&root);
    let root = if problems.is_empty() { &*root } else { &without };
    let read = Scenario::read(&String::from_utf8_lossy(&text), root);
    let scenario = match read {
        Ok(scenario) if problems.is_empty() => scenario,
        Ok(_) => bail!(invalid(problems)),
        Err(Error::Unreadable(more)) => {
            problems.extend(more);
            problems.sort();
            bail!(invalid(problems))
        }
        Err(error @ Error::Impossible(_)) => bail!("{path}: {error}"),
    };
    Ok((PlanFile { file: Some(path.to_owned()), plan, ..own }, scenario))
}

/// The keys other than `measure`.
fn without_advice(root: &Node) -> Node {
    let Value::Map(entries) = &root.value else { return Node::new(root.position, Value::Map(Vec::new())) };
    let others = entries.iter().filter(|entry| &*entry.key != "measure").cloned();
    Node::new(root.position, Value::Map(others.collect()))
}

/// Whether a text has keys of a world.
pub(super) fn is_one(text: &[u8]) -> bool {
    document("plan", text).is_ok_and(|root| root.is_some_and(|root| has_a_world(&root)))
}

fn has_a_world(root: &Node) -> bool {
    let Value::Map(entries) = &root.value else { return false };
    entries.iter().any(|entry| Scenario::WORLD.contains(&&*entry.key))
}

/// The keys of a plan beside the world, and what is wrong with them.
fn plan(root: &Node, flags: &Flags) -> (Plan, Vec<Problem>) {
    match lapse_plan::read_beside(root, &Scenario::WORLD, &flags.grammar, |key, text| flags.check(key, text)) {
        Ok(plan) => {
            let layers = std::iter::once(&plan.base).chain(plan.profiles.iter().map(|(_, layer)| layer));
            let problems = layers.flat_map(|layer| &layer.entries).filter_map(|entry| {
                let (key, id) = flags.key(entry.key)?;
                let why = match (id, key.section.as_deref()) {
                    ("targets", _) => "its target is its own world",
                    ("duration", _) => "it takes as long as its acts do",
                    (_, Some("cluster")) => "no cluster is watched beside its world",
                    _ => return None,
                };
                let position = entry.values.first()?.position;
                Some(Problem::at(position, format!("a scenario has no `{}`: {why}; leave it out", key.name)))
            });
            let problems = problems.collect();
            (plan, problems)
        }
        Err(problems) => (Plan::default(), problems),
    }
}
