//! A plan in a file, which may be a scenario: the flags that it adds to a command line. What is typed prevails.

mod flags;
mod origin;
pub(super) mod scenario;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, FromArgMatches};

pub(super) use self::flags::Flags;
pub(super) use self::origin::{Invalid, Origin};
use super::budget::CARRIER_GATE;
use super::{RunArgs, plan_check, value};
use lapse_lab::scenario::Scenario;
use lapse_plan::header::{self, Part};
use lapse_plan::{Entry, Form, Given, Layer, MOST_BYTES, Plan, Problem, merge, near, shown};
use lapse_report::format::Named;

/// The plan that is taken where no URL and no other plan is typed.
pub(super) const FILE: &str = "lapse.yaml";
/// The size up to which a file is taken for the value of a header, in bytes.
const MOST_OF_A_HEADER: usize = 64 << 10;

/// The flags that name a plan.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The plan: a file that gives what is not typed [default: lapse.yaml, if there is one and no URL is typed; e.g.
    /// deploy/lapse.yaml].
    #[arg(long = "plan", value_name = "FILE", help_heading = "Plan")]
    pub(super) file: Option<PathBuf>,
    /// A profile of the plan, or one of lapse's own: `carrier` has a gate of 50 ms, `ci` a report for CI systems,
    /// junit=lapse.xml [e.g. ci].
    #[arg(long, value_name = "NAME", help_heading = "Plan")]
    pub(super) profile: Option<String>,
    /// What of the command line came from the plan.
    #[arg(skip)]
    pub(super) origin: Origin,
    /// The folder below which a run without --out gets its own; `None` for `reports`.
    #[arg(skip)]
    pub(super) parent: Option<PathBuf>,
}

/// A plan that was read, with the profiles of lapse itself.
#[derive(Debug)]
pub(super) struct PlanFile {
    /// The file as typed; `None` if there is none, and lapse's own profiles are all there is.
    file: Option<String>,
    plan: Plan,
    /// The scenario, where the file is one.
    scenario: Option<Scenario>,
    own: Vec<(&'static str, Layer)>,
    pub(super) flags: Flags,
}

/// The flags that contradict one another without clap knowing it, by their identifiers.
const AT_ODDS: [(&str, &str); 7] = [
    ("duration", "command"),
    ("no_kube", "release"),
    ("no_kube", "selector"),
    ("no_kube", "workloads"),
    ("no_kube", "namespace"),
    ("no_kube", "context"),
    ("no_kube", "kubeconfig"),
];

/// The words of a command line of `lapse run` with those that its scenario and its plan add, and what came from these;
/// `None` if it has neither. What is nearer prevails: what is typed, then the scenario, then the plan.
pub(super) fn complete(words: &[OsString], args: &RunArgs) -> Result<Option<(Vec<OsString>, Origin)>> {
    let scenario = args.what.as_deref().filter(|what| !what.contains("://"));
    let is_targeted = args.what.is_some() || !args.targets.is_empty();
    let file =
        args.plan.file.clone().or_else(|| Some(PathBuf::from(FILE)).filter(|file| !is_targeted && file.is_file()));
    let mut files = Vec::new();
    files.extend(scenario.map(PlanFile::of_scenario).transpose()?);
    if file.is_some() || (files.is_empty() && args.plan.profile.is_some()) {
        files.push(PlanFile::read(file.as_deref())?);
    }
    let profile = args.plan.profile.as_deref();
    let with_profile = profile.and_then(|name| files.iter().position(|file| file.has(name))).unwrap_or(0);
    let (mut words, mut origin) = (words.to_vec(), Origin::default());
    for (nth, file) in files.iter().enumerate() {
        let profile = profile.filter(|name| nth == with_profile || file.has(name));
        let mut entries = file.entries(profile)?;
        let typed = plan_check::matches(&words).map_err(|error| origin.place(error))?;
        let run = typed.subcommand_matches("run").context("`lapse run` is no subcommand")?;
        let args = RunArgs::from_arg_matches(run)?;
        entries.retain(|entry| !file.yields(entry, run, &args));
        let filled = file.words(&entries, &Sources::real())?;
        origin.and(Origin::of(file, profile, &entries));
        let (command, rest) = words.split_at(words.len().min(2));
        let added = filled.into_iter().map(OsString::from);
        words = command.iter().cloned().chain(added).chain(rest.iter().cloned()).collect();
    }
    Ok((!files.is_empty()).then_some((words, origin)))
}

/// Where the references in headers lead.
pub(super) struct Sources {
    /// The value of a variable of the environment, or why there is none.
    pub(super) variable: fn(&str) -> Result<String, String>,
    /// What a file holds, or why that cannot be read.
    pub(super) file: fn(&str) -> Result<String, String>,
}

// === impl Sources ===

impl Sources {
    /// The environment and the files of this machine.
    pub(super) const fn real() -> Self {
        Self { variable, file: contents }
    }

