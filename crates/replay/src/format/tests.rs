use lapse_measure::answer::Class;
use lapse_measure::time::Offset;
use serde_json::Value;

use super::*;
use crate::account::{Both, Recovery, Usual};

const COMMITTED: &str = include_str!("../../../../schema/replay.v1.json");

fn account() -> Account {
    let both = |keyed, keyless| Both { keyed, keyless };
    Account {
        requests: 260,
        outside: 3,
        logical: both(199, 1),
        succeeded: both(198, 0),
        failed: both(1, 1),
        connections: 120,
        classes: [(Class::Ok, 200), (Class::Status(503), 60)].into(),
        usual: Some(Usual { requests: 10.0, connections: 5.0 }),
        recoveries: vec![Recovery {
            at: Offset::from_millis(8_898),
            first_success: Some(Duration::from_millis(13)),
            requests: Some(42),
            connections: Some(12),
        }],
        ..Account::default()
    }
}

fn with<T>(expected: &[&str], position: Position, read: impl FnOnce(&Report) -> T) -> T {
    let account = account();
    let expected: Vec<_> = expected.iter().map(|text| text.parse().unwrap()).collect();
    let verdict = Verdict::on(&account, position, false, &expected);
    read(&Report {
        name: "shop <\u{7}>".to_owned(),
        target: "shop".to_owned(),
        part: Span::new(Offset::from_millis(6_300), Offset::from_millis(9_000)),
        speed: 1.0,
        position,
        unconnectable: Duration::from_millis(812),
        account,
        verdict: (!expected.is_empty()).then_some(verdict),
    })
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_text_has_the_figures_what_they_leave_out_and_the_verdict() {
    let expected = ["user-failures=0", "amplification<=1.3", "first-success<=1s"];
    let text = with(&expected, Position::Over, |report| written(|out| text::write(report, out)));
    for line in [
        "What clients did during the replay of shop <\u{fffd}>, from 6.30 s to 9.00 s",
        "  requests       260",
        "  logical ones   200 (199 with a key, 1 without)",
        "  retries        60; amplification 1.30",
        "  user failures  2 (1 with a key, 1 without)",
        "  recovery       at 8.90 s: first success after 13 ms; 42 requests and 12 new connections in 100 ms (usually 10.0 and 5.0)",
        "  met            ok x200, status 503 x60",
        "  BROKEN     user-failures=0            2",
        "  held       amplification<=1.3         1.30",
        "fail",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("note: 1 without a key counts") && text.contains("note: for 812 ms of the run"), "{text}");
    let early = with(&expected, Position::Waiting, |report| written(|out| text::write(report, out)));
    assert!(early.ends_with("inconclusive: the replay was not started\n"), "{early}");
}

#[test]
fn junit_is_red_exactly_where_the_exit_code_is_not_0() {
    let xml = |expected: &[&str], position| with(expected, position, |report| written(|out| junit::write(report, out)));
    let (green, red) = (xml(&["requests=260"], Position::Over), xml(&["user-failures=0"], Position::Over));
    assert!(green.contains(r#"tests="2" failures="0" errors="0""#), "{green}");
    assert!(
        red.contains(r#"failures="1" errors="0""#) && red.contains("expected user-failures=0, and it is 2"),
        "{red}"
    );
    let inconclusive = xml(&["requests=260"], Position::Waiting);
    assert!(inconclusive.contains(r#"tests="1" failures="0" errors="1""#), "{inconclusive}");
    assert!(green.contains("shop &lt;\u{fffd}&gt;"), "{green}");
}

#[test]
fn the_committed_schema_is_the_one_of_the_code_and_ledgers_follow_it() {
    if std::env::var_os("LAPSE_RENEW").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/replay.v1.json"), json::schema()).unwrap();
        return;
    }
    assert_eq!(json::schema(), COMMITTED, "renew it: LAPSE_RENEW=1 cargo test -p lapse-replay the_committed_schema");
    let validator = jsonschema::validator_for(&serde_json::from_str(COMMITTED).unwrap()).unwrap();
    for (expected, position) in [
        (&["user-failures=0", "herd-requests<=2"][..], Position::Over),
        (&[], Position::Waiting),
        (&["requests>1"], Position::At(Offset::ZERO)),
    ] {
        let json: Value =
            with(expected, position, |report| serde_json::from_str(&written(|out| json::write(report, out))).unwrap());
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}
