//! The flags of `lapse run` that say what is asked, and what counts as an answer.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};

use super::value;
use crate::run::fresh::FreshHeader;
use lapse_hammer::target::Statuses;

/// What is asked, and what counts as an answer.
#[derive(Debug, Args)]
pub(super) struct RequestArgs {
    /// The request's method [default: GET, or POST with --data; e.g. HEAD].
    #[arg(short = 'X', long = "request", value_name = "METHOD", help_heading = "Request")]
    pub(super) method: Option<Method>,
    /// A header to send with each request; {slot}, {uuid} and {time} are filled in, as they are in the URL and in the
    /// body [repeatable; e.g. 'Idempotency-Key: {uuid}'].
    #[arg(short = 'H', long = "header", value_name = "LINE", value_parser = value::header, help_heading = "Request")]
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// A header that is read anew while the run goes on, for tokens that expire: what a file holds (@FILE), or what a command
    /// prints [repeatable; e.g. 'Authorization: Bearer $(kubectl create token shop)'].
    #[arg(long = "fresh-header", value_name = "NAME: SOURCE", help_heading = "Request")]
    pub(super) fresh_headers: Vec<FreshHeader>,
    /// How often those headers are read anew [e.g. 10s].
    #[arg(long, value_name = "TIME", value_parser = value::some_duration, default_value = "1m", help_heading = "Request")]
    pub(super) fresh_every: Duration,
    /// Send a `traceparent` header of its own with each probe (W3C Trace Context); reports have those of lost requests.
    #[arg(long, help_heading = "Request")]
    pub(super) traceparent: bool,
    /// A body to send with each request, or @FILE that holds it [e.g. '{"qty":1}'].
    #[arg(short = 'd', long, value_name = "BODY", help_heading = "Request")]
    pub(super) data: Option<String>,
    /// Bodies by line, in turn from slot to slot, and after the last the first again [e.g. orders.jsonl].
    #[arg(long, value_name = "FILE", conflicts_with = "data", help_heading = "Request")]
    pub(super) data_lines: Option<PathBuf>,
    /// Paths, or URLs of the target, by line and in turn, instead of the URL's own [e.g. paths.txt].
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    pub(super) url_lines: Option<PathBuf>,
    /// The status codes that count as up [e.g. 200,404].
    #[arg(long, value_name = "CODES", default_value = "200-399", help_heading = "Request")]
    pub(super) expect: Statuses,
    /// A regular expression that the body of a healthy answer must match, in its first MiB [e.g. '"status":"ok"'].
    #[arg(long, value_name = "REGEX", help_heading = "Request")]
    pub(super) expect_body: Option<String>,
    /// The response header that names the pod, to attribute failures to pods [default: X-Pod for a scenario; e.g.
    /// X-Pod].
    #[arg(long, value_name = "NAME", help_heading = "Request")]
    pub(super) backend_header: Option<HeaderName>,
    /// The response header that names the version of the service: the report says when each version answered, its share
    /// over time, and each fall back to an older one [e.g. X-Version].
    #[arg(long, value_name = "NAME", help_heading = "Request")]
    pub(super) version_header: Option<HeaderName>,
    /// The latency from which on an answer counts as slow, counted from its due time [default: 500ms; e.g. 200ms].
    #[arg(long, value_name = "TIME", value_parser = value::some_duration, help_heading = "Request")]
    pub(super) slow: Option<Duration>,
    /// The timeout of a probe; keep it over the 5 s after which an ingress gives up on a pod [default: 6s; e.g. 2s].
    #[arg(long, value_name = "TIME", value_parser = value::some_duration, help_heading = "Request")]
    pub(super) timeout: Option<Duration>,
    /// The timeout for connecting [default: as --timeout; e.g. 1s].
    #[arg(long, value_name = "TIME", value_parser = value::some_duration, help_heading = "Request")]
    pub(super) connect_timeout: Option<Duration>,
}
