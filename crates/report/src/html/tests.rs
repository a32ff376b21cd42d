use serde_json::{Value, json};

use super::super::snapshot;
use super::*;
use lapse_measure::answer::Class;
use lapse_measure::lane::Policy;
use lapse_measure::phase::Phase;
use lapse_measure::time::Offset;
use lapse_record::entry::Entry;
use lapse_record::event::{Event, EventKind, Object, ObjectKind, Source};
use lapse_record::sample::{
    Answer, Sample, empty, flicker, healthy, hostile, killed, nasty, replaced, scenario, scrappy, upgrade,
    worked_example,
};

fn written(record: &Record) -> String {
    let mut out = Vec::new();
    write(record, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The script's input in a page.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once(r#"<script id="data" type="application/json">"#).unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// A record with a hundred outages of 300 ms at 1000/s, one per `every` milliseconds.
fn a_hundred_outages(every: u64) -> Record {
    let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 500);
    sample.record(100 * every, |_, ms| match ms % every {
        600..900 => Answer::after(Class::Status(503), 400 + ms % 77).from(7),
        _ => Answer::after(Class::Ok, 300 + ms % 50),
    })
}

/// A record of two lanes with `slots` slots in all, whose class changes with every slot.
fn changes(slots: u64) -> Record {
    Sample::of(&["shop"]).phase(Phase::Event, 0).record(slots, |_, ms| {
        let class = if ms / 2 % 2 == 0 { Class::Ok } else { Class::Refused };
        Answer::after(class, 300)
    })
}

/// A record whose every untrusted text is markup with control characters and a bidirectional override.
fn venomous() -> Record {
    let evil = "</script><img src=x onerror=alert(1)>\u{202e}\u{7}\"'&<!--";
    let mut sample = Sample::of(&[evil]).phase(Phase::Event, 0).command(evil, (0, 900), 0, &[evil]);
    sample.about.name = evil.to_owned();
    let event = Event::new(Offset::from_millis(40), Source::Kubernetes, EventKind::from_name(evil), evil);
    let event = event.to(Object::from_text(evil));
    let sample = sample.beside(40, Entry::Event(event)).act(evil, 50);
    let mut record = sample.record(1000, |lane, ms| match (lane.policy, ms) {
        (Policy::New, 500..520) => Answer::after(Class::Closed, 200),
        _ => Answer::after(Class::Ok, 300),
    });
    for failure in &mut record.failures.kept {
        (failure.evidence.server, failure.evidence.body) = (Some(evil.to_owned()), Some(evil.to_owned()));
    }
    record
}

fn samples() -> Vec<(&'static str, Record)> {
    let all =
        [("healthy", healthy()), ("worked-example", worked_example()), ("upgrade", upgrade()), ("nasty", nasty())];
    let odd = [("empty", empty()), ("killed", killed()), ("scenario", scenario()), ("scrappy", scrappy())];
    let bad = [("hostile", hostile()), ("venomous", venomous()), ("replaced", replaced()), ("flicker", flicker())];
    all.into_iter().chain(odd).chain(bad).collect()
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    for (name, record) in samples() {
        assert_eq!(written(&record), written(&record), "{name}");
    }
}

/// Run lengths make the page's size independent of the time between outages, so outages a second apart stand for an
/// hour.
#[test]
fn a_page_with_a_hundred_outages_is_smaller_than_a_megabyte() {
    let mut record = a_hundred_outages(1000);
    for (nth, failure) in record.failures.kept.iter_mut().enumerate() {
        failure.evidence.body = Some(format!("request {nth} {}", "x".repeat(240)));
    }
    let page = written(&record);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert_eq!(page.matches(" data-loss=").count(), 200);
}

#[test]
fn hundreds_of_outages_of_one_disruption_are_one_row_that_unfolds() {
    let record = flicker();
    let outages = record.seen.lanes[1].outages.len();
    assert!(outages > 200, "{outages}");
    let page = written(&record);
    let rows = |start: &str| page.matches(start).count();
    assert_eq!([rows("<tr data-loss="), rows("<tr class=\"part\" data-loss=")], [1, outages]);
    let button = format!("data-fold=\"parts\" aria-expanded=\"false\">{outages} outages</button>");
    assert!(page.contains(&button), "{button}");
    assert!(page.contains("of 1,000 (4"), "the share of the lane that was lost");
}

#[test]
fn the_shorter_disruptions_of_a_long_episode_are_folded() {
    // A failure every 500 ms: 59 disruptions without a second of calm between them, each longer than the one before.
    let record = Sample::of(&["shop"]).phase(Phase::Event, 0).record(30_000, |lane, ms| match lane.policy {
        Policy::New if ms % 500 <= ms / 500 * 2 => Answer::after(Class::Refused, 200),
        _ => Answer::after(Class::Ok, 300),
    });
    let page = written(&record);
    let rows = |start: &str| page.matches(start).count();
    assert_eq!([rows("<tr data-loss="), rows("<tr class=\"minor\" data-loss=")], [10, 49]);
    assert!(page.contains("aria-expanded=\"false\">49 shorter disruptions</button>"));
}

#[test]
fn a_change_of_class_takes_at_most_three_bytes() {
    let [few, many] =
        [20_000, 40_000].map(|slots| data(&written(&changes(slots)))["lanes"][0]["runs"].as_str().unwrap().len());
    assert!(many - few < 10_000 * 3, "{few} {many}");
}

#[test]
fn untrusted_text_cannot_become_markup() {
    let page = written(&venomous());
    assert!(!page.contains("<img") && !page.contains("<!--"), "markup");
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains(['\u{202e}', '\u{7}']), "control characters or bidirectional controls");
    assert!(data(&page)["targets"][0].as_str().unwrap().starts_with("</script><img"));
    assert!(!page.contains("\\u003c/script>\u{202e}"));
}

