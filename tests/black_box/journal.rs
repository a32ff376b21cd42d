//! What is known survives: `kill -9` at any moment, and a journal cut or garbled anywhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use super::support::fault::{Fault, Plan};
use super::support::lapse::{Ended, Lapse};
use super::support::report::Report;
use super::support::server::{Server, Speech};

/// So much may be missing of what the server saw before the end.
const LOST_AT_MOST: u64 = 200_000_000;

/// A run that was killed when the server had seen `requests` requests, all of them failures.
fn killed_after(requests: usize) -> (Server, Ended) {
    let server = Server::start(Speech::Http1, Plan::healthy().then(Fault::Status(503), 0, 600_000));
    let running = Lapse::against(&server, Speech::Http1, ["--rate", "500/s", "--duration", "60s"]).start();
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
fn a_killed_run_is_reported_up_to_its_last_moments() {
    let mut random = fastrand::Rng::with_seed(9);
    for _ in 0..6 {
        let (server, ended) = killed_after(random.usize(150..1200));
        let made = report_again(&ended.run_folder());
        let report = Report::parse(&made.stdout);
        assert!(report.run.cut && !report.run.interrupted, "{}", made.stderr);
        let ledger = server.ledger();
        let seen = report.offset(ledger.requests.last().unwrap().at);
        let told =
            report.target().lanes.iter().flat_map(|lane| &lane.outages).map(|outage| outage.to_ns).max().unwrap_or(0);
        assert!(seen - told < LOST_AT_MOST, "the server saw a request at {seen}, the last one reported is of {told}");
        assert!(report.target().totals.failed <= ledger.requests.len() as u64);
        let text = Lapse::new(["report".as_ref(), ended.run_folder().as_os_str()]).end();
        let says_so = ["cut", "killed"].iter().any(|word| text.stdout.contains(word));
        assert!(says_so, "the text says so, too: {}", text.stdout);
        assert_eq!((made.code(), text.code()), (Some(130), Some(130)), "a run that was cut is no success");
    }
}

/// The journal of a killed run: its largest file.
fn journal(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.max_by_key(|path| path.metadata().unwrap().len()).expect("a killed run leaves a journal")
}

/// Whatever has become of the journal: a report of what is still there, or an error that names the file. Never a panic.
fn stands(folder: &Path, what: &str) {
    let made = report_again(folder);
    assert!(!made.stderr.contains("panicked"), "{what}: {}", made.stderr);
    match made.code() {
        Some(2) => assert!(made.stderr.contains(folder.to_str().unwrap()), "{what}: {}", made.stderr),
        Some(_) => drop(Report::parse(&made.stdout)),
        None => panic!("{what}: died of a signal: {:?}", made.status),
    }
}

#[test]
fn a_journal_cut_or_garbled_anywhere_is_read_as_far_as_it_goes() {
    let (_server, ended) = killed_after(400);
    let folder = ended.run_folder();
    let path = journal(&folder);
    let whole = std::fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(4);
    let early = 0..64.min(whole.len());
    let places: Vec<_> = early.step_by(3).chain((0..60).map(|_| random.usize(..whole.len()))).collect();
    for place in places {
        std::fs::write(&path, &whole[..place]).unwrap();
        stands(&folder, &format!("cut at {place} of {}", whole.len()));
        let mut garbled = whole.clone();
        garbled[place] ^= 1 << random.u8(..8);
        std::fs::write(&path, &garbled).unwrap();
        stands(&folder, &format!("a bit flipped at {place} of {}", whole.len()));
        random.fill(&mut garbled[place..]);
        std::fs::write(&path, &garbled).unwrap();
        stands(&folder, &format!("noise from {place} of {}", whole.len()));
    }
}

#[test]
fn a_torn_tail_costs_only_the_tail() {
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
