//! A recorded run as a scenario whose world loses requests as the run did.

use std::collections::BTreeMap;
use std::time::Duration;

use lapse_explain::world::World;
use lapse_lab::duration_range::DurationRange;
use lapse_lab::scenario::expect::Expect;
use lapse_lab::scenario::{self, Measure};
use lapse_lab::strategy::Strategy;
use lapse_lint::rollout::Rollout;
use lapse_measure::answer::Class;
use lapse_measure::lane::{Policy, TargetId};
use lapse_measure::phrase::some;
use lapse_measure::schedule::Rate;
use lapse_measure::span::Span;
use lapse_measure::time::Human;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

use crate::draft::{Draft, Parts, Pods, amount};
use crate::ending::{self, Ending};
pub use crate::hop::HopKind;
use crate::hop::{self, Hop};
use crate::known::Known;
use crate::seen::{Seen, found_nothing};
use crate::settings::{Settings, rolling};
use crate::starting::{Starting, boot_for};
use crate::way;

/// The time before and after the rollout of a scenario.
const STAGE: Duration = Duration::from_secs(1);
/// The highest rate that is played: the world shares the machine with the prober.
const MOST_RATE: u64 = 2_000;
/// Behind a service an attempt whose packets vanish fails in the end, whatever the timeout.
const MOST_TIMEOUT: Duration = Duration::from_secs(2);
/// The shortest outage of everything that is one rollout's, where no pod was seen.
const WHOLE: Duration = Duration::from_millis(300);

/// Why a run cannot be reproduced.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The run has no target of that name.
    #[error("the run has no target {name:?}: its targets are {known}")]
    NoTarget {
        /// The name that was asked for.
        name: String,
        /// The names of the targets.
        known: String,
    },
    /// The run has no act of that name.
    #[error("the run has no act {name:?}: {known}")]
    NoAct {
        /// The name that was asked for.
        name: String,
        /// The acts of the run, as a clause.
        known: String,
    },
    /// Nothing was probed.
    #[error("nothing was probed in the run, so there is nothing to reproduce")]
    NoProbes,
    /// The run has no pods, lost nothing, and no manifests were given.
    #[error(
        "the run says nothing of pods and lost no request, so there is nothing to reproduce: name what was rolled out with \
         --manifests, or record a run that follows its cluster"
    )]
    NothingKnown,
    /// The values do not make a scenario.
    #[error("no scenario follows from the run")]
    Scenario(#[from] scenario::Error),
}

/// What of a run is reproduced: one target, in the rollout or in one act of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The target.
    pub target: TargetId,
    /// The stretch of the run.
    pub window: Span,
    /// The name of the act, of a run that has some.
    pub act: Option<String>,
}

impl Choice {
    /// The target and the act of these names; without, the target that lost most, and the first act that lost requests.
    pub fn of(record: &Record, target: Option<&str>, act: Option<&str>) -> Result<Self, Error> {
        let targets = &record.summary.targets;
        let chosen = match target {
            Some(name) => targets.iter().find(|one| one.name == name).ok_or_else(|| {
                let known: Vec<_> = targets.iter().map(|one| one.name.as_str()).collect();
                Error::NoTarget { name: name.to_owned(), known: known.join(", ") }
            })?,
            None => targets.iter().rev().max_by_key(|one| one.totals.failed).ok_or(Error::NoProbes)?,
        };
        let acts = &record.summary.acts;
        let lost = |act: &&lapse_record::summary::ActSummary| {
            act.totals.get(chosen.id.0).is_some_and(|totals| totals.failed > 0)
        };
        let act = match act {
            Some(name) => Some(acts.iter().find(|one| one.name == name).ok_or_else(|| {
                let known: Vec<_> = acts.iter().map(|one| format!("{:?}", one.name)).collect();
                let known = if known.is_empty() {
                    "it has none".to_owned()
                } else {
                    format!("its acts are {}", known.join(", "))
                };
                Error::NoAct { name: name.to_owned(), known }
            })?),
            None => acts.iter().find(lost).or_else(|| acts.first()),
        };
        let window = act.map_or_else(|| record.judged(), |act| act.span);
        Ok(Self { target: chosen.id, window, act: act.map(|act| act.name.clone()) })
    }
}

/// What is known of a run beside its record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// The settings in the manifests that were rolled out.
    pub manifests: Option<&'a Rollout>,
    /// The kind of the hop in front of the pods.
    pub hop: Option<HopKind>,
    /// The rate of the prober in the scenario; that of the run without one.
    pub rate: Option<Rate>,
}

