//! The webhooks of Flagger, with payloads as its documentation has them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::healthy;
use crate::support::scripted::{self, Scripted, Speaks};
use crate::support::serve::{Answer, Serve, lapse};

const TOKEN: &str = "16688eb5e9f289f1991c";

/// A payload as Flagger sends it: `phase` is that of the canary.
fn payload(phase: &str, checksum: &str, metadata: &Value) -> String {
    let mut all = json!({ "plan": "shop", "token": TOKEN });
    for (key, value) in metadata.as_object().unwrap() {
        all[key] = value.clone();
    }
    json!({ "name": "podinfo", "namespace": "test", "phase": phase, "checksum": checksum, "metadata": all }).to_string()
}

fn hook(serve: &Serve, hook: &str, phase: &str, metadata: &Value) -> Answer {
    serve.ask("POST", &format!("/v1/flagger/{hook}"), &payload(phase, "85d557f47b", metadata))
}

/// Asserts an answer that Flagger shows as it is: one line of text.
fn assert_says(answer: &Answer, status: u16, part: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.body.trim_end().lines().count() == 1 && answer.body.contains(part), "{part}: {answer:?}");
}

/// A server of measurements with a token, and the plan of this URL.
fn serving(shop: &str) -> Serve {
    Serve::start(lapse(shop).and(["--token-file", "token"]).file("token", TOKEN))
}

/// The measurements, as a caller with the token sees them.
fn measurements(serve: &mut Serve) -> Vec<Value> {
    serve.headers = format!("authorization: Bearer {TOKEN}\r\n");
    let all = serve.get("/v1/measurements").json()["measurements"].as_array().unwrap().clone();
    serve.headers = String::new();
    all
}

#[test]
fn a_canary_that_loses_nothing_is_measured_from_its_first_traffic_to_its_promotion() {
    let shop = healthy();
    let mut serve = serving(&shop.url());
    let none = json!({});
    assert_says(&hook(&serve, "confirm-rollout", "Waiting", &none), 200, "can begin");
    assert!(measurements(&mut serve).is_empty() && shop.ledger().requests.is_empty(), "that starts nothing");
    assert_eq!(hook(&serve, "rollout", "Progressing", &none).status, 404);
    assert_says(&hook(&serve, "pre-rollout", "Progressing", &json!({ "wait": "60s" })), 200, "began");
    let running = measurements(&mut serve);
    assert_eq!((running.len(), &running[0]["phase"]), (1, &json!("event")), "the baseline is over: {running:?}");
    assert_says(&hook(&serve, "pre-rollout", "Progressing", &none), 200, "began");
    assert_eq!(measurements(&mut serve).len(), 1, "a webhook that is tried again starts no other");
    let event = json!({
        "eventMessage": "Advance podinfo.test canary weight 10", "eventType": "Normal", "timestamp": "1578607635167"
    });
    assert_says(&hook(&serve, "event", "Progressing", &event), 200, "noted");
    for asked in ["rollout", "confirm-traffic-increase", "confirm-promotion"] {
        assert_says(&hook(&serve, asked, "Progressing", &none), 200, "no budget is exceeded");
    }
    assert_says(&hook(&serve, "rollback", "Progressing", &none), 409, "nothing to roll back for");
    assert_says(&hook(&serve, "post-rollout", "Succeeded", &json!({ "wait": "60s" })), 200, "pass: every budget held");
    assert_says(&hook(&serve, "event", "Succeeded", &event), 200, "no measurement");
    let over = measurements(&mut serve);
    assert_eq!(over[0]["verdict"], "pass");
    serve.headers = format!("authorization: Bearer {TOKEN}\r\n");
    let report = serve.get(&format!("{}/report.json", over[0]["self"].as_str().unwrap())).json();
    let told = report["events"].as_array().unwrap().iter().find(|event| event["kind"] == "told").unwrap().clone();
    assert_eq!(told["text"], "Advance podinfo.test canary weight 10");
    assert_eq!(told["told_unix_ns"], 1_578_607_635_167_000_000_u64);
}

#[test]
fn a_canary_that_loses_requests_is_held_and_rolled_back_with_the_reason() {
    let (is_ill, none) = (Arc::new(AtomicBool::new(false)), json!({}));
    let asked = Arc::clone(&is_ill);
    let status = move || if asked.load(Ordering::Relaxed) { 503 } else { 200 };
    let shop = Scripted::start(Speaks::Http1, None, move |_, _| scripted::Answer::new(status()));
    let serve = serving(&shop.url());
    assert_eq!(hook(&serve, "pre-rollout", "Progressing", &json!({ "wait": "60s" })).status, 200);
    assert_eq!(hook(&serve, "rollout", "Progressing", &none).status, 200);
    is_ill.store(true, Ordering::Relaxed);
    // Failures are known once their answers are in the journal.
    let mut answers = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(100));
        hook(&serve, "rollout", "Progressing", &none)
    });
    let held = answers.by_ref().take(600).find(|answer| answer.status != 200).expect("a minute is enough to notice");
    assert_says(&held, 409, "no failed probe");
    assert_says(&hook(&serve, "rollback", "Progressing", &none), 200, "no failed probe");
    is_ill.store(false, Ordering::Relaxed);
    assert_says(&hook(&serve, "post-rollout", "Failed", &json!({ "wait": "120s" })), 409, "fail: no failed probe");
}

#[test]
fn another_revision_of_the_canary_ends_the_measurement_of_the_one_before() {
    let shop = healthy();
    let lapse = lapse(&shop.url()).and(["--token-file", "token", "--max-running", "1"]).file("token", TOKEN);
    let mut serve = Serve::start(lapse);
    let begin = |serve: &Serve, checksum| {
        let wait = json!({ "wait": "60s" });
        serve.ask("POST", "/v1/flagger/pre-rollout", &payload("Progressing", checksum, &wait))
    };
    assert_eq!(begin(&serve, "one").status, 200);
    assert_says(&hook(&serve, "confirm-rollout", "Waiting", &json!({})), 200, "goes on");
    assert_eq!(begin(&serve, "two").status, 200);
    let all = measurements(&mut serve);
    assert_eq!(all.iter().map(|one| &one["verdict"]).collect::<Vec<_>>(), ["running", "inconclusive"]);
}

#[test]
fn a_webhook_that_is_set_up_wrongly_is_told_what_to_write() {
    let shop = healthy();
    let serve = serving(&shop.url());
    let refused = |body: &str| serve.ask("POST", "/v1/flagger/pre-rollout", body);
    let ask = |metadata| refused(&payload("Progressing", "1", &metadata));
    for (answer, status, said) in [
        (ask(json!({ "token": "wrong" })), 401, "not the token"),
        (ask(json!({ "plan": "other" })), 404, "shop"),
        (ask(json!({ "wait": "long" })), 400, "metadata.wait"),
        (refused("{}"), 400, "`name`"),
        (refused("not JSON"), 400, "not JSON"),
    ] {
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.message().contains(said), "{said}: {answer:?}");
    }
    assert!(shop.ledger().requests.is_empty());
}
