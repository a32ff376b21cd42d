//! `lapse explain`: says why a recorded run lost requests, with the help of its manifests if they are named.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use super::lint::input::Texts;
use super::{TextOrJson, output, style};
use crate::recorded::Recorded;
use lapse_explain::explanation::Explanation;
use lapse_explain::smell::Smell;
use lapse_lint::ObjectName;
use lapse_record::event::ObjectKind;
use lapse_record::journal;
use lapse_record::record::Record;
use lapse_report::{json, text};

pub(super) const EXAMPLE: &str = "\
Examples: the causes of the worked example, and the cure with its own figures; with what the manifests say of them
  lapse explain reports/story
  helm get manifest shop | lapse explain reports/2026-11-22T20-15-03-shop --manifests -";

/// The arguments of `lapse explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The folder of a run, a file that `lapse export` wrote, or the URL of one; the run may have been cut short or still
    /// be going on.
    run: String,
    /// The manifests that were rolled out, as `lapse lint` takes them: what is found there raises the scores of causes,
    /// what is clean lowers them [repeatable; e.g. rendered.yaml].
    #[arg(short, long, value_name = "FILE|FOLDER|-")]
    manifests: Vec<String>,
    /// The format to print; `json` is the key `explanation` of report.json.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    format: TextOrJson,
}

/// Reads the run's journal and prints why it lost requests.
pub(super) fn execute(args: &ExplainArgs) -> Result<ExitCode> {
    let run = Recorded::find(&args.run)?;
    let record = journal::read(run.folder()).with_context(|| format!("cannot explain {}", args.run))?;
    let explanation = Explanation::with(&record, &smells(&args.manifests, &record)?);
    output::print("the explanation", |out| match args.format {
        TextOrJson::Text => text::write_explanation(&record, &explanation, style::of_stdout(), out),
        TextOrJson::Json => json::write_explanation(&record, &explanation, out),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The linter's findings in these manifests, cause by cause. Findings about workloads that the run did not follow are left
/// out, where it followed any.
fn smells(paths: &[String], record: &Record) -> Result<Vec<Smell>> {
    let mut texts = Texts::default();
    for path in paths {
        if path == "-" { texts.read_stdin()? } else { texts.read_path(path)? }
    }
    let report = lapse_lint::lint(&texts.sources(), &[]);
    let unread: Vec<_> = texts.said.iter().chain(&report.said).filter(|remark| remark.unread).collect();
    if let Some(first) = unread.first() {
        let source = first.source.as_deref().unwrap_or("the manifests");
        bail!("{source} {}", first.text);
    }
    ensure!(paths.is_empty() || report.read.objects > 0, "--manifests {} has no object of Kubernetes", paths.join(" "));
    let followed = followed(record);
    let is_foreign =
        |object: &ObjectName| is_workload(&object.kind) && !followed.is_empty() && !followed.contains(&*object.name);
    let (found, held) = (report.findings.iter(), report.held.iter());
    let found = found.filter(|finding| !is_foreign(&finding.object)).map(|finding| Smell {
        cause: finding.rule.cause.to_owned(),
        found: true,
        place: format!("{} {}", finding.object, finding.path),
        says: finding.message.clone(),
    });
    // A rule that looks for one of many ways to a cause proves nothing by holding.
    let clean = held.filter(|held| held.clears && !is_foreign(&held.object)).map(|held| Smell {
        cause: held.cause.to_owned(),
        found: false,
        place: held.object.to_string(),
        says: format!("`{}` holds", held.rule),
    });
    let smells: Vec<_> = found.chain(clean).collect();
    let names: Vec<_> = followed.iter().copied().collect();
    ensure!(
        paths.is_empty() || !smells.is_empty() || followed.is_empty(),
        "--manifests {} says nothing of {}, which the run followed: name what was rolled out, as `helm get manifest` \
         prints it",
        paths.join(" "),
        names.join(", ")
    );
    Ok(smells)
}

fn is_workload(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Rollout" | "ReplicaSet" | "Job" | "CronJob" | "Pod")
}

/// The names of the workloads that the run followed.
fn followed(record: &Record) -> BTreeSet<&str> {
    let objects = record.events.iter().filter_map(|event| event.object.as_ref());
    let workloads = objects.filter(|object| {
        matches!(
            object.kind,
            ObjectKind::Deployment | ObjectKind::StatefulSet | ObjectKind::DaemonSet | ObjectKind::Rollout
        )
    });
    workloads.map(|object| object.name.as_str()).collect()
}
