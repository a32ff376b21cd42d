//! From a plan to a session: everything that can be wrong is found before the first probe.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::Uri;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::activity::RunningActivity;
use super::check::{Checked, check_all};
use super::plan::{Activity, Follow, Plan};
use super::rollout::{NoService, Rollout};
use super::session::{Parts, Session};
use super::signal::Signals;
use crate::command::Output;
use crate::progress::Progress;
use lapse_cluster::Watch;
use lapse_hammer::clock::{Clock, discipline};
use lapse_hammer::engine;
use lapse_hammer::target;
use lapse_lab::scenario::Scenario;
use lapse_lab::world::{self, World};
use lapse_measure::schedule::Rate;
use lapse_measure::time::Offset;
use lapse_record::entry::{RunHeader, Target};
use lapse_record::event::Event;
use lapse_record::journal::Journal;
use lapse_record::record::{Record, Recorder};

/// How long before the first slot the engine is set up.
const RUN_UP: Duration = Duration::from_millis(50);
/// The control lane is probed at the run's rate, but no faster than this: a control probe costs as much as two others,
/// since the responder is ours too, and a stall too short for this to see shows in the sends.
const CONTROL_RATE: u64 = 100;

/// Why a run did not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The signals cannot be caught.
    #[error("cannot catch signals")]
    Signals(#[source] io::Error),
    /// The journal cannot be begun.
    #[error("cannot write the journal in {folder}")]
    Journal {
        /// The run's folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The engine cannot be started.
    #[error("cannot start the engine")]
    Hammer(#[source] engine::Error),
    /// The scenario's world cannot be made.
    #[error("cannot set up the scenario's world")]
    World(#[source] world::Error),
    /// The cluster cannot be watched, and somebody asked for that.
    #[error("cannot watch the cluster")]
    Cluster(#[source] lapse_cluster::Error),
    /// A target is not in the cluster.
    #[error(transparent)]
    ClusterTarget(#[from] NoService),
    /// The world is not where a probe could go.
    #[error("the scenario's world has the odd address {0:?}")]
    WorldAddress(String),
}

/// A scenario's world, and what it tells.
struct Stage {
    world: Arc<World>,
    told: UnboundedReceiver<Event>,
    acts: Vec<String>,
}

/// Carries `plan` out, to its record.
pub(crate) async fn run(mut plan: Plan, progress: &mut Progress) -> Result<Record, Error> {
    let signals = Signals::catch().map_err(Error::Signals)?;
    // The world is there before the run's clock is: what it does meanwhile, it does at offset zero.
    let clock = Arc::new(OnceLock::new());
    let stage = match &plan.activity {
        Activity::Scenario(scenario) => Some(set_up(scenario, &clock).await?),
        Activity::Nothing(_) | Activity::Command(_) => None,
    };
    if let Some(stage) = &stage {
        let url = stage.world.url();
        let uri: Uri = url.parse().map_err(|_| Error::WorldAddress(url))?;
        plan.settings.targets.iter_mut().for_each(|target| target.uri = uri.clone());
    }
    let mut rollout = match plan.follow.take() {
        Some(follow) => follow_rollout(follow, &clock, progress).await?,
        None => None,
    };
    if let Some(rollout) = &mut rollout {
        for (place, cluster_target) in &plan.cluster_targets {
            plan.settings.targets[*place].addresses = Some(rollout.locate(cluster_target).await?);
        }
    }
    let checked = check_all(&plan.settings.targets, plan.settings.timeout).await;
    for warning in checked.iter().filter_map(|checked| checked.warning.as_deref()) {
        progress.say(warning);
    }
    let clock = *clock.get_or_init(|| Clock::start_in(RUN_UP));
    let about = about(&plan, &checked, clock);
    (plan.settings.lanes, plan.settings.control) = (about.lanes(), about.control());
    let folder = plan.folder.path();
    let journal = |source| Error::Journal { folder: folder.to_owned(), source };
    let journal = Journal::create(folder, &about).map_err(journal)?;
    let parts = Parts {
        hammer: engine::start(plan.settings.clone(), clock).map_err(Error::Hammer)?,
        clock,
        journal,
        recorder: Recorder::new(about),
        signals,
        lab: None,
        world: None,
        rollout,
        durations: (!matches!(plan.activity, Activity::Nothing(_))).then_some(plan.durations),
        end: match plan.activity {
            Activity::Nothing(duration) => Some(Offset::ZERO + duration),
            Activity::Command(_) | Activity::Scenario(_) => None,
        },
        timeout: plan.settings.timeout,
        offered: plan.settings.lanes.iter().map(|lane| lane.schedule.rate()).sum(),
    };
    Ok(play(plan.activity, stage, parts, progress).await)
}

async fn set_up(scenario: &Scenario, clock: &Arc<OnceLock<Clock>>) -> Result<Stage, Error> {
    let clock = Arc::clone(clock);
    let now = move || clock.get().map_or(Offset::ZERO, Clock::now);
    let (tell, told) = unbounded_channel();
    let world = World::start(scenario.clone(), now, tell).await.map_err(Error::World)?;
    let acts = scenario.acts().iter().map(|act| act.name.clone()).collect();
    Ok(Stage { world: Arc::new(world), told, acts })
}

/// Begins to watch. Where only the command's words ask for a cluster, none is no reason not to measure.
async fn follow_rollout(
    follow: Follow,
    clock: &Arc<OnceLock<Clock>>,
    progress: &mut Progress,
) -> Result<Option<Rollout>, Error> {
    let clock = Arc::clone(clock);
    match Watch::start(follow.scope, move || clock.get().map_or(Offset::ZERO, Clock::now)).await {
        Ok(watch) => Ok(Some(Rollout::new(watch, follow.noop))),
        Err(error) if follow.asked => Err(Error::Cluster(error)),
        Err(error) => {
            progress.say(&format!("the rollout is not followed: {:#}", anyhow::Error::new(error)));
            Ok(None)
        }
    }
}

async fn play(activity: Activity, stage: Option<Stage>, mut parts: Parts, progress: &mut Progress) -> Record {
    let clock = parts.clock;
    let (world, acts, told) =
        stage.map_or((None, Vec::new(), None), |stage| (Some(stage.world), stage.acts, Some(stage.told)));
    parts.world = told;
    parts.lab.clone_from(&world);
    let output = Output { stdout: Box::new(progress.above_stdout()), stderr: Box::new(progress.above_stderr()) };
    let kept = world.clone();
    let begin = || async move {
        match (activity, world) {
            (Activity::Scenario(_), Some(world)) => Ok(RunningActivity::acts(world, acts, clock)),
            (Activity::Command(command), _) => {
                let running = command
                    .spawn(move || clock.now(), output)
                    .map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
                Ok(RunningActivity::command(running))
            }
            (Activity::Nothing(duration), _) => Ok(RunningActivity::nothing(Offset::ZERO + duration, clock)),
            (Activity::Scenario(_), None) => Err("the scenario has no world".to_owned()),
        }
    };
    let record = Session::new(parts, begin, progress).run().await;
    if let Some(world) = kept.and_then(Arc::into_inner) {
        world.stop().await;
    }
    record
}

fn about(plan: &Plan, checked: &[Checked], clock: Clock) -> RunHeader {
    let count = plan.settings.targets.len() as u64;
    // Targets take turns within a slot, so that they do not all probe at the same instant.
    let start = |place: u64| Offset::from_nanos(1_000_000_000 * place / (plan.rate.get() * count));
    let target = |((target, checked), place): ((&target::Target, &Checked), u64)| Target {
        name: target.name.clone(),
        url: target.uri.to_string(),
        protocol: checked.protocol,
        policies: plan.policies.clone(),
        start: start(place),
    };
    let command = match &plan.activity {
        Activity::Command(command) => Some(command.argv().collect()),
        Activity::Nothing(_) | Activity::Scenario(_) => None,
    };
    let control = plan.rate.get().saturating_mul(count).min(CONTROL_RATE);
    RunHeader {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: plan.name.clone(),
        anchor: clock.anchor(),
        discipline: discipline(),
        monotonic_ns: clock.monotonic_ns(),
        rate: plan.rate,
        control_rate: Rate::per_second(control).unwrap_or(plan.rate),
        targets: plan.settings.targets.iter().zip(checked).zip(0..).map(target).collect(),
        timeout: plan.settings.timeout,
        slow: plan.settings.slow,
        command,
        budgets: plan.budgets.clone(),
        max_blind: plan.max_blind,
    }
}
