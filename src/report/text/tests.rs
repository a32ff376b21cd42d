//! The report as people see it.

use super::*;
use crate::run::record::sample;

fn text(record: &Record, look: Look) -> String {
    let mut bytes = Vec::new();
    write(record, look, Some(Path::new("reports/x")), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

const PLAIN: Look = Look { width: 80, colour: Colour::Off, glyphs: Glyphs::Ascii };

#[track_caller]
fn check(record: &Record, expected: &str) {
    let text = text(record, PLAIN);
    assert!(text == expected, "the report became:\n{text}");
}

#[test]
fn nothing_but_ascii_without_colour_and_no_line_too_long() {
    for record in [sample::healthy(), sample::worked_example(), sample::story(), sample::empty()] {
        let text = text(&record, PLAIN);
        assert!(text.is_ascii(), "{text}");
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }
}

#[test]
fn colour_and_blocks_where_they_can_be_shown() {
    let look = Look { width: 120, colour: Colour::On, glyphs: Glyphs::Unicode };
    let text = text(&sample::worked_example(), look);
    assert!(text.starts_with("\x1b[1;31mFAIL\x1b[0m  shop"), "{text}");
    assert!(text.contains("█") && text.contains("▁"), "{text}");
}

#[test]
fn a_healthy_run_says_what_it_would_have_seen() {
    check(
        &sample::healthy(),
        "\
PASS  shop: every budget held

shop  http://shop.example.com/
  downtime    none seen; whatever lasted longer than 2.00 ms would have been
  available   100 % of requests, 100 % in the worst second

  latency     event     0 ms median, 0 ms p99, 0 ms at most

  ........................................
  |0 s      |500 ms   |1 s      |1.5 s
  . up  s slow  x some failed  X all failed  ? blind

  measured    2000 probes at 1000/s in 2.00 s from 2026-11-22 20:15:03.000 UTC
  instrument  sent within 0 ms of when due (99 %), processors contended 5 % of
              the time
  files       reports/x
",
    );
}

#[test]
fn a_rollout_that_loses_requests() {
    check(
        &sample::story(),
        "\
FAIL  shop: a budget was exceeded
  - --max-outage: 20 ms (18 to 22) on shop, allowed: 15 ms

shop  http://shop.example.com/
  downtime    390 ms (13 to 767): failed probes times their period
  longest     20 ms (18 to 22): the longest outage of a lane
  down        15 ms (0 to 33): all lanes failing at once
  failed      390 of 8000 probes: refused x375, reset x10, closed x5
  available   95.125 % of requests, 73.5 % in the worst second

  20:15:06.100 to 20:15:07.597 UTC, 1.10 s after the command began
  lasted      1498 ms (1497 to 1501), 390 of 1498 probes failed
  reused      lost 15 in 2 outages, the longest of 20 ms (18 to 22): reset x10,
              closed x5
  new         lost 375 in 375 outages, the longest of 2.00 ms (0.00 to 4.00):
              refused x375
  failed      half of them within 0 ms, the last after 0 ms; at 10.0.0.7:8080
              (390)

  latency     baseline  0 ms median, 0 ms p99, 0 ms at most
              event     0 ms median, 0 ms p99, 0 ms at most
              settle    0 ms median, 0 ms p99, 0 ms at most

  ...............xxxxxxxx.................
  |0 s      |2 s      |4 s      |6 s
  ^baseline ^event              ^settle
  . up  s slow  x some failed  X all failed  ? blind

  measured    8000 probes at 1000/s in 8.00 s from 2026-11-22 20:15:03.000 UTC
  instrument  sent within 0 ms of when due (99 %), processors contended 5 % of
              the time
  files       reports/x
",
    );
}

#[test]
fn a_run_of_which_nothing_is_known() {
    check(
        &sample::empty(),
        "\
INTERRUPTED  shop: the record has no end: the run was killed, or still goes on
  - not sure: no probe of shop came to an answer

shop  http://shop.example.com/
  downtime    unknown: no probe came to an answer

  measured    0 probes at 1000/s in 0 ms from 2026-11-22 20:15:03.000 UTC
  files       reports/x
",
    );
}
