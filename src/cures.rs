//! Trials: the rollout of a scenario, played again and again with cures in force.

mod table;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

pub(crate) use self::table::{Row, Table};
use crate::plays;
use crate::run::plan::{Plan, RESOLUTION_BESIDE_A_WORLD};
use lapse_lab::scenario::Scenario;
use lapse_lab::scenario::cure::Cure;
use lapse_measure::phase::Phase;
use lapse_measure::time::Bounded;
use lapse_record::record::Record;

/// What is tried, and how.
#[derive(Debug)]
pub(crate) struct Trials {
    /// The scenario, of which one act is played.
    pub scenario: Scenario,
    /// The place of the act.
    pub act: usize,
    /// The number of trials of each set of cures.
    pub each: usize,
    /// The number of worlds side by side.
    pub at_once: usize,
    /// The folder for the runs.
    pub folder: PathBuf,
}

/// What one trial came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    /// The probes that came to a result from the beginning of the rollout on.
    pub probes: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// The longest disruption of any lane.
    pub longest: Bounded,
    /// The longest outage that could have gone unseen.
    pub unseen: Duration,
    /// How long the rollout took.
    pub rollout: Duration,
    /// How often it was made again, because the machine held it up.
    pub again: usize,
}

/// The largest set of cures.
const LARGEST: usize = 4;
/// How often a trial that was held up is made again at the most.
const AGAIN: usize = 2;
/// A trial in which an outage of this length could have gone unseen was held up: by then the machine had stopped the world as
/// well as the prober. It is what makes a scenario's run inconclusive.
const HELD_UP: Duration = RESOLUTION_BESIDE_A_WORLD;

/// Plays all trials; `None` if a signal ended them. First each cure alone; then pairs of those that lose requests alone,
/// for one that does not is cheaper than a pair with it. While every set still loses requests, the one that lost the
/// fewest is tried with each further cure.
pub(crate) fn run<P>(trials: &Trials, plan: P, say: impl Fn(&str)) -> Result<Option<Table>>
where
    P: Fn(&Scenario, &Path) -> Result<Plan> + Sync,
{
    let cures = trials.scenario.cures(trials.act);
    let mut sets: Vec<Vec<Cure>> = vec![Vec::new()];
    sets.extend(cures.iter().map(|cure| vec![*cure]));
    say(&format!("{} cures fit: each alone and the rollout as it is, {} x", cures.len(), trials.each));
    let Some(alone) = play(trials, &sets, &plan)? else { return Ok(None) };
    let mut table = Table::new(&trials.scenario, trials.act, alone);
    if !table.loses() {
        return Ok(Some(table));
    }
    let open: Vec<_> = table.rows().iter().filter(|row| row.loses()).flat_map(|row| row.cures.clone()).collect();
    let mut larger = pairs(&open);
    for size in 2..=LARGEST {
        larger.retain(|set| is_sensible(trials, set));
        if !larger.is_empty() {
            say(&format!("{} sets of {size} of those that lose requests alone, {} x", larger.len(), trials.each));
        }
        let Some(together) = play(trials, &larger, &plan)? else { return Ok(None) };
        table.add(together);
        if table.cheapest().is_some() {
            break;
        }
        larger = table.least_lost(size).map(|set| with_each(&open, &set)).unwrap_or_default();
    }
    Ok(Some(table))
}

fn pairs(cures: &[Cure]) -> Vec<Vec<Cure>> {
    let of = |(nth, one): (usize, &Cure)| cures[nth + 1..].iter().map(|other| vec![*one, *other]).collect::<Vec<_>>();
    cures.iter().enumerate().flat_map(of).collect()
}

/// This set with each of the other cures, in the order of their costs.
fn with_each(cures: &[Cure], set: &[Cure]) -> Vec<Vec<Cure>> {
    let others = cures.iter().filter(|cure| !set.contains(cure));
    others.map(|other| cures.iter().filter(|cure| set.contains(cure) || *cure == other).copied().collect()).collect()
}

