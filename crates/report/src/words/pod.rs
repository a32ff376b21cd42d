//! The pods that ended: how long requests still reached them, and the preStop sleep that would have covered those.

use super::phrase::{signed, some, tail};
use lapse_measure::time::{Human, Offset};
use lapse_record::pods::Pod;
use lapse_record::record::Record;

/// Minimum and maximum width of a pod's name, in columns. A longer name loses its beginning: pods differ at the end.
const NAME_WIDTH: (usize, usize) = (22, 63);
/// Pods listed one by one; the rest are counted.
const MAX_ROWS: usize = 12;

pub(crate) const HEADING: &str = "Pods that ended (in seconds after their deletion was seen)";

fn ended(record: &Record) -> Vec<&Pod> {
    record.summary.pods.iter().filter(|pod| pod.deleting.is_some()).collect()
}

/// A header row, then a row for each pod that ended. Names are cut to `room` columns, within the limits of
/// [`NAME_WIDTH`].
pub(crate) fn rows(record: &Record, room: usize) -> Vec<Vec<String>> {
    let (ended, room) = (ended(record), room.clamp(NAME_WIDTH.0, NAME_WIDTH.1));
    let head = ["", "left endpoints", "exited", "last served", "last failed", "lost"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(ended.iter().take(MAX_ROWS).map(|pod| row(pod, room)));
    if ended.len() > MAX_ROWS {
        rows.push(vec![format!("and {}: see report.json", some((ended.len() - MAX_ROWS) as u64, "more pod"))]);
    }
    rows
}

/// A sentence on how long requests still reached pods after their deletion, with the preStop sleep that would have
/// covered them; `None` if no pod ended.
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

/// The preStop sleep comes from the pod with failures that was used longest. A pod that answered every late request
/// needs no longer sleep. If no failure is attributed to a pod, each failure may belong to any of them.
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
    fn the_prestop_sleep_comes_from_pods_with_failures() {
        let at = |ms| Some(Offset::from_millis(ms));
        let used =
            |until: u64, failed: u64| Pod { deleting: at(100), last_served: at(until), failed, ..Pod::default() };
        let (lossy, drained) = (used(500, 3), used(2_500, 0));
        let text = conclusion(&upgrade(), &[&lossy, &drained]);
        assert!(text.contains("up to 400 ms") && text.contains("a preStop sleep of 1 s"), "{text}");
        let text = conclusion(&healthy(), &[&drained]);
        assert!(text.contains("up to 2.40 s") && text.ends_with("all of them were answered"), "{text}");
        let text = conclusion(&upgrade(), &[&drained]);
        assert!(text.contains("a preStop sleep of 3 s"), "{text}");
    }
}
