//! The flags of `lapse run` that say how far it goes: what it looks at beside the outcome of each probe.

use clap::Args;
use hyper::header::HeaderName;

/// How far a run goes.
#[derive(Debug, Args)]
pub(super) struct ExtentArgs {
    /// The response header that names the version of the service: the report says when each version answered, its share
    /// over time, and each fall back to an older one [e.g. X-Version].
    #[arg(long, value_name = "NAME", help_heading = "Request")]
    pub(super) version_header: Option<HeaderName>,
}
