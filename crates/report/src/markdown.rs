//! GitHub Flavored Markdown, for a job summary or a comment on a pull request.
//!
//! Untrusted text is escaped, so that it cannot start a table cell, a link or a mention.

use std::io::{self, Write};

use super::date;
use super::longest::Longest;
use super::sanitize::sanitize;
use super::words::disruption::{lasted, lost};
use super::words::episode::{HEADING, brief, origin};
use super::words::headline;
use super::words::held;
use super::words::note::{first_ids, not_measured};
use super::words::phrase::{apart, classes, some};
use super::words::pod;
use super::words::verdict::{breach, why as verdict_why};
use super::words::version;
use super::words::why;
use lapse_explain::explanation::Explanation;
use lapse_measure::time::{Human, Offset};
use lapse_measure::verdict::Conclusion;
use lapse_record::record::Record;

/// Episodes, disruptions, runs and the like that are listed one by one; the longest or the newest ones are.
pub(crate) const MAX_ROWS: usize = 10;

/// Writes the verdict, totals, episodes and longest disruptions of `record`.
pub fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let verdict = &record.summary.verdict;
    let word = verdict.conclusion.to_string().to_uppercase();
    writeln!(out, "## {} lapse: {word}: {}\n", sign(verdict.conclusion), safe(&verdict_why(record)))?;
    for sentence in headline::sentences(record) {
        writeln!(out, "{}\n", safe(&sentence))?;
    }
    for one in &verdict.breaches {
        writeln!(out, "- exceeded: {}", safe(&breach(one)))?;
    }
    for reason in &verdict.inconclusive {
        writeln!(out, "- in doubt: {}", safe(reason))?;
    }
    for note in not_measured(record) {
        writeln!(out, "- not measured: {}", safe(note))?;
    }
    if verdict.breaches.len() + verdict.inconclusive.len() + not_measured(record).count() > 0 {
        writeln!(out)?;
    }
    totals(record, out)?;
    episodes(record, out)?;
    causes(record, out)?;
    if let Some(remark) = pod::remark(record) {
        writeln!(out, "Pods that ended: {}\n", safe(&remark))?;
    }
    versions(record, out)?;
    streams(record, out)?;
    disruptions(record, out)?;
    if let Some(ids) = first_ids(record) {
        writeln!(out, "{}\n", safe(&ids))?;
    }
    let (name, length) = (safe(&record.about.name), Human(record.seen.end.since(Offset::ZERO)));
    let began = date::rfc3339(record.about.anchor, Offset::ZERO);
    let (rate, version) = (record.about.rate.get(), safe(&record.about.version));
    writeln!(out, "<sub>{name}: {length} from {began}, {rate} probes a second, lapse {version}</sub>")
}

/// The sign of a conclusion.
pub(crate) const fn sign(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Pass => "✅",
        Conclusion::Fail | Conclusion::CommandFailed => "❌",
        Conclusion::Inconclusive | Conclusion::Interrupted => "⚠️",
    }
}

fn totals(record: &Record, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "| target | loss-derived downtime | longest disruption | longest strict outage | every lane down | lost probes | \
         longest unseen outage |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    for target in &record.summary.targets {
        let (name, totals) = (&target.name, &target.totals);
        let (failed, resolved, unseen) = (totals.failed, totals.resolved, Human(totals.unseen.length));
        let disruption = totals.disruptions.longest_length;
        let [downtime, disruption, longest, down] = [totals.loss_derived, disruption, totals.longest, totals.down]
            .map(|one| if failed == 0 { "none".to_owned() } else { one.to_string() });
        let lost = format!("{failed} of {resolved}");
        writeln!(out, "| {} | {downtime} | {disruption} | {longest} | {down} | {lost} | {unseen} |", safe(name))?;
    }
    writeln!(out)
}

fn episodes(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let lines = brief(record, MAX_ROWS);
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "{HEADING}:\n")?;
    for line in &lines {
        writeln!(out, "- {}", safe(line))?;
    }
    writeln!(out)
}

