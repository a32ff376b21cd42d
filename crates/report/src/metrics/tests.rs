//! The text for Prometheus and the JSON of OTLP, of invented runs.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::html::RunState;
use lapse_measure::answer::Class;
use lapse_measure::phase::Phase;
use lapse_measure::time::{UnixTime, nanos};
use lapse_record::record::Record;
use lapse_record::sample::{self, Answer, Sample};

fn metrics(record: &Record, state: RunState) -> Metrics {
    Metrics::of(record, state, &["GET".to_owned()])
}

#[test]
fn each_line_is_help_type_or_a_sample_of_the_family_above_and_no_sample_comes_twice() {
    for record in [sample::upgrade(), sample::nasty(), sample::killed(), sample::hostile(), sample::empty()] {
        for state in [RunState::GoesOn, RunState::Over] {
            let text = metrics(&record, state).prometheus();
            let (mut family, mut seen) = (String::new(), BTreeSet::new());
            for line in text.lines() {
                if let Some(rest) = line.strip_prefix("# HELP ") {
                    family = rest.split(' ').next().unwrap().to_owned();
                    assert!(seen.insert(family.clone()), "{family} comes twice");
                } else if !line.starts_with(&format!("# TYPE {family} ")) {
                    let (series, value) = line.rsplit_once(' ').unwrap();
                    assert!(series.starts_with(&family) && series.ends_with('}'), "{line}");
                    assert!(value.parse::<f64>().is_ok_and(|value| value >= 0.0), "{line}");
                    assert!(seen.insert(series.to_owned()), "{series} comes twice");
                }
            }
            assert!(!text.contains(['\r', '\u{7}', '\u{202e}']), "{text}");
        }
    }
}

#[test]
fn hostile_names_are_escaped() {
    let mut record = sample::upgrade();
    record.about.name = "a\"b\\c\nd\u{202e}".to_owned();
    let text = metrics(&record, RunState::Over).prometheus();
    assert!(text.contains("lapse_exit_code{run=\"a\\\"b\\\\c\u{fffd}d\u{fffd}\",result=\"fail\"} 1\n"), "{text}");
}

#[test]
fn each_sample_and_each_disruption_of_a_trial_has_its_number() {
    let text = metrics(&sample::upgrade(), RunState::Over).of_trial(12).prometheus();
    let mut samples = text.lines().filter(|line| !line.starts_with('#'));
    assert!(samples.all(|line| line.contains("trial=\"12\"")), "{text}");
    assert!(text.contains("lapse_exit_code{run=\"upgrade\",result=\"fail\",trial=\"12\"} 1\n"), "{text}");
    let request = spans(&sample::upgrade(), Some(12), &Resource::default(), Ids { trace: 7, parent: None, seed: 5 });
    let all = request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let number = serde_json::json!({"key": "lapse.trial", "value": {"intValue": "12"}});
    for span in all.iter().filter(|span| span["name"] == "lapse run" || span["name"] == "disruption") {
        assert!(span["attributes"].as_array().unwrap().contains(&number), "{span}");
    }
}

#[test]
fn durations_of_requests_are_apart_by_class_and_add_up_to_the_probes_that_were_answered() {
    let record = sample::upgrade();
    let text = metrics(&record, RunState::Over).prometheus();
    let counts: u64 = text
        .lines()
        .filter(|line| line.starts_with("http_client_request_duration_seconds_count"))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
        .sum();
    assert_eq!(counts, record.seen.lanes.iter().map(|lane| lane.counts.resolved).sum::<u64>());
    assert!(text.contains("lane=\"new\",http_request_method=\"GET\",server_address=\"shop\""), "{text}");
    assert!(text.contains("error_type=\"refused\""), "{text}");
}

