use fastrand::Rng;
use serde_json::{Value, json};

use super::*;
use crate::weather::Weather;

/// The report of the recorded upgrade, with a few of its failures and without what is not read of it.
fn story() -> Value {
    let mut report: Value = serde_json::from_str(include_str!("../../../../reports/story/report.json")).unwrap();
    let kept = report["failures"]["kept"].as_array().unwrap().iter().take(20).cloned().collect::<Vec<_>>();
    let (run, targets) = (report["run"].take(), report["targets"].take());
    json!({ "schema": SCHEMA, "run": run, "targets": targets, "failures": { "kept": kept } })
}

fn script(report: &Value) -> Result<Script, recorded::Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    std::fs::write(&path, report.to_string()).unwrap();
    super::report(&path, None, 7)
}

/// Replaces one of the numbers in `value`, counted from the first, and counts down.
fn replace(value: &mut Value, nth: &mut usize, by: &Value) {
    match value {
        Value::Number(_) => {
            if *nth == 0 {
                *value = by.clone();
            }
            *nth = nth.wrapping_sub(1);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, nth, by)),
        Value::Object(fields) => fields.values_mut().for_each(|item| replace(item, nth, by)),
        _ => {}
    }
}

#[test]
fn a_report_with_any_number_replaced_is_played_or_refused() {
    let whole = story();
    let numbers = whole.to_string().matches(|letter: char| letter.is_ascii_digit()).count() / 8;
    let mut rng = Rng::with_seed(1);
    let (mut played, mut refused) = (0, 0);
    for _ in 0..100 {
        let mut report = whole.clone();
        let by = [json!(0), json!(1), json!(u64::MAX), json!(u64::MAX / 2), json!(1_u64 << 40), json!(-1)];
        let (mut nth, by) = (rng.usize(0..numbers), &by[rng.usize(0..by.len())]);
        replace(&mut report, &mut nth, by);
        let Ok(script) = script(&report) else {
            refused += 1;
            continue;
        };
        let whole = script.course.whole;
        Weather::of(&script, whole);
        for ms in (0..20_000).step_by(97) {
            for policy in [Policy::New, Policy::Reused] {
                script.scene(policy, Offset::from_millis(ms));
            }
        }
        played += 1;
    }
    assert!(played > 20 && refused > 2, "{played} {refused}");
}

#[test]
fn the_same_seed_is_the_same_script_and_what_is_drawn_is_told() {
    let mut report = story();
    for lane in report["targets"][0]["lanes"].as_array_mut().unwrap() {
        lane.as_object_mut().unwrap().remove("outages");
    }
    let (one, other) = (script(&report).unwrap(), script(&report).unwrap());
    assert_eq!((&one.kept.seen, &one.fresh.seen), (&other.kept.seen, &other.fresh.seen));
    assert!(one.coarser[0].contains("(seed 7)"), "{:?}", one.coarser);
    assert!(one.coarser[1].contains("have a class that is drawn"), "{:?}", one.coarser);
    assert!(one.coarser[2].contains("from the share that their disruption lost"), "{:?}", one.coarser);
    let exact = script(&story()).unwrap();
    assert_eq!(exact.coarser.len(), 1, "{:?}", exact.coarser);
}
