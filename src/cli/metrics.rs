//! The flags that give the metrics of a run out while it goes on.

use std::env;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use url::Url;

use super::value;
use crate::metrics::{Destination, Error, Outlets, ScrapeListener};
use crate::progress::Progress;

/// The flags that name outlets of metrics.
#[derive(Debug, Args)]
pub(super) struct MetricsArgs {
    /// Serve the metrics of the run to Prometheus at <http://ADDR:PORT/metrics> [e.g. 127.0.0.1:9464].
    #[arg(
        help = "Serve the metrics of the run to Prometheus at http://ADDR:PORT/metrics [e.g. 127.0.0.1:9464]",
        long,
        value_name = "ADDR:PORT",
        value_parser = value::address,
        help_heading = "Output"
    )]
    metrics: Option<SocketAddr>,
    /// The longest time to wait at the end, of trials at the end of each, until the final metrics are scraped, if any were
    /// scraped at all [e.g. 60s].
    #[arg(
        long,
        value_name = "TIME",
        default_value = "20s",
        value_parser = value::duration,
        requires = "metrics",
        help_heading = "Output"
    )]
    metrics_wait: Duration,
    /// Send metrics and spans to this receiver of OTLP over HTTP, as `OTEL_EXPORTER_OTLP_ENDPOINT` would [e.g.
    /// <http://127.0.0.1:4318>].
    #[arg(
        help = "Send metrics and spans to this receiver of OTLP over HTTP, as `OTEL_EXPORTER_OTLP_ENDPOINT` would [e.g. http://127.0.0.1:4318]",
        long,
        value_name = "URL",
        value_parser = value::http_url,
        help_heading = "Output"
    )]
    otlp: Option<Url>,
}

impl MetricsArgs {
    /// Opens the outlets that the flags and the environment name, and says where they are.
    pub(super) fn open(&self, progress: &mut Progress) -> Result<Outlets, Error> {
        let variable = |name: &str| env::var(name).ok();
        let (otlp, wrong) = Destination::read(self.otlp.as_ref(), variable);
        let scrapes = self.metrics.map(ScrapeListener::open).transpose()?;
        let outlets = Outlets { scrapes, scrape_wait: self.metrics_wait, otlp };
        for sentence in wrong.into_iter().chain(outlets.sentences()) {
            progress.say(&sentence);
        }
        Ok(outlets)
    }
}
