//! The ids of lost requests: what the server saw is what the reports say.

use std::collections::BTreeSet;

use super::super::support::lapse::Lapse;
use super::super::support::recorder::{Recorder, Seen};

/// Fails every request whose path has a number that ends in 7.
fn fail_some(request: &Seen) -> (u16, String) {
    (if request.path.ends_with('7') { 503 } else { 200 }, String::new())
}

#[test]
fn reports_have_the_ids_of_lost_requests_and_so_do_those_made_again() {
    let server = Recorder::start(false, fail_some);
    let args = ["--traceparent", "-H", "X-Id: {uuid}", "--rate", "100/s", "--duration", "500ms", "--resolution=1s"];
    let ended = Lapse::run([server.url("/{slot}")]).and(args).and(["--report", "junit=lapse.xml"]).end();
    let report = ended.report();
    let lost: BTreeSet<_> = server
        .seen()
        .iter()
        .filter(|request| request.path.ends_with('7'))
        .map(|request| (request.header("x-id").to_owned(), request.header("traceparent").to_owned()))
        .collect();
    let kept = report.failures.kept.iter();
    let kept: BTreeSet<_> = kept.map(|one| (one.uuid.clone().unwrap(), one.traceparent.clone().unwrap())).collect();
    assert!(!lost.is_empty() && kept == lost, "{kept:?} is not {lost:?}");
    for (uuid, traceparent) in &lost {
        let parts: Vec<_> = traceparent.split('-').collect();
        assert_eq!((parts[0], parts[1], parts[3]), ("00", &*uuid.replace('-', ""), "01"));
        assert!(parts[2].len() == 16 && parts[2] != "0000000000000000", "{traceparent}");
    }
    let folder = ended.run_folder();
    let again = |format: &str| Lapse::new(["report", "--format", format]).and([&folder]).end().stdout;
    let (csv, trace) = (again("csv-failures"), again("trace"));
    for (uuid, traceparent) in &lost {
        assert!(csv.contains(&format!(",{uuid},{traceparent}\n")), "{csv}");
        assert!(trace.contains(uuid) && trace.contains(traceparent), "{trace}");
    }
    let first = &report.failures.kept[0].uuid.clone().unwrap();
    for text in [again("text"), again("markdown"), ended.file("lapse.xml")] {
        assert!(text.replace('\\', "").contains(first), "{first} is not in {text}");
    }
    let seed = |page: &str| page.contains("\"id_seed\":\"") && page.contains("\"ids\":[[true,true],[true,true]]");
    assert!(seed(&again("html")), "the page can compute the ids");
}

#[test]
fn a_traceparent_of_ones_own_is_not_mixed_with_those_of_probes() {
    let args = ["http://127.0.0.1:9/", "--traceparent", "-H", "traceparent: 00-1-2-01", "--duration", "1s"];
    let ended = Lapse::run(args).end();
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("-H traceparent: --traceparent sends one of its own"), "{}", ended.stderr);
}
