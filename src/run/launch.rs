//! Turns a plan into a session: everything that can fail is done before the first probe.

mod probing;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ring::rand::SystemRandom;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(crate) use self::probing::Probing;
use self::probing::Ready;
use super::activity::ReadyActivity;
use super::check::Checked;
use super::fresh::{self, FreshReader};
use super::held::Held;
use super::plan::{Activity, Endpoint, Folder, Follow, Plan, PlannedTarget, ProbeLimits};
use super::prober::elsewhere;
use super::rollout::{NoService, Rollout};
use super::session::{Parts, Session};
use super::signal::Signals;
use super::steering::Steering;
use crate::command::Output;
use crate::progress::Progress;
use lapse_cluster::Watch;
use lapse_cluster::prober_job::ProberJob;
use lapse_hammer::clock::{Clock, discipline};
use lapse_hammer::engine;
use lapse_hammer::held::{self, HeldSettings};
use lapse_hammer::target;
use lapse_hammer::template::Filling;
use lapse_hammer::varying::carried_ids;
use lapse_lab::scenario::Scenario;
use lapse_lab::world::{self, World};
use lapse_measure::lane::Policy;
use lapse_measure::probe_id::IdSeed;
use lapse_measure::schedule::Rate;
use lapse_measure::time::Offset;
use lapse_record::entry::{CarriedIds, RunHeader, Target};
use lapse_record::event::Event;
use lapse_record::held::HeldPlan;
use lapse_record::journal::Journal;
use lapse_record::record::{Record, Recorder};

