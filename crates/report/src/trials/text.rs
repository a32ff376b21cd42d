//! The trials as text, for people.

use std::io::{self, Write};
use std::path::Path;

use crate::text::{Look, Page, ink, list};
use crate::words::trials as words;
use lapse_compare::trials::Trials;

/// Writes what the trials come to, a line for each, and the least, the median and the most of each figure. If the files
/// were kept, `folder` is printed at the end.
pub fn write(trials: &Trials, look: Look, folder: Option<&Path>, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(look);
    page.lead(ink(trials.conclusion), &trials.conclusion.to_string().to_uppercase(), &words::why(trials));
    for (what, reasons) in words::reasons(trials) {
        list(&mut page, what, &reasons);
    }
    page.heading(&words::heading(trials));
    page.table(2, &words::rows(trials));
    for remark in words::remarks(trials) {
        page.say(2, &remark);
    }
    if let Some(without_loss) = words::without_loss(trials) {
        page.heading("Over all whole trials");
        page.table(2, &words::spreads(trials));
        page.say(2, &format!("without loss: {without_loss}"));
        page.heading("Methods");
        page.table(2, &words::methods(trials));
    }
    if let Some(folder) = folder {
        page.heading("Files");
        page.say(2, &format!("{}: a folder for each trial, which is a run", folder.display()));
    }
    out.write_all(page.into_text().as_bytes())
}
