//! `lapse lint`: says what of rendered Kubernetes manifests will lose requests.

pub(super) mod input;
mod page;

use std::io::{self, IsTerminal, Write, stdin};
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use self::input::Texts;
use super::{output, style};
use lapse_lint::{Finding, RULES, Report, Rule, Severity, format, lint, lint_upgrade, patches};

pub(super) const EXAMPLE: &str = "\
Examples: a chart, before it is installed; what its upgrade changes; a folder in CI, with marks on its files; patches
  helm template shop ./chart | lapse lint -
  helm get manifest shop > now.yaml; helm template shop ./chart | lapse lint - --before now.yaml
  lapse lint deploy/ --format github --deny warning
  lapse lint --release shop -n prod --fix > patches.yaml";

/// The arguments of `lapse lint`.
#[derive(Debug, Args)]
pub(super) struct LintArgs {
    /// Rendered manifests: files of YAML or JSON, folders of such files, or - for standard input.
    #[arg(value_name = "FILE|FOLDER|-")]
    paths: Vec<String>,
    /// A Helm release of the cluster, as `helm get manifest` prints it [e.g. shop].
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// The namespace of the release [default: the context's; e.g. prod].
    #[arg(short, long, value_name = "NAME", requires = "release")]
    namespace: Option<String>,
    /// The manifests of the release that this one will replace, to see what the upgrade itself loses [repeatable; e.g.
    /// a file with the output of `helm get manifest shop`].
    #[arg(long, value_name = "FILE|FOLDER")]
    before: Vec<String>,
    /// The format to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: FormatName,
    /// Print patches that mend what was found instead, one for each object, and on stderr what no patch can mend.
    #[arg(long, conflicts_with = "format")]
    fix: bool,
    /// The least severity that makes the exit code 1.
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    deny: Denied,
    /// A rule to leave out, by its name [repeatable; e.g. one-replica].
    #[arg(long = "skip", value_name = "RULE", value_parser = rule)]
    skipped: Vec<&'static Rule>,
    /// List the rules, each with its severity and the cause of downtime that it is about.
    #[arg(long)]
    rules: bool,
}

/// A format, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

/// A severity, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Denied {
    /// Requests are lost.
    Error,
    /// Requests are lost unless the program prevents it.
    Warning,
    /// Anything at all.
    Note,
}

/// Lints what is named and prints the report.
pub(super) fn execute(args: &LintArgs) -> Result<ExitCode> {
    if args.rules {
        let rules = page::rules(style::of_stdout());
        return output::print("the rules", |out| out.write_all(rules.as_bytes())).map(|()| ExitCode::SUCCESS);
    }
    ensure!(
        !args.paths.is_empty() || args.release.is_some(),
        "there is nothing to lint: name files, folders or a --release, or render a chart with `helm template CHART | \
         lapse lint -`"
    );
    let texts = read(args)?;
    let report = lint_all(args, texts)?;
    if args.fix {
        return fix(args, &report);
    }
    let text = match args.format {
        FormatName::Text => page::report(&report, args.deny.into(), style::of_stdout()),
        FormatName::Json => format::json::write(&report),
        FormatName::Sarif => format::sarif::write(&report, env!("CARGO_PKG_VERSION")),
        FormatName::Github => format::github::write(&report),
    };
    output::print("the report", |out| out.write_all(text.as_bytes()))?;
    let denied = report.findings.iter().any(|finding| args.denies(finding));
    Ok(exit_code(denied, is_inconclusive(&report)))
}

/// Lints `texts`, against the release before if that is named.
fn lint_all(args: &LintArgs, texts: Texts) -> Result<Report> {
    let mut before = Texts::default();
    args.before.iter().try_for_each(|path| before.read_path(path))?;
    let mut report = match args.before.as_slice() {
        [] => lint(&texts.sources(), &args.skipped),
        _ => lint_upgrade(&before.sources(), &texts.sources(), &args.skipped),
    };
    let said: Vec<_> = texts.said.into_iter().chain(before.said).collect();
    report.read.unread += said.iter().filter(|remark| remark.unread).count();
    report.said.extend(said);
    Ok(report)
}

/// Prints the patches. What they mend is not denied any more.
fn fix(args: &LintArgs, report: &Report) -> Result<ExitCode> {
    let patches = patches(report);
    output::print("the report", |out| out.write_all(patches.text.as_bytes()))?;
    let mut err = io::stderr().lock();
    for (finding, why) in &patches.left {
        // Stderr is closed: the patches are complete without it.
        let _ = writeln!(err, "lapse: {}, not mended: {why}. {}", page::headline(finding), finding.rule.fix);
    }
    for remark in &report.said {
        let _ = writeln!(err, "lapse: {}", page::remark(remark));
    }
    let denied = patches.left.iter().any(|(finding, _)| args.denies(finding));
    Ok(exit_code(denied, is_inconclusive(report)))
}

/// Reads all that is named.
fn read(args: &LintArgs) -> Result<Texts> {
    let mut texts = Texts::default();
    for path in &args.paths {
        if path == "-" {
            ensure!(
                !stdin().is_terminal(),
                "standard input is a terminal: pipe manifests into it, as in `helm template CHART | lapse lint -`"
            );
            texts.read_stdin()?;
        } else {
            texts.read_path(path)?;
        }
    }
    if let Some(release) = &args.release {
        texts.read_release(release, args.namespace.as_deref())?;
    }
    Ok(texts)
}

/// Whether a clean report proves nothing: something was not read, or there was nothing.
fn is_inconclusive(report: &Report) -> bool {
    report.read.unread > 0 || report.read.objects == 0
}

fn exit_code(denied: bool, inconclusive: bool) -> ExitCode {
    match (denied, inconclusive) {
        (true, _) => ExitCode::from(1),
        (false, true) => ExitCode::from(3),
        (false, false) => ExitCode::SUCCESS,
    }
}

impl LintArgs {
    fn denies(&self, finding: &Finding) -> bool {
        finding.severity >= self.deny.into()
    }
}

impl From<Denied> for Severity {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Error => Self::Error,
            Denied::Warning => Self::Warning,
            Denied::Note => Self::Note,
        }
    }
}

/// Parses the name of a rule.
fn rule(name: &str) -> Result<&'static Rule, String> {
    let near = || RULES.iter().find(|rule| rule.name.contains(name) && !name.is_empty());
    lapse_lint::rule(name).ok_or_else(|| match near() {
        Some(rule) => format!("there is no such rule: is it {}? `lapse lint --rules` lists all", rule.name),
        None => "there is no such rule: `lapse lint --rules` lists all".to_owned(),
    })
}
