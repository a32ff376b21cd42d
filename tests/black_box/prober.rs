//! `lapse run --prober`: a prober behind two pipes, on another clock, of which the true offset is known.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::support::fault::{Fault, Plan};
use super::support::judge;
use super::support::lapse::{Ended, Lapse};
use super::support::server::{Protocol, Server};

const LAPSE: &str = env!("CARGO_BIN_EXE_lapse");
/// How much later the clock of the prober reads, in seconds.
const AHEAD: &str = "5000";

/// The command of a prober whose monotonic clock is 5000 s ahead; `None`, and SKIPPED is printed, where the kernel gives
/// no time namespace.
fn prober_ahead() -> Option<String> {
    let time = ["--time", "--monotonic", AHEAD];
    let works = |more: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(more).args(time).arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let rights = [&[][..], &["--user", "--map-root-user"]].into_iter().find(|more| works(more));
    if rights.is_none() {
        eprintln!("SKIPPED: a prober on another clock: this machine gives no time namespace");
    }
    Some(format!("unshare {} {} '{LAPSE}' prober", rights?.join(" "), time.join(" ")))
}

fn here() -> String {
    format!("'{LAPSE}' prober")
}

fn text(ended: &Ended) -> String {
    format!("{}\n{}", ended.stdout, ended.stderr)
}

/// The error of the clocks that the notes tell, in nanoseconds.
fn error_ns(notes: &[String]) -> u64 {
    let note = notes.iter().find(|note| note.contains("the clocks were compared")).expect("a note on the clocks");
    let mut words = note.split("uncertain by ").nth(1).unwrap().split(' ');
    let number: f64 = words.next().unwrap().parse().unwrap();
    let unit = if words.next() == Some("ms") { 1e6 } else { 1e9 };
    // What is printed is rounded, to a hundredth of its unit at the most.
    Duration::from_secs_f64(number * unit / 1e9 + 0.01).as_nanos().try_into().unwrap()
}

#[test]
fn outages_that_a_prober_on_another_clock_saw_lie_where_they_were() {
    let Some(prober) = prober_ahead() else { return };
    let plan = Plan::healthy().then(Fault::Status(503), 2000, 2300).then(Fault::Refuse, 2900, 3300).then(
        Fault::Truncate,
        3900,
        3950,
    );
    let server = Server::start(Protocol::Http1, plan);
    let args = ["--rate", "500/s", "--timeout", "1s", "--duration", "5500ms", "--prober", &prober];
    let ended = Lapse::against(&server, Protocol::Http1, args).end();
    let report = ended.report();
    let error = error_ns(&report.notes);
    // With an offset of 5000 s taken wrongly, nothing would lie near its place.
    assert!(error < 1_000_000_000, "{:?}", report.notes);
    let mut truths = server.truths();
    for truth in &mut truths {
        for edge in [&mut truth.began, &mut truth.ended] {
            *edge = (edge.0.saturating_sub(error), edge.1 + error);
        }
    }
    let objections = judge::judge(&report, &server.ledger_of(&report), &truths);
    assert!(objections.is_empty(), "{}\n{}", objections.join("\n"), text(&ended));
    assert!(report.target().lanes.iter().all(|lane| lane.outages.len() >= 3), "{}", text(&ended));
}

#[test]
fn headers_bodies_and_certificates_reach_the_prober_by_its_stdin() {
    let server = Server::start(Protocol::Mutual, Plan::healthy());
    let certificate = server.certificate();
    let lapse = Lapse::against(&server, Protocol::Mutual, ["--cert", certificate, "--key", certificate]);
    let lapse =
        lapse.file("body.json", "{}").and(["-d", "@body.json", "-H", "authorization: secret", "--rate", "100/s"]);
    let ended = lapse.and(["--duration", "1s", "--resolution", "1s", "--prober", &here()]).end();
    assert_eq!(ended.code(), Some(0), "{}", text(&ended));
    assert!(ended.report().target().totals.resolved >= 90, "{}", text(&ended));
    assert!(!text(&ended).contains("secret"), "{}", text(&ended));
}

#[test]
fn a_prober_that_is_lost_makes_the_run_inconclusive_and_leaves_the_command_alone() {
    let server = Server::start(Protocol::Http1, Plan::healthy());
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let prober = format!("sh -c 'echo $$ >{}; exec \"{LAPSE}\" prober'", pid.display());
    let done = folder.path().join("done");
    let command = format!("kill -9 $(cat {}); sleep 1; touch {}", pid.display(), done.display());
    let args = ["--rate", "100/s", "--baseline", "500ms", "--prober", &prober, "--", "sh", "-c", &command];
    let ended = Lapse::against(&server, Protocol::Http1, args).end();
    assert_eq!(ended.code(), Some(3), "{}", text(&ended));
    assert!(done.exists(), "the command went on to its end");
    let report = ended.report();
    assert!(
        report.verdict.doubts.iter().any(|doubt| doubt.to_string().contains("the prober was lost")),
        "{}",
        text(&ended)
    );
    assert!(report.target().totals.resolved > 0, "what came before is kept");
}

#[test]
fn a_signal_ends_a_run_in_order_and_its_prober_with_it() {
    let server = Server::start(Protocol::Http1, Plan::healthy());
    let args = ["--rate", "100/s", "--duration", "60s", "--prober", &here()];
    let running = Lapse::against(&server, Protocol::Http1, args).start();
    while server.ledger().since(0).requests.len() < 50 {
        std::thread::sleep(Duration::from_millis(10));
    }
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!(ended.code(), Some(130), "{}", text(&ended));
    assert!(ended.report().target().totals.resolved > 0, "{}", text(&ended));
}

#[test]
fn what_is_no_prober_and_what_no_prober_can_do_is_said_before_anything_is_sent() {
    let refused = |args: &[&str], said: &str| {
        let ended = Lapse::run(["--duration", "1s"]).and(args).end();
        assert_eq!(ended.code(), Some(2), "{}", text(&ended));
        assert!(ended.stderr.contains(said), "{said} in {}", ended.stderr);
    };
    let url = "http://127.0.0.1:9/";
    refused(&[url, "--prober", "/no/such/program"], "check that it can be found and run");
    refused(&[url, "--prober", "echo Permission denied"], "what came is not of a prober: \"Permission denied\"");
    refused(&[url, "--prober", "sh -c 'echo no such host >&2; exit 3'"], "exit status: 3; it said: no such host");
    refused(&[url, "--prober", &here(), "--held", "2"], "--prober sends probes and holds no streams");
    refused(&[url, "--prober", &here(), "--in-cluster"], "cannot be used with");
    refused(&["--target", "a=svc/shop:80", "--in-cluster"], "--in-cluster takes targets that are URLs");
    refused(&[url, "--in-cluster", "--kubeconfig", "/no/such/file"], "cannot tell which cluster");
    let alone = Lapse::new(["prober"]).end();
    assert_eq!(alone.code(), Some(2), "{}", text(&alone));
    assert!(alone.stderr.contains("no order came on stdin"), "{}", alone.stderr);
}
