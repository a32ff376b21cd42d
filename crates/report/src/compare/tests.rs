use serde_json::Value;

use super::*;
use crate::snapshot;
use crate::text::{Colour, Glyphs, Look};
use lapse_compare::{Comparison, Run, Tolerances};
use lapse_measure::answer::{Class, Unsent};
use lapse_measure::lane::Policy;
use lapse_measure::phase::Phase;
use lapse_record::record::Record;
use lapse_record::sample::{self, Answer, Sample};

const COMMITTED: &str = include_str!("../../../../schema/compare.v1.json");
const PLAIN: Look = Look { width: 80, colour: Colour::Plain, glyphs: Glyphs::Unicode };

fn run(name: &str, record: Record) -> Run {
    Run { name: name.to_owned(), record }
}

/// The upgrade of the other samples, begun a second later, with new connections refused for `length` ms.
fn upgrade(length: u64) -> Record {
    let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 6000);
    let sample = sample.command("helm upgrade shop ./chart --wait", (6000, 10_600), 0, &[]);
    sample.phase(Phase::Settle, 10_600).record(15_600, |lane, ms| match lane.policy {
        Policy::New if (8000..8000 + length).contains(&ms) => Answer::after(Class::Refused, 250).from(7),
        _ => Answer::after(Class::Ok, 300),
    })
}

/// An upgrade in which the prober was held up for half a second.
fn held_up() -> Record {
    let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 5000);
    sample.record(12_000, |_, ms| match ms {
        7000..7500 => Answer::after(Class::NotSent(Unsent::Stall), 0),
        _ => Answer::after(Class::Ok, 300),
    })
}

fn cases() -> Vec<(&'static str, Vec<Run>)> {
    let evil = "</script><img src=x>|`x` @all\u{202e}\u{7}\r\n\u{1b}[31m";
    vec![
        ("fixed", vec![run("before", sample::upgrade()), run("after", upgrade(0))]),
        ("broken", vec![run("before", upgrade(0)), run("after", sample::upgrade())]),
        ("same", vec![run("before", upgrade(400)), run("after", upgrade(402))]),
        ("held-up", vec![run("before", upgrade(400)), run("after", held_up())]),
        ("many", vec![run("one", upgrade(400)), run("two", upgrade(0)), run("three", upgrade(900))]),
        ("hostile", vec![run(evil, sample::nasty()), run(evil, sample::nasty())]),
    ]
}

