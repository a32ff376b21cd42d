//! The metrics of a server of measurements: what it made, and what they came to.

use super::families::{numbers, text};
use super::{Family, Kind, Metrics, Number, Sample, Unit};
use lapse_measure::time::UnixTime;

/// What a server of measurements counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFigures {
    /// When the server began.
    pub began: UnixTime,
    /// The measurements that go on.
    pub running: u64,
    /// The measurements that are over, by verdict.
    pub ended: Vec<(&'static str, u64)>,
    /// The requests that were refused.
    pub refused: u64,
    /// The probes that came to an answer, of all measurements.
    pub probes: u64,
}

impl Metrics {
    /// The metrics of a server of measurements.
    pub fn of_server(figures: &ServerFigures) -> Self {
        let ended = figures
            .ended
            .iter()
            .map(|(verdict, count)| Sample { labels: vec![("verdict", text(verdict))], value: Number::Count(*count) });
        let families = vec![
            numbers(
                ("lapse.serve.measurements", "Measurements that are over, by verdict."),
                Unit::Of("{measurement}"),
                Kind::Counter,
                ended.collect(),
            ),
            single(("lapse.serve.running", "Measurements that go on."), "{measurement}", Kind::Gauge, figures.running),
            single(
                ("lapse.serve.probes", "Probes that came to an answer, of all measurements."),
                "{probe}",
                Kind::Counter,
                figures.probes,
            ),
            single(("lapse.serve.refused", "Requests that were refused."), "{request}", Kind::Counter, figures.refused),
        ];
        Self { began: figures.began, families }
    }
}

/// A family with one sample.
fn single(name: (&'static str, &'static str), unit: &'static str, kind: Kind, count: u64) -> Family {
    numbers(name, Unit::Of(unit), kind, vec![Sample { labels: Vec::new(), value: Number::Count(count) }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_of_as_prometheus_scrapes_it() {
        let ended = vec![("pass", 3), ("fail", 1)];
        let figures = ServerFigures { began: UnixTime::from_nanos(0), running: 2, ended, refused: 4, probes: 50 };
        let text = Metrics::of_server(&figures).prometheus();
        for line in [
            "# TYPE lapse_serve_measurements_total counter",
            "lapse_serve_measurements_total{verdict=\"pass\"} 3",
            "lapse_serve_running 2",
            "lapse_serve_probes_total 50",
            "lapse_serve_refused_total 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
        }
    }
}