#[test]
fn the_verdict_is_none_until_the_run_is_over() {
    let record = sample::upgrade();
    let lines = |state| {
        let text = metrics(&record, state).prometheus();
        let lines = text.lines().filter(|line| line.starts_with("lapse_verdict{")).map(str::to_owned);
        (lines.filter(|line| line.ends_with(" 1")).collect::<Vec<_>>(), text.contains("lapse_phase"))
    };
    assert_eq!(lines(RunState::GoesOn), (vec![], true));
    assert_eq!(lines(RunState::Over), (vec!["lapse_verdict{run=\"upgrade\",verdict=\"fail\"} 1".to_owned()], false));
}

#[test]
fn otlp_sums_are_cumulative_and_only_counts_of_probes_are_monotonic() {
    let resource = Resource(vec![("service.name".to_owned(), "lapse".to_owned())]);
    let request = metrics(&sample::upgrade(), RunState::Over).otlp(&resource, UnixTime::from_nanos(2));
    let metrics = request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    for metric in metrics {
        if let Some(sum) = metric.get("sum") {
            assert_eq!(sum["aggregationTemporality"], 2);
            assert_eq!(sum["isMonotonic"], metric["name"] == "lapse.probes", "{metric}");
        }
    }
    let of = |name: &str| metrics.iter().find(|metric| metric["name"] == name).unwrap();
    let total: u64 = of("lapse.probes")["sum"]["dataPoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["asInt"].as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(total, 14_600);
    for point in of("http.client.request.duration")["histogram"]["dataPoints"].as_array().unwrap() {
        let numbers = |key: &str| point[key].as_array().unwrap().clone();
        let counts: u64 = numbers("bucketCounts").iter().map(|one| one.as_str().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(Value::from(counts.to_string()), point["count"]);
        assert_eq!(numbers("bucketCounts").len(), numbers("explicitBounds").len() + 1);
    }
}

#[test]
fn each_disruption_is_a_span_below_the_run_with_the_events_of_pods_near_it() {
    for record in [sample::upgrade(), sample::nasty(), sample::killed(), sample::hostile(), sample::empty()] {
        let request = spans(&record, None, &Resource::default(), Ids { trace: 7, parent: Some(99), seed: 5 });
        let all = request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
        assert_eq!(
            (all[0]["name"].as_str(), all[0]["parentSpanId"].as_str()),
            (Some("lapse run"), Some("0000000000000063"))
        );
        let date = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(all.iter().all(|span| date(span, "startTimeUnixNano") <= date(span, "endTimeUnixNano")));
        let root = &all[0]["spanId"];
        let of_targets = all.iter().filter(|span| span["name"] == "disruption" && span["parentSpanId"] == *root);
        let expected: usize = record.summary.targets.iter().map(|target| target.disruptions.len()).sum();
        assert_eq!(of_targets.count(), expected);
        let ids: BTreeSet<_> = all.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), all.len());
        assert!(all[1..].iter().all(|span| ids.contains(span["parentSpanId"].as_str().unwrap())));
    }
    let record = sample::replaced();
    let text = spans(&record, None, &Resource::default(), Ids { trace: 7, parent: None, seed: 5 }).to_string();
    assert!(text.contains("pod-deleting") && text.contains("k8s.pod.name"), "{text}");
}

#[test]
fn a_disruption_whose_failures_were_sent_late_is_a_span_of_its_estimated_length() {
    let late = |ms| Answer::after(Class::Status(503), 300).late(Duration::from_millis(ms));
    let record = Sample::of(&["shop"]).phase(Phase::Event, 0).record(2_000, |_, ms| match ms {
        500..510 => late(0),
        510..520 => late(90),
        _ => Answer::after(Class::Ok, 300),
    });
    let length = record.summary.targets[0].disruptions[0].length().estimate;
    assert!(length >= Duration::from_millis(99), "{length:?}: longer than from the first slot to the last");
    let request = spans(&record, None, &Resource::default(), Ids { trace: 7, parent: None, seed: 5 });
    let all = request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let span = all.iter().find(|span| span["name"] == "disruption").unwrap();
    let date = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(date("endTimeUnixNano") - date("startTimeUnixNano"), nanos(length), "that of the target comes first");
}
