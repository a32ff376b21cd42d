//! A prediction for people and for programs.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Prediction, lost};
use lapse_explain::explanation::Explanation;
use lapse_lab::scenario::pod::OnSigterm;
use lapse_lint::ObjectName;
use lapse_lint::rollout::Rollout;
use lapse_lint::upgrade::{Standby, Upgrade};
use lapse_measure::phrase::{part, some};
use lapse_measure::time::{Bounded, nanos};
use lapse_record::record::Record;
use lapse_report::json as report;
use lapse_report::text::{self, Ink, Look, Page};

/// What will be lost, why, what cures it, and on what that depends.
pub(super) fn text(prediction: &Prediction, look: Look) -> Result<String> {
    let mut page = Page::new(look);
    let workload = &prediction.rollout.workload;
    let named = format!("{} {}", workload.kind, workload.name);
    let each = prediction.plays.len() as u64;
    if prediction.loses() {
        page.lead(Ink::Bad, "WILL LOSE REQUESTS", &format!("{named}: {}", losses(&prediction.plays)));
    } else if prediction.doubts().is_empty() {
        page.lead(Ink::Good, "LOSES NOTHING", &format!("{named}: no probe failed in {}", some(each, "play")));
    } else {
        page.lead(Ink::Unsure, "UNDECIDED", &format!("{named}: no probe failed, and the plays were held up"));
    }
    if let Some(upgrade) = prediction.upgrade.as_ref().and_then(|upgrade| does(upgrade, &prediction.rollout)) {
        page.say(2, &upgrade);
    }
    if let Some(depends) = depends(prediction) {
        page.say(2, &depends);
    }
    if let Some(slow) = prediction.plays.iter().filter_map(slow).max_by_key(|slow| slow.estimate) {
        page.say(2, &format!("Answers were slow for {slow} of a play"));
    }
    for doubt in prediction.doubts() {
        page.say(2, &format!("in doubt: {doubt}"));
    }
    let mut whole = page.into_text();
    if let Some(play) = prediction.plays.first().filter(|_| prediction.loses()) {
        let mut why = Vec::new();
        text::write_explanation(play, &Explanation::of(play), look, &mut why)?;
        whole.push('\n');
        whole.push_str(&String::from_utf8_lossy(&why));
    }
    if let Some(cures) = &prediction.cures {
        whole.push('\n');
        whole.push_str(&cures.text(look));
    }
    let mut page = Page::new(look);
    page.heading("What no manifest says");
    for (key, why) in prediction.draft.assumed() {
        page.say(2, &format!("{key}: {why}"));
    }
    whole.push('\n');
    whole.push_str(&page.into_text());
    Ok(whole)
}

/// An upgrade that replaces no pod that serves.
pub(super) fn nothing_rolls_text(workload: &ObjectName, why: &str, look: Look) -> String {
    let mut page = Page::new(look);
    page.lead(Ink::Good, "NOTHING ROLLS", &format!("{} {}: {why}", workload.kind, workload.name));
    page.into_text()
}

/// The same for programs.
pub(super) fn nothing_rolls_json(rollout: &Rollout, why: &str) -> String {
    let value = json!({
        "workload": workload(&rollout.workload),
        "services": rollout.services,
        "loses": false,
        "nothing_rolls": why,
        "plays": [],
    });
    format!("{value:#}\n")
}

fn workload(named: &ObjectName) -> Value {
    json!({"kind": named.kind, "namespace": named.namespace, "name": named.name})
}

/// What the upgrade does to the pods that serve, in a sentence; `None` if it does nothing.
fn does(upgrade: &Upgrade, rollout: &Rollout) -> Option<String> {
    match upgrade {
        Upgrade::Unchanged | Upgrade::Installed => None,
        Upgrade::Replaced(_) => {
            Some("The upgrade changes its pod template; old pods end as the manifests before it say".to_owned())
        }
        Upgrade::Switched(switched) => {
            let from = &switched.from;
            let services: Vec<_> =
                rollout.services.iter().filter(|service| from.services.contains(service)).map(String::as_str).collect();
            let standby = match switched.standby {
                Standby::None => "which has no pods before",
                Standby::Stays => "which has its pods before",
                Standby::Replaced => {
                    "which has its pods before; the upgrade replaces these as well, a rollout of its own that was not played"
                }
            };
            let old = if switched.keeps_old { "stay" } else { "are deleted" };
            Some(format!(
                "The upgrade switches the Service {} from {} {}, whose pods {old}, to this workload, {standby}",
                services.join(", "),
                from.workload.kind,
                from.workload.name
            ))
        }
    }
}

