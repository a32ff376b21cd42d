//! Real proxies beside the lab's model of one, in front of the same pods and hammered in the same run.
//!
//! Where nginx or haproxy is not installed, says SKIPPED and passes. `cargo test --test proxies -- --nocapture` prints
//! what each case came to: the rows of the table in docs/LAB.md.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "these are tests")]

mod figures;
mod program;

use std::time::Duration;

use lapse_hammer::clock::Clock;
use lapse_lab::scenario::Scenario;
use lapse_lab::world::World;
use tokio::sync::mpsc::unbounded_channel;

use self::figures::{Figures, measure};
use self::program::{both, haproxy, nginx};

/// What the proxies wait for a connection to a pod; each of the two pods is tried once.
const CONNECT: Duration = Duration::from_millis(400);

/// A world in which a rolling update takes both old pods away while the proxies go on listing them.
fn stale(afterwards: &str) -> String {
    format!(
        "# Both pods go, and the proxies do not hear of it.
name: stale
replicas: 2
rollout: {{rollingUpdate: {{maxSurge: 2, maxUnavailable: 0}}}}
hops:
  - ingress: {{lag: 60s, connectTimeout: {}ms, answerTimeout: 2s}}
pods:
  old: &pod
    work: 5ms..10ms
    onSigterm: exit
    afterwards: {afterwards}
  new: *pod
first: old
acts:
  - name: both go
    upgrade: new
    expect: {{lost: any}}
",
        CONNECT.as_millis()
    )
}

async fn world(text: &str) -> World {
    let clock = Clock::start();
    let (tell, _told) = unbounded_channel();
    World::start(Scenario::parse(text).unwrap(), move || clock.now(), tell).await.unwrap()
}

/// Hammers the model and the real proxies while both pods go.
async fn while_pods_go(case: &str, afterwards: &str, request: &[&str]) -> [Figures; 3] {
    let world = world(&stale(afterwards)).await;
    let (nginx, haproxy) = (nginx(&world.pods(), CONNECT), haproxy(&world.pods(), CONNECT));
    let targets = [("model", world.url()), ("nginx", nginx.url()), ("haproxy", haproxy.url())];
    let running = measure(&targets, request, Duration::from_secs(5));
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.roll(0).await.unwrap();
    let figures = running.end(case);
    world.stop().await;
    figures.try_into().unwrap()
}

#[tokio::test]
async fn pods_that_are_killed_are_a_bad_gateway_at_once() {
    if !both() {
        return;
    }
    let [model, nginx, haproxy] = while_pods_go("upstreams killed", "refuses", &[]).await;
    assert_eq!((model.classes(), nginx.classes()), (vec!["status 502"], vec!["status 502"]));
    // haproxy closes a kept connection without a word when the pod behind it goes away under a request.
    assert_eq!(haproxy.lasting(), "status 503");
    for proxy in [model, nginx] {
        assert!(proxy.time_to_fail() < CONNECT, "{proxy:?}");
    }
}

#[tokio::test]
async fn what_is_sent_once_only_is_lost_with_the_pod_that_had_it() {
    if !both() {
        return;
    }
    let [model, nginx, _] = while_pods_go("upstreams killed, POST", "refuses", &["-X", "POST", "-d", "x"]).await;
    assert_eq!((model.classes(), nginx.classes()), (vec!["status 502"], vec!["status 502"]));
}

#[tokio::test]
async fn pods_that_swallow_packets_are_a_gateway_timeout_after_a_try_of_each() {
    if !both() {
        return;
    }
    let [model, nginx, _] = while_pods_go("upstreams blackholed", "swallows", &[]).await;
    // Between its exit and its vanishing a pod refuses, for a moment.
    assert_eq!((model.lasting(), nginx.lasting()), ("status 504", "status 504"));
    for proxy in [&model, &nginx] {
        let (least, most) = (CONNECT * 2, CONNECT * 3);
        assert!((least..most).contains(&proxy.time_to_fail()), "two tries, and not three: {proxy:?}");
    }
}

#[tokio::test]
async fn a_reload_under_load_closes_idle_connections_and_answers_what_it_has_read() {
    if !both() {
        return;
    }
    let graceful = "# An ingress reloads at each change of its list.
name: reload
replicas: 2
rollout: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
hops:
  - ingress: {lag: 10ms, hold: 10ms, reloads: onChange}
pods:
  old: &pod {work: 5ms..10ms, preStop: 700ms, onSigterm: drain}
  new: *pod
first: old
acts:
  - {name: reloads, upgrade: new, expect: {lost: none}}
";
    let (model, quiet) = (world(graceful).await, world(&stale("refuses")).await);
    let nginx = nginx(&quiet.pods(), CONNECT);
    let running = measure(&[("model", model.url()), ("nginx", nginx.url())], &[], Duration::from_secs(5));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let reloads = async {
        for _ in 0..4 {
            nginx.reload();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let (rolled, ()) = tokio::join!(model.roll(0), reloads);
    rolled.unwrap();
    for proxy in running.end("reload under load") {
        assert!(proxy.reconnects > 0, "idle connections were closed: {proxy:?}");
        // A request may be on its way when its idle connection is closed: no proxy can know.
        assert!(proxy.classes().iter().all(|class| ["closed", "reset"].contains(class)), "{proxy:?}");
        assert!(proxy.failed() <= proxy.reconnects, "{proxy:?}");
    }
}

#[tokio::test]
async fn nobody_to_ask_is_an_answer_at_once() {
    if !both() {
        return;
    }
    let recreate = "# All pods go at once, and the ingress hears of it at once.
name: empty
replicas: 2
rollout: recreate
hops:
  - ingress: {lag: 0ms, hold: 0ms}
pods:
  old: &pod {work: 5ms..10ms, boot: 3s}
  new: *pod
first: old
acts:
  - {name: all go, upgrade: new, expect: {lost: some}}
";
    let world = world(recreate).await;
    let (nginx, haproxy) = (nginx(&[], CONNECT), haproxy(&[], CONNECT));
    let targets = [("model", world.url()), ("nginx", nginx.url()), ("haproxy", haproxy.url())];
    let running = measure(&targets, &[], Duration::from_secs(3));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (figures, rolled) = tokio::join!(running.end_beside("empty upstream"), world.roll(0));
    rolled.unwrap();
    let [model, nginx, haproxy]: [Figures; 3] = figures.try_into().unwrap();
    // ingress-nginx, which is what the model is of, answers from Lua before nginx itself comes to look for upstreams.
    let classes = (model.lasting(), nginx.lasting(), haproxy.lasting());
    assert_eq!(classes, ("status 503", "status 502", "status 503"));
    for proxy in [model, nginx, haproxy] {
        assert!(proxy.time_to_fail() < CONNECT, "{proxy:?}");
    }
}
