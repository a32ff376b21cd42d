use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::snapshot;
use crate::text::{Colour, Glyphs, Look};
use lapse_compare::Run;
use lapse_compare::history::{History, Line};
use lapse_measure::answer::Class;
use lapse_measure::lane::Policy;
use lapse_measure::phase::Phase;
use lapse_record::sample::{self, Answer, Sample};

const COMMITTED: &str = include_str!("../../../../schema/history.v1.json");
const PLAIN: Look = Look { width: 80, colour: Colour::Plain, glyphs: Glyphs::Unicode };

/// An upgrade on a day, in which new connections were refused for `down` milliseconds.
fn run(day: u64, down: u64) -> Run {
    let mut sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1_000);
    sample.about.anchor.date = sample.about.anchor.date + Duration::from_secs(day * 86_400);
    let record = sample.record(4_000, |lane, ms| match (lane.policy, ms) {
        (Policy::New, ms) if (2_000..2_000 + down).contains(&ms) => Answer::after(Class::Refused, 200),
        _ => Answer::after(Class::Ok, 300),
    });
    Run { name: format!("2023-11-{:02}T22-13-20-shop", 14 + day), record }
}

fn cases() -> Vec<(&'static str, Vec<Run>)> {
    let evil = Run { name: "\u{202e}\u{7}\r\n\u{1b}[31m\"evil".to_owned(), record: sample::nasty() };
    vec![
        ("rising", (0..6).map(|day| run(day, 100 * day)).collect()),
        ("steady", vec![run(0, 200), run(1, 210), run(2, 190)]),
        ("odd", vec![run(0, 200), evil, Run { name: "cut".to_owned(), record: sample::killed() }]),
        ("hostile", vec![Run { name: "hostile".to_owned(), record: sample::hostile() }]),
        ("only-cut", vec![Run { name: "cut".to_owned(), record: sample::empty() }]),
        ("none", Vec::new()),
    ]
}

fn written(runs: &[Run], write: impl Fn(&History, &mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&History::of(runs.iter().map(Line::of).collect()), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn formats_match_their_snapshots() {
    for (name, runs) in cases() {
        let text = written(&runs, |history, out| text::write(history, PLAIN, out).unwrap());
        snapshot::check(&format!("history/snapshots/{name}.txt"), text.as_bytes());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
    let (_, runs) = cases().swap_remove(0);
    let benchmark = written(&runs, |history, out| benchmark::write(history, out).unwrap());
    snapshot::check("history/snapshots/rising.benchmark.json", benchmark.as_bytes());
    let gitlab = written(&runs, |history, out| gitlab::write(history, out).unwrap());
    snapshot::check("history/snapshots/rising.gitlab.txt", gitlab.as_bytes());
    for (name, runs) in cases() {
        let markdown = written(&runs, |history, out| markdown::write(history, out).unwrap());
        snapshot::check(&format!("history/snapshots/{name}.md"), markdown.as_bytes());
    }
}

#[test]
fn markdown_lists_the_newest_runs_and_counts_the_others() {
    let runs: Vec<_> = (0..13).map(|day| run(day, 10 * day)).collect();
    let page = written(&runs, |history, out| markdown::write(history, out).unwrap());
    assert!(page.contains("\nand 3 earlier runs\n"), "{page}");
    assert_eq!(page.lines().filter(|line| line.contains("-shop |")).count(), 10, "{page}");
    assert!(page.contains("2023-11-26T22-13-20-shop") && !page.contains("2023-11-16T22-13-20-shop"), "{page}");
}

#[test]
fn untrusted_names_send_no_control_characters_and_ascii_pages_are_ascii() {
    for (_, runs) in cases() {
        let ascii = Look { glyphs: Glyphs::Ascii, ..PLAIN };
        assert!(written(&runs, |history, out| text::write(history, ascii, out).unwrap()).is_ascii());
        for text in [
            written(&runs, |history, out| text::write(history, PLAIN, out).unwrap()),
            written(&runs, |history, out| markdown::write(history, out).unwrap()),
            written(&runs, |history, out| benchmark::write(history, out).unwrap()),
            written(&runs, |history, out| gitlab::write(history, out).unwrap()),
        ] {
            assert!(!text.contains(['\u{202e}', '\u{7}', '\r', '\u{1b}']), "{text}");
        }
    }
}

/// After a change, `LAPSE_RENEW=1 cargo test the_committed_schema` renews the schema: keys may be added, but none may be
/// removed, moved or change its type.
#[test]
fn the_committed_schema_is_the_one_of_the_code_and_every_history_follows_it() {
    if std::env::var_os("LAPSE_RENEW").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/history.v1.json"), json::schema()).unwrap();
        return;
    }
    assert_eq!(json::schema(), COMMITTED, "renew it: LAPSE_RENEW=1 cargo test the_committed_schema");
    let validator = jsonschema::validator_for(&serde_json::from_str(COMMITTED).unwrap()).unwrap();
    for (name, runs) in cases() {
        let json = written(&runs, |history, out| json::write(history, out).unwrap());
        let json: Value = serde_json::from_str(&json).unwrap();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}
