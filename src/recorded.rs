//! A recorded run as it is named on the command line: a folder, an archive made by `lapse export`, or the URL of one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::{NamedTempFile, TempDir};

use crate::trial_folders;
use lapse_export::archive;
use lapse_hammer::tls::{self, TlsOptions};
use lapse_record::journal::FILE;

/// The longest archive that is fetched, in bytes: that of a day at 10,000 probes a second is below it.
const LONGEST: u64 = 8 << 30;
/// How long a server may be silent while an archive is fetched.
const SILENCE: Duration = Duration::from_secs(30);

/// The files of a recorded run, in a folder. Those of an archive are unpacked to a temporary one, which goes with this.
#[derive(Debug)]
pub(crate) struct Recorded {
    folder: PathBuf,
    _unpacked: Option<TempDir>,
}

impl Recorded {
    /// The run that `what` names: a folder or the journal in it, a file that `lapse export` wrote, or the URL of one.
    pub(crate) fn find(what: &str) -> Result<Self> {
        if what.starts_with("https://") || what.starts_with("http://") {
            let fetched = fetch(what).with_context(|| format!("cannot fetch {what}"))?;
            return Self::unpack(fetched.path()).with_context(|| format!("{what} is no run"));
        }
        let path = Path::new(what);
        if path.is_file() && path.file_name().is_some_and(|name| name == FILE) {
            return Ok(Self { folder: path.with_file_name(""), _unpacked: None });
        }
        if path.is_file() {
            return Self::unpack(path);
        }
        ensure!(
            path.is_dir(),
            "{what} is neither a folder nor a file: name the folder of a run, such as \
             reports/2026-11-22T20-15-03-shop, or a file that `lapse export` wrote"
        );
        if let Some((number, _)) = trial_folders::find(path).unwrap_or_default().first() {
            bail!(
                "{what} holds trials, each of which is a run: name one of them, such as {}; `lapse report` and `lapse \
                 history` take them all",
                path.join(trial_folders::name(*number)).display()
            );
        }
        ensure!(
            path.join(FILE).exists() || path.join("report.json").exists(),
            "{what} holds no run, for it has no {FILE}: name the folder that `lapse run` wrote, such as \
             reports/2026-11-22T20-15-03-shop"
        );
        Ok(Self { folder: path.to_owned(), _unpacked: None })
    }

    /// The folder that has the run's journal.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn unpack(path: &Path) -> Result<Self> {
        let unpacked = tempfile::tempdir().context("cannot make a temporary folder to unpack to")?;
        archive::unpack(path, unpacked.path())?;
        Ok(Self { folder: unpacked.path().to_owned(), _unpacked: Some(unpacked) })
    }
}

/// Fetches a file over HTTP, to a temporary one.
fn fetch(url: &str) -> Result<NamedTempFile> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(async {
        // reqwest needs a process-wide provider, even with a complete configuration. An error means that one is installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let trust = tls::config(&TlsOptions::default())?;
        let client = reqwest::Client::builder().connect_timeout(SILENCE).read_timeout(SILENCE);
        let client = client.tls_backend_preconfigured((*trust).clone()).build()?;
        let mut answer = client.get(url).send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "the server answers {status}");
        let mut file = NamedTempFile::new().context("cannot make a temporary file")?;
        let mut room = LONGEST;
        while let Some(part) = answer.chunk().await? {
            let Some(rest) = room.checked_sub(part.len() as u64) else {
                bail!("it is longer than {LONGEST} bytes");
            };
            room = rest;
            file.write_all(&part).context("cannot write what comes to a temporary file")?;
        }
        Ok(file)
    })
}
