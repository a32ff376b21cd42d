//! Plays: a scenario's run made several times, several worlds side by side.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

use crate::progress::{Progress, Style};
use crate::run::launch;
use crate::run::plan::Plan;
use lapse_lab::scenario::Scenario;
use lapse_record::record::Record;

/// How often a scenario is played, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plays {
    /// The number of plays.
    pub times: usize,
    /// The number of worlds side by side.
    pub at_once: usize,
}

/// Plays a scenario, each time in a folder of its own below `folder`; `None` if a signal ended the plays.
pub(crate) fn play<P>(scenario: &Scenario, plays: Plays, folder: &Path, plan: P) -> Result<Option<Vec<Record>>>
where
    P: Fn(&Scenario, &Path) -> Result<Plan> + Sync,
{
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let done = Mutex::new(Vec::new());
    let work = || {
        while !stopped.load(Ordering::Relaxed) {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= plays.times {
                return;
            }
            let outcome = plan(scenario, &folder.join(format!("play-{}", nth + 1))).and_then(play_one);
            if outcome.as_ref().map_or(true, |record| record.interrupted) {
                stopped.store(true, Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
        }
    };
    thread::scope(|scope| {
        for _ in 0..plays.at_once.min(plays.times) {
            scope.spawn(work);
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let records: Vec<Record> = done.into_iter().collect::<Result<_>>()?;
    Ok(records.iter().all(|record| !record.interrupted).then_some(records))
}

/// Makes one run by this plan.
pub(crate) fn play_one(plan: Plan) -> Result<Record> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let record = runtime.block_on(launch::run(plan, &mut Progress::new(Style::Quiet)))?;
    runtime.shutdown_background();
    Ok(record)
}
