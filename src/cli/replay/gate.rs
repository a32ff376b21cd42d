//! The end of `lapse replay`: what clients did is reported, and judged if something was expected of them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};

use crate::cli::output;
use lapse_replay::expectation::Expectation;
use lapse_replay::format::{Report, json, junit, text};
use lapse_replay::verdict::Verdict;

/// A format of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Junit,
}

/// A report to write, as typed: `json`, or `junit=lapse.xml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReportTo {
    format: Format,
    /// The file; standard output without one.
    file: Option<PathBuf>,
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = text.split_once('=').map_or((text, None), |(format, file)| (format, Some(file)));
        let format = match format {
            "text" => Format::Text,
            "json" => Format::Json,
            "junit" => Format::Junit,
            _ => return Err(format!("there is no format {format:?}: choose one of text, json, junit")),
        };
        if file == Some("") {
            return Err("write it as FORMAT or as FORMAT=FILE, such as junit=lapse.xml".to_owned());
        }
        Ok(Self { format, file: file.map(PathBuf::from) })
    }
}

impl Format {
    fn write(self, report: &Report, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Text => text::write(report, out),
            Self::Json => json::write(report, out),
            Self::Junit => junit::write(report, out),
        }
    }
}

/// What is to be done with what clients did.
#[derive(Debug)]
pub(super) struct Gate {
    expectations: Vec<Expectation>,
    /// The reports, each with its file, if it has one, already opened.
    reports: Vec<(ReportTo, Option<File>)>,
}

impl Gate {
    /// Opens the files at the start: the end of a test is too late for an error about a path.
    pub(super) fn open(expectations: &[Expectation], reports: &[ReportTo]) -> Result<Self> {
        for (nth, to) in reports.iter().enumerate() {
            let twice = reports.iter().take(nth).any(|other| other.file == to.file);
            let place = to.file.as_ref().map_or("standard output".to_owned(), |file| file.display().to_string());
            ensure!(!twice, "two reports are to be written to {place}: give each --report a file of its own");
        }
        let open = |to: &ReportTo| {
            let Some(path) = &to.file else { return Ok((to.clone(), None)) };
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
            let cannot = || format!("cannot write {}: choose another file with --report", path.display());
            anyhow::Ok((to.clone(), Some(file.with_context(cannot)?)))
        };
        let mut reports = reports.iter().map(open).collect::<Result<Vec<_>>>()?;
        if reports.is_empty() && !expectations.is_empty() {
            reports.push((ReportTo { format: Format::Text, file: None }, None));
        }
        Ok(Self { expectations: expectations.to_vec(), reports })
    }

    /// Judges `report` and writes it; the exit code is that of the verdict. An expectation is not held if a report of it
    /// cannot be written.
    pub(super) fn close(self, mut report: Report, interrupted: bool) -> Result<ExitCode> {
        if !self.expectations.is_empty() {
            report.verdict = Some(Verdict::on(&report.account, report.position, interrupted, &self.expectations));
        }
        let mut written = Ok(());
        for (to, file) in self.reports {
            written = written.and(write(&report, &to, file));
        }
        written?;
        Ok(report.verdict.map_or(ExitCode::SUCCESS, |verdict| verdict.conclusion.exit_code().into()))
    }
}

fn write(report: &Report, to: &ReportTo, file: Option<File>) -> Result<()> {
    let (Some(file), Some(path)) = (file, &to.file) else {
        return output::print("the ledger", |out| to.format.write(report, out));
    };
    let write = || {
        // Cut what remains of a longer old report. Pipes and terminals have no length to set.
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        let mut out = BufWriter::new(&file);
        to.format.write(report, &mut out)?;
        out.flush()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
