//! The ledger as `JUnit` XML, for the test views of CI systems: a case for each expectation.
//!
//! Red exactly where the exit code is not 0, as of `lapse run`: what was not held is a failure, and what could not be
//! decided is an error.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{Report, sanitize};
use crate::verdict::{Conclusion, Outcome, Verdict};

/// A test case; it passes without a fault: the name of an XML element (`failure` or `error`), and the message.
struct Case {
    name: String,
    fault: Option<(&'static str, String)>,
}

/// Writes the expectations as a suite of test cases.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let cases = report.verdict.as_ref().map(cases).unwrap_or_default();
    let count =
        |kind: &str| cases.iter().filter(|case| case.fault.as_ref().is_some_and(|fault| fault.0 == kind)).count();
    let [tests, failures, errors] = [cases.len(), count("failure"), count("error")].map(|number| number.to_string());
    let name = sanitize(&format!("replay of {}", report.name));
    let suite =
        [("name", &*name), ("tests", &*tests), ("failures", &*failures), ("errors", &*errors), ("skipped", "0")];
    xml.create_element("testsuites").with_attribute(("name", "lapse")).write_inner_content(|xml| {
        xml.create_element("testsuite")
            .with_attributes(suite)
            .write_inner_content(|xml| cases.iter().try_for_each(|case| case.write(&name, xml)))?;
        Ok(())
    })?;
    xml.into_inner().write_all(b"\n")
}

fn cases(verdict: &Verdict) -> Vec<Case> {
    let doubts = (!verdict.doubts.is_empty()).then(|| ("error", verdict.doubts.join(", ")));
    let mut cases = vec![Case { name: "the replay supports a verdict".to_owned(), fault: doubts }];
    // Where no verdict is supported, no expectation is held or broken.
    if verdict.doubts.is_empty() {
        cases.extend(verdict.outcomes.iter().map(|(expectation, outcome)| Case {
            name: expectation.to_string(),
            fault: match outcome {
                Outcome::Held(_) => None,
                Outcome::Broken(value) => Some(("failure", format!("expected {expectation}, and it is {value}"))),
                Outcome::Undecided(why) => Some(("error", format!("expected {expectation}: {why}"))),
            },
        }));
    }
    if verdict.conclusion == Conclusion::Interrupted {
        let fault = Some(("error", "it was interrupted".to_owned()));
        cases.push(Case { name: "the replay comes to its end".to_owned(), fault });
    }
    cases
}

impl Case {
    fn write<W: Write>(&self, class: &str, xml: &mut Writer<W>) -> io::Result<()> {
        let case = xml.create_element("testcase").with_attributes([("classname", class), ("name", &self.name)]);
        match &self.fault {
            None => case.write_empty()?,
            Some((kind, why)) => case.write_inner_content(|xml| {
                let fault = xml.create_element(*kind).with_attribute(("message", &**why));
                fault.write_text_content(BytesText::new(why))?;
                Ok(())
            })?,
        };
        Ok(())
    }
}
