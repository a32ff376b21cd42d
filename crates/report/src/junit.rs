//! `JUnit` XML, for the test views of CI systems: a case for each budget and whom it limits.
//!
//! Red exactly where the exit code is not 0: what broke is a failure, and what could not be decided is an error, since
//! a skipped case would look like a passed one.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::date;
use super::sanitize::sanitize;
use super::words::note::{first_ids, not_measured};
use super::words::verdict::why;
use super::words::why::{cause, heading};
use lapse_explain::explanation::Explanation;
use lapse_measure::budget::Outcome;
use lapse_measure::time::Offset;
use lapse_measure::verdict::{BudgetResult, Conclusion};
use lapse_record::record::{CommandRun, Record};

/// Causes that a failure lists.
const MAX_CAUSES: usize = 5;

/// A test case; it passes if `fault` is `None`.
pub(crate) struct Case {
    class: String,
    name: String,
    fault: Option<Fault>,
}

/// The reason why a case does not pass: the name of its XML element (`failure` or `error`), and the message.
pub(crate) struct Fault(pub(crate) &'static str, pub(crate) String);

/// A suite of test cases.
pub(crate) struct Suite<'a> {
    pub(crate) name: &'a str,
    /// How long it took.
    pub(crate) length: Duration,
    /// When it began, as a date.
    pub(crate) began: String,
    pub(crate) cases: Vec<Case>,
    /// What else is to be said of it, a line each.
    pub(crate) notes: Vec<Cow<'a, str>>,
}

/// Writes the verdict of `record` as a suite of test cases.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let ids = first_ids(record).map(|ids| Cow::Owned(sanitize(&ids).into_owned()));
    let suite = Suite {
        name: &record.about.name,
        length: record.seen.end.since(Offset::ZERO),
        began: date::rfc3339(record.about.anchor, Offset::ZERO),
        cases: cases(record),
        notes: not_measured(record).map(sanitize).chain(ids).collect(),
    };
    suite.write(out)
}

impl Suite<'_> {
    /// Writes the suite as a document.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut xml = Writer::new_with_indent(BufWriter::new(out), b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let is_of = |case: &&Case, kind: &str| case.fault.as_ref().is_some_and(|fault| fault.0 == kind);
        let count = |kind: &str| self.cases.iter().filter(|case| is_of(case, kind)).count();
        let numbers = [self.cases.len(), count("failure"), count("error")];
        let (numbers, length) = (numbers.map(|number| number.to_string()), seconds(self.length));
        let name = sanitize(self.name);
        let suite = [
            ("name", &*name),
            ("tests", &*numbers[0]),
            ("failures", &*numbers[1]),
            ("errors", &*numbers[2]),
            ("skipped", "0"),
            ("time", &*length),
            ("timestamp", &*self.began),
        ];
        xml.create_element("testsuites").with_attribute(("name", "lapse")).write_inner_content(|xml| {
            xml.create_element("testsuite").with_attributes(suite).write_inner_content(|xml| {
                self.cases.iter().try_for_each(|case| case.write(xml))?;
                if !self.notes.is_empty() {
                    xml.create_element("system-out").write_text_content(BytesText::new(&self.notes.join("\n")))?;
                }
                Ok(())
            })?;
            Ok(())
        })?;
        let mut out = xml.into_inner();
        out.write_all(b"\n")?;
        out.flush()
    }
}

fn cases(record: &Record) -> Vec<Case> {
    let run = &record.about.name;
    let verdict = &record.summary.verdict;
    let explained = first_causes(record);
    let mut cases: Vec<_> = verdict.results.iter().map(|ruling| Case::of(run, ruling, &explained)).collect();
    let undecided = |ruling: &&BudgetResult| matches!(ruling.outcome, Outcome::Undecided(_));
    let by_budgets = verdict.results.iter().filter(undecided).count();
    // The doubts of budgets come first, and are told with them.
    let inconclusive = verdict.inconclusive.get(by_budgets..).unwrap_or_default();
    let doubted = (!inconclusive.is_empty()).then(|| Fault("error", inconclusive.join("\n")));
    cases.push(Case::about(run, "the measurement supports a verdict", doubted));
    // Of one that was not to be started, or that the run stopped at its early end, there is nothing to tell.
    let is_its_own = |command: &&CommandRun| {
        !command.failed() || matches!(verdict.conclusion, Conclusion::CommandFailed | Conclusion::Interrupted)
    };
    if let Some(command) = record.command.as_ref().filter(is_its_own) {
        let failed = command.failed().then(|| Fault("failure", record.how_the_command_ended().unwrap_or_default()));
        cases.push(Case::about(run, "the command succeeds", failed));
    }
    if verdict.conclusion == Conclusion::Interrupted {
        cases.push(Case::about(run, "the run comes to its end", Some(Fault("error", why(record)))));
    }
    cases
}

/// The first cause of each case, a line each, led by a line end; empty where nothing is explained.
fn first_causes(record: &Record) -> String {
    let explanation = Explanation::of(record);
    let firsts = explanation.groups().into_iter().filter_map(|group| Some((group, group.first()?.findings.first()?)));
    let lines: Vec<_> = firsts
        .take(MAX_CAUSES)
        .map(|(group, first)| format!("\n{}: {}", heading(record, group), cause(first)))
        .collect();
    lines.concat()
}

// === impl Case ===

impl Case {
    /// A case of a run.
    pub(crate) fn about(run: &str, name: &str, fault: Option<Fault>) -> Self {
        Self { class: run.to_owned(), name: name.to_owned(), fault }
    }

    fn of(run: &str, BudgetResult { budget, of, limit, outcome }: &BudgetResult, causes: &str) -> Self {
        let fault = match outcome {
            Outcome::Held => None,
            Outcome::Broken(figure) => Some(Fault("failure", format!("{figure} on {of}, allowed: {limit}{causes}"))),
            Outcome::Undecided(why) => Some(Fault("error", format!("{of}, allowed: {limit}: {why}"))),
        };
        // A budget that is called by its limit is not named twice.
        let name = if budget == limit { format!("{of}: {limit}") } else { format!("{of}: {budget} ({limit})") };
        Self { class: format!("{run}.{of}"), name, fault }
    }

    fn write<W: Write>(&self, xml: &mut Writer<W>) -> io::Result<()> {
        let (class, name) = (sanitize(&self.class), sanitize(&self.name));
        let case = xml.create_element("testcase").with_attributes([("classname", &*class), ("name", &*name)]);
        match &self.fault {
            None => case.write_empty()?,
            Some(Fault(kind, why)) => case.write_inner_content(|xml| {
                let first = why.lines().next().unwrap_or_default();
                let fault = xml.create_element(*kind).with_attribute(("message", &*sanitize(first)));
                let lines: Vec<_> = why.lines().map(sanitize).collect();
                fault.write_text_content(BytesText::new(&lines.join("\n")))?;
                Ok(())
            })?,
        };
        Ok(())
    }
}

fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}
