//! What a measurement came to, in the three values that a gate can act on, and how it fares while it goes on.

use std::fmt;

use serde_json::Value;

use lapse_measure::phase::Phase;
use lapse_measure::verdict::{self, Conclusion};
use lapse_record::record::Record;
use lapse_report::json;

/// The verdict of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The measurement goes on.
    Running,
    /// Every budget held.
    Pass,
    /// A budget was exceeded.
    Fail,
    /// The measurement supports no verdict, or was ended before its time.
    Inconclusive,
    /// Nothing was measured.
    FailedToStart,
}

impl Verdict {
    /// The verdicts of measurements that are over.
    pub(crate) const FINAL: [Self; 4] = [Self::Pass, Self::Fail, Self::Inconclusive, Self::FailedToStart];

    /// The word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::FailedToStart => "failed-to-start",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a measurement came to, or how it fares so far.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// The verdict and its first reason, in one sentence.
    pub(crate) sentence: String,
    /// A sentence for each budget that was exceeded, so far.
    pub(crate) breaches: Vec<String>,
    /// What report.json has under `verdict`; null before the end.
    pub(crate) judgement: Value,
    /// The phase of a measurement that goes on.
    pub(crate) phase: Option<Phase>,
    /// The probes that came to an answer.
    pub(crate) probes: u64,
}

impl Outcome {
    /// How a measurement fares of which nothing is known yet.
    pub(crate) fn unknown() -> Self {
        Self {
            verdict: Verdict::Running,
            sentence: "running: no budget is exceeded so far".to_owned(),
            breaches: Vec::new(),
            judgement: Value::Null,
            phase: None,
            probes: 0,
        }
    }

    /// How a measurement fares whose record goes on.
    pub(crate) fn so_far(record: &Record) -> Self {
        let breaches: Vec<_> = record.summary.verdict.breaches.iter().map(ToString::to_string).collect();
        let sentence = match breaches.first() {
            Some(first) => format!("running: exceeded so far: {first}{}", more(&breaches)),
            None => Self::unknown().sentence,
        };
        let phase = record.seen.phases.now();
        Self { sentence, breaches, phase, probes: probes(record), ..Self::unknown() }
    }

    /// What a measurement came to; `unwritten` says which of its reports could not be written, which leaves no run a
    /// pass.
    pub(crate) fn of(record: &Record, unwritten: Option<String>) -> Self {
        let judged = match unwritten {
            Some(why) => record.summary.verdict.clone().doubted(vec![why]),
            None => record.summary.verdict.clone(),
        };
        let (verdict, why) = three_valued(&judged);
        Self {
            verdict,
            sentence: format!("{verdict}: {why}"),
            breaches: judged.breaches.iter().map(ToString::to_string).collect(),
            judgement: json::verdict(&judged).unwrap_or_default(),
            phase: None,
            probes: probes(record),
        }
    }

    /// What a measurement came to that could not begin, or broke off.
    pub(crate) fn failed(why: &str) -> Self {
        let verdict = Verdict::FailedToStart;
        Self { verdict, sentence: format!("{verdict}: {why}"), ..Self::unknown() }
    }

    /// Whether the measurement is over.
    pub(crate) fn is_over(&self) -> bool {
        self.verdict != Verdict::Running
    }

    /// Whether a budget was exceeded, so far or in the end.
    pub(crate) fn has_failed(&self) -> bool {
        self.verdict == Verdict::Fail || (!self.is_over() && !self.breaches.is_empty())
    }
}

/// The verdict in three values, and its first reason.
fn three_valued(judged: &verdict::Verdict) -> (Verdict, String) {
    let first = |reasons: &[String], otherwise: &str| match reasons.first() {
        Some(first) => format!("{first}{}", more(reasons)),
        None => otherwise.to_owned(),
    };
    let breaches: Vec<_> = judged.breaches.iter().map(ToString::to_string).collect();
    match judged.conclusion {
        Conclusion::Pass => (Verdict::Pass, "every budget held".to_owned()),
        Conclusion::Fail => (Verdict::Fail, first(&breaches, "a budget was exceeded")),
        Conclusion::Inconclusive => {
            (Verdict::Inconclusive, first(&judged.inconclusive, "the measurement supports no verdict"))
        }
        // No run of a server has a command.
        Conclusion::CommandFailed | Conclusion::Interrupted => {
            (Verdict::Inconclusive, "the measurement was ended before its time".to_owned())
        }
    }
}

/// How many reasons there are beside the first.
fn more(reasons: &[String]) -> String {
    match reasons.len() {
        0 | 1 => String::new(),
        many => format!("; and {} more", many - 1),
    }
}

fn probes(record: &Record) -> u64 {
    record.summary.targets.iter().map(|target| target.totals.resolved).sum()
}
