//! The report for people: what they need, in the order in which they need it.
//!
//! The verdict comes first, then what was lost and how surely, then when, then how all of it was
//! measured. Refuses local time (dates are UTC), and writes no escape sequence that it did not choose.

mod downtime;
mod episode;
mod inflicted;
mod look;
mod outage;
mod page;
mod picture;
mod section;
mod verdict;

use std::io::{self, Write};
use std::path::Path;

pub use self::look::{Colour, Glyphs, Look};

use self::page::Page;
use lapse_record::record::Record;

/// Writes the report of `record`; `folder` is where its files are, if they were kept.
pub fn write(record: &Record, look: Look, folder: Option<&Path>, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(look);
    verdict::write(record, &mut page);
    downtime::write(record, &mut page);
    episode::write(record, &mut page);
    picture::write(record, &mut page);
    section::write_pods(record, &mut page);
    section::write_latency(record, &mut page);
    section::write_instrument(record, &mut page);
    section::write_acts(record, &mut page);
    inflicted::write(record, &mut page);
    section::write_notes(record, &mut page);
    if let Some(folder) = folder {
        page.heading("Files");
        page.say(2, &folder.display().to_string());
    }
    out.write_all(page.into_text().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::snapshot;
    use super::*;
    use lapse_record::sample::{empty, healthy, killed, nasty, replaced, scenario, scrappy, upgrade, worked_example};

    const PLAIN: Look = Look { width: 80, colour: Colour::Plain, glyphs: Glyphs::Unicode };

    fn told(record: &Record, look: Look) -> String {
        let mut out = Vec::new();
        write(record, look, Some(Path::new("reports/shop")), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn all() -> [Record; 9] {
        [healthy(), worked_example(), upgrade(), nasty(), replaced(), empty(), killed(), scenario(), scrappy()]
    }

    fn check(record: &Record, name: &str) {
        snapshot::check(&format!("text/snapshots/{name}.txt"), told(record, PLAIN).as_bytes());
    }

    #[test]
    fn a_run_without_a_failure_says_what_it_would_have_seen() {
        check(&healthy(), "healthy");
    }

    #[test]
    fn the_worked_example_of_the_definitions() {
        check(&worked_example(), "worked-example");
    }

    #[test]
    fn an_upgrade_that_refused_new_connections_for_two_seconds() {
        check(&upgrade(), "upgrade");
    }

    #[test]
    fn a_pod_that_is_replaced() {
        check(&replaced(), "replaced");
    }

    #[test]
    fn the_acts_of_a_scenario() {
        check(&scenario(), "scenario");
    }

    #[test]
    fn a_run_in_which_everything_went_wrong() {
        check(&nasty(), "nasty");
    }

    #[test]
    fn a_run_that_ended_before_its_first_probe() {
        check(&empty(), "empty");
    }

    #[test]
    fn a_page_fits_its_width_and_has_only_the_glyphs_that_it_may() {
        let ascii = Look { glyphs: Glyphs::Ascii, ..PLAIN };
        for record in all() {
            for line in told(&record, PLAIN).lines() {
                assert!(line.chars().count() <= 80, "{line}");
                assert!(!line.contains(char::is_control), "{line}");
            }
            assert!(told(&record, ascii).is_ascii());
        }
    }

    #[test]
    fn a_wide_page_has_room_for_more() {
        let wide = told(&nasty(), Look { width: 200, ..PLAIN });
        snapshot::check("text/snapshots/nasty-wide.txt", wide.as_bytes());
        for record in all() {
            let lines = told(&record, Look { width: 200, ..PLAIN });
            assert!(lines.lines().all(|line| line.chars().count() <= 200), "{lines}");
        }
    }

    #[test]
    fn many_outages_are_told_by_the_longest_ten() {
        let told = told(&scrappy(), PLAIN);
        assert_eq!(told.matches("lost 1 probe: status 504 x1").count(), 10);
        assert!(told.contains("and 10 shorter episodes, in which 10 probes failed"), "{told}");
    }

    #[test]
    fn colour_adds_escape_sequences_and_nothing_else() {
        let colour = told(&upgrade(), Look { colour: Colour::Ansi, ..PLAIN });
        assert!(colour.starts_with("\u{1b}[1;31mFAIL\u{1b}[0m: a budget was exceeded"), "{colour}");
        let codes = ["\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[0m"];
        let stripped = codes.iter().fold(colour, |text, code| text.replace(code, ""));
        assert_eq!(stripped, told(&upgrade(), PLAIN));
    }
}
