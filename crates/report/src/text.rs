//! The text report: verdict, downtime, episodes, timeline, then the quality of the measurement.
//!
//! Dates are in UTC. Escape sequences in untrusted text are replaced; the only ones written are the report's own
//! colours.

mod cause;
mod disruption;
mod downtime;
mod episode;
mod held;
mod injected_fault;
mod look;
mod page;
mod picture;
mod section;
mod verdict;
mod version;
mod why;

use std::io::{self, Write};
use std::path::Path;

pub use self::cause::{write_cause, write_causes};
pub use self::look::{Colour, Glyphs, Ink, Look};
pub use self::why::write_all as write_explanation;

pub use self::page::Page;
pub(crate) use self::verdict::{ink, list};
use lapse_record::record::Record;

/// Writes the text report of `record`. If the run's files were kept, `folder` is printed at the end.
pub fn write(record: &Record, look: Look, folder: Option<&Path>, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(look);
    verdict::write(record, &mut page);
    downtime::write(record, &mut page);
    episode::write(record, &mut page);
    why::write(record, &mut page);
    picture::write(record, &mut page);
    version::write(record, &mut page);
    held::write(record, &mut page);
    section::write_pods(record, &mut page);
    section::write_latency(record, &mut page);
    section::write_instrument(record, &mut page);
    section::write_acts(record, &mut page);
    injected_fault::write(record, &mut page);
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
    use lapse_record::sample::{
        empty, flicker, healthy, killed, nasty, replaced, scenario, scrappy, upgrade, versions, worked_example,
    };

    const PLAIN: Look = Look { width: 80, colour: Colour::Plain, glyphs: Glyphs::Unicode };

    fn rendered(record: &Record, look: Look) -> String {
        let mut out = Vec::new();
        write(record, look, Some(Path::new("reports/shop")), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn all() -> [Record; 11] {
        [
            flicker(),
            healthy(),
            worked_example(),
            upgrade(),
            nasty(),
            replaced(),
            empty(),
            killed(),
            scenario(),
            scrappy(),
            versions(),
        ]
    }

    fn check(record: &Record, name: &str) {
        snapshot::check(&format!("text/snapshots/{name}.txt"), rendered(record, PLAIN).as_bytes());
    }

    #[test]
    fn a_run_without_failures_states_its_detection_limit() {
        check(&healthy(), "healthy");
        assert!(rendered(&healthy(), PLAIN).lines().count() < 25, "nothing happened, and that is said briefly");
    }

    #[test]
    fn the_worked_example() {
        check(&worked_example(), "worked-example");
    }

    #[test]
    fn an_upgrade_that_refused_new_connections_for_two_seconds() {
        check(&upgrade(), "upgrade");
    }

    #[test]
    fn hundreds_of_outages_of_one_disruption_are_one_line() {
        check(&flicker(), "flicker");
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
    fn a_version_that_takes_over_step_by_step() {
        check(&versions(), "versions");
    }

    #[test]
    fn a_run_that_ended_before_its_first_probe() {
        check(&empty(), "empty");
    }

    #[test]
    fn lines_fit_the_width_and_ascii_pages_are_ascii() {
        let ascii = Look { glyphs: Glyphs::Ascii, ..PLAIN };
        for record in all() {
            for line in rendered(&record, PLAIN).lines() {
                assert!(line.chars().count() <= 80, "{line}");
                assert!(!line.contains(char::is_control), "{line}");
            }
            assert!(rendered(&record, ascii).is_ascii());
        }
    }

    #[test]
    fn a_wide_page_has_more_columns() {
        let wide = rendered(&nasty(), Look { width: 200, ..PLAIN });
        snapshot::check("text/snapshots/nasty-wide.txt", wide.as_bytes());
        for record in all() {
            let lines = rendered(&record, Look { width: 200, ..PLAIN });
            assert!(lines.lines().all(|line| line.chars().count() <= 200), "{lines}");
        }
    }

    #[test]
    fn only_the_ten_longest_episodes_are_listed() {
        let report = rendered(&scrappy(), PLAIN);
        assert_eq!(report.matches("lost 1 probe: status 504 x1").count(), 10);
        assert!(report.contains("and 10 shorter episodes, in which 10 probes failed"), "{report}");
    }

    #[test]
    fn colour_adds_escape_sequences_and_nothing_else() {
        let colour = rendered(&upgrade(), Look { colour: Colour::Ansi, ..PLAIN });
        assert!(colour.starts_with("\u{1b}[1;31mFAIL\u{1b}[0m: a budget was exceeded"), "{colour}");
        let codes = ["\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[0m"];
        let stripped = codes.iter().fold(colour, |text, code| text.replace(code, ""));
        assert_eq!(stripped, rendered(&upgrade(), PLAIN));
    }
}
