//! The metrics of a run as Prometheus and a receiver of OTLP get them, held against its report.json.

mod exposition;
mod grafana;
mod receiver;
mod trials;

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use self::exposition::Exposition;
use self::receiver::Receiver;
use super::live::get;
use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse, Running};
use super::support::server::{Protocol, Server};

/// A server that answers 503 from half a second on for 400 ms.
fn flawed() -> Server {
    Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 500, 900))
}

fn run(server: &Server, args: &[&str]) -> Lapse {
    Lapse::against(server, Protocol::Http1, ["--rate", "200/s", "--duration", "2s", "--quiet"]).and(args)
}

/// An address at which nothing listens.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts a run that serves metrics; returns it with their address once that accepts connections.
fn start(server: &Server, args: &[&str]) -> (Running, SocketAddr) {
    let free = free();
    let running = run(server, args).and(["--metrics", &free.to_string()]).start();
    while TcpStream::connect(free).is_err() {
        sleep(Duration::from_millis(5));
    }
    (running, free)
}

fn scrape(at: SocketAddr) -> Exposition {
    let response = get(at, "/metrics", "127.0.0.1");
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/plain; version=0.0.4"), "{head}");
    Exposition::parse(body)
}

fn report(ended: &Ended) -> Value {
    serde_json::from_slice(&std::fs::read(ended.run_folder().join("report.json")).unwrap()).unwrap()
}

/// The exposed names of the durations of a target's totals, with their places in report.json.
const BOUNDED: [(&str, &str); 6] = [
    ("lapse_equivalent_downtime_seconds", "/totals/equivalent"),
    ("lapse_longest_disruption_seconds", "/totals/disruptions/longest"),
    ("lapse_longest_outage_seconds", "/totals/longest"),
    ("lapse_down_seconds", "/totals/down"),
    ("lapse_impaired_seconds", "/totals/impaired"),
    ("lapse_slow_seconds", "/totals/slow"),
];

const BOUNDS: [(&str, &str); 3] = [("lower", "at_least_ns"), ("estimate", "estimate_ns"), ("upper", "at_most_ns")];

/// Checks that the final values are those of report.json.
fn check_final(values: &Exposition, report: &Value) {
    let run = report["run"]["name"].as_str().unwrap();
    for target in report["targets"].as_array().unwrap() {
        let of_target = [("run", run), ("target", target["name"].as_str().unwrap())];
        for (name, place) in BOUNDED {
            for (bound, key) in BOUNDS {
                let expected = target.pointer(place).unwrap()[key].as_u64();
                let value = values.nanos(name, &[of_target.as_slice(), &[("bound", bound)]].concat());
                assert_eq!(value, expected, "{name} {bound}");
            }
        }
        let blind = target["totals"]["blind_ns"].as_u64();
        assert_eq!(values.nanos("lapse_blind_seconds", &of_target), blind);
        for lane in target["lanes"].as_array().unwrap() {
            check_lane(values, lane, &of_target);
        }
    }
    let (verdict, code) = (report["verdict"]["result"].as_str().unwrap(), &report["verdict"]["exit_code"]);
    assert_eq!(values.count("lapse_verdict", &[("run", run), ("verdict", verdict)]), Some(1));
    assert_eq!(values.count("lapse_exit_code", &[("run", run), ("result", verdict)]), code.as_u64());
}

fn check_lane(values: &Exposition, lane: &Value, of_target: &[(&str, &str)]) {
    let of_lane = [of_target, &[("lane", lane["name"].as_str().unwrap())]].concat();
    let classes = lane["classes"].as_object().unwrap();
    for (class, count) in classes {
        let labels = [of_lane.as_slice(), &[("class", class)]].concat();
        assert_eq!(values.count("lapse_probes_total", &labels), count.as_u64(), "{class}");
    }
    assert_eq!(values.series("lapse_probes_total", &of_lane).count(), classes.len());
    for (name, key) in [("lapse_outages", "outages"), ("lapse_disruptions", "disruptions")] {
        let expected = lane[key].as_array().unwrap().len() as u64;
        assert_eq!(values.count(name, &of_lane), Some(expected), "{name}");
    }
    let sum = |name: &str| values.series(name, &of_lane).map(|value| value.parse::<u64>().unwrap()).sum::<u64>();
    let counted = |key: &str| lane[key].as_u64().unwrap();
    assert_eq!(sum("lapse_lateness_seconds_count"), counted("resolved"));
    assert_eq!(sum("http_client_request_duration_seconds_count"), counted("resolved"));
}

