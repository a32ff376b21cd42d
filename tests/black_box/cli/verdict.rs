//! Exit codes and verdicts: measurements compared with budgets.

use super::super::support::clock;
use super::super::support::fault::{Fault, Plan};
use super::super::support::lapse::Lapse;
use super::super::support::listener;
use super::super::support::server::{Protocol, Server};
use super::{ALLOW_UNSEEN, briefly_failing, healthy, probe_for_a_second, verdict};

#[test]
fn a_healthy_service_passes() {
    let server = healthy();
    let ended = probe_for_a_second(&server, &[]);
    assert_eq!(verdict(&ended), (Some(0), "pass".into()), "{}", ended.stderr);
    let report = ended.report();
    let [event] = &report.run.phases[..] else { panic!("expected one phase: {:?}", report.run.phases) };
    assert_eq!((event.name.as_str(), event.to_ns - event.from_ns), ("event", 1_000_000_000));
    assert!(report.run.command.is_none());
    let offered: Vec<_> = report.target().lanes.iter().map(|lane| lane.offered).collect();
    assert_eq!(offered, [50, 50], "a second of 100/s over two lanes");
    // Both clocks count from the anchor; slewing moves them apart by at most half a millisecond in a second.
    let anchor = &report.run.anchor;
    let epoch = anchor.unix_ns - anchor.offset_ns - anchor.monotonic_ns;
    assert!(epoch.abs_diff(clock::boot_on_the_wall()) < 5_000_000, "{anchor:?}");
}

#[test]
fn without_a_budget_one_failed_probe_fails_the_run() {
    let server = briefly_failing();
    let ended = probe_for_a_second(&server, &[]);
    assert_eq!(verdict(&ended), (Some(1), "fail".into()));
    assert!(!ended.report().verdict.breaches.is_empty());
}

#[test]
fn each_budget_is_compared_with_its_measurement() {
    let wide = "--max-failed=100%";
    let cases: [(&[&str], i32); 12] = [
        (&[wide], 0),
        (&[wide, "--max-outage=5s"], 0),
        (&[wide, "--max-outage=100ms"], 1),
        (&[wide, "--max-outage=new=100ms"], 1),
        (&[wide, "--max-outage=new=5s"], 0),
        (&[wide, "--max-down=100ms"], 1),
        (&[wide, "--max-down=5s"], 0),
        (&[wide, "--max-downtime=100ms"], 1),
        (&["--max-failed=3"], 1),
        (&["--max-failed=5%"], 1),
        (&["--min-availability=99%"], 1),
        (&["--min-availability=10%"], 0),
    ];
    for (args, code) in cases {
        let ended = probe_for_a_second(&briefly_failing(), args);
        assert_eq!(ended.code(), Some(code), "{args:?}\n{}\n{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn a_budget_between_the_bounds_is_inconclusive() {
    // At one probe each 100 ms the bounds of a 300 ms outage are 200 and 400 ms.
    let server = briefly_failing();
    let args = [ALLOW_UNSEEN, "--lanes=new", "--rate=10/s", "--duration=1s", "--max-failed=100%", "--max-outage=310ms"];
    let ended = Lapse::against(&server, Protocol::Http1, args).end();
    let outage = ended.report().lane("new").outages[0].duration;
    assert!(outage.at_least_ns <= 310_000_000 && outage.at_most_ns.unwrap() > 310_000_000, "{outage:?}");
    assert_eq!(verdict(&ended), (Some(3), "inconclusive".into()));
    assert!(!ended.report().verdict.doubts.is_empty());
}

#[test]
fn a_baseline_with_failures_is_inconclusive_unless_a_budget_allows_them() {
    let run = |budget: &[&'static str]| {
        let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 200, 350));
        let args = [ALLOW_UNSEEN, "--rate=100/s", "--baseline=800ms", "--settle=200ms"].iter();
        Lapse::against(&server, Protocol::Http1, args.chain(budget).chain(&["--", "true"])).end()
    };
    let without = run(&[]);
    assert_eq!(verdict(&without), (Some(3), "inconclusive".into()));
    assert!(without.stdout.contains("the baseline is not clean"), "{}", without.stdout);
    let allowed = run(&["--max-failed=60%"]);
    assert_eq!(verdict(&allowed), (Some(0), "pass".into()), "{}", allowed.stdout);
    let notes = allowed.report().notes.join("\n");
    assert!(notes.contains("of its probes, from then on 0.00 %"), "{notes}");
}

#[test]
fn a_run_can_be_judged_again_by_other_budgets() {
    let ended = probe_for_a_second(&briefly_failing(), &[]);
    let folder = ended.run_folder();
    let again = |args: &[&str]| {
        let made = Lapse::new(["report", folder.to_str().unwrap()].iter().chain(args)).end();
        let first = made.stdout.lines().next().unwrap_or_default().to_owned();
        (made.code(), first)
    };
    let passes = "PASS: every budget held".to_owned();
    let fails = "FAIL: a budget was exceeded".to_owned();
    assert_eq!(again(&[]), (Some(0), fails.clone()), "the report alone only reports");
    assert_eq!(again(&["--max-outage", "5s"]), (Some(0), passes.clone()));
    assert_eq!(again(&["--max-outage", "100ms"]), (Some(1), fails.clone()));
    assert_eq!(again(&["--max-failed", "100%/10ms"]), (Some(0), passes.clone()));
    assert_eq!(again(&["--max-failed", "50%/100ms"]), (Some(1), fails));
    assert_eq!(again(&["--ignore-shorter-than", "5s"]), (Some(0), passes));
    let (code, _) = again(&["--max-outage", "nowhere=1s"]);
    assert_eq!(code, Some(2), "a lane that the run does not have");
}

#[test]
fn a_service_that_refuses_every_connection_is_still_measured() {
    let socket = listener::bind();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    drop(socket);
    let args = [&url, "--rate=100/s", "--baseline=300ms", "--settle=200ms", "--settle-limit=500ms", "--", "true"];
    let ended = Lapse::run(args).end();
    // The service failed before the event, so the event is not the cause; the downtime is in the report.
    assert_eq!(ended.code(), Some(3), "{}", ended.stderr);
    assert!(ended.report().target().totals.failed > 0);
}
