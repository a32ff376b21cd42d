//! The rollout that manifests describe: of a file, a folder, standard input or a chart, and of one workload of several.

use std::collections::BTreeSet;
use std::io::{IsTerminal, stdin};
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::lint::input::Texts;
use lapse_lint::rollout::{Rollout, Rollouts, rollouts};

/// The flags that name manifests beside a recorded run.
#[derive(Debug, Args)]
pub(super) struct ManifestArgs {
    /// The manifests that were rolled out, as `lapse lint` takes them [repeatable; e.g. rendered.yaml].
    #[arg(short, long, value_name = "FILE|FOLDER|-")]
    manifests: Vec<String>,
    /// The chart that was rolled out, to be rendered by `helm template` with its own values [e.g. ./chart].
    #[arg(long, value_name = "FOLDER", conflicts_with = "manifests")]
    chart: Option<PathBuf>,
    /// The workload that was rolled out, where there are several in the manifests.
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
}

impl ManifestArgs {
    /// The rollout in these manifests; `None` if none were named. Of several workloads, that of this name, or one of those
    /// that the run followed.
    pub(super) fn rollout(&self, followed: &BTreeSet<&str>) -> Result<Option<Rollout>> {
        let mut texts = Texts::default();
        match &self.chart {
            Some(chart) => texts.render(chart)?,
            None if self.manifests.is_empty() => {
                ensure!(
                    self.workload.is_none(),
                    "--workload names one of several workloads: add --manifests or --chart"
                );
                return Ok(None);
            }
            None => self.manifests.iter().try_for_each(|path| read(&mut texts, path))?,
        }
        choose(&texts, self.workload.as_deref(), followed).map(Some)
    }
}

/// Reads a file, a folder, or standard input.
pub(super) fn read(texts: &mut Texts, path: &str) -> Result<()> {
    if path != "-" {
        return texts.read_path(path);
    }
    ensure!(
        !stdin().is_terminal(),
        "standard input is a terminal: pipe manifests into it, as of `helm template CHART`"
    );
    texts.read_stdin()
}

/// The rollouts of these texts, each of which has to be readable.
pub(super) fn readable(texts: &Texts) -> Result<Rollouts> {
    let read = rollouts(&texts.sources());
    if let Some(first) = texts.said.iter().chain(&read.said).find(|remark| remark.unread) {
        let line = first.line.map_or_else(String::new, |line| format!(", line {line},"));
        bail!("{}{line} {}", first.source.as_deref().unwrap_or("the manifests"), first.text);
    }
    ensure!(
        read.read.objects > 0,
        "there is no object of Kubernetes in the manifests: name what `helm template CHART` or `helm get manifest RELEASE` prints"
    );
    Ok(read)
}

/// The rollout of the workload of this name; without one, of the only workload that gets requests, or that was followed.
pub(super) fn choose(texts: &Texts, name: Option<&str>, followed: &BTreeSet<&str>) -> Result<Rollout> {
    let read = readable(texts)?;
    let all = || read.all.iter().map(|one| one.workload.name.as_str());
    let mut fit: Vec<_> = match name {
        Some(name) => read.all.iter().filter(|one| one.workload.name == name).collect(),
        None => read.all.iter().collect(),
    };
    if fit.len() > 1 && fit.iter().any(|one| followed.contains(one.workload.name.as_str())) {
        fit.retain(|one| followed.contains(one.workload.name.as_str()));
    }
    match (fit.as_slice(), name) {
        ([one], _) => Ok((*one).clone()),
        ([], _) if read.all.is_empty() => bail!(
            "no workload in the manifests is rolled and gets requests: there has to be one, such as a Deployment, that a Service \
             selects"
        ),
        ([], Some(name)) => bail!(
            "--workload {name:?} is none that is rolled and gets requests: these are: {}",
            all().collect::<Vec<_>>().join(", ")
        ),
        _ => {
            bail!("several workloads get requests: name one with --workload: {}", all().collect::<Vec<_>>().join(", "))
        }
    }
}