/// Whether each cure of a set changes something beside the others.
fn is_sensible(trials: &Trials, set: &[Cure]) -> bool {
    let with = |cures: &[Cure]| trials.scenario.with_cures(trials.act, cures);
    let without = |one: &Cure| set.iter().filter(|cure| *cure != one).copied().collect::<Vec<_>>();
    set.iter().all(|one| with(set) != with(&without(one)))
}

/// Plays the trials of these sets of cures, several side by side; `None` if a signal ended them.
fn play<P>(trials: &Trials, sets: &[Vec<Cure>], plan: &P) -> Result<Option<Vec<Row>>>
where
    P: Fn(&Scenario, &Path) -> Result<Plan> + Sync,
{
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let done = Mutex::new(Vec::new());
    let all = sets.len() * trials.each;
    let work = || {
        while !stopped.load(Ordering::Relaxed) {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= all {
                return;
            }
            // All sets in turn, so that what else the machine does falls on all of them.
            let set = nth % sets.len();
            let outcome = play_one(trials, &sets[set], nth / sets.len(), plan);
            let ended = !matches!(outcome, Ok(Some(_)));
            done.lock().unwrap_or_else(PoisonError::into_inner).push((set, outcome));
            if ended {
                stopped.store(true, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..trials.at_once.min(all) {
            scope.spawn(work);
        }
    });
    let mut rows: Vec<_> = sets.iter().map(|cures| Row { cures: cures.clone(), trials: Vec::new() }).collect();
    for (set, outcome) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
        match outcome? {
            Some(trial) => rows[set].trials.push(trial),
            None => return Ok(None),
        }
    }
    Ok(Some(rows))
}

/// Plays one trial, and again if the machine held it up; `None` if a signal ended it.
fn play_one<P>(trials: &Trials, cures: &[Cure], nth: usize, plan: &P) -> Result<Option<Trial>>
where
    P: Fn(&Scenario, &Path) -> Result<Plan>,
{
    let scenario = trials.scenario.with_cures(trials.act, cures).context("the scenario has no such act")?;
    let name = format!("{}-{}", folder_name(cures), nth + 1);
    for again in 0.. {
        let name = if again == 0 { name.clone() } else { format!("{name}-again-{again}") };
        let plan = plan(&scenario, &trials.folder.join(name))?;
        let record = plays::play_one(plan)?;
        let trial = Trial { again, ..Trial::of(&record) };
        if record.interrupted {
            break;
        }
        if again == AGAIN || !trial.is_held_up() {
            return Ok(Some(trial));
        }
    }
    Ok(None)
}

/// The name of the folder of a set's runs: the cures in words, without what paths do not take.
fn folder_name(cures: &[Cure]) -> String {
    let words: Vec<_> = cures.iter().map(Cure::to_string).collect();
    let name = if words.is_empty() { "as-it-is".to_owned() } else { words.join("-and-") };
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

impl Trial {
    fn of(record: &Record) -> Self {
        let phases = || record.seen.phases.spans(record.seen.end);
        let from = phases().find(|(phase, _)| *phase == Phase::Event).map(|(_, span)| span);
        let totals = record.summary.acts.first().and_then(|act| act.totals.first());
        let (probes, failed) = totals.map_or((0, 0), |totals| (totals.resolved, totals.failed));
        Self {
            probes,
            failed,
            longest: totals.map_or_else(|| Bounded::exact(Duration::ZERO), |totals| totals.disruptions.longest_length),
            unseen: totals.map(|totals| totals.unseen.length).unwrap_or_default(),
            rollout: from.map(|span| span.length()).unwrap_or_default(),
            again: 0,
        }
    }

    /// Whether the machine held it up, so that what it lost may not be the rollout's loss.
    pub(crate) fn is_held_up(&self) -> bool {
        self.unseen > HELD_UP
    }
}