/// What the plays lost, in a sentence.
fn losses(plays: &[Record]) -> String {
    let of = |play: &Record| {
        let resolved = play.summary.acts.iter().flat_map(|act| &act.totals).map(|totals| totals.resolved).sum();
        part(lost(play), resolved, "probe")
    };
    match (plays.first(), plays.last()) {
        (Some(most), Some(fewest)) if plays.len() > 1 => {
            let downtime = downtime(most).map_or_else(String::new, |time| format!(", {time} of downtime"));
            format!(
                "{} of {} lost some: at the most {}{downtime}; at the least {}",
                losing(plays),
                some(plays.len() as u64, "play"),
                of(most),
                of(fewest)
            )
        }
        (Some(play), _) => {
            let downtime = downtime(play).map_or_else(String::new, |time| format!(", {time} of downtime"));
            format!("{}{downtime}", of(play))
        }
        (None, _) => String::new(),
    }
}

fn losing(plays: &[Record]) -> usize {
    plays.iter().filter(|play| lost(play) > 0).count()
}

fn downtime(play: &Record) -> Option<Bounded> {
    play.summary.acts.first()?.totals.first().map(|totals| totals.loss_derived)
}

/// The time in which answers were slow in a play; `None` if none was.
fn slow(play: &Record) -> Option<Bounded> {
    let slow = play.summary.acts.first()?.totals.first()?.slow;
    (!slow.estimate.is_zero()).then_some(slow)
}

/// A sentence on what the answer depends on the most: what the program does; `None` if no pod ends.
fn depends(prediction: &Prediction) -> Option<String> {
    if matches!(&prediction.upgrade, Some(Upgrade::Switched(switched)) if switched.keeps_old) {
        return None;
    }
    let scenario = &prediction.draft.scenario;
    let on_sigterm = scenario.pod(scenario.first()).map(|pod| pod.on_sigterm);
    let does = match on_sigterm {
        Some(OnSigterm::Finish) => "finish what is under way",
        Some(OnSigterm::Drain) => "drain",
        Some(OnSigterm::Ignore) => "serve on until SIGKILL",
        Some(OnSigterm::Exit) | None => "exit at once",
    };
    let whys = prediction.draft.comments.get("pods.old.onSigterm").unwrap_or_default();
    Some(format!(
        "It depends on what the program does on SIGTERM: here its pods {does} ({whys}); --on-sigterm plays another"
    ))
}

/// The same for programs.
pub(super) fn json(prediction: &Prediction) -> Result<String> {
    let explanation = match prediction.plays.first().filter(|_| prediction.loses()) {
        Some(play) => {
            let mut why = Vec::new();
            report::write_explanation(play, &Explanation::of(play), &mut why)?;
            serde_json::from_slice(&why)?
        }
        None => Value::Null,
    };
    let upgrade = prediction.upgrade.as_ref().and_then(|upgrade| does(upgrade, &prediction.rollout));
    let assumed = prediction.draft.assumed().map(|(key, why)| json!({"key": key, "why": why}));
    let whole = json!({
        "workload": workload(&prediction.rollout.workload),
        "services": prediction.rollout.services,
        "upgrade": upgrade,
        "loses": prediction.loses(),
        "plays": prediction.plays.iter().map(play).collect::<Vec<_>>(),
        "doubts": prediction.doubts(),
        "depends": depends(prediction),
        "assumed": assumed.collect::<Vec<_>>(),
        "explanation": explanation,
        "cures": prediction.cures.as_ref().map(crate::cures::Table::value),
        "scenario": prediction.yaml,
    });
    Ok(format!("{whole:#}\n"))
}

fn play(play: &Record) -> Value {
    let totals = play.summary.acts.first().and_then(|act| act.totals.first());
    let bounded = |time: Bounded| {
        json!({
            "estimate_ns": nanos(time.estimate),
            "at_least_ns": nanos(time.at_least),
            "at_most_ns": time.at_most.map(nanos),
        })
    };
    json!({
        "probes": totals.map(|totals| totals.resolved),
        "failed": totals.map(|totals| totals.failed),
        "downtime": totals.map(|totals| bounded(totals.loss_derived)),
        "slow": totals.map(|totals| bounded(totals.slow)),
        "longest_disruption": totals.map(|totals| bounded(totals.disruptions.longest_length)),
    })
}
