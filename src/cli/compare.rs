//! `lapse compare`: holds recorded runs against the first of them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;

use super::report_files::{Report, ReportFiles, ReportTo};
use super::{output, style, value};
use crate::recorded::Recorded;
use lapse_compare::{Comparison, Run, Tolerance, Tolerances};
use lapse_record::journal;
use lapse_report::compare::Format;

pub(super) const EXAMPLE: &str = "\
Examples: the worked examples side by side; the page with both timelines; a gate in CI that lets p99 grow by a fifth
  lapse compare reports/story reports/story-fixed
  lapse compare reports/story reports/story-fixed --format html >compare.html
  lapse compare before after --tolerate failed=0.1%,downtime=100ms,p99=20% --report json=compare.json";

/// The arguments of `lapse compare`.
#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The runs, each a folder, a file that `lapse export` wrote, or the URL of one; the first is the base, which each of the
    /// others is compared with.
    #[arg(value_name = "FOLDER", required = true, num_args = 1..)]
    folders: Vec<PathBuf>,
    /// What may get worse: failed by a percentage of all probes; downtime, disruption and outage by a time or a
    /// percentage of what the base has; each by `any`. The latencies p50 and p99 count only if they are named [e.g.
    /// failed=0.1%,downtime=100ms,p99=20%].
    #[arg(short, long, value_name = "FIGURE=VALUE", value_delimiter = ',')]
    tolerate: Vec<Tolerance>,
    /// The gate of disruptions in all runs [default: that of the base; e.g. 300ms].
    #[arg(long, value_name = "TIME", value_parser = value::some_duration)]
    gate: Option<Duration>,
    /// The format to print.
    #[arg(short, long, value_name = "FORMAT", default_value = "text", value_parser = value::format::<Format>())]
    format: Format,
    /// A further report to write, in a format of --format [repeatable; e.g. json=compare.json].
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = value::report::<Format>)]
    reports: Vec<ReportTo<Format>>,
}

/// Reads the journals and prints the comparison; the exit code says what it came to.
pub(super) fn execute(args: &CompareArgs) -> Result<ExitCode> {
    let tolerances = Tolerances::of(args.tolerate.clone()).map_err(|why| anyhow!("--tolerate: {why}"))?;
    ensure!(
        args.folders.len() > 1,
        "{} is the only run: name the folders of the runs to compare with it",
        args.folders.first().map(|folder| folder.display().to_string()).unwrap_or_default()
    );
    let report_files = ReportFiles::open_beside::<Comparison<'_>>(&args.reports, args.format)?;
    let runs = read(&args.folders, args.gate)?;
    let comparison = Comparison::of(&runs, &tolerances)?;
    output::print("the comparison", |out| comparison.write(args.format, style::of_stdout(), out))?;
    report_files.write(&comparison).into_iter().collect::<Result<()>>()?;
    Ok(comparison.conclusion.exit_code().into())
}

/// The runs in these folders, with the disruptions of all found by one gate.
fn read(folders: &[PathBuf], gate: Option<Duration>) -> Result<Vec<Run>> {
    let mut gate = gate;
    let names = names(folders);
    let read = |(folder, name): (&PathBuf, String)| {
        let shown = folder.display();
        let run = Recorded::find(&shown.to_string())?;
        let cannot = || format!("cannot compare {shown}");
        let mut header = journal::header(run.folder()).with_context(cannot)?;
        header.gate = *gate.get_or_insert(header.gate);
        Ok(Run { name, record: journal::read_with(run.folder(), header).with_context(cannot)? })
    };
    folders.iter().zip(names).map(read).collect()
}

/// The names of the runs: those of their folders, with as many of the folders above as tell them from the others. One that
/// is named twice has its folder's name both times.
fn names(folders: &[PathBuf]) -> Vec<String> {
    let tails = |depth: usize| folders.iter().map(|folder| tail(folder, depth)).collect::<Vec<_>>();
    let most = folders.iter().map(|folder| folder.components().count()).max().unwrap_or(1);
    let by_depth: Vec<_> = (1..=most).map(tails).collect();
    let name = |place: usize| {
        let alone = by_depth.iter().find(|all| all.iter().filter(|name| **name == all[place]).count() == 1);
        alone.or_else(|| by_depth.first()).map(|all| all[place].clone()).unwrap_or_default()
    };
    (0..folders.len()).map(name).collect()
}

/// The last `depth` parts of a path.
fn tail(folder: &Path, depth: usize) -> String {
    let parts: Vec<_> = folder.components().collect();
    let last: PathBuf = parts[parts.len().saturating_sub(depth)..].iter().collect();
    last.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_called_by_their_folders_and_by_more_of_their_paths_where_these_are_alike() {
        let names = |folders: &[&str]| names(&folders.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["reports/before", "reports/after/"]), ["before", "after"]);
        assert_eq!(names(&["/x/a/shop", "/x/b/shop", ".."]), ["a/shop", "b/shop", ".."]);
        assert_eq!(names(&["x/shop", "x/shop", "shop"]), ["shop", "shop", "shop"]);
    }
}
