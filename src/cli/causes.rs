//! `lapse causes`: the catalogue of causes, as a list and as pages.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

use super::{output, style};
use lapse_explain::causes;
use lapse_report::text;

pub(super) const EXAMPLE: &str = "\
Example: how an endpoint race comes about, how it shows, what speaks for it, and the cure
  lapse causes endpoint-race";

/// The arguments of `lapse causes`.
#[derive(Debug, Args)]
pub(super) struct CausesArgs {
    /// The name of a cause to describe; without one all are listed.
    name: Option<String>,
}

/// Prints the list of causes, or the page of one.
pub(super) fn execute(args: &CausesArgs) -> Result<ExitCode> {
    let look = style::of_stdout();
    let mut page = Vec::new();
    match &args.name {
        None => text::write_causes(look, &mut page)?,
        Some(name) => match causes::named(name) {
            Some(cause) => text::write_cause(cause, look, &mut page)?,
            None => bail!("{name} is no cause that lapse knows{}: `lapse causes` lists them", nearest(name)),
        },
    }
    output::print("the causes", |out| out.write_all(&page))?;
    Ok(ExitCode::SUCCESS)
}

/// The cause with the most similar name, as a question; empty if none is similar.
fn nearest(name: &str) -> String {
    let similar = causes::ALL.iter().map(|cause| (strsim::jaro_winkler(cause.name, name), cause.name));
    match similar.max_by(|one, other| one.0.total_cmp(&other.0)) {
        Some((similarity, nearest)) if similarity > 0.8 => format!(" (did you mean {nearest}?)"),
        _ => String::new(),
    }
}
