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

/// The page of these runs, each of which has one of its own.
fn page(runs: &[Run]) -> String {
    let line = |run: &Run| {
        let mut line = Line::of(run);
        line.has_page = true;
        line
    };
    let mut out = Vec::new();
    html::write(&History::of(runs.iter().map(line).collect()), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_page_has_a_mark_and_a_link_for_each_run_and_loads_nothing() {
    let page = page(&(0..6).map(|day| run(day, 100 * day)).collect::<Vec<_>>());
    let count = |what: &str| page.matches(what).count();
    // Two charts, and the table.
    assert_eq!(count("href=\"./2023-11-16T22-13-20-shop/report.html\""), 3, "{page}");
    // Each chart has a disc for the run without loss and squares for the others; the key has one of each.
    assert_eq!((count("mark good"), count("mark bad"), count("mark unsure")), (2 + 1, 10 + 1, 1), "{page}");
    assert!(page.contains("<title>2023-11-19T22-13-20-shop: fail, downtime 250 ms (248 to 252)</title>"), "{page}");
    assert!(page.contains("--max-downtime 252ms would have held for all runs"), "{page}");
    assert!(page.contains("default-src 'none'") && !page.contains("connect-src") && !page.contains("src="), "{page}");
}

#[test]
fn the_page_links_to_nothing_outside_of_its_folder_and_escapes_names() {
    for name in
        ["../../etc/passwd", "javascript:alert(1)", "//host/x", "a b/trial-1", "</title><script>alert(1)</script>"]
    {
        let page = page(&[Run { name: name.to_owned(), ..run(0, 100) }]);
        let links: Vec<_> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        for link in links.iter().filter(|link| !link.starts_with("data:")) {
            let odd = |part: &str| part == ".." || part.contains([':', ' ', '<', '\\']);
            assert!(link.starts_with("./") && link.ends_with("/report.html") && !link.split('/').any(odd), "{link}");
        }
        assert!(!page.contains("<script>alert"), "{name}");
    }
    let unlinked = written(&[run(0, 100)], |history, out| html::write(history, out).unwrap());
    assert!(!unlinked.contains("report.html"), "a run without a page has no link");
}

/// Writes pages of histories to a folder, to look at and for the browser tests.
#[test]
fn pages_to_look_at() {
    let Some(folder) = std::env::var_os("LAPSE_PAGES") else { return };
    let folder = std::path::Path::new(&folder);
    std::fs::create_dir_all(folder).unwrap();
    let many = (0..200).map(|day| run(day, if day % 7 == 0 { 0 } else { day * 37 % 500 + 20 })).collect();
    for (name, runs) in
        cases().into_iter().chain([("200", many), ("3", (0..3).map(|day| run(day, 150 * day)).collect())])
    {
        std::fs::write(folder.join(format!("history-{name}.html")), page(&runs)).unwrap();
    }
}
