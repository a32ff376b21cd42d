//! The metrics of several trials: each has its number, and ends with the figures of its own report.json.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::exposition::Exposition;
use super::receiver::Receiver;
use super::{check_final, flawed, free, has_not_begun};
use crate::support::lapse::{Ended, Lapse};
use crate::support::server::{Protocol, Server};

fn trials(server: &Server, args: &[&str]) -> Lapse {
    let short = ["--rate=100/s", "--baseline=300ms", "--settle=300ms", "--settle-limit=2s", "--quiet", "--trials=2"];
    Lapse::against(server, Protocol::Http1, short).and(args)
}

/// What is exposed; `None` between two trials, where a connection may end without an answer.
fn scrape(at: SocketAddr) -> Option<Exposition> {
    let mut stream = TcpStream::connect(at).ok()?;
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).ok()?;
    let (head, body) = response.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    Some(Exposition::parse(body))
}

fn report(ended: &Ended, number: u16) -> Value {
    let file = ended.run_folder().join(format!("trial-{number}/report.json"));
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// The trials that samples are of.
fn numbers(values: &Exposition) -> Vec<u16> {
    let is_of =
        |number: &u16| values.series("lapse_measured_seconds", &[("trial", &number.to_string())]).next().is_some();
    (1..=2).filter(is_of).collect()
}

#[test]
fn each_trial_is_scraped_under_its_number_and_ends_with_the_figures_of_its_report() {
    let (server, at) = (flawed(), free());
    let mut running = trials(&server, &["--metrics", &at.to_string(), "--", "sleep", "1"]).start();
    let (mut finals, mut courses) = ([None, None], [0, 0]);
    while finals[1].is_none() {
        assert!(!running.has_ended(), "{}", running.stderr());
        sleep(Duration::from_millis(50));
        let Some(values) = scrape(at) else { continue };
        match numbers(&values).as_slice() {
            [] => {}
            [number] => {
                let nth = usize::from(*number) - 1;
                courses[nth] += 1;
                if values.has("lapse_exit_code") {
                    finals[nth] = Some(values);
                }
            }
            several => panic!("samples of the trials {several:?} at once"),
        }
    }
    let ended = running.end();
    assert!(courses.iter().all(|scrapes| *scrapes > 2), "{courses:?} scrapes");
    for (values, number) in finals.iter().zip(1..) {
        check_final(values.as_ref().expect("the end of each trial is waited for"), &report(&ended, number));
    }
}

#[test]
fn a_receiver_gets_each_trial_as_an_instance_of_its_own_with_its_spans() {
    let (server, receiver) = (flawed(), Receiver::start(200));
    let ended = trials(&server, &["--otlp", &receiver.url(), "--", "sleep", "1"])
        .env("OTEL_METRIC_EXPORT_INTERVAL", OsStr::new("300"))
        .end();
    let home = ended.run_folder().file_name().unwrap().to_string_lossy().into_owned();
    let requests = receiver.requests();
    let mut traces = Vec::new();
    for number in 1..=2 {
        let instance =
            json!({"key": "service.instance.id", "value": {"stringValue": format!("{home}/trial-{number}")}});
        let is_of = |resource: &Value| resource["attributes"].as_array().unwrap().contains(&instance);
        let trial = |key: &str| json!({"key": key, "value": {"intValue": number.to_string()}});
        let metrics: Vec<_> = requests.iter().filter_map(|one| one.body["resourceMetrics"].get(0)).collect();
        let metrics: Vec<_> = metrics.into_iter().filter(|one| is_of(&one["resource"])).collect();
        assert!(metrics.len() > 2, "{} exports of trial {number}", metrics.len());
        for metric in metrics.iter().flat_map(|one| one["scopeMetrics"][0]["metrics"].as_array().unwrap()) {
            let points = ["sum", "gauge", "histogram"].iter().find_map(|kind| metric[*kind]["dataPoints"].as_array());
            let points = points.expect("a metric has data of one kind");
            assert!(
                points.iter().all(|one| one["attributes"].as_array().unwrap().contains(&trial("trial"))),
                "{metric}"
            );
        }
        let spans = requests.iter().filter_map(|one| one.body["resourceSpans"].get(0));
        let [spans] = spans.filter(|one| is_of(&one["resource"])).collect::<Vec<_>>()[..] else {
            panic!("trial {number} has its spans in one export");
        };
        let spans = spans["scopeSpans"][0]["spans"].as_array().unwrap();
        assert!(spans[0]["attributes"].as_array().unwrap().contains(&trial("lapse.trial")), "{}", spans[0]);
        let below = |span: &&Value| span["name"] == "disruption" && span["parentSpanId"] == spans[0]["spanId"];
        let expected = report(&ended, number)["targets"][0]["disruptions"].as_array().unwrap().len();
        assert_eq!(spans.iter().filter(below).count(), expected);
        traces.push(spans[0]["traceId"].clone());
    }
    assert_ne!(traces[0], traces[1], "each trial is a trace");
}

#[test]
fn a_receiver_that_is_not_there_is_said_once_for_all_trials() {
    let (server, gone) = (flawed(), free());
    let ended = trials(&server, &["--max-failed=100%", "--otlp", &format!("http://{gone}"), "--", "true"])
        .env("OTEL_TRACES_EXPORTER", OsStr::new("none"))
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", OsStr::new("1000"))
        .end();
    let said = ended.stderr.lines().filter(|line| line.contains("the metrics of the run could not be sent"));
    assert_eq!(said.count(), 1, "{}", ended.stderr);
    assert!(ended.run_folder().join("trials.json").is_file());
}

#[test]
fn a_signal_ends_the_wait_for_a_scrape_and_the_trials_with_it() {
    let (server, at) = (flawed(), free());
    let mut running = trials(&server, &["--metrics", &at.to_string(), "--metrics-wait=1h", "--", "true"]).start();
    while scrape(at).is_none_or(|values| numbers(&values).is_empty()) {
        assert!(!running.has_ended(), "{}", running.stderr());
        sleep(Duration::from_millis(20));
    }
    while !running.file("runs/trial-1/report.html").is_file() {
        sleep(Duration::from_millis(20));
    }
    // One that comes before the wait begins ends the trials only after it; a person asks again.
    for _ in 0..100 {
        if running.has_ended() {
            break;
        }
        running.signal(Signal::INT);
        sleep(Duration::from_millis(300));
    }
    let ended = running.end();
    assert_eq!(ended.code(), Some(130), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("1 of 2 trials were made"), "{}", ended.stdout);
}

#[test]
fn an_address_in_use_is_refused_before_the_first_trial() {
    let server = flawed();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    has_not_begun(&server, &trials(&server, &["--metrics", &address, "--", "true"]).end(), &address);
}
