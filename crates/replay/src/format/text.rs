//! The ledger as text, for people.

use std::fmt::Write as _;
use std::io::{self, Write};

use lapse_measure::phrase::classes;
use lapse_measure::time::Human;

use super::{Report, notes, sanitize};
use crate::account::{Account, Both, Recovery, seconds};
use crate::playback::Position;
use crate::verdict::{Outcome, Verdict};

/// Writes the ledger.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let (account, part) = (&report.account, report.part);
    writeln!(
        out,
        "What clients did during the replay of {}, from {} to {}",
        sanitize(&report.name),
        seconds(part.from),
        seconds(part.to)
    )?;
    match report.position {
        Position::Waiting => writeln!(out, "  it was not started")?,
        Position::At(at) => writeln!(out, "  it was played to {}", seconds(at))?,
        Position::Over => {}
    }
    let row = |out: &mut dyn Write, name: &str, value: String| writeln!(out, "  {name:14} {value}");
    row(out, "requests", account.requests.to_string())?;
    row(out, "logical ones", logical(account.logical))?;
    let amplification = account.amplification().map_or("none".to_owned(), |times| format!("{times:.2}"));
    row(out, "retries", format!("{}; amplification {amplification}", account.retries()))?;
    row(out, "succeeded", logical(account.succeeded))?;
    row(out, "user failures", format!("{}{}", logical(account.failed), by_upstream(account)))?;
    if account.unfinished.sum() > 0 {
        row(out, "unfinished", logical(account.unfinished))?;
    }
    if account.passed > 0 {
        row(out, "upstream", format!("{} requests, of which it failed {}", account.passed, account.upstream_failed))?;
    }
    for recovery in &account.recoveries {
        row(out, "recovery", of_recovery(account, recovery))?;
    }
    let met = if account.classes.is_empty() { "nothing".to_owned() } else { classes(&account.classes) };
    row(out, "met", met)?;
    for note in notes(report) {
        writeln!(out, "  note: {note}")?;
    }
    report.verdict.as_ref().map_or(Ok(()), |verdict| of_verdict(verdict, out))
}

fn logical(Both { keyed, keyless }: Both) -> String {
    match (keyed, keyless) {
        (0, 0) => "0".to_owned(),
        (keyed, 0) => format!("{keyed} with a key"),
        (0, keyless) => format!("{keyless} without a key"),
        _ => format!("{} ({keyed} with a key, {keyless} without)", keyed + keyless),
    }
}

fn by_upstream(account: &Account) -> String {
    match account.failed_by_upstream.sum() {
        0 => String::new(),
        count => format!("; {count} of them because of the upstream"),
    }
}

fn of_recovery(account: &Account, recovery: &Recovery) -> String {
    let first = recovery.first_success.map(|first| format!("first success after {}", Human(first)));
    let first = first.unwrap_or_else(|| "no success after it".to_owned());
    let mut text = format!("at {}: {first}", seconds(recovery.at));
    if let (Some(requests), Some(connections)) = (recovery.requests, recovery.connections) {
        let _ = write!(text, "; {requests} requests and {connections} new connections in 100 ms");
        if let Some(usual) = account.usual {
            let _ = write!(text, " (usually {:.1} and {:.1})", usual.requests, usual.connections);
        }
    }
    text
}

fn of_verdict(verdict: &Verdict, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "Expected")?;
    for (expectation, outcome) in &verdict.outcomes {
        let expectation = expectation.to_string();
        match outcome {
            Outcome::Held(value) => writeln!(out, "  held       {expectation:26} {value}")?,
            Outcome::Broken(value) => writeln!(out, "  BROKEN     {expectation:26} {value}")?,
            Outcome::Undecided(why) => writeln!(out, "  undecided  {expectation:26} {why}")?,
        }
    }
    writeln!(
        out,
        "{}{}",
        verdict.conclusion.name(),
        match verdict.doubts.join(", ") {
            doubts if doubts.is_empty() => String::new(),
            doubts => format!(": {doubts}"),
        }
    )
}
