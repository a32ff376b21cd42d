//! The lab's ingress compared with nginx and haproxy, in front of the same pods and hammered in the same run.
//!
//! If nginx or haproxy is not installed, the tests print SKIPPED and pass. `cargo test --test proxies -- --nocapture`
//! prints the figures of each case: the rows of the table in docs/LAB.md.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "these are tests")]

mod cause;
mod figures;
mod held_up;
mod program;
mod redirect;

use std::time::Duration;

use lapse_hammer::clock::Clock;
use lapse_lab::scenario::Scenario;
use lapse_lab::world::World;
use tokio::sync::mpsc::unbounded_channel;

use self::figures::{Figures, measure};
use self::program::{both_installed, haproxy, nginx};

/// The proxies' connect timeout; each of the two pods is tried once.
const CONNECT: Duration = Duration::from_millis(400);

/// A scenario in which a rolling update ends both old pods while the proxies go on listing them.
fn stale_list(afterwards: &str) -> String {
    format!(
        "# Both pods end, and the proxies keep their stale list.
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

/// Starts the world of the scenario `text`.
async fn world(text: &str) -> World {
    let clock = Clock::start();
    let (sender, _receiver) = unbounded_channel();
    World::start(Scenario::parse(text).unwrap(), move || clock.now(), sender).await.unwrap()
}

/// Hammers the model, nginx and haproxy while both pods end; `afterwards` is what the pods' addresses do from then on.
async fn measure_while_pods_end(case: &str, afterwards: &str, request: &[&str]) -> [Figures; 3] {
    let world = world(&stale_list(afterwards)).await;
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
async fn killed_pods_give_502_at_once() {
    if !both_installed() {
        return;
    }
    let [model, nginx, haproxy] = measure_while_pods_end("upstreams killed", "refuses", &[]).await;
    assert_eq!((model.classes(), nginx.classes()), (vec!["status 502"], vec!["status 502"]));
    // haproxy closes a keep-alive connection without an answer if its pod ends during a request.
    assert_eq!(haproxy.most_common_class(), "status 503");
    for proxy in [model, nginx] {
        assert!(proxy.time_to_fail() < CONNECT, "{proxy:?}");
    }
}

#[tokio::test]
async fn a_post_is_not_retried_on_another_pod() {
    if !both_installed() {
        return;
    }
    let [model, nginx, _] =
        measure_while_pods_end("upstreams killed, POST", "refuses", &["-X", "POST", "-d", "x"]).await;
    assert_eq!((model.classes(), nginx.classes()), (vec!["status 502"], vec!["status 502"]));
}

#[tokio::test]
async fn pods_that_swallow_packets_give_504_after_one_try_each() {
    if !both_installed() {
        return;
    }
    let [model, nginx, _] = measure_while_pods_end("upstreams blackholed", "swallows", &[]).await;
    // Between its exit and the end of its network a pod refuses connections for a moment.
    assert_eq!((model.most_common_class(), nginx.most_common_class()), ("status 504", "status 504"));
    for proxy in [&model, &nginx] {
        let (least, most) = (CONNECT * 2, CONNECT * 3);
        assert!((least..most).contains(&proxy.time_to_fail()), "two tries, not three: {proxy:?}");
    }
}

#[tokio::test]
async fn a_reload_under_load_closes_idle_connections_and_answers_requests_in_flight() {
    if !both_installed() {
        return;
    }
    let graceful = "# An ingress reloads on each change of its list.
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
    let (model, quiet) = (world(graceful).await, world(&stale_list("refuses")).await);
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
        assert!(proxy.reconnects > 0, "no idle connection was closed: {proxy:?}");
        // A request may be on its way when its idle connection is closed; no proxy can prevent that.
        assert!(proxy.classes().iter().all(|class| ["closed", "reset"].contains(class)), "{proxy:?}");
        assert!(proxy.failed() <= proxy.reconnects, "{proxy:?}");
    }
}

#[tokio::test]
async fn without_any_upstream_the_answer_comes_at_once() {
    if !both_installed() {
        return;
    }
    let recreate = "# All pods end at once, and the ingress lists none of them any more.
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
    let (figures, rolled) = tokio::join!(running.end_async("empty upstream"), world.roll(0));
    rolled.unwrap();
    let [model, nginx, haproxy]: [Figures; 3] = figures.try_into().unwrap();
    // The model follows ingress-nginx, which answers from Lua before nginx itself looks for an upstream.
    let classes = (model.most_common_class(), nginx.most_common_class(), haproxy.most_common_class());
    assert_eq!(classes, ("status 503", "status 502", "status 503"));
    for proxy in [model, nginx, haproxy] {
        assert!(proxy.time_to_fail() < CONNECT, "{proxy:?}");
    }
}
