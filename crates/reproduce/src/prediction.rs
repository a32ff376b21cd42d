//! A rollout that is still to come as a scenario: its settings from manifests, the rest from what was typed, from an
//! earlier run, or assumed.
//!
//! What takes long and changes nothing of what is lost is played shorter, and the scenario says so: a hook or a wait that
//! outlasts every lag protects as well as one that takes minutes.

use std::collections::BTreeMap;
use std::time::Duration;

use lapse_explain::world::World;
use lapse_lab::duration_range::DurationRange;
use lapse_lab::scenario::expect::{Amount, Expect};
use lapse_lab::scenario::pod::{Liveness, OnSigterm};
use lapse_lab::scenario::{self, Measure};
use lapse_lab::strategy::{BlueGreen, KeepOld, Strategy, Switch};
use lapse_lint::rollout::Rollout;
use lapse_lint::upgrade::{Standby, Switched, Upgrade};
use lapse_measure::schedule::Rate;
use lapse_measure::time::Human;
use lapse_record::record::Record;

use crate::draft::{Draft, Parts, Pods};
use crate::ending::Ending;
use crate::hop::{self, HopKind};
use crate::known::Known;
use crate::lag;
use crate::run::{Choice, settings as told_in};
use crate::seen::Seen;
use crate::settings::Settings;
use crate::starting::{self, Starting, boot_for};

/// The probes a second of the scenario.
const RATE: u64 = 1_000;
/// The time before and after the rollout of a scenario.
const STAGE: Duration = Duration::from_secs(1);
/// The timeout of a probe behind a service, where what gets no answer fails in the end.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The timeout of a probe behind a proxy, which may answer after it gave up on a pod: that of `lapse run`.
const PATIENCE: Duration = Duration::from_secs(6);
/// How much longer than the lag hooks, waits and grace periods are played at the most.
const SPARE: Duration = Duration::from_secs(2);
/// How long a rollout takes at the most, over all of its steps.
const LONGEST: Duration = Duration::from_secs(15);
/// The time to answer of which nothing is known.
const WORK: Duration = Duration::from_millis(10);

/// What was typed; `None` where nothing was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Typed {
    /// How long the hop goes by an old list.
    pub lag: Option<DurationRange>,
    /// The time from a pod's creation until it is ready.
    pub ready: Option<DurationRange>,
    /// The time to answer a request.
    pub work: Option<DurationRange>,
    /// What pods do on SIGTERM.
    pub on_sigterm: Option<OnSigterm>,
    /// The hop in front of the pods.
    pub hop: Option<HopKind>,
    /// The probes a second.
    pub rate: Option<Rate>,
}

/// What an earlier run measured.
#[derive(Clone, Debug)]
pub struct Measured {
    kind: Known<HopKind>,
    lag: Known<DurationRange>,
    starting: Starting,
    ending: Ending,
}

impl Measured {
    /// What this run measured, in the target and the act that are chosen.
    pub fn of(record: &Record, choice: &Choice) -> Self {
        let world = World::of(record);
        let seen = Seen::of(record, &world, record.summary.target(choice.target), choice.window);
        let told = told_in(&seen, None);
        let ending = Ending::of(&seen, &told.old);
        let kind = hop::kind(&seen);
        let unprobed = told.new.readiness.as_ref().is_some_and(|known| !known.value);
        let lag = lag::lag(&seen, kind.value == HopKind::Service, ending.pre_stop.value.high(), unprobed);
        Self { kind, lag, starting: Starting::of(&seen, &told.new), ending }
    }
}