/// The first cause of each case, with its cure; the YAML in a block that unfolds.
fn causes(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let explanation = Explanation::of(record);
    let groups = explanation.groups();
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}:\n", why::HEADING)?;
    for group in groups.iter().take(MAX_ROWS) {
        let heading = safe(&why::heading(record, group));
        match group.first().and_then(|case| case.findings.first()) {
            Some(first) => {
                writeln!(out, "- {heading}: **{}**", safe(&why::cause(first)))?;
                for one in &first.evidence {
                    writeln!(out, "  - {}", safe(&one.text))?;
                }
                writeln!(out, "  - {}", safe(&why::cure(first)))?;
                if let Some(fix) = first.fix.as_ref().filter(|fix| !fix.yaml.is_empty()) {
                    writeln!(out, "\n    ```yaml")?;
                    // A fence within the YAML could only come from a container's name.
                    for line in fix.yaml.lines() {
                        writeln!(out, "    {}", sanitize(line).replace("```", "'''"))?;
                    }
                    writeln!(out, "    ```\n")?;
                }
            }
            None => writeln!(out, "- {heading}: {}", safe(&why::not_explained(record)))?,
        }
    }
    for said in why::hops(record, &explanation) {
        writeln!(out, "- {}", safe(&said))?;
    }
    writeln!(out)
}

/// When versions came and went, and a table of each target's.
fn versions(record: &Record, out: &mut impl Write) -> io::Result<()> {
    for sentence in version::sentences(record) {
        writeln!(out, "{}\n", safe(&sentence))?;
    }
    for (_, versions) in version::targets(record).filter(|(_, versions)| !versions.all.is_empty()) {
        table(&version::rows(versions), out)?;
    }
    Ok(())
}

/// The figures of the held streams of each target.
fn streams(record: &Record, out: &mut impl Write) -> io::Result<()> {
    for (target, streams) in held::targets(record) {
        writeln!(out, "{}: {}:\n", safe(&target.name), safe(&held::heading(record)))?;
        table(&held::rows(record, streams), out)?;
    }
    Ok(())
}

fn disruptions(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let Longest { shown, more } = Longest::disruptions(record, MAX_ROWS);
    if shown.is_empty() {
        return Ok(());
    }
    writeln!(out, "| first failure (UTC) | | lane | lasted | lost | as |")?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    for (lane, one) in shown {
        let ((from, what), began) = (origin(record, one.from), date::moment(record.about.anchor, one.from));
        let after = format!("{} {what}", apart(one.from, from));
        let (name, lasted, lost) = (&record.summary.lane(lane.id).name, lasted((lane, one)), lost(one));
        let how = classes(&one.classes_of(&lane.timeline));
        writeln!(out, "| {began} | {} | {} | {lasted} | {lost} | {how} |", safe(&after), safe(name))?;
    }
    if !more.is_empty() {
        writeln!(out, "\nand {}", some(more.len() as u64, "shorter disruption"))?;
    }
    writeln!(out)
}

/// Writes a table, whose first row is its header, and an empty line; nothing if there is no row below the header.
pub(crate) fn table(rows: &[Vec<String>], out: &mut impl Write) -> io::Result<()> {
    let Some((header, rows)) = rows.split_first().filter(|(_, rows)| !rows.is_empty()) else { return Ok(()) };
    let line = |row: &Vec<String>| row.iter().map(|cell| safe(cell)).collect::<Vec<_>>().join(" | ");
    writeln!(out, "| {} |\n|{}", line(header), "---|".repeat(header.len()))?;
    for row in rows {
        writeln!(out, "| {} |", line(row))?;
    }
    writeln!(out)
}

/// `text` escaped so that it renders literally: no Markdown, HTML, mention, emoji or line end.
pub(crate) fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let (text, mut last) = (sanitize(text), ' ');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied().unwrap_or(' ');
        match character {
            // A colon before a space or between digits starts neither a URL nor an emoji.
            ':' if next == ' ' || (last.is_ascii_digit() && next.is_ascii_digit()) => safe.push(':'),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' => safe.push_str("&#64;"),
            ':' => safe.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '$' | '!' => {
                safe.extend(['\\', character]);
            }
            character => safe.push(character),
        }
        last = character;
    }
    safe
}
