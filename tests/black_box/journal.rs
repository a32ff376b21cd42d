//! The journal survives `kill -9` at any moment, and is readable after being cut or corrupted anywhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse};
use super::support::report::Report;
use super::support::server::{Protocol, Server};

/// The longest time before a kill whose probes may be missing from the journal, in nanoseconds.
const LOST_AT_MOST: u64 = 200_000_000;

/// Kills a run once the server has seen `requests` requests, all of which fail.
fn killed_after(requests: usize) -> (Server, Ended) {
    let server = Server::start(Protocol::Http1, Plan::healthy().then(Fault::Status(503), 0, 600_000));
    let running = Lapse::against(&server, Protocol::Http1, ["--rate", "500/s", "--duration", "60s"]).start();
    while server.ledger().requests.len() < requests {
        std::thread::sleep(Duration::from_micros(300));
    }
    running.signal(Signal::KILL);
    let ended = running.end();
    (server, ended)
}

fn report_again(folder: &Path) -> Ended {
    Lapse::new(["report".as_ref(), folder.as_os_str(), "--format".as_ref(), "json".as_ref()]).end()
}

#[test]
fn a_killed_run_is_reported_up_to_the_last_200_ms() {
    let mut random = fastrand::Rng::with_seed(9);
    for _ in 0..6 {
        let (server, ended) = killed_after(random.usize(150..1200));
        let made = report_again(&ended.run_folder());
        let report = Report::parse(&made.stdout);
        assert!(report.run.cut && !report.run.interrupted, "{}", made.stderr);
        let ledger = server.ledger();
        let seen = report.offset(ledger.requests.last().unwrap().at);
        let last_reported =
            report.target().lanes.iter().flat_map(|lane| &lane.outages).map(|outage| outage.to_ns).max().unwrap_or(0);
        assert!(
            seen - last_reported < LOST_AT_MOST,
            "the server saw a request at {seen}, the last one reported is of {last_reported}"
        );
        assert!(report.target().totals.failed <= ledger.requests.len() as u64);
        let text = Lapse::new(["report".as_ref(), ended.run_folder().as_os_str()]).end();
        let mentions_cut = ["cut", "killed"].iter().any(|word| text.stdout.contains(word));
        assert!(mentions_cut, "the text report says that the run was cut: {}", text.stdout);
        assert_eq!((made.code(), text.code()), (Some(130), Some(130)), "a cut run is not a success");
    }
}

/// The journal of a killed run: its largest file.
fn journal(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.max_by_key(|path| path.metadata().unwrap().len()).expect("a killed run leaves a journal")
}

/// Checks that `lapse report` gives a report or an error that names the folder, and never panics.
fn assert_report_or_error(folder: &Path, what: &str) {
    let made = report_again(folder);
    assert!(!made.stderr.contains("panicked"), "{what}: {}", made.stderr);
    match made.code() {
        Some(2) => assert!(made.stderr.contains(folder.to_str().unwrap()), "{what}: {}", made.stderr),
        Some(_) => drop(Report::parse(&made.stdout)),
        None => panic!("{what}: ended by a signal: {:?}", made.status),
    }
}

#[test]
fn a_journal_cut_or_corrupted_anywhere_is_read_up_to_the_damage() {
    let (_server, ended) = killed_after(400);
    let folder = ended.run_folder();
    let path = journal(&folder);
    let whole = std::fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(4);
    let early = 0..64.min(whole.len());
    let places: Vec<_> = early.step_by(3).chain((0..60).map(|_| random.usize(..whole.len()))).collect();
    for place in places {
        std::fs::write(&path, &whole[..place]).unwrap();
        assert_report_or_error(&folder, &format!("cut at {place} of {}", whole.len()));
        let mut corrupted = whole.clone();
        corrupted[place] ^= 1 << random.u8(..8);
        std::fs::write(&path, &corrupted).unwrap();
        assert_report_or_error(&folder, &format!("a bit flipped at {place} of {}", whole.len()));
        random.fill(&mut corrupted[place..]);
        std::fs::write(&path, &corrupted).unwrap();
        assert_report_or_error(&folder, &format!("noise from {place} of {}", whole.len()));
    }
}

#[test]
fn a_torn_tail_loses_only_the_tail() {
    let (_server, ended) = killed_after(600);
    let folder = ended.run_folder();
    let path = journal(&folder);
    let whole = std::fs::read(&path).unwrap();
    let failed = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Report::parse(&report_again(&folder).stdout).target().totals.failed
    };
    let all = failed(&whole);
    let half = failed(&whole[..whole.len() / 2]);
    let torn = failed(&whole[..whole.len() - 1]);
    assert!(0 < half && half < torn && torn <= all, "{half} of half, {torn} without the last byte, {all} of all");
}
