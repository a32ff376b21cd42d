//! `lapse plan`: checks a plan and says which flags it amounts to, or prints the schema of plans.

use std::fmt::Write as _;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Subcommand};

use super::plan_file::{FILE, Flags, Invalid, Origin, PlanFile, Sources};
use super::report_files::available;
use super::{Cli, Command, RunArgs, output, plan};
use lapse_hammer::clock::Clock;
use lapse_plan::{Entry, Form, Position, Problem};

pub(super) const EXAMPLE: &str = "\
Examples: what is wrong with lapse.yaml, or the flags that it amounts to; completion of its keys in editors
  lapse plan check --profile ci
  lapse plan schema >lapse.schema.json";

/// The exit code if a plan has errors.
const WRONG: u8 = 1;

/// The subcommands of `lapse plan`.
#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// Check a plan with all of its profiles, and print the flags that it amounts to.
    ///
    /// Exit codes: 0 the plan can be used, 1 it has errors, 2 wrong usage, or a file that cannot be read.
    Check(CheckArgs),
    /// Print the JSON Schema of plans, by which editors complete keys and mark errors.
    Schema,
}

/// The arguments of `lapse plan check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The plan, or a scenario.
    #[arg(value_name = "FILE", default_value = FILE)]
    file: PathBuf,
    /// The profile whose flags to print [e.g. ci].
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// Executes the subcommand.
pub(super) fn execute(command: &PlanCommand) -> Result<ExitCode> {
    match command {
        PlanCommand::Check(args) => check(args),
        PlanCommand::Schema => {
            let schema = lapse_plan::schema(&Flags::of_run()?.grammar);
            output::print("the schema", |out| out.write_all(schema.as_bytes())).map(|()| ExitCode::SUCCESS)
        }
    }
}

fn check(args: &CheckArgs) -> Result<ExitCode> {
    let checked = PlanFile::read_either(&args.file).and_then(|plan| {
        let entries = plan.entries(args.profile.as_deref())?;
        let text = page(&plan, args.profile.as_deref(), &entries)?;
        judge(&plan, args.profile.as_deref())?;
        Ok((text, plan.missing(&entries)))
    });
    let (text, missing) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            let invalid = error.downcast::<Invalid>()?;
            let _ = writeln!(stderr(), "lapse: {invalid}");
            return Ok(WRONG.into());
        }
    };
    output::print("the plan", |out| out.write_all(text.as_bytes()))?;
    for problem in missing {
        // A plan is also checked where its secrets are not.
        let _ = writeln!(stderr(), "lapse: a run would not begin here: {}:{problem}", args.file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Plans a run by the plan as it is, and with each of its profiles, as far as that goes without beginning one.
fn judge(file: &PlanFile, profile: Option<&str>) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let profiles = file.profiles().chain(profile).map(Some);
    let mut problems = Vec::new();
    for (nth, profile) in std::iter::once(None).chain(profiles).enumerate() {
        problems.extend(problem(file, profile, &folder.path().join(nth.to_string()))?);
    }
    problems.sort();
    problems.dedup();
    if problems.is_empty() { Ok(()) } else { Err(Invalid { file: file.name().to_owned(), problems }.into()) }
}

/// What is wrong with the plan with this profile, of the values taken together.
fn problem(file: &PlanFile, profile: Option<&str>, folder: &Path) -> Result<Option<Problem>> {
    let mut entries = file.entries(profile)?;
    entries.retain(|entry| file.flags.grammar.keys.get(entry.key).is_none_or(|key| key.flag != "out"));
    let origin = Origin::of(file, profile, &entries);
    let stand_in = |_: &str| Ok("x".to_owned());
    let mut words = vec!["lapse".to_owned(), "run".to_owned(), format!("--out={}", folder.display())];
    words.extend(file.words(&entries, &Sources { variable: stand_in, file: stand_in })?);
    let gives = |flag: &str| words.iter().any(|word| word.starts_with(&format!("--{flag}=")));
    let (targets, duration) = (gives("target"), gives("duration"));
    // What is typed beside a plan: a command, and a URL if the plan has no targets; beside a scenario its own name.
    if file.is_scenario() {
        words.push(file.name().to_owned());
    } else {
        words.extend((!targets).then(|| "http://127.0.0.1/".to_owned()));
        words.extend((!duration).then(|| "--duration=1s".to_owned()));
    }
    Ok(attempt(words, &origin).err().map(|error| {
        let text = format!("{error:#}");
        origin.problem(&text).unwrap_or_else(|| Problem::at(Position::START, text))
    }))
}

fn attempt(words: Vec<String>, origin: &Origin) -> Result<()> {
    let args = parse(words, origin.clone())?;
    for report in &args.reports {
        available(report.format)?;
    }
    plan::of(&args, Clock::start().anchor()).map(|_| ())
}

/// Parses words of `lapse run` of which some came from a plan. The error is in one line.
pub(super) fn parse<W: Into<std::ffi::OsString> + Clone>(
    words: impl IntoIterator<Item = W>,
    origin: Origin,
) -> Result<Box<RunArgs>> {
    let words: Vec<std::ffi::OsString> = words.into_iter().map(Into::into).collect();
    match Cli::from_arg_matches(&matches(&words)?).map_err(|error| in_one_line(&error))?.command {
        Command::Run(mut args) => {
            args.plan.origin = origin;
            args.elsewhere.words = words;
            Ok(args)
        }
        _ => anyhow::bail!("`lapse run` is no subcommand"),
    }
}

/// The matches of words of `lapse run` of which some came from a plan. The error is in one line.
pub(super) fn matches<W: Into<std::ffi::OsString> + Clone>(words: impl IntoIterator<Item = W>) -> Result<ArgMatches> {
    // A plan may give nothing, which is no call for help.
    let lapse = Cli::command().mut_subcommand("run", |run| run.arg_required_else_help(false));
    lapse.try_get_matches_from(words).map_err(|error| in_one_line(&error))
}

fn in_one_line(error: &clap::Error) -> anyhow::Error {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    anyhow::anyhow!("{}", first.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The plan as the command line that it amounts to.
fn page(file: &PlanFile, profile: Option<&str>, entries: &[&Entry]) -> Result<String> {
    let mut text = format!("{} can be used", file.name());
    match file.acts() {
        0 => {}
        1 => text.push_str(": a scenario of one act"),
        acts => {
            let _ = write!(text, ": a scenario of {acts} acts");
        }
    }
    let profiles: Vec<_> = file.profiles().collect();
    if !profiles.is_empty() {
        let _ = write!(text, "; profiles: {}", profiles.join(", "));
    }
    let sentence = match (profile, file.is_scenario()) {
        (None, false) => "It amounts to".to_owned(),
        (None, true) => "Beside its world it amounts to".to_owned(),
        (Some(name), false) => format!("With the profile {name} it amounts to"),
        (Some(name), true) => format!("With the profile {name} it amounts, beside its world, to"),
    };
    let typed = if file.is_scenario() { format!(" {}", file.name()) } else { String::new() };
    let _ = write!(text, "\n{sentence}\n\nlapse run{typed}");
    for entry in entries {
        let Some(key) = file.flags.grammar.keys.get(entry.key) else { continue };
        for given in &entry.values {
            let word = match key.form {
                Form::Switch => format!("--{}", key.flag),
                // References stay as written: what they stand for may be secret.
                _ => format!("--{}={}", key.flag, given.text),
            };
            let word = shlex::try_quote(&word).with_context(|| format!("--{}: no shell can take it", key.flag))?;
            let _ = write!(text, " \\\n  {word}");
        }
    }
    text.push('\n');
    Ok(text)
}
