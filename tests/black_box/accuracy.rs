//! Every injected outage lies within the bounds that the report gives for it.

use std::time::Duration;

use super::support::fault::{Fault, Plan};
use super::support::judge;
use super::support::lapse::Lapse;
use super::support::report::Report;
use super::support::server::{Protocol, Server};

/// The seed of the random plans, fixed so that a failure can be repeated; the tests must hold for any seed.
const SEED: u64 = 20_261_123;

/// The rate over both lanes together.
const RATE: &str = "500/s";
/// Nanoseconds between two slots of one lane at `RATE`.
const PERIOD: u64 = 4_000_000;

/// Runs lapse against a server that follows `plan`, and 1.5 s longer, so that hanging probes reach their timeout.
fn measure(rate: &str, protocol: Protocol, plan: &Plan) -> (Server, Report) {
    let server = Server::start(protocol, plan.clone());
    let duration = format!("{}ms", (plan.end() + Duration::from_millis(1500)).as_millis());
    let lapse = Lapse::against(&server, protocol, ["--rate", rate, "--timeout", "1s", "--duration", &duration]);
    let report = lapse.end().report();
    (server, report)
}

fn assert_within_bounds(rate: &str, protocol: Protocol, plan: &Plan) {
    let (server, report) = measure(rate, protocol, plan);
    let objections = judge::judge(&report, &server.ledger_of(&report), &server.truths());
    assert!(objections.is_empty(), "{}\n{plan:?}", objections.join("\n"));
}

#[test]
fn six_outages_of_different_faults_lie_within_their_bounds() {
    let plan = Plan::healthy()
        .then(Fault::Status(503), 2000, 2300)
        .then(Fault::Refuse, 2900, 3300)
        .then(Fault::Hang, 3900, 4100)
        .then(Fault::Rst, 5700, 5701)
        .then(Fault::Fin, 6200, 6220)
        .then(Fault::Truncate, 6700, 6705);
    assert_within_bounds(RATE, Protocol::Http1, &plan);
}

#[test]
fn thirty_random_outages_lie_within_their_bounds() {
    assert_within_bounds(RATE, Protocol::Http1, &Plan::random(SEED, 30));
}

#[test]
fn thirty_random_outages_over_http2_with_tls_lie_within_their_bounds() {
    // TLS handshakes are slow in a debug build; at a higher rate a busy machine would measure itself.
    assert_within_bounds("100/s", Protocol::Https2, &Plan::random(SEED + 1, 30));
}

#[test]
fn a_healthy_service_has_no_outage() {
    let (server, report) = measure(RATE, Protocol::Http1, &Plan::healthy());
    assert_eq!(judge::judge(&report, &server.ledger_of(&report), &[]), Vec::<String>::new());
    let target = report.target();
    assert_eq!((target.totals.failed, target.episodes.len()), (0, 0));
    assert_eq!((target.totals.down.at_least_ns, target.totals.impaired.at_least_ns), (0, 0));
}

#[test]
fn an_outage_cut_by_the_end_of_the_run_is_open() {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 500, 60_000));
    let report = Lapse::against(&server, Protocol::Http1, ["--rate", "200/s", "--duration", "1s"]).end().report();
    for lane in &report.target().lanes {
        let [outage] = &lane.outages[..] else { panic!("{}: {:?}", lane.name, lane.outages) };
        assert_eq!(outage.open, ["end"]);
        assert_eq!((outage.ended.1, outage.duration.at_most_ns), (None, None));
        let began = report.offset(server.truths()[0].began.0);
        assert!(outage.began.0.unwrap() <= began && began <= outage.began.1, "{outage:?} truly {began}");
    }
}

