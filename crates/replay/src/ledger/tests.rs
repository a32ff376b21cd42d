use hyper::Request;

use super::*;

fn ms(ms: u64) -> Offset {
    Offset::from_millis(ms)
}

/// A ledger of a play that started at 1 s of the clock: the service fails from 500 ms on and is well from 800 ms on.
fn ledger() -> (Ledger, Weather) {
    let weather = Weather { first_failure: Some(ms(500)), recovered: vec![ms(800)], unconnectable: Duration::ZERO };
    let mut ledger = Ledger::default();
    ledger.restart(Some(ms(1_000)), &weather, |at| ms(1_000) + at.since(Offset::ZERO));
    (ledger, weather)
}

fn key(text: &str) -> Option<Key> {
    // One set of keys for all tests of a thread would do; a header that is the key itself needs none.
    thread_local!(static KEYS: Keys = Keys::new(None));
    let request = Request::builder().header("idempotency-key", text).body(()).unwrap();
    KEYS.with(|keys| keys.of(&request))
}

#[test]
fn a_logical_request_is_its_attempts_and_fails_only_if_none_succeeded() {
    let (mut ledger, weather) = ledger();
    let attempts = [("a", 1_600, Outcome::Failed), ("a", 1_700, Outcome::Failed), ("a", 1_900, Outcome::Succeeded)];
    let others = [("b", 1_610, Outcome::Failed), ("c", 1_620, Outcome::Succeeded)];
    for (name, at, outcome) in attempts.into_iter().chain(others) {
        let ticket = ledger.enter(ms(at), key(name), Some(Class::Ok));
        ledger.settle(ticket, ms(at + 5), outcome);
    }
    for outcome in [Outcome::Failed, Outcome::Succeeded] {
        let ticket = ledger.enter(ms(1_700), None, Some(Class::Reset));
        ledger.settle(ticket, ms(1_700), outcome);
    }
    let account = ledger.account(ms(3_000), &weather);
    assert_eq!((account.requests, account.logical, account.retries()), (7, Both { keyed: 3, keyless: 2 }, 2));
    assert_eq!((account.failed, account.succeeded), (Both { keyed: 1, keyless: 1 }, Both { keyed: 2, keyless: 1 }));
    assert_eq!(account.amplification(), Some(1.4));
    assert_eq!(account.classes, BTreeMap::from([(Class::Ok, 5), (Class::Reset, 2)]));
    assert_eq!(account.recoveries[0].first_success, Some(Duration::from_millis(105)));
}

#[test]
fn a_logical_request_begins_in_the_play_and_may_end_after_it() {
    let (mut ledger, weather) = ledger();
    let late = ledger.enter(ms(1_900), key("a"), Some(Class::Ok));
    ledger.settle(late, ms(1_900), Outcome::Failed);
    let retry = ledger.enter(ms(9_000), key("a"), None);
    for key in [key("b"), None] {
        let ticket = ledger.enter(ms(9_000), key, None);
        ledger.settle(ticket, ms(9_000), Outcome::Succeeded);
    }
    let before = ledger.account(ms(9_000), &weather);
    assert_eq!((before.unfinished.sum(), before.failed.sum()), (1, 0), "its last attempt is under way");
    ledger.settle(retry, ms(9_001), Outcome::Succeeded);
    let account = ledger.account(ms(9_001), &weather);
    assert_eq!((account.requests, account.outside), (2, 2));
    assert_eq!((account.succeeded.sum(), account.failed.sum()), (1, 0));
}

#[test]
fn a_herd_is_what_comes_in_the_first_100_ms_after_a_recovery() {
    let (mut ledger, weather) = ledger();
    for at in (1_000..1_500).step_by(10).chain((1_800..1_900).step_by(2)) {
        ledger.connected(ms(at));
        ledger.enter(ms(at), None, Some(Class::Ok));
        ledger.enter(ms(at), None, Some(Class::Ok));
    }
    ledger.enter(ms(1_900), None, Some(Class::Ok));
    let account = ledger.account(ms(1_850), &weather);
    assert_eq!(account.recoveries[0].requests, None, "it is not over");
    let account = ledger.account(ms(1_900), &weather);
    assert_eq!(account.usual, Some(Usual { requests: 20.0, connections: 10.0 }));
    assert_eq!((account.recoveries[0].requests, account.recoveries[0].connections), (Some(100), Some(50)));
}

#[test]
fn a_client_with_a_new_key_each_time_ends_at_a_limit_that_is_told() {
    let (mut ledger, weather) = ledger();
    ledger.max_keys = 2;
    for name in ["a", "b", "c", "d", "a"] {
        ledger.enter(ms(1_600), key(name), Some(Class::Ok));
    }
    let account = ledger.account(ms(1_700), &weather);
    assert_eq!((account.requests, account.logical.keyed, account.left_out), (3, 2, 2));
}

#[test]
fn a_request_of_an_earlier_play_is_in_no_later_ledger() {
    let (mut ledger, weather) = ledger();
    let old = ledger.enter(ms(1_600), None, Some(Class::Reset));
    ledger.restart(Some(ms(5_000)), &weather, |at| ms(5_000) + at.since(Offset::ZERO));
    ledger.settle(old, ms(5_100), Outcome::Failed);
    assert_eq!(ledger.account(ms(9_000), &weather).failed.sum(), 0);
}
