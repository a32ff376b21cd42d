//! The flags of `lapse run` that say which streams it holds.

use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Args;

use super::RunArgs;
use super::value;
use lapse_hammer::target::Http;
use lapse_record::held::HeldPlan;

use crate::run::plan::{Endpoint, PlannedTarget};

const HEADING: &str = "Held streams";
/// How often a service sends a message, where nothing else is said.
const BEAT: Duration = Duration::from_secs(1);

/// The streams to hold.
#[derive(Debug, Args)]
pub(super) struct HeldArgs {
    /// Hold N long-lived streams of each target beside the probes, each the answer to a GET over HTTP/1.1 that goes on,
    /// such as server-sent events [e.g. 50].
    #[arg(long, value_name = "N", value_parser = value::count(1, 1000), help_heading = HEADING)]
    pub(super) held: Option<u16>,
    /// The path of held streams, if it is not that of the target's URL [e.g. /events].
    #[arg(long, value_name = "PATH", value_parser = path, requires = "held", help_heading = HEADING)]
    pub(super) held_path: Option<String>,
    /// How often the service sends a message on a stream: a silence of that length is its own [default: 1s; e.g. 15s].
    #[arg(long, value_name = "TIME", value_parser = value::some_duration, requires = "held", help_heading = HEADING)]
    pub(super) beat: Option<Duration>,
}

/// The streams that the arguments ask for.
pub(super) fn of(args: &RunArgs, targets: &[PlannedTarget]) -> Result<Option<HeldPlan>> {
    let Some(places) = args.held.held.and_then(NonZeroU16::new) else {
        if !args.judge.max_dropped.is_empty() || !args.judge.max_silence.is_empty() {
            bail!("--max-dropped and --max-silence limit held streams: add --held N, or leave them out");
        }
        return Ok(None);
    };
    for target in targets {
        ensure!(
            target.http != Http::Http2,
            "--held holds streams over HTTP/1.1, and {} is asked over HTTP/2 alone: leave one of them out",
            target.name
        );
        ensure!(
            target.endpoint != Endpoint::Scenario,
            "--held needs a service that streams, and the pods of a scenario do not: name a URL"
        );
    }
    Ok(Some(HeldPlan { places, beat: args.held.beat.unwrap_or(BEAT), path: args.held.held_path.clone() }))
}

/// Parses a path with its query.
fn path(text: &str) -> Result<String, String> {
    let is_one = text.starts_with('/') && text.parse::<hyper::http::uri::PathAndQuery>().is_ok();
    is_one.then(|| text.to_owned()).ok_or_else(|| "write a path that begins with /, such as /events".to_owned())
}
