use serde_json::Value;

use super::*;
use crate::snapshot;
use crate::text::{Colour, Glyphs};
use lapse_compare::Run;
use lapse_compare::trials::{Missing, Trial};
use lapse_measure::answer::Class;
use lapse_measure::lane::Policy;
use lapse_measure::phase::Phase;
use lapse_record::record::Record;
use lapse_record::sample::{self, Answer, Sample};

const COMMITTED: &str = include_str!("../../../../schema/trials.v1.json");
const PLAIN: Look = Look { width: 80, colour: Colour::Plain, glyphs: Glyphs::Unicode };

/// An upgrade of two seconds, in which new connections were refused for `down` milliseconds.
fn upgrade(down: u64, exit: i32) -> Record {
    let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1_000);
    let sample = sample.command("helm upgrade shop ./chart", (1_000, 3_000), exit, &[]).phase(Phase::Settle, 3_400);
    sample.record(4_000, |lane, ms| match (lane.policy, ms) {
        (Policy::New, ms) if (2_000..2_000 + down).contains(&ms) => Answer::after(Class::Refused, 200),
        _ => Answer::after(Class::Ok, 300),
    })
}

fn trial((number, record): (u16, Record)) -> Trial {
    Trial::of(number, &Run { name: format!("trial-{number}"), record })
}

fn of(records: Vec<Record>, missing: Vec<Missing>) -> Trials {
    Trials::of((1..).zip(records).map(trial).collect(), missing)
}

fn not_made(number: u16) -> Missing {
    Missing { number, why: None }
}

fn cases() -> Vec<(&'static str, Trials)> {
    let evil = "</b>|`x` @all\u{202e}\u{7}\r\n\u{1b}[31m\"::error::";
    let mut record = sample::nasty();
    record.about.name = evil.to_owned();
    record.summary.verdict.inconclusive.push(evil.to_owned());
    let unread = Missing { number: 2, why: Some(evil.to_owned()) };
    vec![
        ("mixed", of([300, 0, 120, 0, 40].map(|down| upgrade(down, 0)).into(), vec![])),
        ("clean", of((0..5).map(|_| upgrade(0, 0)).collect(), vec![])),
        ("failed", of(vec![upgrade(100, 0), upgrade(400, 1)], vec![not_made(3), not_made(4)])),
        ("hostile", of(vec![record], vec![unread])),
        ("cut", of(vec![upgrade(0, 0), sample::killed()], vec![not_made(3)])),
        ("none", of(vec![], vec![not_made(1)])),
        ("damaged", of(vec![sample::hostile(), sample::empty()], vec![])),
        ("many", of((0..12).map(|nth| upgrade(nth * 10, 0)).collect(), vec![])),
    ]
}

fn written(format: Format, trials: &Trials) -> String {
    let mut out = Vec::new();
    format.write(trials, PLAIN, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn formats_match_their_snapshots() {
    for (name, trials) in cases() {
        let formats =
            [(Format::Text, "txt"), (Format::Markdown, "md"), (Format::Junit, "xml"), (Format::Github, "github.txt")];
        for (format, ending) in formats {
            let text = written(format, &trials);
            snapshot::check(&format!("trials/snapshots/{name}.{ending}"), text.as_bytes());
            assert!(format != Format::Text || text.lines().all(|line| line.chars().count() <= 80), "{text}");
        }
    }
}

#[test]
fn untrusted_text_is_made_harmless_in_every_format() {
    for (_, trials) in cases() {
        for format in [Format::Text, Format::Markdown, Format::Junit, Format::Github] {
            let text = written(format, &trials);
            assert!(!text.contains(['\u{202e}', '\u{7}', '\r', '\u{1b}']), "{text}");
        }
        let markdown = written(Format::Markdown, &trials);
        assert!(!markdown.contains("</b>") && !markdown.contains("@all") && !markdown.contains(" `x`"), "{markdown}");
        assert!(!written(Format::Junit, &trials).contains("</b>"));
        assert!(written(Format::Github, &trials).lines().all(|line| line.starts_with("::")));
        let mut ascii = Vec::new();
        text::write(&trials, Look { glyphs: Glyphs::Ascii, ..PLAIN }, None, &mut ascii).unwrap();
        assert!(ascii.is_ascii());
    }
}

/// After a change, `LAPSE_RENEW=1 cargo test the_committed_schema` renews the schema: keys may be added, but none may be
/// removed, moved or change its type.
#[test]
fn the_committed_schema_is_the_one_of_the_code_and_every_report_of_trials_follows_it() {
    if std::env::var_os("LAPSE_RENEW").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/trials.v1.json"), json::schema()).unwrap();
        return;
    }
    assert_eq!(json::schema(), COMMITTED, "renew it: LAPSE_RENEW=1 cargo test the_committed_schema");
    let validator = jsonschema::validator_for(&serde_json::from_str(COMMITTED).unwrap()).unwrap();
    for (name, trials) in cases() {
        let json: Value = serde_json::from_str(&written(Format::Json, &trials)).unwrap();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}
