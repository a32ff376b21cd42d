//! The pods that ended: for how long requests still came to them, and what sleep before SIGTERM would have covered that.

use super::phrase::{signed, some, tail};
use lapse_measure::time::{Human, Offset};
use lapse_record::pods::Pod;
use lapse_record::record::Record;

/// Letters of a name at the least, its end tells pods apart, and at the most,
const NAME: (usize, usize) = (22, 63);
/// Pods told of.
const TOLD: usize = 12;

pub(crate) const HEADING: &str = "Pods that ended (in seconds after their deletion was seen)";

fn ended(record: &Record) -> Vec<&Pod> {
    record.summary.pods.iter().filter(|pod| pod.deleting.is_some()).collect()
}

/// A header, and a row for each pod that ended, its name cut to about `room` letters.
pub(crate) fn rows(record: &Record, room: usize) -> Vec<Vec<String>> {
    let (ended, room) = (ended(record), room.clamp(NAME.0, NAME.1));
    let head = ["", "left endpoints", "exited", "last served", "last failed", "lost"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(ended.iter().take(TOLD).map(|pod| row(pod, room)));
    if ended.len() > TOLD {
        rows.push(vec![format!("and {}: see report.json", some((ended.len() - TOLD) as u64, "more pod"))]);
    }
    rows
}

/// For how long requests still came to pods that ended, and what would have covered that; `None` if no pod did.
pub(crate) fn remark(record: &Record) -> Option<String> {
    let ended = ended(record);
    (!ended.is_empty()).then(|| conclusion(record, &ended))
}

fn row(pod: &Pod, room: usize) -> Vec<String> {
    let after = |at: Option<Offset>| at.zip(pod.deleting).map_or_else(|| "-".to_owned(), |(at, from)| signed(at, from));
    let lost = if pod.failed > 0 { pod.failed.to_string() } else { "-".to_owned() };
    vec![
        tail(&pod.name, room),
        after(pod.left),
        after(pod.exited),
        after(pod.last_served),
        after(pod.last_failed),
        lost,
    ]
}

/// What the longest of them asks for. A pod that answered all that still came asks for nothing; where failures are laid to
/// none of them, they may be any's.
fn conclusion(record: &Record, ended: &[&Pod]) -> String {
    let longest = |of: &dyn Fn(&&&Pod) -> bool| ended.iter().filter(of).filter_map(|pod| pod.still_used()).max();
    let any = longest(&|_| true);
    let lost = record.failures.dropped > 0 || !record.failures.kept.is_empty();
    let short = longest(&|pod| pod.failed > 0).or(any.filter(|_| lost));
    match (short, any) {
        (Some(longest), _) => {
            let (covers, longest) = (longest.as_secs() + 1, Human(longest));
            format!(
                "requests arrived for up to {longest} after a deletion: a preStop sleep of {covers} s would have covered them"
            )
        }
        (None, Some(longest)) => {
            format!("requests arrived for up to {} after a deletion, and all of them were answered", Human(longest))
        }
        (None, None) if ended.iter().any(|pod| pod.served > 0) => {
            "no request arrived at a pod after its deletion was seen".to_owned()
        }
        (None, None) => {
            "which pod a request reached is not known: name the header that says so with --backend-header".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapse_record::sample::{healthy, upgrade};

    #[test]
    fn only_a_pod_that_lost_something_asks_for_a_longer_sleep() {
        let at = |ms| Some(Offset::from_millis(ms));
        let used =
            |until: u64, failed: u64| Pod { deleting: at(100), last_served: at(until), failed, ..Pod::default() };
        let (lossy, drained) = (used(500, 3), used(2_500, 0));
        let told = conclusion(&upgrade(), &[&lossy, &drained]);
        assert!(told.contains("up to 400 ms") && told.contains("a preStop sleep of 1 s"), "{told}");
        let told = conclusion(&healthy(), &[&drained]);
        assert!(told.contains("up to 2.40 s") && told.ends_with("all of them were answered"), "{told}");
        let told = conclusion(&upgrade(), &[&drained]);
        assert!(told.contains("a preStop sleep of 3 s"), "{told}");
    }
}
