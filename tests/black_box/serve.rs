//! `lapse serve` as pipelines and controllers use it: verdicts in three values, limits, and what it refuses.

mod flagger;
mod refusals;

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::support::fault::{Fault, Plan};
use super::support::serve::{Serve, lapse, order};
use super::support::server::{Protocol, Server};

/// A server that answers as it should.
fn healthy() -> Server {
    Server::start(Protocol::Http1, Plan::healthy())
}

/// A server that answers 503 from the beginning.
fn failing() -> Server {
    Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 0, 600_000))
}

/// A server of measurements at any address of loopback, and the healthy service that its plan measures.
fn serving() -> (Serve, Server) {
    let shop = healthy();
    (Serve::start(lapse(&shop.url()).and(["--allow", "127.0.0.0/8"])), shop)
}

/// The order with another value in one of its maps.
fn with(mut order: Value, map: &str, key: &str, value: &str) -> Value {
    order[map][key] = json!(value);
    order
}

#[test]
fn a_caller_gets_pass_fail_or_inconclusive_and_the_run_that_says_why() {
    let ((serve, well), ill) = (serving(), failing());
    // No prober can see so short an outage.
    let unseen = with(order(&well), "budgets", "maxOutage", "1us");
    for (order, verdict, exit_code) in
        [(order(&well), "pass", 0), (order(&ill), "fail", 1), (unseen, "inconclusive", 3)]
    {
        let measured = serve.measure("?wait=60s", &order);
        assert_eq!((&measured["verdict"], &measured["judgement"]["exit_code"]), (&json!(verdict), &json!(exit_code)));
        let sentence = measured["sentence"].as_str().unwrap();
        assert!(sentence.starts_with(&format!("{verdict}: ")) && !sentence.contains('\n'), "{sentence}");
        assert!(measured["probes"].as_u64().unwrap() > 20, "{measured}");
        let place = measured["self"].as_str().unwrap();
        let report = serve.get(&format!("{place}/report.json")).json();
        assert_eq!(report["verdict"], measured["judgement"]);
        let page = serve.get(&format!("{place}/report.html"));
        assert!(page.status == 200 && page.head.contains("text/html") && page.body.contains("</html>"), "{page:?}");
        let asked = serve.get(place).json();
        assert_eq!(asked, measured);
    }
    let all = serve.get("/v1/measurements").json();
    let verdicts: Vec<_> = all["measurements"].as_array().unwrap().iter().map(|one| one["verdict"].clone()).collect();
    assert_eq!(verdicts, ["inconclusive", "fail", "pass"], "the newest comes first");
    let metrics = serve.get("/metrics").body;
    for line in [
        "lapse_serve_measurements_total{verdict=\"pass\"} 1",
        "lapse_serve_measurements_total{verdict=\"fail\"} 1",
        "lapse_serve_measurements_total{verdict=\"inconclusive\"} 1",
        "lapse_serve_running 0",
        "lapse_serve_refused_total 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
}

#[test]
fn a_measurement_goes_on_until_it_is_stopped_and_has_what_its_caller_did_on_its_timeline() {
    let (serve, _shop) = serving();
    let begun = serve.measure("", &json!({ "plan": "shop" }));
    assert_eq!((&begun["verdict"], &begun["name"], &begun["ended"]), (&json!("running"), &json!("shop"), &Value::Null));
    let place = begun["self"].as_str().unwrap();
    let unfinished = serve.get(&format!("{place}/report.json"));
    assert!(unfinished.status == 409 && unfinished.message().contains("wait="), "{unfinished:?}");
    while serve.get(place).json()["phase"] != "event" {
        std::thread::sleep(Duration::from_millis(50));
    }
    let told = serve.ask("POST", &format!("{place}/events"), r#"{"text": "switched to green"}"#);
    assert_eq!(told.status, 200, "{told:?}");
    let ended = serve.ask("POST", &format!("{place}/stop?wait=60s"), "").json();
    assert_eq!(ended["verdict"], "pass", "{ended}");
    let report = serve.get(&format!("{place}/report.json")).json();
    let phases: Vec<_> = report["run"]["phases"].as_array().unwrap().iter().map(|phase| &phase["name"]).collect();
    assert_eq!(phases, ["baseline", "event", "settle"], "{}", report["run"]);
    let events = report["events"].as_array().unwrap();
    let event = events.iter().find(|event| event["kind"] == "told").unwrap();
    assert_eq!((&event["source"], &event["text"]), (&json!("caller"), &json!("switched to green")));
    let late = serve.ask("POST", &format!("{place}/events"), r#"{"text": "too late"}"#);
    assert_eq!(late.status, 409, "{late:?}");
}

#[test]
fn a_measurement_that_is_ended_at_once_or_never_is_inconclusive() {
    let shop = healthy();
    let serve = Serve::start(lapse(&shop.url()).and(["--max-duration", "1s"]));
    let begun = serve.measure("", &json!({ "plan": "shop" }));
    let ended = serve.ask("DELETE", &format!("{}?wait=60s", begun["self"].as_str().unwrap()), "").json();
    assert_eq!((&ended["verdict"], &ended["judgement"]["result"]), (&json!("inconclusive"), &json!("interrupted")));
    let forgotten = serve.measure("?wait=60s", &json!({ "plan": "shop" }));
    assert_eq!(forgotten["verdict"], "inconclusive");
    assert!(forgotten["sentence"].as_str().unwrap().contains("nothing ended the event within 1.00 s"), "{forgotten}");
}

#[test]
fn the_live_page_follows_a_measurement_and_ends_with_its_report() {
    let (serve, _shop) = serving();
    let begun = serve.measure("", &json!({ "plan": "shop" }));
    let (place, live) = (begun["self"].as_str().unwrap(), begun["live"].as_str().unwrap());
    let page = serve.get(live);
    assert!(page.status == 200 && page.body.contains("RUNNING"), "{page:.400?}");
    assert_eq!(serve.get(&format!("{live}worker.js")).status, 200);
    serve.ask("POST", &format!("{place}/stop?wait=60s"), "");
    let (last, report) = (serve.get(&format!("{live}next?after=1")), serve.get(&format!("{place}/report.html")));
    assert_eq!(last.body, report.body);
}

#[test]
fn a_key_finds_the_measurement_that_goes_on() {
    let (serve, _shop) = serving();
    let first = serve.measure("?key=shop-1", &json!({ "plan": "shop" }));
    let again = serve.ask("POST", "/v1/measurements?key=shop-1", r#"{"plan": "shop"}"#);
    assert_eq!((again.status, &again.json()["id"]), (200, &first["id"]));
    serve.ask("DELETE", &format!("{}?wait=60s", first["self"].as_str().unwrap()), "");
    let next = serve.measure("?key=shop-1", &json!({ "plan": "shop" }));
    assert_ne!(next["id"], first["id"]);
}

#[test]
fn a_signal_ends_the_measurements_and_keeps_their_records() {
    let (serve, _shop) = serving();
    let begun = serve.measure("", &json!({ "plan": "shop" }));
    let place = begun["self"].as_str().unwrap();
    while serve.get(place).json()["probes"].as_u64().unwrap() == 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let answer = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| serve.get(&format!("{place}?wait=60s")));
        std::thread::sleep(Duration::from_millis(200));
        serve.signal(Signal::TERM);
        waiting.join().unwrap()
    });
    assert_eq!(answer.json()["verdict"], "inconclusive", "{answer:?}");
    let ended = serve.end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let folder = begun["folder"].as_str().unwrap();
    let report: Value = serde_json::from_str(&ended.file(&format!("{folder}/report.json"))).unwrap();
    assert_eq!(report["verdict"]["result"], "interrupted");
    assert!(
        ended
            .stdout
            .lines()
            .any(|line| line.ends_with("ended: inconclusive: the measurement was ended before its time"))
    );
}
