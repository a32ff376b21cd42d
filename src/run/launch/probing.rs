//! Makes a run's prober ready: waits for its targets and checks them, from where the probes will be sent.

use std::time::Duration;

use super::{Error, draw_seed};
use crate::progress::Progress;
use crate::run::check::{Checked, check_all};
use crate::run::plan::ProbeLimits;
use crate::run::prober::Prober;
use crate::run::prober::elsewhere::{self, Connected, ElsewherePlan, Opened};
use crate::run::prober::here::Here;
use crate::run::redirect::RedirectNotices;
use crate::run::steering::Steering;
use crate::run::wait_up::{self, Waited};
use lapse_cluster::prober_job::ProberJob;
use lapse_hammer::clock::Clock;
use lapse_hammer::engine::{self, Settings};
use lapse_hammer::target::Target;
use lapse_hammer::template::Filling;
use lapse_measure::lane::Policy;
use lapse_measure::probe_id::IdSeed;
use lapse_measure::schedule::{Rate, Schedule};
use lapse_measure::time::Offset;
use lapse_record::entry::RunHeader;

/// The time between setting up the engine of this process and the first slot.
const RUN_UP: Duration = Duration::from_millis(50);
/// The highest rate of the probes of each target that wait for it.
const WAITING_RATE: u64 = 100;

/// What a prober is to send, before the run has a header.
#[derive(Debug)]
pub(crate) struct Probing {
    /// The targets, with their addresses.
    pub targets: Vec<Target>,
    /// The policies of each target's lanes.
    pub policies: Vec<Policy>,
    /// The slots per second of each target.
    pub rate: Rate,
    /// The limits of each probe.
    pub limits: ProbeLimits,
    /// How long to wait for the targets; `None` for not at all.
    pub wait_up: Option<Duration>,
}

/// A prober that is ready to begin, and what it found.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) checked: Vec<Checked>,
    pub(super) waited: Option<Waited>,
    place: ReadyPlace,
}

/// Where the probes of the run are sent from.
#[derive(Debug)]
enum ReadyPlace {
    Here,
    Elsewhere(Box<Connected>),
    /// Nothing is sent, since the run was ended meanwhile.
    Nowhere,
}

impl Probing {
    fn announce(&self, progress: &mut Progress) {
        if let Some(limit) = self.wait_up {
            progress.say(&wait_up::announcement(&self.names(), limit));
        }
    }

    fn names(&self) -> Vec<String> {
        self.targets.iter().map(|target| target.name.clone()).collect()
    }

    /// Waits until the targets are up, if that is asked for, by probes as the run's own but few.
    pub(crate) async fn wait(&self, steering: &mut Steering) -> Result<Option<Waited>, Error> {
        let Some(limit) = self.wait_up else { return Ok(None) };
        let few = Rate::per_second(self.rate.get().min(WAITING_RATE)).unwrap_or(self.rate);
        let settings = Settings {
            targets: self.targets.clone(),
            lanes: wait_up::lanes(self.targets.len(), &self.policies, few),
            control: Schedule::alone(few, Offset::ZERO),
            timeout: self.limits.timeout,
            connect_timeout: self.limits.connect_timeout,
            slow: self.limits.slow,
            connections: self.limits.connections,
            precedence: false,
            // A seed of its own: no id is sent twice, neither here nor in the run.
            filling: Filling { seed: draw_seed()?, anchor: Clock::start().anchor() },
        };
        wait_up::wait(settings, &self.names(), limit, steering).await.map(Some).map_err(Error::Hammer)
    }

    /// Asks each target once.
    pub(crate) async fn check(&self, seed: IdSeed) -> Vec<Checked> {
        check_all(&self.targets, Filling { seed, anchor: Clock::start().anchor() }, self.limits.timeout).await
    }

    /// The engine's settings for the lanes of `header`.
    pub(crate) fn settings(self, header: &RunHeader, seed: IdSeed) -> Settings {
        let limits = self.limits;
        Settings {
            targets: self.targets,
            lanes: header.lanes(),
            control: header.control(),
            timeout: limits.timeout,
            connect_timeout: limits.connect_timeout,
            slow: limits.slow,
            connections: limits.connections,
            precedence: limits.precedence,
            filling: Filling { seed, anchor: header.anchor },
        }
    }
}

impl Ready {
    /// Makes the prober of this process ready, and says what it finds.
    pub(super) async fn here(
        probing: &Probing,
        seed: IdSeed,
        steering: &mut Steering,
        progress: &mut Progress,
    ) -> Result<Self, Error> {
        probing.announce(progress);
        let waited = probing.wait(steering).await?;
        if let Some(said) = waited.as_ref().and_then(Waited::said) {
            progress.say(&said);
        }
        let checked = probing.check(seed).await;
        Ok(Self { checked, waited, place: ReadyPlace::Here }.warned(progress))
    }

    /// Makes a prober elsewhere ready, and says what it finds. A Job is left in `job`, for the caller to delete.
    pub(super) async fn elsewhere(
        plan: ElsewherePlan,
        probing: &Probing,
        steering: &mut Steering,
        progress: &mut Progress,
        job: &mut Option<ProberJob>,
    ) -> Result<Self, Error> {
        progress.say(&plan.place.announcement());
        probing.announce(progress);
        let opened = tokio::select! {
            opened = elsewhere::open(plan, job) => opened.map_err(Error::elsewhere)?,
            (signal, why) = steering.end() => {
                let checked = probing.targets.iter().map(Checked::guessed).collect();
                return Ok(Self { checked, waited: Some(Waited::Ended(signal, why)), place: ReadyPlace::Nowhere });
            }
        };
        let Opened { connected, checked, waited } = opened;
        if let Some(said) = waited.as_ref().and_then(Waited::said) {
            progress.say(&said);
        }
        if checked.len() != probing.targets.len() {
            return Err(Error::OtherTargets { here: probing.targets.len(), there: checked.len() });
        }
        Ok(Self { checked, waited, place: ReadyPlace::Elsewhere(Box::new(connected)) }.warned(progress))
    }

    fn warned(self, progress: &mut Progress) -> Self {
        for warning in self.checked.iter().filter_map(|checked| checked.warning.as_deref()) {
            progress.say(warning);
        }
        self
    }

    /// The time between setting up the run and the first slot.
    pub(super) fn run_up(&self) -> Duration {
        match &self.place {
            ReadyPlace::Here | ReadyPlace::Nowhere => RUN_UP,
            ReadyPlace::Elsewhere(connected) => connected.run_up(),
        }
    }

    /// Starts the prober, and puts the precedence that its threads got into the header.
    pub(super) async fn start(
        self,
        probing: Probing,
        header: &mut RunHeader,
        seed: IdSeed,
        clock: Clock,
    ) -> Result<Prober, Error> {
        Ok(match self.place {
            ReadyPlace::Nowhere => Prober::Nothing,
            ReadyPlace::Elsewhere(connected) => {
                Prober::Elsewhere(Box::new(connected.begin(header, clock).await.map_err(Error::elsewhere)?))
            }
            ReadyPlace::Here => {
                let redirects = RedirectNotices::new(header.names(), &self.checked);
                let hammer = engine::start(probing.settings(header, seed), clock).map_err(Error::Hammer)?;
                header.precedence = Some(hammer.precedence());
                Prober::Here(Box::new(Here::new(hammer, clock, header.lanes(), header.names(), redirects)))
            }
        })
    }
}
