//! Compares a report's outages with the truth. Pure: it returns its objections as sentences.

use super::ledger::{Ledger, Truth};
use super::report::{Bounded, Lane, Outage, Report};

/// The objections to `report`, given the ledger and the stretches in `truths`, each of which is a failure.
pub(crate) fn judge(report: &Report, ledger: &Ledger, truths: &[Truth]) -> Vec<String> {
    let truths: Vec<_> = truths.iter().map(|truth| shifted(report, truth)).collect();
    let mut objections = Vec::new();
    let mut seen = vec![Vec::new(); truths.len()];
    for lane in &report.target().lanes {
        objections.extend(invented(lane, &truths));
        for (place, truth) in truths.iter().enumerate() {
            let outages: Vec<_> = lane.outages.iter().filter(|outage| overlaps(outage, truth)).collect();
            objections.extend(outages.iter().flat_map(|outage| edges(lane, outage, truth)));
            if outages.is_empty() {
                objections.extend(miss(report, lane, truth));
            } else {
                seen[place].push((lane.name.as_str(), outages.iter().map(|outage| outage.failed).sum::<u64>()));
            }
        }
    }
    objections.extend(sums(report, ledger, &truths, &seen));
    objections.extend(totals(report, &truths, &seen));
    objections
}

/// `truth` with its times as offsets of the run.
fn shifted(report: &Report, truth: &Truth) -> Truth {
    let shift = |(low, high)| (report.offset(low), report.offset(high));
    Truth { fault: truth.fault, began: shift(truth.began), ended: shift(truth.ended) }
}

/// Whether the bounds of `outage` allow it to be this stretch.
fn overlaps(outage: &Outage, truth: &Truth) -> bool {
    outage.began.0.unwrap_or(0) <= truth.ended.1 && truth.began.0 <= outage.ended.1.unwrap_or(u64::MAX)
}

/// Objects to outages at times without a fault.
fn invented(lane: &Lane, truths: &[Truth]) -> Vec<String> {
    let without_fault = |outage: &&Outage| !truths.iter().any(|truth| overlaps(outage, truth));
    let found = lane.outages.iter().filter(without_fault);
    found.map(|outage| format!("{}: an outage without a fault: {outage:?}", lane.name)).collect()
}

/// Objects unless the outage's bounds contain the stretch's edges and its length.
fn edges(lane: &Lane, outage: &Outage, truth: &Truth) -> Vec<String> {
    let (shortest, longest) = truth.length();
    let end = outage.ended.1.unwrap_or(u64::MAX);
    let claims = [
        ("did not fail before it was due", outage.from_ns <= outage.to_ns && outage.from_ns <= outage.began.1),
        ("began no later than its latest", truth.began.0 <= outage.began.1),
        ("began no earlier than its earliest", outage.began.0.unwrap_or(0) <= truth.began.1),
        ("ended no earlier than its earliest", outage.ended.0 <= truth.ended.1),
        ("ended no later than its latest", truth.ended.0 <= end),
        ("lasted its at_least", outage.duration.at_least_ns <= longest),
        ("lasted no longer than its at_most", shortest <= outage.duration.at_most_ns.unwrap_or(u64::MAX)),
        ("is open where a bound is missing", outage.open.is_empty() == outage.duration.at_most_ns.is_some()),
    ];
    let broken = claims.iter().filter(|(_, holds)| !holds);
    broken
        .map(|(claim, _)| format!("{}: does not hold: the outage {claim}: {outage:?} of {truth:?}", lane.name))
        .collect()
}

/// Objects to a missed stretch, unless it was shorter than the lane's detection limit or than the blind time.
fn miss(report: &Report, lane: &Lane, truth: &Truth) -> Option<String> {
    let (shortest, _) = truth.length();
    let blind = report.target().totals.blind_ns;
    let missed = shortest >= lane.floor_ns && shortest > blind;
    missed.then(|| format!("{}: missed {truth:?}; floor {} ns, blind {blind} ns", lane.name, lane.floor_ns))
}

