//! `lapse calibrate`: every injected outage lies within its bounds, also on a machine that stalls.

use std::time::Duration;

use rustix::process::Signal;

use super::super::support::lapse::Lapse;

const CALIBRATE: [&str; 10] =
    ["calibrate", "--outages", "14", "--longest", "100ms", "--losses", "3", "--rate", "500/s", "--seed"];

#[test]
fn every_kind_of_outage_lies_within_its_bounds() {
    let ended = Lapse::new(CALIBRATE.into_iter().chain(["1"])).end();
    let text = &ended.stdout;
    assert_eq!(ended.code(), Some(0), "{text}{}", ended.stderr);
    for kind in ["status 503", "refused", "reset", "closed", "truncated", "not http", "no answer"] {
        assert!(text.lines().any(|line| line.starts_with(kind)), "{kind}: {text}");
    }
    assert!(text.contains("Every truth lies within its bounds"), "{text}");
    for figure in ["share", "length", "loss-derived"] {
        assert!(text.lines().any(|line| line.starts_with(figure) && line.contains(" of ")), "{figure}: {text}");
    }
    assert!(text.contains("(seed 1)") && text.contains("sends late") && text.contains("to trust"), "{text}");
}

#[test]
fn a_stalled_machine_is_blind_but_not_wrong() {
    let mut running = Lapse::new(CALIBRATE.into_iter().chain(["2"])).start();
    // A stall before the first probe would be none of the run.
    while !running.stderr().contains("(seed 2)") {
        assert!(!running.has_ended(), "{}", running.stderr());
        std::thread::sleep(Duration::from_millis(5));
    }
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(700));
        running.signal(Signal::STOP);
        std::thread::sleep(Duration::from_millis(400));
        running.signal(Signal::CONT);
    }
    let ended = running.end();
    let text = &ended.stdout;
    assert_eq!(ended.code(), Some(0), "{text}{}", ended.stderr);
    let blind = text.lines().find_map(|line| line.strip_prefix("blind")).expect("the output gives the blind time");
    assert!(blind.trim_start().starts_with("1."), "three stalls of 400 ms: {blind}");
}