/// The scenario of a rollout to come: of `rollout` as an `upgrade` of what was there before, or, if that is not known,
/// from pods that are set as the new ones.
///
/// # Errors
///
/// If the settings make no world of the lab.
pub fn predict(
    rollout: &Rollout,
    upgrade: Option<&Upgrade>,
    typed: &Typed,
    measured: Option<&Measured>,
) -> Result<Draft, scenario::Error> {
    let told = told(rollout, upgrade);
    let kind = kind(rollout, typed, measured);
    let lag = known(typed.lag, "--lag", measured.map(|run| &run.lag), || {
        let usual = DurationRange::between(lag::USUAL.0, lag::USUAL.1);
        Known::assumed(usual, "what a hop usually needs; --from a run of this cluster measures it")
    });
    let on_sigterm = known(typed.on_sigterm, "--on-sigterm", measured.map(|run| &run.ending.on_sigterm), || {
        Known::assumed(OnSigterm::Exit, "the commonest, and in no manifest")
    });
    let replicas = told.replicas.clone().unwrap_or_else(|| Known::assumed(2, "nothing told of it"));
    let strategy = strategy(&told, upgrade, lag.value.high());
    let ready = known(typed.ready, "--ready", None, || {
        Known::assumed(DurationRange::exactly(starting::USUAL), "how long pods take to start is not in manifests")
    });
    let boot = match (typed.ready, measured) {
        (None, Some(run)) => of_run(&run.starting.boot),
        _ => ready.map(boot_for),
    };
    let boot = short_boot(boot, replicas.value, &strategy.value);
    let work = known(typed.work, "--work", measured.map(|run| &run.starting.work), || {
        Known::assumed(DurationRange::exactly(WORK), "how long answers take is not in manifests")
    });
    let starting = Starting::assumed(&told.new, boot, work);
    let mut ending = Ending::assumed(&told.old, on_sigterm);
    if let Some(run) = measured {
        (ending.teardown, ending.afterwards) = (of_run(&run.ending.teardown), of_run(&run.ending.afterwards));
    }
    let ending = short_end(ending, lag.value.high());
    let liveness = told.new.liveness.filter(|known| kills(known.value, starting.boot.value.high()));
    let pods = |why: &str| Pods {
        starting: starting.clone(),
        ending: ending.clone(),
        liveness: liveness.clone(),
        why: why.to_owned(),
    };
    let name = &rollout.workload.name;
    let parts = Parts {
        name: format!("{name}-predicted"),
        shows: format!("What a rollout of {} {name} will lose, predicted from its manifest.", rollout.workload.kind),
        preface: vec![
            "Made from the manifest by `lapse predict`. Above each value is where it comes from; what no manifest says is \
             marked `assumed` unless it was typed or measured in an earlier run."
                .to_owned(),
        ],
        measure: measure(typed.rate, kind.value),
        measured: Vec::new(),
        replicas,
        strategy,
        hop: hop::plain(kind, lag),
        old: pods("the pods that are there"),
        new: pods("the pods that replace them"),
        roll_back_after: None,
        expect: Known::shown(
            Expect { lost: Amount::Any, lanes: BTreeMap::new(), classes: Vec::new(), downtime: None, slow: None },
            "anything: that is what the play is to show",
        ),
    };
    parts.draft()
}

/// What the manifests say of the old pods and of the new ones.
fn told(rollout: &Rollout, upgrade: Option<&Upgrade>) -> Settings {
    let new = Settings::of_manifests(rollout);
    match upgrade {
        Some(Upgrade::Replaced(before)) => Settings { old: Settings::of_manifests(before).old, ..new },
        Some(Upgrade::Switched(switched)) => Settings { old: Settings::of_manifests(&switched.from).old, ..new },
        None | Some(Upgrade::Unchanged | Upgrade::Installed) => new,
    }
}

/// How pods are replaced, without waits that only take time.
fn strategy(told: &Settings, upgrade: Option<&Upgrade>, lag: Duration) -> Known<Strategy> {
    if let Some(Upgrade::Switched(switched)) = upgrade {
        return switch(switched);
    }
    let strategy = told.strategy.clone().unwrap_or_else(|| Known::assumed(Strategy::default(), "nothing told of it"));
    short_wait(strategy, lag)
}

/// A Service that is switched.
fn switch(switched: &Switched) -> Known<Strategy> {
    let from = format!("{} {}", switched.from.workload.kind, switched.from.workload.name);
    let (switch, are) = match switched.standby {
        Standby::None => (Switch::WhenCreated, "has no pods before"),
        Standby::Stays | Standby::Replaced => (Switch::WhenReady, "has its pods before"),
    };
    let (keep_old, stay) =
        if switched.keeps_old { (KeepOld::Always, "stay") } else { (KeepOld::For(DurationRange::ZERO), "are deleted") };
    let says = format!("the Service is switched to this workload, which {are}; the pods of {from} {stay}");
    Known::shown(Strategy::BlueGreen(BlueGreen { switch, keep_old }), says)
}