/// Objects unless every request hit by a stretch is in one of its outages, and the answered requests add up.
fn sums(report: &Report, ledger: &Ledger, truths: &[Truth], seen: &[Vec<(&str, u64)>]) -> Vec<String> {
    let mut objections = Vec::new();
    for (place, (truth, lanes)) in truths.iter().zip(seen).enumerate() {
        let reported: u64 = lanes.iter().map(|(_, failed)| failed).sum();
        let hits = ledger.hits(place);
        if truth.fault != super::fault::Fault::Refuse && reported != hits {
            objections.push(format!("{hits} requests were hit, {reported} are in outages: {lanes:?} {truth:?}"));
        }
    }
    let answered: u64 = report.target().lanes.iter().map(Lane::answered).sum();
    let truly = ledger.classes().get("ok").copied().unwrap_or(0);
    if answered != truly {
        objections.push(format!("{truly} requests were answered, {answered} were reported so"));
    }
    objections
}

/// Objects unless `down` covers the stretches seen by every lane and `impaired` those seen by any.
fn totals(report: &Report, truths: &[Truth], seen: &[Vec<(&str, u64)>]) -> Vec<String> {
    let target = report.target();
    let met_by = |lanes: usize| {
        let met = truths.iter().zip(seen).filter(move |(_, seen)| seen.len() >= lanes);
        met.map(|(truth, _)| truth.length().0).sum::<u64>()
    };
    let all = truths.iter().map(|truth| truth.length().1).sum::<u64>();
    let longest = truths.iter().map(|truth| truth.length().1).max().unwrap_or(0);
    let totals = &target.totals;
    [
        claim("down", totals.down, (met_by(target.lanes.len()), all)),
        claim("impaired", totals.impaired, (met_by(1), if any_slow(target) { u64::MAX } else { all })),
        claim("longest", totals.longest, (0, longest)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn any_slow(target: &super::report::Target) -> bool {
    target.lanes.iter().any(|lane| lane.count("slow") > 0)
}

/// Objects if the bounds of a total lie wholly outside `[low, high]`, the range of the truth.
fn claim(name: &str, total: Bounded, (low, high): (u64, u64)) -> Option<String> {
    let holds = total.at_least_ns <= high && low <= total.at_most_ns.unwrap_or(u64::MAX);
    let ordered = total.at_least_ns <= total.at_most_ns.unwrap_or(u64::MAX);
    (!holds || !ordered).then(|| format!("{name} is {total:?}, truly {low} to {high} ns"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fault::{Fault, Plan};
    use super::super::ledger::Request;
    use super::*;

    const MS: u64 = 1_000_000;
    /// `CLOCK_MONOTONIC` at offset zero.
    const ZERO: u64 = 7_000 * MS;

    /// The worked example of docs/MEASUREMENT.md: 503 in [2000, 2300) ms of a run of three seconds.
    fn example() -> (Value, Ledger, Plan) {
        let request = |ms: u64| Request {
            at: ZERO + ms * MS,
            uses: 0,
            late: false,
            hit: (2000..2300).contains(&ms).then_some((0, Fault::Status(503))),
        };
        let ledger = Ledger { start: Some(ZERO), requests: (0..3000).map(request).collect(), ..Ledger::default() };
        let length = |least: u64, most: u64| json!({"estimate_ns": 300 * MS, "at_least_ns": least * MS, "at_most_ns": most * MS});
        let lane = |name: &str, first: u64| {
            let last = first + 298;
            json!({
                "name": name, "policy": name, "protocol": "http/1.1", "offered": 1500, "sent": 1500, "resolved": 1500,
                "not_sent": 0, "reconnects": 0, "classes": {"ok": 1350, "status 503": 150}, "floor_ns": 2 * MS,
                "outages": [{
                    "from_ns": first * MS, "to_ns": last * MS, "began": [(first - 2) * MS, first * MS],
                    "ended": [last * MS, (last + 2) * MS], "duration": length(298, 302), "failed": 150,
                    "classes": {"status 503": 150}, "open": [],
                }],
            })
        };
        let report = json!({
            "schema": "lapse/report/v1",
            "run": {
                "anchor": {"unix_ns": 0, "offset_ns": 0, "monotonic_ns": ZERO}, "length_ns": 3000 * MS,
                "interrupted": false, "cut": false, "phases": [], "command": null,
            },
            "targets": [{
                "name": "wine", "lanes": [lane("reused", 2000), lane("new", 2001)], "episodes": [],
                "totals": {
                    "impaired": length(298, 303), "down": length(297, 302), "longest": length(298, 302),
                    "equivalent": length(298, 302), "availability": {"requests": 0.9, "time": 0.9, "worst_1s": 0.7},
                    "failed": 300, "resolved": 3000, "blind_ns": 0, "silence": null, "unseen": {"longest_ns": 2 * MS},
                },
            }],
            "failures": {"kept": [], "dropped": 300},
            "events": [],
            "verdict": {"result": "fail", "exit_code": 1, "breaches": [], "doubts": []},
        });
        let plan = Plan::healthy().then(Fault::Status(503), 2000, 2300);
        (report, ledger, plan)
    }

    /// The objections to the example's report after `change`.
    fn objections(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let (mut report, ledger, plan) = example();
        change(&mut report);
        judge(&Report::parse(&report.to_string()), &ledger, &ledger.truths(&plan))
    }

    #[test]
    fn the_worked_example_has_no_objections() {
        assert_eq!(objections(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn each_wrong_figure_is_objected_to() {
        let wrong: [(&str, Value, &str); 10] = [
            ("/targets/0/lanes/0/outages/0/began/0", json!(2001 * MS), "began no earlier"),
            ("/targets/0/lanes/0/outages/0/began/1", json!(1999 * MS), "began no later"),
            ("/targets/0/lanes/1/outages/0/ended/0", json!(2301 * MS), "ended no earlier"),
            ("/targets/0/lanes/1/outages/0/ended/1", json!(2299 * MS), "ended no later"),
            ("/targets/0/lanes/0/outages/0/duration/at_least_ns", json!(301 * MS), "at_least"),
            ("/targets/0/lanes/0/outages/0/duration/at_most_ns", json!(299 * MS), "at_most"),
            ("/targets/0/lanes/0/outages/0/duration/at_most_ns", Value::Null, "open"),
            ("/targets/0/lanes/0/outages/0/failed", json!(149), "299 are in outages"),
            ("/targets/0/lanes/1/outages", json!([]), "missed"),
            ("/targets/0/totals/down/at_most_ns", json!(299 * MS), "down"),
        ];
        for (place, value, expected) in wrong {
            let found = objections(|report| *report.pointer_mut(place).unwrap() = value);
            assert!(found.iter().any(|objection| objection.contains(expected)), "{place}: {found:?}");
        }
    }

    #[test]
    fn an_outage_without_a_fault_is_objected_to() {
        let found = objections(|report| {
            let outages = report.pointer_mut("/targets/0/lanes/0/outages").unwrap().as_array_mut().unwrap();
            let mut other = outages[0].clone();
            other["began"] = json!([500 * MS, 501 * MS]);
            other["ended"] = json!([501 * MS, 502 * MS]);
            outages.push(other);
        });
        assert!(found.iter().any(|objection| objection.contains("an outage without a fault")), "{found:?}");
    }

    #[test]
    fn a_miss_is_allowed_below_the_detection_limit_or_in_blind_time() {
        let missed = |place: &'static str, value: u64| {
            objections(|report| {
                *report.pointer_mut("/targets/0/lanes/1/outages").unwrap() = json!([]);
                *report.pointer_mut(place).unwrap() = json!(value);
            })
        };
        let objected = |found: Vec<String>| found.iter().any(|objection| objection.contains("missed"));
        assert!(objected(missed("/targets/0/lanes/1/floor_ns", 300 * MS)));
        assert!(!objected(missed("/targets/0/lanes/1/floor_ns", 301 * MS)));
        assert!(!objected(missed("/targets/0/totals/blind_ns", 300 * MS)));
    }
}