/// The scenario of a run, with what is known beside its record.
pub fn reproduce(record: &Record, choice: &Choice, beside: &Beside<'_>) -> Result<Draft, Error> {
    let Beside { manifests, hop, rate } = *beside;
    let world = World::of(record);
    let target = record.summary.target(choice.target);
    let seen = Seen::of(record, &world, target, choice.window);
    if target.totals.resolved == 0 {
        return Err(Error::NoProbes);
    }
    if !seen.has_pods() && manifests.is_none() && target.totals.failed == 0 {
        return Err(Error::NothingKnown);
    }
    let told = settings(&seen, manifests);
    let (replicas, strategy) = (replicas(&seen, &told), told.strategy.clone());
    let strategy = way(&seen, strategy, replicas.value);
    let ending = Ending::of(&seen, &told.old);
    let unprobed = told.new.readiness.as_ref().is_some_and(|known| !known.value);
    let mut hop = hop::of(&seen, hop, ending.pre_stop.value.high(), unprobed);
    if !seen.has_pods() {
        without_pods(&seen, &mut hop);
    }
    let starting = starting(&seen, &told, &strategy.value);
    let why = "what was there before the rollout; it starts as the new pods do";
    let ends = if seen.old.is_empty() { String::new() } else { format!(": {}", ending::ends(&seen)) };
    let old = Pods {
        starting: starting.clone(),
        ending: ending.clone(),
        liveness: told.old.liveness.clone(),
        why: format!("{why}{ends}"),
    };
    let of_new = Ending::assumed(&told.new, ending.on_sigterm.clone());
    let (pre_stop, grace) = (of_new.pre_stop, of_new.grace);
    let pre_stop = if told.new.pre_stop.is_some() { pre_stop } else { ending.pre_stop.clone() };
    let new = Pods {
        starting,
        ending: Ending { pre_stop, grace, ..ending },
        liveness: told.new.liveness.clone(),
        why: "what replaces them; no new pod was seen to end, so they end as the old ones do".to_owned(),
    };
    let (measure, measured) = measure(&seen, hop.kind, rate);
    let parts = Parts {
        name: format!("{}-reproduced", record.about.name),
        shows: shows(record, target, choice),
        preface: preface(record, &seen, manifests),
        measure,
        measured,
        replicas,
        strategy,
        hop,
        old,
        new,
        roll_back_after: way::rolled_back(&seen),
        expect: expect(&seen),
    };
    Ok(parts.draft()?)
}

fn shows(record: &Record, target: &TargetSummary, choice: &Choice) -> String {
    let act = choice.act.as_ref().map_or_else(String::new, |act| format!(" in its act {act:?}"));
    format!("What {} lost in the recorded run {}{act}, reproduced.", target.name, record.about.name)
}

fn preface(record: &Record, seen: &Seen<'_>, manifests: Option<&Rollout>) -> Vec<String> {
    let mut said = vec![
        "Made from the record by `lapse reproduce`. Above each value is its evidence; what the record cannot show is marked \
         `assumed`. Times count from the beginning of the rollout."
            .to_owned(),
    ];
    if let Some(rollout) = manifests {
        said.push(format!("The settings are those of {} {}.", rollout.workload.kind, rollout.workload.name));
    }
    if !seen.has_pods() {
        said.push(
            "The record has no pods: how they ended and started is assumed, so that as many requests are lost as in the run."
                .to_owned(),
        );
    }
    if record.failures.dropped > 0 {
        said.push(format!("Of {} no more than their number is known.", some(record.failures.dropped, "failure")));
    }
    said
}

