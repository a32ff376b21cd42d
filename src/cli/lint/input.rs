//! The texts to lint: of files, folders, standard input and releases.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use lapse_lint::{MOST_BYTES, Remark, Source};

/// The size that all texts together may have, in bytes.
const MOST_IN_ALL: usize = 4 * MOST_BYTES;

/// The texts that were read, with their names.
#[derive(Debug, Default)]
pub(in crate::cli) struct Texts {
    texts: Vec<(String, Vec<u8>)>,
    /// Remarks on files that were not read.
    pub(in crate::cli) said: Vec<Remark>,
}

impl Texts {
    pub(in crate::cli) fn sources(&self) -> Vec<Source<'_>> {
        self.texts.iter().map(|(name, text)| Source { name, text }).collect()
    }

    /// Reads standard input. A text that is too large is cut, so that it is refused.
    pub(in crate::cli) fn read_stdin(&mut self) -> Result<()> {
        let text = read_some(stdin()).context("cannot read standard input")?;
        self.add("-".to_owned(), text)
    }

    /// Reads a file, or all files of a folder with the endings of manifests.
    pub(in crate::cli) fn read_path(&mut self, path: &str) -> Result<()> {
        let file = Path::new(path);
        let kind = fs::metadata(file).with_context(|| format!("cannot read {path}: name a file, a folder or -"))?;
        if !kind.is_dir() {
            return self.read_file(file);
        }
        let before = (self.texts.len(), self.said.len());
        self.read_folder(file, 0)?;
        ensure!(
            before != (self.texts.len(), self.said.len()),
            "{path} has no manifests: it holds no file that ends in .yaml, .yml or .json"
        );
        Ok(())
    }

    /// Reads the manifest of a release from the cluster.
    pub(in crate::cli) fn read_release(&mut self, release: &str, namespace: Option<&str>) -> Result<()> {
        // The name is no flag, whatever it starts with.
        ensure!(!release.starts_with('-'), "{release} is no name of a release: a name starts with a letter");
        let mut helm = Command::new("helm");
        helm.args(["get", "manifest", release]);
        if let Some(namespace) = namespace {
            helm.arg("--namespace").arg(namespace);
        }
        let output = helm.output().with_context(|| {
            format!("cannot run helm for the release {release}: install it, or lint files that it has rendered")
        })?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!("helm has no manifest of {release}: {}", error.trim().trim_start_matches("Error: "));
        }
        self.add(format!("release {release}"), output.stdout)
    }

    /// Renders a chart with helm, with its own values.
    pub(in crate::cli) fn render(&mut self, chart: &Path) -> Result<()> {
        self.render_as("release", chart)
    }

    /// Renders a chart as this release.
    pub(in crate::cli) fn render_as(&mut self, release: &str, chart: &Path) -> Result<()> {
        ensure!(!release.starts_with('-'), "{release} is no name of a release: a name starts with a letter");
        let shown = chart.display();
        ensure!(
            chart.join("Chart.yaml").is_file(),
            "{shown} is no chart: it has no Chart.yaml; name the folder that has one"
        );
        // An absolute path is no flag, and no name of a repository.
        let path = fs::canonicalize(chart).with_context(|| format!("cannot read the chart {shown}"))?;
        let output = Command::new("helm").args(["template", release]).arg(path).stdin(Stdio::null()).output();
        let output = output.with_context(|| {
            format!(
                "cannot run helm to render {shown}: install it, or render the chart elsewhere and pipe it in: `helm template \
                 {shown} | lapse ...`, with - in the place of the chart"
            )
        })?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!(
                "helm cannot render {shown}: {}; if it needs values, pipe it in: `helm template {shown} --values FILE | lapse \
                 ...`, with - in the place of the chart",
                error.trim().trim_start_matches("Error: ")
            );
        }
        self.add(format!("chart {shown}"), output.stdout)
    }

    fn read_folder(&mut self, folder: &Path, depth: usize) -> Result<()> {
        ensure!(depth < 64, "{} is nested too deeply: name the folder itself", folder.display());
        if folder.join("Chart.yaml").is_file() {
            let text = format!("is a chart: render it, with `helm template {} | lapse lint -`", folder.display());
            let source = Some(folder.display().to_string());
            self.said.push(Remark { source, line: None, text, unread: true });
            return Ok(());
        }
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| !is_hidden(path)) {
            // A link to a folder may lead back here.
            let is_folder = fs::symlink_metadata(path).is_ok_and(|kind| kind.is_dir());
            if is_folder {
                self.read_folder(path, depth + 1)?;
            } else if is_manifest(path) && path.is_file() {
                self.read_file(path)?;
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path) -> Result<()> {
        let read = || read_some(File::open(path)?);
        let text = read().with_context(|| format!("cannot read {}", path.display()))?;
        self.add(path.display().to_string(), text)
    }

    fn add(&mut self, name: String, text: Vec<u8>) -> Result<()> {
        self.texts.push((name, text));
        let all: usize = self.texts.iter().map(|(_, text)| text.len()).sum();
        ensure!(all <= MOST_IN_ALL, "the input is larger than {} MiB: lint its parts one by one", MOST_IN_ALL >> 20);
        Ok(())
    }
}

/// Reads a text, or one byte more of it than a text may have.
fn read_some(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    from.take(most.saturating_add(1)).read_to_end(&mut text)?;
    Ok(text)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_manifest(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|ending| matches!(ending, "yaml" | "yml" | "json"))
}
