//! The comparison as text, for people.

use std::io::{self, Write};

use crate::text::{Ink, Look, Page};
use crate::words::compare as words;
use lapse_compare::{Against, Comparison, Conclusion, Figure};

/// Writes what the comparison comes to, then the figures of each run beside those of the base.
pub(super) fn write(comparison: &Comparison<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(look);
    let ink = match comparison.conclusion {
        Conclusion::NoRegression => Ink::Good,
        Conclusion::Regression => Ink::Bad,
        Conclusion::Inconclusive => Ink::Unsure,
    };
    page.lead(ink, &comparison.conclusion.name().to_uppercase(), &words::why(comparison));
    if comparison.against.len() > 1 {
        for one in &comparison.against {
            page.say(2, &words::headline(one));
        }
    }
    page.heading("Runs");
    page.table(2, &words::runs(comparison));
    for one in &comparison.against {
        figures(one, &mut page);
    }
    if let Some(caveat) = words::caveat(comparison) {
        page.heading("Note");
        page.say(2, caveat);
    }
    out.write_all(page.into_text().as_bytes())
}

fn figures(one: &Against<'_>, page: &mut Page) {
    page.heading(&words::heading(one));
    let (alike, apart): (Vec<_>, Vec<_>) = one.figures.iter().partition(|figure| words::is_within_bounds(figure));
    let values = |figure: &Figure| {
        let [base, run] = [&figure.base, &figure.run].map(words::value);
        format!("{base}, then {run}")
    };
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let rows = apart.iter().flat_map(|figure| {
        let first = row([words::word(figure), &words::name(one, figure), &values(figure)]);
        [first, row(["", "", &words::difference(figure)])]
    });
    page.table(2, &rows.collect::<Vec<_>>());
    if !alike.is_empty() {
        page.say(2, "No difference that this many probes could show:");
    }
    let rows = alike.iter().map(|figure| {
        let said = format!("{}; apart: {}", values(figure), words::apart(&figure.apart));
        vec![words::name(one, figure), said]
    });
    page.table(4, &rows.collect::<Vec<_>>());
    for doubt in &one.doubts {
        page.say(2, &format!("in doubt: {doubt}"));
    }
    for remark in words::sight(one).iter().chain(&one.remarks) {
        page.say(2, remark);
    }
}