    /// Nowhere: of headers that a stranger wrote.
    pub(super) const fn none() -> Self {
        let refuse = |_: &str| {
            Err("only a plan of the operator has references: write $${ or @@ for the signs themselves".to_owned())
        };
        Self { variable: refuse, file: refuse }
    }
}

// === impl PlanFile ===

impl PlanFile {
    /// Reads the plan in a file; without one, there are the profiles of lapse itself.
    pub(super) fn read(file: Option<&Path>) -> Result<Self> {
        let own = Self::own()?;
        let Some(path) = file else { return Ok(own) };
        let name = path.display().to_string();
        let text = text("plan", path)?;
        ensure!(
            !scenario::is_one(&text),
            "{name} is a scenario, no plan: name it in place of a URL, as in lapse run {name}"
        );
        Ok(Self { own: own.own, ..Self::of_text(&name, &text, &own.flags)? })
    }

    /// Reads a plan or a scenario, by the keys that it has.
    pub(super) fn read_either(path: &Path) -> Result<Self> {
        match path.to_str() {
            Some(name) if scenario::is_one(&text("plan", path)?) => Self::of_scenario(name),
            _ => Self::read(Some(path)),
        }
    }

    /// The profiles of lapse itself.
    fn own() -> Result<Self> {
        let flags = Flags::of_run()?;
        let own = [
            ("carrier", format!("budgets: {{gate: {}ms}}", CARRIER_GATE.as_millis())),
            ("ci", "reports: {junit: lapse.xml}".to_owned()),
        ];
        let own = own.map(|(name, text)| {
            let plan = lapse_plan::read(text.as_bytes(), &flags.grammar, |key, text| flags.check(key, text));
            let plan = plan.map_err(|problems| Invalid { file: format!("the profile {name} of lapse"), problems });
            plan.map(|plan| (name, plan.base))
        });
        let own = own.into_iter().collect::<Result<_, _>>()?;
        Ok(Self { file: None, plan: Plan::default(), scenario: None, own, flags })
    }

    /// Reads a plan that is called `name` in errors; it has no profiles but its own.
    pub(super) fn of_text(name: &str, text: &[u8], flags: &Flags) -> Result<Self> {
        let plan = lapse_plan::read(text, &flags.grammar, |key, text| flags.check(key, text));
        let plan = plan.map_err(|problems| Invalid { file: name.to_owned(), problems })?;
        Ok(Self { file: Some(name.to_owned()), plan, scenario: None, own: Vec::new(), flags: flags.clone() })
    }

    /// Whether the file is a scenario.
    pub(super) const fn is_scenario(&self) -> bool {
        self.scenario.is_some()
    }

    /// The number of acts of the scenario; zero of a plan.
    pub(super) fn acts(&self) -> usize {
        self.scenario.as_ref().map_or(0, |scenario| scenario.acts().len())
    }

    /// Whether the file, or lapse itself, has this profile.
    fn has(&self, name: &str) -> bool {
        self.profiles().chain(self.own.iter().map(|(name, _)| *name)).any(|known| known == name)
    }

    /// The file, or what there is in its place.
    pub(super) fn name(&self) -> &str {
        self.file.as_deref().unwrap_or("lapse")
    }

    /// The names of the profiles that the file has.
    pub(super) fn profiles(&self) -> impl Iterator<Item = &str> {
        self.plan.profiles.iter().map(|(name, _)| name.as_str())
    }

    /// The values that prevail with this profile. One of the file adds to lapse's own of the same name.
    pub(super) fn entries(&self, profile: Option<&str>) -> Result<Vec<&Entry>> {
        let own = |name: &str| self.own.iter().find(|(known, _)| *known == name).map(|(_, layer)| layer);
        let layers = profile.map(|name| [own(name), self.plan.profile(name)]).unwrap_or_default();
        if let (Some(name), [None, None]) = (profile, layers) {
            let mut known: Vec<_> = self.profiles().chain(self.own.iter().map(|(name, _)| *name)).collect();
            known.sort_unstable();
            known.dedup();
            let hint = if self.file.is_none() { "; those of a plan need --plan FILE" } else { "" };
            anyhow::bail!("--profile: there is no profile `{}`; {}{hint}", shown(name), near(name, &known));
        }
        Ok(merge(&self.flags.grammar, [Some(&self.plan.base)].into_iter().chain(layers).flatten()))
    }