/// The highest rate of control probes. A control probe costs as much as two others, since lapse answers it too; stalls
/// too short for this rate show in the gaps between sends.
const CONTROL_RATE: u64 = 100;

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The signal handlers could not be installed.
    #[error("cannot catch signals")]
    Signals(#[source] io::Error),
    /// The journal could not be created.
    #[error("cannot write the journal in {folder}")]
    Journal {
        /// The run's folder.
        folder: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The engine could not be started.
    #[error("cannot start the engine")]
    Hammer(#[source] engine::Error),
    /// The streams could not be held.
    #[error("cannot hold streams")]
    Held(#[source] held::Error),
    /// The scenario's world could not be started.
    #[error("cannot set up the scenario's world")]
    World(#[source] world::Error),
    /// The cluster that the user asked to watch cannot be watched.
    #[error("cannot watch the cluster")]
    Cluster(#[source] lapse_cluster::Error),
    /// A target was not found in the cluster.
    #[error(transparent)]
    ClusterTarget(#[from] NoService),
    /// The name of a target could not be looked up before the run (`--resolve-once`).
    #[error("cannot look up {host}: check the name, or give its addresses with --resolve {host}:{port}:ADDR")]
    Unresolved {
        /// The name.
        host: String,
        /// The port to connect to.
        port: u16,
        /// The resolver's answer.
        #[source]
        source: io::Error,
    },
    /// A target or an activity needs a scenario's world, and the plan has none.
    #[error("{0} needs a scenario's world: name a scenario to run")]
    NoWorld(String),
    /// A header that is read anew could not be read before the run.
    #[error(transparent)]
    Header(#[from] fresh::Unread),
    /// There is no prober elsewhere.
    #[error(transparent)]
    Elsewhere(Box<elsewhere::Error>),
    /// The prober elsewhere read its order otherwise.
    #[error("the prober elsewhere has {there} targets and this run {here}: have lapse of one version on both ends")]
    OtherTargets {
        /// The targets of the run.
        here: usize,
        /// The targets that the prober has.
        there: usize,
    },
    /// The kernel gave no random numbers for the ids of probes.
    #[error("cannot draw a seed for the ids of probes: the kernel gave no random numbers")]
    NoSeed,
    /// The address of the world's outermost hop is not a valid URL.
    #[error("the scenario's world has the odd address {0:?}")]
    WorldAddress(String),
}

impl Error {
    fn elsewhere(error: elsewhere::Error) -> Self {
        Self::Elsewhere(Box::new(error))
    }
}

/// A run that is ready to begin.
struct Prepared {
    parts: Parts,
    activity: ReadyActivity,
    /// The scenario's world, which is stopped when the run is over.
    world: Option<Arc<World>>,
}

/// A scenario's world, and the events that it reports.
struct Stage {
    world: Arc<World>,
    events: UnboundedReceiver<Event>,
}

/// Executes `plan` and returns the run's record. Signals end the run.
pub(crate) async fn run(plan: Plan, progress: &mut Progress) -> Result<Record, Error> {
    let signals = Signals::catch().map_err(Error::Signals)?;
    run_steered(plan, Steering::Signals(signals), progress).await
}

/// Executes `plan`, does meanwhile what `steering` asks for, and returns the run's record.
pub(crate) async fn run_steered(plan: Plan, steering: Steering, progress: &mut Progress) -> Result<Record, Error> {
    let mut job = None;
    let record = Box::pin(run_with(plan, steering, progress, &mut job)).await;
    // Whatever came of the run, nothing of it stays in the cluster.
    if let Some(job) = job
        && let Err(error) = job.delete().await
    {
        let error = anyhow::Error::new(error);
        progress.say(&format!("{job} could not be deleted, so delete it yourself: {error:#}"));
    }
    record
}

async fn run_with(
    plan: Plan,
    steering: Steering,
    progress: &mut Progress,
    job: &mut Option<ProberJob>,
) -> Result<Record, Error> {
    let fresh = FreshReader::start(plan.fresh.clone()).await?;
    let Prepared { parts, activity, world } = prepare(plan, fresh, steering, progress, job).await?;
    let record = Session::new(parts, activity, progress).run().await;
    if let Some(world) = world.and_then(Arc::into_inner) {
        world.stop().await;
    }
    Ok(record)
}

/// Prepares the parts of a run, each after those that it depends on.
async fn prepare(
    plan: Plan,
    fresh: FreshReader,
    mut steering: Steering,
    progress: &mut Progress,
    job: &mut Option<ProberJob>,
) -> Result<Prepared, Error> {
    let Plan { name, folder, rate, targets, policies, limits, activity, follow, durations, wait_up, held, .. } = plan;
    // The world starts before the run's clock: its events until then are at offset zero.
    let clock = Arc::new(OnceLock::new());
    let stage = set_up(&activity, &clock).await?;
    let mut rollout = follow_rollout(follow, &clock, progress).await?;
    let targets =
        locate(targets, stage.as_ref(), rollout.as_mut(), limits.resolve_once && plan.elsewhere.is_none()).await?;
    let seed = draw_seed()?;
    let probing = Probing { targets, policies, rate, limits, wait_up };
    let prepared = match plan.elsewhere {
        None => Ready::here(&probing, seed, &mut steering, progress).await?,
        Some(elsewhere) => Ready::elsewhere(elsewhere, &probing, &mut steering, progress, job).await?,
    };
    let clock = *clock.get_or_init(|| Clock::start_in(prepared.run_up()));
    let targets = &probing.targets;
    let mut header = RunHeader {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name,
        anchor: clock.anchor(),
        discipline: discipline(),
        began: clock.began(),
        rate,
        control_rate: control_rate(rate, targets.len()),
        targets: header_targets(targets, &prepared.checked, rate, &probing.policies),
        timeout: limits.timeout,
        slow: limits.slow,
        command: activity.command(),
        budgets: plan.budgets,
        rules: plan.rules,
        gate: plan.gate,
        precedence: None,
        version_header: version_header(targets),
        held,
        id_seed: targets.iter().any(|target| carried_ids(target) != CarriedIds::default()).then_some(seed),
    };
    let held = hold(targets, &header, seed, limits, clock)?;
    let (offered, waited) = (header.lanes().iter().map(|lane| lane.schedule.rate()).sum(), prepared.waited.clone());
    // The prober starts before the journal, whose first entry has its precedence; no slot is due yet.
    let prober = prepared.start(probing, &mut header, seed, clock).await?;
    let (world, events) = stage.map(|stage| (stage.world, stage.events)).unzip();
    let parts = Parts {
        clock,
        journal: create_journal(&folder, &header)?,
        offered,
        prober,
        held,
        recorder: Recorder::new(header),
        steering,
        lab: world.clone(),
        world: events,
        fresh,
        rollout,
        durations: (!matches!(activity, Activity::Nothing(_))).then_some(durations),
        end: activity.end(),
        waited,
        fail_fast: plan.fail_fast,
        timeout: limits.timeout,
    };
    Ok(Prepared { parts, activity: ready(activity, world.as_ref(), progress)?, world })
}

fn create_journal(folder: &Folder, header: &RunHeader) -> Result<Journal, Error> {
    let error = |source| Error::Journal { folder: folder.path().to_owned(), source };
    Journal::create(folder.path(), header).map_err(error)
}

/// The rate of control probes for so many targets, each probed at `rate`.
fn control_rate(rate: Rate, targets: usize) -> Rate {
    let control = rate.get().saturating_mul(targets as u64).min(CONTROL_RATE);
    Rate::per_second(control).unwrap_or(rate)
}

/// The header that names versions, which all targets share.
fn version_header(targets: &[target::Target]) -> Option<String> {
    targets.iter().find_map(|target| Some(target.version.as_ref()?.as_str().to_owned()))
}

/// Starts to hold the streams of `header`, if it has any.
fn hold(
    targets: &[target::Target],
    header: &RunHeader,
    seed: IdSeed,
    limits: ProbeLimits,
    clock: Clock,
) -> Result<Held, Error> {
    let start = |plan: &HeldPlan| {
        let settings = HeldSettings {
            targets: targets.to_vec(),
            places: plan.places.get(),
            path: plan.path.clone(),
            connect_timeout: limits.connect_timeout,
            timeout: limits.timeout,
            filling: Filling { seed, anchor: header.anchor },
        };
        held::start(settings, clock).map_err(Error::Held)
    };
    header.held.as_ref().map(start).transpose().map(Held)
}

/// A seed that no other run has.
fn draw_seed() -> Result<IdSeed, Error> {
    let bytes = ring::rand::generate::<[u8; 16]>(&SystemRandom::new()).map_err(|_| Error::NoSeed)?;
    Ok(IdSeed::new(u128::from_be_bytes(bytes.expose())))
}

/// Starts the world of a scenario, if the activity is one.
async fn set_up(activity: &Activity, clock: &Arc<OnceLock<Clock>>) -> Result<Option<Stage>, Error> {
    let Activity::Scenario(scenario) = activity else { return Ok(None) };
    let clock = Arc::clone(clock);
    let now = move || clock.get().map_or(Offset::ZERO, Clock::now);
    let (tell, events) = unbounded_channel();
    let world = World::start(Scenario::clone(scenario), now, tell).await.map_err(Error::World)?;
    Ok(Some(Stage { world: Arc::new(world), events }))
}

/// Completes the targets with the addresses that only the world or the cluster has, and with those of their names where
/// these are to be looked up once.
async fn locate(
    planned: Vec<PlannedTarget>,
    stage: Option<&Stage>,
    mut rollout: Option<&mut Rollout>,
    resolve_once: bool,
) -> Result<Vec<target::Target>, Error> {
    let mut targets = Vec::new();
    for target in planned {
        let (uri, addresses) = match (&target.endpoint, stage, rollout.as_deref_mut()) {
            (Endpoint::Url(uri), _, _) | (Endpoint::Cluster(uri, _), _, None) => (uri.clone(), None),
            (Endpoint::Cluster(uri, part), _, Some(rollout)) => (uri.clone(), Some(rollout.locate(part).await?)),
            (Endpoint::Scenario, Some(stage), _) => {
                let url = stage.world.url();
                (url.parse().map_err(|_| Error::WorldAddress(url))?, None)
            }
            (Endpoint::Scenario, None, _) => return Err(Error::NoWorld(target.name)),
        };
        let mut target = target.at(uri, addresses);
        if resolve_once {
            let (host, port) = target.connects_to();
            target.resolve_once().await.map_err(|source| Error::Unresolved { host, port, source })?;
        }
        targets.push(target);
    }
    Ok(targets)
}

/// Completes the activity with the command's output or the scenario's world.
fn ready(activity: Activity, world: Option<&Arc<World>>, progress: &Progress) -> Result<ReadyActivity, Error> {
    Ok(match activity {
        Activity::Nothing(duration) => ReadyActivity::Nothing(Offset::ZERO + duration),
        Activity::Asked(limit) => ReadyActivity::Asked(limit),
        Activity::Command(command) => {
            let output =
                Output { stdout: Box::new(progress.above_stdout()), stderr: Box::new(progress.above_stderr()) };
            ReadyActivity::Command(command, output)
        }
        Activity::Scenario(scenario) => {
            let acts = scenario.acts().iter().map(|act| act.name.clone()).collect();
            let world = world.ok_or_else(|| Error::NoWorld(scenario.name().to_owned()))?;
            ReadyActivity::Acts(Arc::clone(world), acts)
        }
    })
}

/// Starts to watch the cluster, if it is to be followed. If only the command's arguments suggest a cluster, an unreachable one is no error.
async fn follow_rollout(
    follow: Option<Follow>,
    clock: &Arc<OnceLock<Clock>>,
    progress: &mut Progress,
) -> Result<Option<Rollout>, Error> {
    let Some(follow) = follow else { return Ok(None) };
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

fn header_targets(targets: &[target::Target], checked: &[Checked], rate: Rate, policies: &[Policy]) -> Vec<Target> {
    let count = targets.len() as u64;
    // Targets take turns within a slot, so that they do not all probe at the same instant.
    let start = |place: u64| Offset::from_nanos(1_000_000_000 * place / (rate.get() * count));
    let target = |((target, checked), place): ((&target::Target, &Checked), u64)| Target {
        name: target.name.clone(),
        url: target.url(),
        protocol: checked.protocol,
        policies: policies.to_vec(),
        start: start(place),
        ids: carried_ids(target),
    };
    targets.iter().zip(checked).zip(0..).map(target).collect()
}