fn written(runs: &[Run], write: impl Fn(&Comparison<'_>, &mut Vec<u8>)) -> String {
    let comparison = Comparison::of(runs, &Tolerances::default()).unwrap();
    let mut out = Vec::new();
    write(&comparison, &mut out);
    String::from_utf8(out).unwrap()
}

fn text(runs: &[Run], look: Look) -> String {
    written(runs, |comparison, out| text::write(comparison, look, out).unwrap())
}

fn page(runs: &[Run]) -> String {
    written(runs, |comparison, out| html::write(comparison, out).unwrap())
}

#[test]
fn text_and_markdown_match_their_snapshots() {
    for (name, runs) in cases() {
        snapshot::check(&format!("compare/snapshots/{name}.txt"), text(&runs, PLAIN).as_bytes());
        let markdown = written(&runs, |comparison, out| markdown::write(comparison, out).unwrap());
        snapshot::check(&format!("compare/snapshots/{name}.md"), markdown.as_bytes());
    }
}

#[test]
fn lines_fit_the_width_and_ascii_pages_are_ascii() {
    for (name, runs) in cases() {
        assert!(text(&runs, PLAIN).lines().all(|line| line.chars().count() <= 80), "{name}: {}", text(&runs, PLAIN));
        assert!(text(&runs, Look { glyphs: Glyphs::Ascii, ..PLAIN }).is_ascii(), "{name}");
    }
}

#[test]
fn untrusted_names_become_no_markup_and_no_control_characters() {
    let (_, runs) = cases().pop().unwrap();
    let markdown = written(&runs, |comparison, out| markdown::write(comparison, out).unwrap());
    assert!(!page(&runs).contains("<img") && !markdown.contains("<img") && !markdown.contains("@all"), "{markdown}");
    for text in [text(&runs, PLAIN), page(&runs), markdown] {
        assert!(!text.contains(['\u{202e}', '\u{7}', '\r', '\u{1b}']), "{text}");
    }
    assert_eq!(page(&runs).matches("</script>").count(), 2);
}

/// After a change, `LAPSE_RENEW=1 cargo test the_committed_schema` renews the schema: keys may be added, but none may be
/// removed, moved or change its type.
#[test]
fn the_committed_schema_is_the_one_of_the_code_and_every_comparison_follows_it() {
    if std::env::var_os("LAPSE_RENEW").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/compare.v1.json"), json::schema()).unwrap();
        return;
    }
    assert_eq!(json::schema(), COMMITTED, "renew it: LAPSE_RENEW=1 cargo test the_committed_schema");
    let validator = jsonschema::validator_for(&serde_json::from_str(COMMITTED).unwrap()).unwrap();
    for (name, runs) in cases() {
        let json = written(&runs, |comparison, out| json::write(comparison, out).unwrap());
        let json: Value = serde_json::from_str(&json).unwrap();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn the_page_draws_all_runs_from_where_their_events_began_and_loads_nothing() {
    let (_, runs) = cases().swap_remove(1);
    let page = page(&runs);
    let (_, rest) = page.split_once(r#"<script id="data" type="application/json">"#).unwrap();
    let data: Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    let ms = |value: &Value| value.as_u64().unwrap() / 1_000_000;
    assert_eq!(ms(&data["origin"]), 6000);
    let parts: Vec<_> = data["parts"].as_array().unwrap().iter().collect();
    assert_eq!(
        parts.iter().map(|part| (part["name"].as_str().unwrap(), ms(&part["shift"]))).collect::<Vec<_>>(),
        [("before", 0), ("after", 1000)]
    );
    let event = |part: &Value| ms(&part["run"]["phases"][1]["from"]) + ms(&part["shift"]);
    assert_eq!(parts.iter().map(|part| event(part)).collect::<Vec<_>>(), [6000, 6000]);
    // Classes are numbered alike in all parts.
    assert_eq!(data["classes"].as_array().unwrap().len(), 3);
    assert!(page.contains("default-src 'none'") && !page.contains("connect-src") && !page.contains("src="));
    for words in ["REGRESSION", "worse in failed of reused, failed of new", "2100 ms more"] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn every_format_accepts_runs_that_were_damaged_on_purpose_or_ended_before_their_first_probe() {
    let odd: [fn() -> Record; 3] = [sample::empty, sample::killed, sample::upgrade];
    let pairs = odd.iter().flat_map(|base| odd.iter().map(|other| (*base, *other)));
    for (base, other) in pairs.chain([(sample::hostile as fn() -> Record, sample::hostile as _)]) {
        let runs = [run("a", base()), run("b", other())];
        assert!(page(&runs).contains("</html>") && !text(&runs, PLAIN).is_empty());
        written(&runs, |comparison, out| json::write(comparison, out).unwrap());
        written(&runs, |comparison, out| markdown::write(comparison, out).unwrap());
    }
}

#[test]
fn markdown_has_the_worst_of_many_runs_and_counts_the_others() {
    let good = || run("good", upgrade(0));
    let runs: Vec<_> = (0..12).map(|_| good()).chain([run("bad", upgrade(900))]).collect();
    let page = written(&runs, |comparison, out| markdown::write(comparison, out).unwrap());
    assert!(page.contains("| | figure | good | bad | difference |"), "{page}");
    assert_eq!(page.matches("| | figure |").count(), 10, "{page}");
    assert!(page.contains("\nand 2 further runs\n"), "{page}");
}

/// Writes pages of comparisons to a folder, to look at and for the browser tests.
#[test]
fn pages_to_look_at() {
    let Some(folder) = std::env::var_os("LAPSE_PAGES") else { return };
    std::fs::create_dir_all(&folder).unwrap();
    for (name, runs) in cases() {
        std::fs::write(std::path::Path::new(&folder).join(format!("compare-{name}.html")), page(&runs)).unwrap();
    }
}
