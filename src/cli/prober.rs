//! `lapse prober`: the end of a run that sends its probes, where another machine is the home of the run.

use std::io::{IsTerminal, stdin};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use super::{plan, plan_check, plan_file::Origin};
use crate::run::launch::Probing;
use crate::run::plan::Endpoint;
use crate::run::prober::order::Order;
use crate::run::prober::serve::{Ordered, serve};

pub(super) const EXAMPLE: &str = "\
Example: from another machine, a run whose probes are sent on this one
  lapse run http://shop.internal/ --prober 'ssh HOST lapse prober' -- helm upgrade shop ./chart";

/// Executes the subcommand.
pub(super) fn execute() -> Result<ExitCode> {
    ensure!(
        !stdin().is_terminal(),
        "a prober takes its order from a run, not from a terminal: use `lapse run --prober COMMAND`"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let served = runtime.block_on(serve(ordered));
    runtime.shutdown_background();
    served.map(|()| ExitCode::SUCCESS)
}

/// What an order asks for.
fn ordered(order: Order) -> Result<Ordered> {
    let files = order.unpack().context("cannot keep the files of the order in memory")?;
    let words = ["lapse", "run"].map(str::to_owned).into_iter().chain(files.words.iter().cloned());
    let args = plan_check::parse(words, Origin::default())?;
    let planned = plan::of_prober(&args)?;
    let mut targets = Vec::new();
    for target in planned.targets {
        let Endpoint::Url(uri) = target.endpoint.clone() else { bail!("{} is no URL", target.name) };
        targets.push(target.at(uri, None));
    }
    let (policies, rate, limits, wait_up) = (planned.policies, planned.rate, planned.limits, planned.wait_up);
    Ok(Ordered { probing: Probing { targets, policies, rate, limits, wait_up }, files })
}
