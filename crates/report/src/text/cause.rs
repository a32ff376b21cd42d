//! The pages of the catalogue: the list of causes, and one cause as a manual page.

use std::io::{self, Write};

use super::look::Look;
use super::page::Page;
use lapse_explain::cause::{Cause, Shown};
use lapse_explain::causes;

/// Writes the list of all causes, by family.
pub fn write_causes(look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(look);
    let mut families: Vec<_> = causes::ALL.iter().map(|cause| cause.family).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        page.heading(&sentence(family.name()));
        let of_family = causes::ALL.iter().filter(|cause| cause.family == family);
        let rows: Vec<_> = of_family.map(|cause| vec![cause.name.to_owned(), cause.title.to_owned()]).collect();
        page.table(2, &rows);
    }
    out.write_all(page.into_text().as_bytes())
}

/// Writes the page of one cause.
pub fn write_cause(cause: &Cause, look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(look);
    page.heading(cause.name);
    page.say(2, &format!("{}.", sentence(cause.title)));
    for (heading, text) in [("How it comes about", cause.mechanism), ("How it shows", cause.signature)] {
        page.heading(heading);
        page.say(2, text);
    }
    page.heading("Evidence (points if seen, points lost if the contrary is seen)");
    let row = |rule: &lapse_explain::cause::Rule| {
        vec![format!("+{}", rule.points), format!("-{}", rule.against), rule.looks_for.to_owned()]
    };
    page.table(2, &cause.rules.iter().map(row).collect::<Vec<_>>());
    page.heading("Cure");
    page.say(2, cause.remedy);
    page.heading("To tell it from its neighbours");
    page.say(2, &format!("{}.", sentence(cause.tell_apart)));
    page.heading("Shown by");
    for shown in cause.shown {
        page.say(2, &place(*shown));
    }
    if !cause.sources.is_empty() {
        page.heading("Sources");
    }
    for source in cause.sources {
        page.copy(&format!("  {source}"));
    }
    out.write_all(page.into_text().as_bytes())
}

fn place(shown: Shown) -> String {
    match shown {
        Shown::Lab(name) => format!("the lab: lapse run scenarios/{name}.yaml"),
        Shown::Proxy(name) => format!("a real proxy: {}", name.replace('_', " ")),
        Shown::Cluster(name) => format!("a real Kubernetes: {}", name.replace('_', " ")),
        Shown::NotYet(why) => format!("not yet: {why}"),
    }
}

/// `text` with its first letter in upper case.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