#[test]
fn what_is_scraped_follows_the_run_and_ends_with_the_figures_of_report_json() {
    let server = flawed();
    let (running, at) = start(&server, &[]);
    let (mut last, mut scrapes) = (scrape(at), 0);
    while !last.has("lapse_exit_code") {
        sleep(Duration::from_millis(100));
        let next = scrape(at);
        // Counts never fall, and no series of a counter goes away.
        for (series, count) in last.counters() {
            let now: u64 = next.value(series).unwrap_or_else(|| panic!("{series} is gone")).parse().unwrap();
            assert!(now >= count, "{series} fell from {count} to {now}");
        }
        assert!(
            next.value("lapse_verdict{run=\"127.0.0.1\",verdict=\"fail\"}")
                .is_none_or(|one| one == "0" || next.has("lapse_exit_code"))
        );
        (last, scrapes) = (next, scrapes + 1);
    }
    assert!(scrapes > 3, "{scrapes} scrapes");
    let ended = running.end();
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    let report = report(&ended);
    check_final(&last, &report);
    let failed = last.series("lapse_probes_total", &[("class", "status 503")]).map(|one| one.parse::<u64>().unwrap());
    assert!(failed.sum::<u64>() > 20);
    let port = server.url().rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    let failed = [("error_type", "503"), ("http_response_status_code", "503"), ("server_port", &port)];
    assert_eq!(last.series("http_client_request_duration_seconds_count", &failed).count(), 2);
}

/// The exit code is that of the verdict, even if no metrics could be sent: a pass, or on a machine that holds the prober up
/// inconclusive.
fn has_not_failed(ended: &Ended) {
    let verdict = report(ended)["verdict"].take();
    assert_eq!(ended.code().map(i64::from), verdict["exit_code"].as_i64(), "{}", ended.stderr);
    assert!(["pass", "inconclusive"].contains(&verdict["result"].as_str().unwrap()), "{verdict:#}");
}

#[test]
fn a_run_that_nothing_has_scraped_waits_for_nothing_and_one_that_was_waits_as_long_as_is_allowed() {
    let server = Server::start(Protocol::Http1, Plan::healthy());
    let (running, at) = start(&server, &["--metrics-wait", "200ms"]);
    scrape(at);
    has_not_failed(&running.end());
    // Without a scrape the default wait of 20 s, and one of an hour, is not waited for.
    has_not_failed(&start(&server, &["--metrics-wait", "1h"]).0.end());
}

#[test]
fn a_signal_ends_the_wait_for_the_last_scrape() {
    let server = Server::start(Protocol::Http1, Plan::healthy());
    let (running, at) = start(&server, &["--metrics-wait", "1h"]);
    scrape(at);
    while !running.stdout().contains("Downtime of") {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(100));
    running.signal(rustix::process::Signal::INT);
    has_not_failed(&running.end());
}

#[test]
fn hostile_names_are_escaped_as_the_format_has_it() {
    let server = flawed();
    let name = "a\"b\\c\nd} 1\n# TYPE x";
    let (running, at) = start(&server, &["--name", name]);
    let mut last = scrape(at);
    while !last.has("lapse_exit_code") {
        sleep(Duration::from_millis(50));
        last = scrape(at);
    }
    // A line break is none of what a label needs.
    let shown = name.replace('\n', "\u{fffd}");
    assert_eq!(last.series("lapse_exit_code", &[("run", &shown)]).count(), 1);
    running.end();
}

#[test]
fn other_pages_other_methods_and_foreign_host_headers_are_refused() {
    let server = flawed();
    let (running, at) = start(&server, &[]);
    let status = |path: &str, host: &str| get(at, path, host).split(' ').nth(1).unwrap().to_owned();
    assert_eq!(status("/metrics", "evil.example"), "421");
    assert_eq!((status("/", "localhost"), status("/metrics", "localhost")), ("404".to_owned(), "200".to_owned()));
    while !scrape(at).has("lapse_exit_code") {
        sleep(Duration::from_millis(50));
    }
    running.end();
}