#[test]
fn the_page_loads_nothing_and_only_a_live_one_may_connect() {
    let page = written(&upgrade());
    assert!(page.contains("default-src 'none'") && !page.contains("connect-src"));
    for reference in ["src=", "@import", "url("] {
        assert!(!page.contains(reference), "{reference}");
    }
    assert!(super::page(&upgrade(), RunState::GoesOn).contains("connect-src 'self'"));
}

#[test]
fn the_page_has_the_figures_of_the_text_report() {
    let page = written(&upgrade());
    for words in
        ["FAIL", "a budget was exceeded", "1090 ms", "(1087 to 1093)", "2100 ms (2097 to 2103)", "around `helm upgrade"]
    {
        assert!(page.contains(words), "{words}");
    }
    let data = data(&page);
    assert_eq!(data["lanes"][1]["losses"][0]["from"], 7_001_000_000_u64);
    assert_eq!(data["failures"]["count"], 1090);
}

/// The visible text of the report, one line per element.
fn words(page: &str) -> String {
    let (_, main) = page.split_once("<main>").unwrap();
    let (main, _) = main.split_once("</main>").unwrap();
    let texts = main.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text).trim());
    let lines: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
    format!("{}\n", lines.join("\n")).replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn the_text_of_pages_matches_the_snapshots() {
    for (name, record) in [("empty", empty()), ("scenario", scenario()), ("upgrade", upgrade()), ("nasty", nasty())] {
        snapshot::check(&format!("html/snapshots/{name}.txt"), words(&written(&record)).as_bytes());
    }
}

#[test]
fn a_command_that_failed_is_quoted() {
    let sample =
        Sample::of(&["shop"]).phase(Phase::Event, 0).command("helm upgrade", (0, 900), 1, &["Error: <timeout>"]);
    let page = written(&sample.record(1000, |_, _| Answer::after(Class::Ok, 300)));
    assert!(page.contains("COMMAND-FAILED") && page.contains("<pre>Error: &lt;timeout&gt;"));
}

/// Writes pages of sample runs to a folder, to look at and for the browser tests:
/// `LAPSE_PAGES=target/pages cargo test pages_to_look_at`.
#[test]
fn pages_to_look_at() {
    let Some(folder) = std::env::var_os("LAPSE_PAGES") else { return };
    let folder = std::path::Path::new(&folder);
    std::fs::create_dir_all(folder).unwrap();
    for (name, record) in
        samples().into_iter().chain([("hundred", a_hundred_outages(3000)), ("million", changes(1_000_000))])
    {
        std::fs::write(folder.join(format!("{name}.html")), written(&record)).unwrap();
        let mut json = Vec::new();
        if name != "million" {
            crate::json::write(&record, &mut json).unwrap();
            std::fs::write(folder.join(format!("{name}.json")), json).unwrap();
        }
    }
}

#[test]
fn objects_without_a_row_are_counted_in_a_note() {
    let mut record = healthy();
    assert!(!written(&record).contains("further object"));
    for pod in 0..70 {
        let event = Event::new(Offset::from_millis(pod), Source::Kubernetes, EventKind::PodReady, "is ready");
        record.events.push(event.to(Object::new(ObjectKind::Pod, format!("wine-{pod}"))));
    }
    assert!(written(&record).contains("10 further objects with events have no row"));
}

#[test]
fn the_row_of_a_workload_is_ready_once_its_rollout_is_complete() {
    let mut record = healthy();
    let event = |ms, kind: EventKind| {
        let event = Event::new(Offset::from_millis(ms), Source::Kubernetes, kind, "");
        event.to(Object::new(ObjectKind::Deployment, "wine"))
    };
    let rollout = [(10, EventKind::RolloutStarted), (20, EventKind::Noted), (30, EventKind::RolloutComplete)];
    record.events = rollout.into_iter().map(|(ms, kind)| event(ms, kind)).collect();
    let end = record.seen.end.as_nanos();
    let row = json!({"name": "deployment/wine", "member": [], "stretches": [
        {"state": "rolling out", "from": 10_000_000, "to": 30_000_000},
        {"state": "ready", "from": 30_000_000, "to": end},
    ]});
    let data = data(&written(&record));
    assert_eq!(data["objects"], json!([row]));
    let loud: Vec<_> = data["events"].as_array().unwrap().iter().map(|event| event["loud"].clone()).collect();
    assert_eq!(loud, [false, false, false]);
}
