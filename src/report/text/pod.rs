//! The pods that ended: for how long requests still came to them, and what sleep before SIGTERM would have covered that.

use std::time::Duration;

use super::page::Page;
use super::phrase::{seconds, some, tail};
use crate::measure::time::{Human, Offset};
use crate::run::pods::Pod;
use crate::run::record::Record;

/// Letters of a name: its end tells pods apart.
const NAME: usize = 22;
/// Pods told of.
const TOLD: usize = 12;

pub(super) fn write(record: &Record, page: &mut Page) {
    let ended: Vec<&Pod> = record.pods.iter().filter(|pod| pod.deleting.is_some()).collect();
    if ended.is_empty() {
        return;
    }
    page.heading("Pods that ended (in seconds after their deletion was seen)");
    let head = ["", "left endpoints", "exited", "last served", "last failed", "lost"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(ended.iter().take(TOLD).map(|pod| row(pod)));
    if ended.len() > TOLD {
        rows.push(vec![format!("and {}: see report.json", some((ended.len() - TOLD) as u64, "more pod"))]);
    }
    page.table(2, &rows);
    page.say(2, &conclusion(&ended));
}

fn row(pod: &Pod) -> Vec<String> {
    let after = |at: Option<Offset>| {
        let (Some(at), Some(from)) = (at, pod.deleting) else { return "-".to_owned() };
        let seconds = |length: Duration| seconds(length).trim_end_matches(" s").to_owned();
        if at < from { format!("-{}", seconds(from.since(at))) } else { seconds(at.since(from)) }
    };
    let lost = if pod.failed > 0 { pod.failed.to_string() } else { "-".to_owned() };
    vec![
        tail(&pod.name, NAME),
        after(pod.left),
        after(pod.exited),
        after(pod.last_served),
        after(pod.last_failed),
        lost,
    ]
}

/// What the longest of them asks for.
fn conclusion(ended: &[&Pod]) -> String {
    match ended.iter().filter_map(|pod| pod.still_used()).max() {
        Some(longest) => {
            let covers = longest.as_secs() + 1;
            format!(
                "requests arrived for up to {} after a deletion: a preStop sleep of {covers} s would have covered them",
                Human(longest)
            )
        }
        None if ended.iter().any(|pod| pod.served > 0) => {
            "no request arrived at a pod after its deletion was seen".to_owned()
        }
        None => {
            "which pod a request reached is not known: name the header that says so with --backend-header".to_owned()
        }
    }
}