#[test]
fn an_address_in_use_is_refused_before_the_first_probe() {
    let (server, taken) = (flawed(), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = taken.local_addr().unwrap().to_string();
    has_not_begun(&server, &run(&server, &["--metrics", &address]).end(), &address);
}

fn has_not_begun(server: &Server, ended: &Ended, address: &str) {
    assert_eq!((ended.code(), ended.left_files()), (Some(2), false), "{}", ended.stderr);
    assert!(ended.stderr.contains(address) && ended.stderr.contains("--metrics"), "{}", ended.stderr);
    assert_eq!(server.ledger().requests.len(), 0);
}

#[test]
fn a_receiver_of_otlp_gets_metrics_while_the_run_goes_on_and_the_figures_of_report_json_at_the_end() {
    let (server, receiver) = (flawed(), Receiver::start(200));
    let ended = run(&server, &[])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", OsStr::new(&receiver.url()))
        .env("OTEL_EXPORTER_OTLP_HEADERS", OsStr::new("api-key=a%20b"))
        .env("OTEL_METRIC_EXPORT_INTERVAL", OsStr::new("500"))
        .env("OTEL_SERVICE_NAME", OsStr::new("shop-rollout"))
        .env("TRACEPARENT", OsStr::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        .end();
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    let (report, requests) = (report(&ended), receiver.requests());
    let of = |path: &str| requests.iter().filter(|one| one.path == path).collect::<Vec<_>>();
    assert!(requests.iter().all(|one| one.head.contains("api-key: a b") && one.head.contains("application/json")));
    let metrics = of("/v1/metrics");
    assert!(metrics.len() > 2, "{} exports", metrics.len());
    let last = &metrics.last().unwrap().body["resourceMetrics"][0];
    let service = serde_json::json!({"key": "service.name", "value": {"stringValue": "shop-rollout"}});
    assert!(last["resource"]["attributes"].as_array().unwrap().contains(&service));
    let exported = last["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let points = |name: &str, kind: &str| {
        let metric = exported.iter().find(|metric| metric["name"] == name).unwrap();
        metric[kind]["dataPoints"].as_array().unwrap().clone()
    };
    let probes: u64 =
        points("lapse.probes", "sum").iter().map(|one| one["asInt"].as_str().unwrap().parse::<u64>().unwrap()).sum();
    let lanes = report["targets"][0]["lanes"].as_array().unwrap();
    assert_eq!(probes, lanes.iter().map(|lane| lane["offered"].as_u64().unwrap()).sum::<u64>());
    let down = &report["targets"][0]["totals"]["down"]["estimate_ns"];
    let sent: Vec<_> = points("lapse.down", "sum").iter().map(|one| one["asDouble"].as_f64().unwrap()).collect();
    #[expect(clippy::cast_precision_loss, reason = "a second has 30 bits of nanoseconds")]
    let expected = down.as_u64().unwrap() as f64 / 1e9;
    assert!((sent[1] - expected).abs() < 1e-9, "{sent:?} {expected}");
    let traces = of("/v1/traces");
    assert_eq!(traces.len(), 1);
    let spans = traces[0].body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    assert!(spans.iter().all(|span| span["traceId"] == "0af7651916cd43dd8448eb211c80319c"));
    assert_eq!(spans[0]["parentSpanId"], "b7ad6b7169203331");
    let disruptions =
        spans.iter().filter(|span| span["name"] == "disruption" && span["parentSpanId"] == spans[0]["spanId"]);
    assert_eq!(disruptions.count(), report["targets"][0]["disruptions"].as_array().unwrap().len());
}

#[test]
fn a_receiver_that_refuses_or_is_not_there_is_said_once_and_fails_no_run() {
    let server = Server::start(Protocol::Http1, Plan::healthy());
    let refusing = Receiver::start(404);
    let gone = free();
    for (url, expected) in [(refusing.url(), "404"), (format!("http://{gone}"), "refused")] {
        let ended = run(&server, &["--otlp", &url])
            .env("OTEL_METRIC_EXPORT_INTERVAL", OsStr::new("100"))
            .env("OTEL_TRACES_EXPORTER", OsStr::new("none"))
            .end();
        has_not_failed(&ended);
        let said = ended.stderr.lines().filter(|line| line.contains("the metrics of the run could not be sent"));
        assert_eq!(said.filter(|line| line.contains(expected)).count(), 1, "{}", ended.stderr);
    }
}
