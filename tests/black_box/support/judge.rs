//! Holds a report's outages against the truth. Pure: it returns what it objects to, in words.

use super::ledger::{Ledger, Truth};
use super::report::{Bounded, Lane, Outage, Report};

/// What is wrong in `report` about the stretches in `truths`, which are failures all. Both times in offsets.
pub(crate) fn judge(report: &Report, ledger: &Ledger, truths: &[Truth]) -> Vec<String> {
    let truths: Vec<_> = truths.iter().map(|truth| shifted(report, truth)).collect();
    let mut objections = Vec::new();
    let mut seen = vec![Vec::new(); truths.len()];
    for lane in &report.target().lanes {
        objections.extend(strangers(lane, &truths));
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

fn shifted(report: &Report, truth: &Truth) -> Truth {
    let shift = |(low, high)| (report.offset(low), report.offset(high));
    Truth { fault: truth.fault, began: shift(truth.began), ended: shift(truth.ended) }
}

/// Whether an outage, by its own account, may have been this stretch.
fn overlaps(outage: &Outage, truth: &Truth) -> bool {
    outage.began.0.unwrap_or(0) <= truth.ended.1 && truth.began.0 <= outage.ended.1.unwrap_or(u64::MAX)
}

/// Outages where nothing was inflicted.
fn strangers(lane: &Lane, truths: &[Truth]) -> Vec<String> {
    let uncalled = |outage: &&Outage| !truths.iter().any(|truth| overlaps(outage, truth));
    let found = lane.outages.iter().filter(uncalled);
    found.map(|outage| format!("{}: an outage where nothing was inflicted: {outage:?}", lane.name)).collect()
}

/// An outage's brackets must hold the stretch's edges, and its duration the length.
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
    broken.map(|(claim, _)| format!("{}: not so: it {claim}: {outage:?} of {truth:?}", lane.name)).collect()
}

/// A stretch may be missed if it was shorter than what the lane was sure to see, or passed while the run was blind.
fn miss(report: &Report, lane: &Lane, truth: &Truth) -> Option<String> {
    let (shortest, _) = truth.length();
    let blind = report.target().totals.blind_ns;
    let missed = shortest >= lane.floor_ns && shortest > blind;
    missed.then(|| format!("{}: missed {truth:?}; floor {} ns, blind {blind} ns", lane.name, lane.floor_ns))
}

/// Every request that was hit is in an outage of one of the lanes, and in no other stretch's.
fn sums(report: &Report, ledger: &Ledger, truths: &[Truth], seen: &[Vec<(&str, u64)>]) -> Vec<String> {
    let mut objections = Vec::new();
    for (place, (truth, lanes)) in truths.iter().zip(seen).enumerate() {
        let reported: u64 = lanes.iter().map(|(_, failed)| failed).sum();
        let inflicted = ledger.hits(place);
        if truth.fault != super::fault::Fault::Refuse && reported != inflicted {
            objections.push(format!("{inflicted} requests were hit, {reported} are in outages: {lanes:?} {truth:?}"));
        }
    }
    let answered: u64 = report.target().lanes.iter().map(Lane::answered).sum();
    let truly = ledger.classes().get("ok").copied().unwrap_or(0);
    if answered != truly {
        objections.push(format!("{truly} requests were answered, {answered} were reported so"));
    }
    objections
}

/// `down` holds the stretches that every lane met, `impaired` those that any did.
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

/// The truth lies in `[low, high]`: a total must not exclude all of it.
fn claim(name: &str, total: Bounded, (low, high): (u64, u64)) -> Option<String> {
    let holds = total.at_least_ns <= high && low <= total.at_most_ns.unwrap_or(u64::MAX);
    let ordered = total.at_least_ns <= total.at_most_ns.unwrap_or(u64::MAX);
    (!holds || !ordered).then(|| format!("{name} is {total:?}, truly {low} to {high} ns"))
}