/// What the cluster told, and what manifests say: those of the run itself first.
pub(crate) fn settings(seen: &Seen<'_>, manifests: Option<&Rollout>) -> Settings {
    let told = seen.world.settings(seen.told_at());
    let before = seen.world.old_settings(seen.told_at());
    let of_cluster = told.zip(before).map(|(new, old)| Settings::of_cluster(old, new));
    let of_manifests = manifests.map(Settings::of_manifests);
    match (of_cluster, of_manifests) {
        (Some(cluster), Some(manifests)) => cluster.or(manifests),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

fn replicas(seen: &Seen<'_>, told: &Settings) -> Known<u32> {
    let told = told.replicas.clone().or_else(|| way::replicas(seen));
    told.unwrap_or_else(|| Known::assumed(2, "nothing told of pods"))
}

/// How pods are replaced: as told, or as the pods show it.
fn way(seen: &Seen<'_>, told: Option<Known<Strategy>>, replicas: u32) -> Known<Strategy> {
    match told {
        Some(Known { value: Strategy::BlueGreen(_), why }) => {
            let seen = way::blue_green(seen);
            Known { why: format!("{why}; {}", seen.why), ..seen }
        }
        Some(told) => told,
        None => way::strategy(seen, replicas).unwrap_or_else(|| match outage_of_everything(seen) {
            Some(length) => Known::assumed(
                Strategy::Recreate,
                format!("everything was lost for {}, and no pod was seen", Human(length)),
            ),
            None => Known::assumed(rolling(1, 0, Duration::ZERO), "a pod more, and none missing: nothing told of it"),
        }),
    }
}

/// How the new pods started. Where no pod was seen, an outage of everything lasted for as long as they took.
fn starting(seen: &Seen<'_>, told: &Settings, strategy: &Strategy) -> Starting {
    let starting = Starting::of(seen, &told.new);
    match (seen.young.is_empty(), strategy, outage_of_everything(seen)) {
        (true, Strategy::Recreate, Some(length)) => {
            let ready = length.saturating_sub(crate::lag::USUAL.0);
            let ready = Duration::from_millis(u64::try_from(ready.as_millis()).unwrap_or(u64::MAX));
            let why = format!("that everything was lost for {} is the time until new pods were ready", Human(length));
            Starting { boot: Known::assumed(boot_for(DurationRange::exactly(ready)), why), ..starting }
        }
        _ => starting,
    }
}

/// The longest time for which every lane lost every request, if that is no streak of bad luck.
fn outage_of_everything(seen: &Seen<'_>) -> Option<Duration> {
    let longest = |lane: &&lapse_measure::observations::LaneObservations| {
        let outages = lane.outages.iter().filter(|one| seen.window.from <= one.to && one.from <= seen.window.to);
        outages.map(|one| one.estimate).max().unwrap_or_default()
    };
    seen.lanes.iter().map(longest).min().filter(|length| *length >= WHOLE)
}

/// The lag of a hop before pods that were not seen: pods that end one after another lose a share of the requests each, and
/// all shares are one.
#[expect(clippy::cast_precision_loss, reason = "a count of requests, for a length of time")]
fn without_pods(seen: &Seen<'_>, hop: &mut Hop) {
    let policy = (hop.kind == HopKind::Service && seen.rate(Some(Policy::New)) > 0.0).then_some(Policy::New);
    let lost = seen.count(policy, (seen.window.from, seen.window.to), found_nothing);
    if lost == 0 || outage_of_everything(seen).is_some() {
        return;
    }
    let lag = Duration::try_from_secs_f64(lost as f64 / seen.rate(policy)).unwrap_or_default();
    let lag = Duration::from_millis(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX));
    let why = format!("that {} were lost is all due to pods that were still listed", some(lost, "request"));
    let known = Known::assumed(DurationRange::exactly(lag), why);
    let kind = Known::shown(hop.kind, hop.why.clone());
    *hop = hop::plain(kind, known);
}

fn measure(seen: &Seen<'_>, kind: HopKind, typed: Option<Rate>) -> (Measure, Vec<(&'static str, String)>) {
    let about = &seen.record.about;
    let (rate, timeout) = (about.rate.get(), about.timeout);
    let most = if kind == HopKind::Service { MOST_TIMEOUT } else { timeout };
    let mut whys = vec![("rate", "that of the run".to_owned())];
    if let Some(typed) = typed {
        whys = vec![("rate", format!("`--rate {}/s` says so; the run had {rate} a second", typed.get()))];
    } else if rate > MOST_RATE {
        whys =
            vec![("rate", format!("the run had {rate} a second: more than the world could stand beside the prober"))];
    }
    if timeout > most {
        let why = format!("the run had {}: what gets no answer fails in the end, here sooner", Human(timeout));
        whys.push(("timeout", why));
    }
    let measure = Measure {
        rate: Some(typed.map_or_else(|| rate.min(MOST_RATE), Rate::get)),
        baseline: Some(STAGE),
        settle: Some(STAGE),
        timeout: Some(timeout.min(most)),
        slow: Some(about.slow),
    };
    (measure, whys)
}

/// What the scenario is expected to lose: what the run lost, as far as that is no chance.
fn expect(seen: &Seen<'_>) -> Known<Expect> {
    let window = (seen.window.from, seen.window.to);
    let lost = |policy: Option<Policy>| seen.count(policy, window, |_: Class| true);
    let lanes: Vec<_> = seen.lanes.iter().map(|lane| lane.lane.policy).collect();
    let said: Vec<_> = lanes.iter().map(|policy| format!("{policy} {}", lost(Some(*policy)))).collect();
    let lanes: BTreeMap<_, _> = lanes.iter().map(|policy| (policy.to_string(), amount(lost(Some(*policy))))).collect();
    let expect = Expect { lost: amount(lost(None)), lanes, classes: Vec::new(), downtime: None, slow: None };
    Known::shown(expect, format!("requests that the run lost: {}", said.join(", ")))
}
