//! The trials as `JUnit` XML, for the test views of CI systems: a suite with a case for each trial.
//!
//! As with a run, what broke is a failure, and what could not be decided is an error.

use std::io::{self, Write};

use crate::date;
use crate::junit::{Case, Fault, Suite};
use crate::words::trials as words;
use crate::words::verdict::breach;
use lapse_compare::trials::{Trial, Trials};
use lapse_measure::time::Offset;
use lapse_measure::verdict::Conclusion;

/// Writes the trials as a suite of test cases.
pub(super) fn write(trials: &Trials, out: &mut impl Write) -> io::Result<()> {
    let first = trials.trials.first().map(|trial| &trial.line);
    let name = first.map(|line| line.release.as_str()).unwrap_or_default();
    let case = |number: u16, fault| Case::about(name, &format!("trial {number}"), fault);
    let missing = trials
        .missing
        .iter()
        .map(|missing| (missing.number, case(missing.number, Some(Fault("error", words::missing(missing))))));
    let made = trials.trials.iter().map(|trial| (trial.number, case(trial.number, fault(trial))));
    let mut cases: Vec<_> = made.chain(missing).collect();
    cases.sort_by_key(|(number, _)| *number);
    let suite = Suite {
        name,
        length: trials.trials.iter().map(|trial| trial.length).sum(),
        began: first.map(|line| date::rfc3339(line.anchor, Offset::ZERO)).unwrap_or_default(),
        cases: cases.into_iter().map(|(_, case)| case).collect(),
        notes: Vec::new(),
    };
    suite.write(out)
}

/// Why a trial does not pass; `None` if it does.
fn fault(trial: &Trial) -> Option<Fault> {
    let breaches = || trial.breaches.iter().map(breach).collect::<Vec<_>>().join("\n");
    let unknown = || trial.line.unknown.clone().unwrap_or_default();
    match trial.conclusion() {
        Conclusion::Pass => None,
        Conclusion::Fail => Some(Fault("failure", breaches())),
        Conclusion::CommandFailed => Some(Fault("failure", trial.command_failed.clone().unwrap_or_default())),
        Conclusion::Inconclusive => Some(Fault("error", trial.inconclusive.join("\n"))),
        Conclusion::Interrupted => Some(Fault("error", unknown())),
    }
}