#[test]
fn a_freeze_shorter_than_the_timeout_is_a_success_gap_and_slow_but_no_failure() {
    let plan = Plan::healthy().then(Fault::Freeze, 1000, 1600);
    let server = Server::start(Protocol::Http1, plan);
    let args = ["--rate", "200/s", "--duration", "3s", "--slow", "100ms", "--timeout", "6s"];
    let report = Lapse::against(&server, Protocol::Http1, args).end().report();
    for lane in &report.target().lanes {
        assert!(lane.count("slow") > 0 && lane.failed().is_empty(), "{}: {:?}", lane.name, lane.classes);
    }
    let totals = &report.target().totals;
    let truth = server.truths()[0];
    let (from, to) = (report.offset(truth.began.0), report.offset(truth.ended.0));
    let gap = totals.silence.as_ref().expect("the report has a success gap");
    // No probe is answered before the freeze ends. Answers sent just before it began may arrive a little later.
    assert!(gap.to_ns >= to, "the success gap ends at {}, the freeze at {to}", gap.to_ns);
    assert!(gap.from_ns <= u64::midpoint(from, to), "the success gap starts at {}, the freeze at {from}", gap.from_ns);
    assert_eq!(totals.down.at_least_ns, 0);
    assert!(totals.impaired.estimate_ns > 0);
}

#[test]
fn totals_follow_from_the_answers_by_their_definitions() {
    let plan = Plan::healthy().then(Fault::Status(503), 2000, 2300).then(Fault::Fin, 2500, 2700);
    let (server, report) = measure(RATE, Protocol::Http1, &plan);
    let (target, ledger) = (report.target(), server.ledger_of(&report));
    let totals = &target.totals;
    let failed = ledger.failed().count() as u64;
    assert_eq!((totals.failed, totals.resolved), (failed, ledger.requests.len() as u64));
    // Loss-derived downtime is failed slots x period, averaged over both lanes.
    assert_eq!(totals.equivalent.estimate_ns, failed * PERIOD / 2);
    for outage in target.lanes.iter().flat_map(|lane| &lane.outages) {
        assert_eq!(outage.duration.estimate_ns, outage.failed * PERIOD);
        assert_eq!(outage.classes.values().sum::<u64>(), outage.failed);
    }
    let share =
        |part: u64, whole: u64| f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap());
    let availability = &totals.availability;
    let (requests, time) = availability.requests.zip(availability.time).expect("probes were resolved");
    assert!((requests - (1.0 - share(failed, totals.resolved))).abs() < 1e-6, "{availability:?}");
    assert!(availability.worst_1s.is_some_and(|worst| worst < requests), "{availability:?}");
    assert!(0.0 < time && time < 1.0, "{availability:?}");
}

#[test]
fn outages_less_than_a_second_apart_are_one_episode() {
    let plan = Plan::healthy().then(Fault::Status(503), 1000, 1300).then(Fault::Fin, 1600, 1800).then(
        Fault::Status(500),
        3800,
        3900,
    );
    let (server, report) = measure(RATE, Protocol::Http1, &plan);
    let (target, ledger) = (report.target(), server.ledger_of(&report));
    let [first, second] = &target.episodes[..] else { panic!("expected two episodes: {:?}", target.episodes) };
    let hits = |place| ledger.hits(place);
    assert_eq!((first.failed, second.failed), (hits(0) + hits(1), hits(2)));
    assert_eq!(first.classes.get("status 503").zip(first.classes.get("closed")), Some((&hits(0), &hits(1))));
    assert!(first.total > first.failed && second.total >= second.failed);
    let outages = || target.lanes.iter().flat_map(|lane| &lane.outages);
    assert_eq!(Some(first.from_ns), outages().map(|outage| outage.from_ns).min());
    assert_eq!(Some(second.to_ns), outages().map(|outage| outage.to_ns).max());
    let truths = server.truths();
    let truly = truths[1].ended.0 - truths[0].began.0;
    assert!(
        first.span.at_least_ns <= truly && truly <= first.span.at_most_ns.unwrap(),
        "{:?} truly {truly}",
        first.span
    );
    assert!(first.peers.keys().eq([&server.address().to_string()]), "{:?}", first.peers);
}