    /// Whether an entry gives way to what is typed.
    fn yields(&self, entry: &Entry, typed: &ArgMatches, args: &RunArgs) -> bool {
        let Some((key, id)) = self.flags.key(entry.key) else { return true };
        let is_typed =
            |id: &str| matches!(typed.value_source(id), Some(ValueSource::CommandLine | ValueSource::EnvVariable));
        let same_name = |name: &str| entry.name.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name));
        let replaced = match id {
            "headers" => args.request.headers.iter().any(|(name, _)| same_name(name.as_str())),
            "reports" => args.reports.iter().any(|report| same_name(report.format.name())),
            _ => is_typed(id),
        };
        let at_odds = |(one, other): &(&str, &str)| (*one == id && is_typed(other)) || (*other == id && is_typed(one));
        // A scenario brings its own world and takes its own time.
        let in_a_world = args.what.as_ref().is_some_and(|what| !what.contains("://"))
            && (id == "duration" || key.section.as_deref() == Some("cluster"));
        let excluded = self.flags.excluding(id).iter().any(|other| is_typed(other));
        replaced || in_a_world || excluded || AT_ODDS.iter().any(at_odds)
    }

    /// The entries as words of a command line.
    pub(super) fn words(&self, entries: &[&Entry], sources: &Sources) -> Result<Vec<String>> {
        let mut words = Vec::new();
        let mut problems = Vec::new();
        for entry in entries {
            let Some((key, _)) = self.flags.key(entry.key) else { continue };
            for given in &entry.values {
                match key.form {
                    Form::Switch => words.push(format!("--{}", key.flag)),
                    Form::Headers => match fill(entry, given, sources) {
                        Ok(line) => words.push(format!("--{}={line}", key.flag)),
                        Err(problem) => problems.push(problem),
                    },
                    _ => words.push(format!("--{}={}", key.flag, given.text)),
                }
            }
        }
        ensure!(problems.is_empty(), Invalid { file: self.name().to_owned(), problems });
        Ok(words)
    }

    /// What the references in the headers of these entries lack, as [`Sources`] say it.
    pub(super) fn missing(&self, entries: &[&Entry]) -> Vec<Problem> {
        match self.words(entries, &Sources::real()) {
            Ok(_) => Vec::new(),
            Err(error) => error.downcast::<Invalid>().map(|invalid| invalid.problems).unwrap_or_default(),
        }
    }
}

/// What is in the file at `path`, up to one byte more than a plan may have.
fn text(what: &str, path: &Path) -> Result<Vec<u8>> {
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut text));
    let name = path.display();
    read.with_context(|| format!("cannot read the {what} {name}: write one, or name another file"))?;
    Ok(text)
}

/// The line of a header with what its references stand for. An error has none of that.
fn fill(entry: &Entry, given: &Given, sources: &Sources) -> Result<String, Problem> {
    let name = entry.name.as_deref().unwrap_or_default();
    let problem = |why: String| Problem::at(given.position, format!("the header `{}`: {why}", shown(name)));
    let text = given.text.split_once(": ").map_or("", |(_, text)| text);
    let parsed = header::Value::parse(text).map_err(problem)?;
    let filled = parsed.fill(sources.variable, sources.file).map_err(problem)?;
    let line = format!("{name}: {filled}");
    // Its name was checked when the plan was read.
    value::header(&line).map_err(|why| problem(format!("{why}: it comes from {}", references(&parsed))))?;
    Ok(line)
}

/// The references of a value, as a sentence has them.
fn references(value: &header::Value) -> String {
    match value {
        header::Value::File(file) => format!("the file {}", shown(file)),
        header::Value::Parts(parts) => {
            let names = parts.iter().filter_map(|part| match part {
                Part::Variable(name) => Some(format!("${{{name}}}")),
                Part::Text(_) => None,
            });
            names.collect::<Vec<_>>().join(", ")
        }
    }
}

/// The value of a variable of the environment; one that is empty is taken for a slip.
fn variable(name: &str) -> Result<String, String> {
    let next = format!("set it, as in `{name}=... lapse run`");
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Err(format!("the variable {name} is empty: {next}")),
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => Err(format!("the variable {name} is not set: {next}")),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the variable {name} is not UTF-8: {next}")),
    }
}

/// What a file holds, if that can be the value of a header.
fn contents(name: &str) -> Result<String, String> {
    let file = shown(name);
    let mut text = String::new();
    let most = u64::try_from(MOST_OF_A_HEADER).unwrap_or(u64::MAX).saturating_add(1);
    let read = File::open(name).and_then(|file| file.take(most).read_to_string(&mut text));
    read.map_err(|error| format!("the file {file} cannot be read: {error}; write @FILE, or @@ for the sign itself"))?;
    if text.len() > MOST_OF_A_HEADER {
        return Err(format!("the file {file} is larger than {} KiB: name another", MOST_OF_A_HEADER >> 10));
    }
    Ok(text)
}