/// A value as it was typed, else as a run measured it, else as it usually is.
fn known<T: Clone>(
    typed: Option<T>,
    flag: &str,
    measured: Option<&Known<T>>,
    usual: impl FnOnce() -> Known<T>,
) -> Known<T> {
    match (typed, measured) {
        (Some(value), _) => Known::shown(value, format!("`{flag}` says so")),
        (None, Some(run)) => of_run(run),
        (None, None) => usual(),
    }
}

/// A value of the earlier run; one that was assumed there is assumed here.
fn of_run<T: Clone>(known: &Known<T>) -> Known<T> {
    match known.why.strip_prefix(crate::known::ASSUMED) {
        Some(why) => Known::assumed(known.value.clone(), format!("in the earlier run, too: {why}")),
        None => Known::shown(known.value.clone(), format!("measured in the earlier run: {}", known.why)),
    }
}

fn kind(rollout: &Rollout, typed: &Typed, measured: Option<&Measured>) -> Known<HopKind> {
    known(typed.hop, "--hop", measured.map(|run| &run.kind), || {
        if rollout.behind_ingress {
            let why = "an Ingress or a route leads to it; --hop service for clients that do not come through that";
            return Known::assumed(HopKind::Ingress, why);
        }
        Known::assumed(HopKind::Service, "clients come through the Service; --hop for another way")
    })
}

fn measure(rate: Option<Rate>, hop: HopKind) -> Measure {
    let rate = rate.map_or(RATE, Rate::get);
    let timeout = if hop == HopKind::Service { TIMEOUT } else { PATIENCE };
    Measure { rate: Some(rate), baseline: Some(STAGE), settle: Some(STAGE), timeout: Some(timeout), slow: None }
}

/// This length, or as much shorter as still outlasts the lag, with a word on it.
fn shorter(known: Known<DurationRange>, lag: Duration) -> Known<DurationRange> {
    let most = Duration::from_secs((lag + SPARE).as_secs() + 1);
    let length = known.value.high();
    if length <= most {
        return known;
    }
    let why =
        format!("{}; its {} are played as {}, which outlast the lag as well", known.why, Human(length), Human(most));
    Known { value: DurationRange::exactly(most), why }
}

fn short_wait(strategy: Known<Strategy>, lag: Duration) -> Known<Strategy> {
    let Strategy::RollingUpdate(update) = strategy.value else { return strategy };
    let wait = shorter(Known { value: update.min_ready, why: strategy.why }, lag);
    wait.map(|min_ready| Strategy::RollingUpdate(lapse_lab::strategy::RollingUpdate { min_ready, ..update }))
}

/// The time until pods listen, short enough for all steps of the rollout.
fn short_boot(boot: Known<DurationRange>, replicas: u32, strategy: &Strategy) -> Known<DurationRange> {
    let (at_once, wait) = match strategy {
        Strategy::RollingUpdate(update) => {
            let (surge, unavailable) = (update.surge(replicas), update.unavailable(replicas));
            (surge.saturating_add(unavailable).max(1), update.min_ready.high())
        }
        Strategy::Recreate | Strategy::BlueGreen(_) => (replicas, Duration::ZERO),
    };
    let most = (LONGEST / replicas.div_ceil(at_once).max(1)).saturating_sub(wait).max(Duration::from_millis(50));
    if boot.value.high() <= most {
        return boot;
    }
    let why =
        format!("{}; {} are played as {}, so that the rollout ends", boot.why, Human(boot.value.high()), Human(most));
    let most = Duration::from_millis(u64::try_from(most.as_millis()).unwrap_or(u64::MAX));
    Known { value: DurationRange::between(boot.value.low().min(most), most), why }
}

/// Whether a liveness probe may restart a pod that is still starting; any other makes no difference to a rollout.
fn kills(probe: Liveness, boot: Duration) -> bool {
    probe.initial_delay.low() + probe.period.low().saturating_mul(probe.failures) < boot
}

/// How pods end, without waits that only take time.
fn short_end(ending: Ending, lag: Duration) -> Ending {
    let is_cut = ending.grace.value.low() <= ending.pre_stop.value.high();
    let waits = is_cut || ending.on_sigterm.value == OnSigterm::Ignore;
    Ending {
        grace: if waits { shorter(ending.grace, lag) } else { ending.grace },
        pre_stop: shorter(ending.pre_stop, lag),
        ..ending
    }
}
