//! What `lapse replay` tells: what is played, where clients can connect, and what happens then.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::NamedTempFile;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{ReplayArgs, StartName};
use crate::cli::lab::say;
use lapse_hammer::clock::Clock;
use lapse_measure::span::Span;
use lapse_measure::time::{Human, Offset};
use lapse_replay::script::Script;
use lapse_replay::serve::News;

/// What is played, and what of it is not as recorded, a line each.
pub(super) fn introduction(args: &ReplayArgs, script: &Script, part: Span) -> Vec<String> {
    let since_start = |at: Offset| Human(at.since(Offset::ZERO));
    let start = match args.start {
        StartName::FirstRequest => "starts with the first request, or on POST /-/start",
        StartName::Asked => "starts on POST /-/start",
    };
    let Script { name, target, .. } = script;
    let what = if name == target { name.clone() } else { format!("{name}, target {target}") };
    let mut lines =
        vec![format!("replay of {what}, from {} to {}; {start}", since_start(part.from), since_start(part.to))];
    if script.is_encrypted && args.cert.is_none() {
        lines.push(
            "note: the run was of https://, and this replay is not: give it a certificate with --cert and --key"
                .to_owned(),
        );
    }
    lines.extend(script.coarser.iter().map(|coarser| format!("coarser: {coarser}")));
    lines.extend(script.notes.iter().map(|note| format!("note: {note}")));
    if args.seed.is_some() && script.coarser.is_empty() {
        lines.push("note: the journal has each probe, so nothing is drawn: --seed changes nothing".to_owned());
    }
    lines
}

/// The file that other programs wait for. It is there, and whole, once clients can connect.
#[derive(Debug)]
pub(super) struct ReadyFile {
    part: NamedTempFile,
    path: PathBuf,
}

impl ReadyFile {
    /// Prepares the file at `path` and removes an older one there. Fails where nothing can be written.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let cannot = || format!("cannot write {}: choose another file with --ready", path.display());
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let part = NamedTempFile::new_in(folder).with_context(cannot)?;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(cannot),
            _ => Ok(Self { part, path: path.to_owned() }),
        }
    }

    fn write(mut self, value: &serde_json::Value) -> Result<()> {
        let cannot = || format!("cannot write {}", self.path.display());
        writeln!(self.part, "{value:#}").with_context(cannot)?;
        self.part.persist(&self.path).map_err(|error| error.error).with_context(cannot)?;
        Ok(())
    }
}

/// What is needed to tell what happens to a replay.
#[derive(Debug)]
pub(super) struct Telling {
    /// The replay's clock.
    pub(super) clock: Clock,
    /// The scheme of the URL at which it listens.
    pub(super) scheme: &'static str,
    /// The lines to print once clients can connect.
    pub(super) introduction: Vec<String>,
    /// The file to write then.
    pub(super) ready: Option<ReadyFile>,
}

impl Telling {
    /// Prints the introduction once clients can connect, and a line for all that happens then.
    pub(super) async fn tell_all(mut self, mut told: UnboundedReceiver<News>) {
        while let Some(news) = told.recv().await {
            // Where stdout is closed, the replay goes on.
            if self.lines(news).iter().any(|line| say(line).is_err()) {
                return;
            }
        }
    }

    fn lines(&mut self, news: News) -> Vec<String> {
        match news {
            News::Listening { address, control } => {
                let url = format!("{}://{address}/", self.scheme);
                let control = control.map(|control| format!("http://{control}/"));
                let mut lines = std::mem::take(&mut self.introduction);
                if let Some(ready) = self.ready.take()
                    && let Err(error) = ready.write(&json!({ "url": url, "control": control }))
                {
                    lines.push(format!("note: {error:#}"));
                }
                let control = control.map(|control| format!(" control at {control},")).unwrap_or_default();
                lines.push(format!("listening at {url},{control} Ctrl-C ends it"));
                lines
            }
            News::Started(at) => {
                let nanos = self.clock.began().at(at).as_nanos();
                vec![format!("started at {}.{:09} s of CLOCK_MONOTONIC", nanos / 1_000_000_000, nanos % 1_000_000_000)]
            }
            News::Reset => vec!["reset: the service is well until the replay is started again".to_owned()],
            News::Over => vec!["over: the service is well from here on".to_owned()],
            News::Trouble(trouble) => vec![trouble],
        }
    }
}
