//! The webhooks of Flagger, with payloads as its documentation and itself have them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::healthy;
use crate::support::scripted::{self, Scripted, Speaks};
use crate::support::serve::{Answer, Serve, lapse};

const TOKEN: &str = "16688eb5e9f289f1991c";
/// What Flagger 1.36.1 sent while it promoted a canary on a real cluster: a hook and its payload a line, in order.
const PROMOTION: &str = include_str!("../recorded/flagger.txt");

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
        (ask(json!({ "profile": "other" })), 400, "other"),
        (refused("{}"), 400, "`name`"),
        (refused("not JSON"), 400, "not JSON"),
        (serve.ask("POST", "/v1/flagger/nothing", &payload("Progressing", "1", &json!({}))), 404, "no such hook"),
    ] {
        assert_says(&answer, status, said);
    }
    assert!(shop.ledger().requests.is_empty());
}

#[test]
fn no_refusal_has_a_status_whose_body_flagger_throws_away() {
    let shop = healthy();
    let lapse = lapse(&shop.url()).and(["--token-file", "token", "--max-running", "1"]).file("token", TOKEN);
    let mut serve = Serve::start(lapse);
    assert_eq!(hook(&serve, "pre-rollout", "Progressing", &json!({})).status, 200);
    let other = payload("Progressing", "1", &json!({})).replace("podinfo", "other");
    // 429 for other callers: Flagger would say no more than that it gave up.
    assert_says(&serve.ask("POST", "/v1/flagger/pre-rollout", &other), 409, "--max-running");
    serve.headers = format!("authorization: Bearer {TOKEN}\r\n");
    assert_eq!(serve.ask("POST", "/v1/measurements", r#"{"plan": "shop"}"#).status, 429);
    serve.signal(Signal::TERM);
    let ended = serve.end();
    let told = |status: &str| {
        ended.stdout.lines().filter(|line| line.starts_with(&format!("refused with {status}: "))).count()
    };
    assert_eq!((told("429"), told("409")), (2, 0), "the operator is told why: {}", ended.stdout);
}

/// A server with the plan `shop` of the first URL, and `shop-canary` of the second.
fn serving_both(shop: &str, canary: &str) -> Serve {
    let plan = format!(
        "targets: {{canary: '{canary}'}}\nmeasure: {{rate: 100/s, baseline: 0s, settle: 200ms, timeout: 1s}}\n\
         budgets: {{resolution: 10s}}\n",
    );
    let lapse = lapse(shop).and(["--plan", "shop-canary=canary.yaml", "--token-file", "token"]);
    Serve::start(lapse.file("canary.yaml", &plan).file("token", TOKEN))
}

#[test]
fn a_promotion_goes_through_all_webhooks_that_flagger_sends() {
    let (shop, canary) = (healthy(), healthy());
    let mut serve = serving_both(&shop.url(), &canary.url());
    let mut said = Vec::new();
    for line in PROMOTION.lines() {
        let (hook, payload) = line.split_once(' ').unwrap();
        let answer = serve.ask("POST", &format!("/v1/flagger/{hook}"), payload);
        assert_says(&answer, 200, "");
        said.push(format!("{hook}: {}", answer.body));
    }
    let of = |hook: &str| said.iter().filter(|said| said.starts_with(hook)).map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("verdict"), ["verdict: pass: every budget held"; 2], "{said:?}");
    assert_eq!(of("post-rollout"), ["post-rollout: pass: every budget held"], "{said:?}");
    let all = measurements(&mut serve);
    assert_eq!(
        all.iter().map(|one| (&one["plan"], &one["verdict"])).collect::<Vec<_>>(),
        [(&json!("shop-canary"), &json!("pass")), (&json!("shop"), &json!("pass"))]
    );
    serve.headers = format!("authorization: Bearer {TOKEN}\r\n");
    let report = serve.get(&format!("{}/report.json", all[1]["self"].as_str().unwrap())).json();
    let told = report["events"].as_array().unwrap().iter().filter(|event| event["kind"] == "told");
    let told: Vec<_> = told.map(|event| event["text"].as_str().unwrap()).collect();
    assert_eq!(
        (told[0], *told.last().unwrap()),
        ("Pre-rollout check begin passed", "Copying shop.shop template spec to shop-primary.shop")
    );
}

#[test]
fn the_live_service_and_the_canary_are_measured_by_plans_of_their_own() {
    let (shop, preview) = (healthy(), healthy());
    let mut serve = serving_both(&shop.url(), &preview.url());
    let verdicts = |serve: &mut Serve| {
        let all = measurements(serve);
        let of = |plan: &str| {
            all.iter().find(|one| one["plan"] == plan).map(|one| one["verdict"].as_str().unwrap().to_owned())
        };
        (all.len(), of("shop").unwrap(), of("shop-canary").unwrap())
    };
    let words = |verdicts: (usize, &str, &str)| (verdicts.0, verdicts.1.to_owned(), verdicts.2.to_owned());
    let (live, canary) = (json!({ "wait": "60s" }), json!({ "plan": "shop-canary", "wait": "60s" }));
    let began = |metadata| hook(&serve, "pre-rollout", "Progressing", metadata);
    assert_eq!((began(&live).status, began(&canary).status, began(&canary).status), (200, 200, 200));
    assert_says(&hook(&serve, "rollout", "Progressing", &canary_asked()), 200, "no budget is exceeded");
    assert_says(
        &hook(&serve, "verdict", "Progressing", &json!({ "plan": "shop-canary", "wait": "0s" })),
        409,
        "settles",
    );
    assert_says(&hook(&serve, "verdict", "Progressing", &canary), 200, "pass: every budget held");
    assert_eq!(verdicts(&mut serve), words((2, "running", "pass")), "the live service is measured until the end");
    assert_says(&hook(&serve, "rollout", "Progressing", &canary_asked()), 200, "pass");
    assert_says(&hook(&serve, "post-rollout", "Succeeded", &live), 200, "pass: every budget held");
    assert_eq!(verdicts(&mut serve), words((2, "pass", "pass")));
    // After a rollback no one confirms a promotion: both end with the only hook that is called then.
    let again = |hook: &str, metadata: &Value| {
        serve.ask("POST", &format!("/v1/flagger/{hook}"), &payload("Progressing", "2", metadata))
    };
    assert_eq!((again("pre-rollout", &live).status, again("pre-rollout", &canary).status), (200, 200));
    assert_says(&again("post-rollout", &live), 200, "pass: every budget held");
    let ended = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        verdicts(&mut serve) == words((4, "pass", "pass"))
    });
    assert!(ended, "{:?}", measurements(&mut serve));
}

/// The metadata of a hook that asks for the canary without waiting.
fn canary_asked() -> Value {
    json!({ "plan": "shop-canary" })
}
