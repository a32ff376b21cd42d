//! A lint's report for people: findings by source and line, then what their rules mean, then the verdict.

use std::fmt::Write;

use lapse_lint::{Finding, RULES, Remark, Report, Rule, Severity};
use lapse_report::text::{Colour, Glyphs, Look};

/// The role of a word, which decides its colour.
#[derive(Clone, Copy, Debug)]
enum Ink {
    Good,
    Bad,
    Unsure,
    Heading,
}

/// The report as text; `deny` is the least severity that fails.
pub(super) fn report(report: &Report, deny: Severity, look: Look) -> String {
    let mut page = Page { look, text: String::new() };
    let mut source = None;
    for finding in &report.findings {
        if source != Some(&finding.source) {
            page.heading(&finding.source);
            source = Some(&finding.source);
        }
        page.finding(finding);
    }
    page.rules_of(report);
    if !report.said.is_empty() {
        page.heading("Of the input");
        report.said.iter().for_each(|one| page.say(2, &remark(one)));
    }
    page.verdict(report, deny);
    page.text
}

/// The list of rules as text.
pub(super) fn rules(look: Look) -> String {
    let mut page = Page { look, text: String::new() };
    for rule in RULES {
        let line = format!("{:<30} {:<8} {}", rule.name, rule.severity, rule.cause);
        page.line(0, &line);
        page.say(2, rule.says);
    }
    page.text
}

/// Where a finding is, and what it says.
pub(super) fn headline(finding: &Finding) -> String {
    let Finding { source, position, rule, object, path, message, .. } = finding;
    format!("{source}:{}:{} {} {object} {path}: {message}", position.line, position.column, rule.name)
}

/// A remark as a sentence.
pub(super) fn remark(remark: &Remark) -> String {
    match (&remark.source, remark.line) {
        (None, _) => remark.text.clone(),
        (Some(source), None) => format!("{source} {}", remark.text),
        (Some(source), Some(line)) => format!("{source}:{line}: the document {}", remark.text),
    }
}

/// The text as far as it is laid out.
#[derive(Debug)]
struct Page {
    look: Look,
    text: String,
}

impl Page {
    fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let text = self.paint(Ink::Heading, &self.fit(text));
        self.line(0, &text);
    }

    /// A finding: place, severity, object and rule in a line, then the field, with the template of the chart that it is
    /// from, and what is wrong there.
    fn finding(&mut self, finding: &Finding) {
        let place = format!("{}:{}", finding.position.line, finding.position.column);
        let severity = self.severity(finding.severity);
        let object = self.fit(&finding.object.to_string());
        let line = format!("{place:<8} {severity}  {object}  {}", finding.rule.name);
        self.line(2, &line);
        let of = finding.template.as_ref().map(|template| format!("  of {template}")).unwrap_or_default();
        self.line(11, &self.fit(&format!("{}{of}", finding.path)));
        self.say(11, &finding.message);
    }

    /// The meaning of each rule that has findings, once.
    fn rules_of(&mut self, report: &Report) {
        let found = RULES.iter().filter(|rule| report.findings.iter().any(|finding| finding.rule.name == rule.name));
        for (nth, rule) in found.enumerate() {
            if nth == 0 {
                self.heading("Why, and what to do");
            }
            self.rule(rule);
        }
    }

    fn rule(&mut self, rule: &Rule) {
        let name = self.paint(Ink::Heading, rule.name);
        self.line(2, &format!("{name} ({})", rule.cause));
        self.say(4, rule.why);
        self.say(4, &format!("Fix: {}", rule.fix));
        if let Some(scenario) = rule.scenario {
            self.say(4, &format!("See it: lapse run scenarios/{scenario}"));
        }
    }

    fn verdict(&mut self, report: &Report, deny: Severity) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let read = &report.read;
        let counts: Vec<_> =
            Severity::ALL.iter().map(|severity| plural(report.count(*severity), severity.name())).collect();
        let of = format!("{} in {}", counts.join(", "), plural(read.objects, "object"));
        let unread = match read.unread {
            0 => String::new(),
            1 => "; 1 document or file was not read".to_owned(),
            many => format!("; {many} documents or files were not read"),
        };
        let (ink, word, why) = match report.worst() {
            Some(worst) if worst >= deny => (Ink::Bad, "FAIL", String::new()),
            _ if read.objects == 0 && read.unread == 0 => {
                (Ink::Unsure, "INCONCLUSIVE", "; the input has no object: did what should render it fail?".to_owned())
            }
            _ if read.unread > 0 => (Ink::Unsure, "INCONCLUSIVE", String::new()),
            _ => (Ink::Good, "PASS", String::new()),
        };
        let word = self.paint(ink, word);
        self.line(0, &format!("{word}: {of}{unread}{why}"));
    }

    fn severity(&self, severity: Severity) -> String {
        let ink = match severity {
            Severity::Error => Ink::Bad,
            Severity::Warning => Ink::Unsure,
            Severity::Note => Ink::Heading,
        };
        self.paint(ink, &format!("{severity:<7}"))
    }

    fn paint(&self, ink: Ink, text: &str) -> String {
        let code = match (self.look.colour, ink) {
            (Colour::Plain, _) => return text.to_owned(),
            (Colour::Ansi, Ink::Good) => "1;32",
            (Colour::Ansi, Ink::Bad) => "1;31",
            (Colour::Ansi, Ink::Unsure) => "1;33",
            (Colour::Ansi, Ink::Heading) => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    fn line(&mut self, indent: usize, text: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "{}{text}", " ".repeat(indent));
    }

    /// A sentence, wrapped at the width of the page.
    fn say(&mut self, indent: usize, text: &str) {
        let width = self.look.width.max(40).saturating_sub(indent);
        let mut line = String::new();
        for word in self.fit(text).split(' ').filter(|word| !word.is_empty()) {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                self.line(indent, &line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(indent, &line);
    }

    /// `text` without control characters, and in ASCII if the page is.
    fn fit(&self, text: &str) -> String {
        let ascii = self.look.glyphs == Glyphs::Ascii;
        let fit = |character: char| match character {
            character if character.is_control() => '?',
            '…' if ascii => '~',
            character if ascii && !character.is_ascii() => '?',
            character => character,
        };
        text.chars().map(fit).collect()
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
