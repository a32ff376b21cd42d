//! The families of metrics that a record has.

use std::time::Duration;

use super::{Data, Family, Histogram, Kind, Label, Metrics, Number, Sample, Unit};
use crate::html::RunState;
use crate::sanitize::sanitize;
use crate::words::version;
use lapse_measure::answer::Class;
use lapse_measure::latency::Distribution;
use lapse_measure::observations::LaneObservations;
use lapse_measure::phase::Phase;
use lapse_measure::time::{Bounded, Offset};
use lapse_measure::totals::Totals;
use lapse_measure::verdict::Conclusion;
use lapse_measure::version::Version;
use lapse_record::record::Record;
use lapse_record::summary::TargetSummary;

/// Borders of request durations, as the conventions of OpenTelemetry for HTTP advise them.
const DURATIONS: &[Duration] = &[
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(75),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(750),
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_millis(7500),
    Duration::from_secs(10),
];
/// Borders of send delays: a probe that is more than a millisecond late counts as such.
const DELAYS: &[Duration] = &[
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
];

const PHASES: [Phase; 3] = [Phase::Baseline, Phase::Event, Phase::Settle];
const CONCLUSIONS: [Conclusion; 5] =
    [Conclusion::Pass, Conclusion::Fail, Conclusion::Inconclusive, Conclusion::CommandFailed, Conclusion::Interrupted];

/// A family of durations with bounds: its name, its help text, its kind, and its field of the totals.
type Bounds = (&'static str, &'static str, Kind, fn(&Totals) -> Bounded);

const BOUNDED: [Bounds; 6] = [
    (
        "lapse.equivalent_downtime",
        "Failed probes times the time each stands for, averaged over lanes.",
        Kind::Sum,
        |totals| totals.loss_derived,
    ),
    (
        "lapse.longest_disruption",
        "The longest disruption of any lane, whatever share of its probes was lost.",
        Kind::Gauge,
        |totals| totals.disruptions.longest_length,
    ),
    ("lapse.longest_outage", "The longest single outage of any lane.", Kind::Gauge, |totals| totals.longest),
    ("lapse.down", "Time in which every lane failed at once.", Kind::Sum, |totals| totals.down),
    ("lapse.impaired", "Time in which any lane failed or was slow.", Kind::Sum, |totals| totals.impaired),
    ("lapse.slow", "Time in which any lane was slow.", Kind::Sum, |totals| totals.slow),
];

/// A family of durations without bounds: its name, its help text, its kind, and its field of the totals.
type Exact = (&'static str, &'static str, Kind, fn(&Totals) -> Duration);

const EXACT: [Exact; 3] = [
    ("lapse.blind", "Time in which the prober could not see.", Kind::Sum, |totals| totals.blind),
    ("lapse.floor", "The smallest outage that the best lane was sure to see.", Kind::Gauge, |totals| {
        totals.detection_limit
    }),
    ("lapse.longest_unseen", "The longest outage of any lane that could have gone unseen.", Kind::Gauge, |totals| {
        totals.unseen.length
    }),
];

/// The labels of a sample.
type Labels = Vec<(&'static str, Label)>;

impl Metrics {
    /// The metrics of `record`. `methods` are the request methods of its targets, for the durations of requests.
    pub fn of(record: &Record, state: RunState, methods: &[String]) -> Self {
        let families = Families { record, run: text(&record.about.name) };
        let mut all = families.figures();
        all.extend(families.ending(state));
        all.extend(families.histograms(methods));
        Self { began: record.about.anchor.date_at(Offset::ZERO), families: all }
    }

    /// What a run that is over came to, without distributions, for a file.
    pub(crate) fn figures(record: &Record) -> Vec<Family> {
        let families = Families { record, run: text(&record.about.name) };
        let mut all = families.figures();
        all.extend(families.ending(RunState::Over));
        all
    }
}

/// Makes the families of a record.
struct Families<'a> {
    record: &'a Record,
    run: Label,
}

impl Families<'_> {
    fn of_run(&self) -> Labels {
        vec![("run", self.run.clone())]
    }

    fn of_target(&self, target: &TargetSummary) -> Labels {
        let mut labels = self.of_run();
        labels.push(("target", text(&target.name)));
        labels
    }

    fn of_lane(&self, lane: &LaneObservations) -> Labels {
        let mut labels = self.of_target(self.record.summary.target(lane.lane.target));
        labels.push(("lane", text(&lane.lane.policy.to_string())));
        labels
    }

    /// Durations and counts, by target and by lane.
    fn figures(&self) -> Vec<Family> {
        let targets = &self.record.summary.targets;
        let bounded = BOUNDED.map(|(name, help, kind, of)| {
            let samples = targets.iter().flat_map(|target| bounds(&self.of_target(target), of(&target.totals)));
            numbers((name, help), Unit::Seconds, kind, samples.collect())
        });
        let exact = EXACT.map(|(name, help, kind, of)| {
            let sample = |target: &TargetSummary| Sample {
                labels: self.of_target(target),
                value: Number::Time(of(&target.totals)),
            };
            numbers((name, help), Unit::Seconds, kind, targets.iter().map(sample).collect())
        });
        let lanes = &self.record.seen.lanes;
        let counts = |of: fn(&LaneObservations) -> usize| -> Vec<_> {
            let sample = |lane| Sample {
                labels: self.of_lane(lane),
                value: Number::Count(u64::try_from(of(lane)).unwrap_or(u64::MAX)),
            };
            lanes.iter().map(sample).collect()
        };
        let (outages, disruptions) = (counts(|lane| lane.outages.len()), counts(|lane| lane.disruptions.len()));
        let outage_name = ("lapse.outages", "Strict outages: runs of failed probes.");
        let disruption_name = ("lapse.disruptions", "Disruptions: failures no further apart than the gate.");
        let measured = vec![Sample { labels: self.of_run(), value: Number::Time(self.record.whole().length()) }];
        let measured_name = ("lapse.measured", "The length of the run, as far as its probes have been answered.");
        bounded
            .into_iter()
            .chain(exact)
            .chain([
                numbers(outage_name, Unit::Of("{outage}"), Kind::Sum, outages),
                numbers(disruption_name, Unit::Of("{disruption}"), Kind::Sum, disruptions),
                numbers(measured_name, Unit::Seconds, Kind::Sum, measured),
                self.probes(),
            ])
            .chain(self.versions())
            .collect()
    }

    /// When the first and the last answer of each version was complete, and how many there were; nothing unless the run
    /// tells versions apart.
    fn versions(&self) -> Vec<Family> {
        if version::targets(self.record).next().is_none() {
            return Vec::new();
        }
        let samples = |of: fn(&Version) -> Number| -> Vec<_> {
            let all =
                version::targets(self.record).flat_map(|(target, all)| all.all.iter().map(move |one| (target, one)));
            let sample = |(target, one): (&TargetSummary, &Version)| {
                let mut labels = self.of_target(target);
                labels.push(("version", text(&one.name)));
                Sample { labels, value: of(one) }
            };
            all.map(sample).collect()
        };
        let answers = samples(|one| Number::Count(one.answers));
        let first = samples(|one| Number::Time(one.first.since(Offset::ZERO)));
        let last = samples(|one| Number::Time(one.last.since(Offset::ZERO)));
        let first_name =
            ("lapse.version_first", "When the version's first answer was complete, in seconds of the run.");
        let last_name = ("lapse.version_last", "When the version's last answer was complete, in seconds of the run.");
        vec![
            numbers(
                ("lapse.version_answers", "Answers that named the version."),
                Unit::Of("{answer}"),
                Kind::Counter,
                answers,
            ),
            numbers(first_name, Unit::Seconds, Kind::Gauge, first),
            numbers(last_name, Unit::Seconds, Kind::Gauge, last),
        ]
    }

    fn probes(&self) -> Family {
        let lanes = self.record.seen.lanes.iter();
        let all = lanes.flat_map(|lane| lane.classes.iter().map(move |(class, count)| (lane, *class, *count)));
        let sample = |(lane, class, count): (&LaneObservations, Class, u64)| {
            let mut labels = self.of_lane(lane);
            labels.push(("class", text(&class.to_string())));
            Sample { labels, value: Number::Count(count) }
        };
        let samples = all.map(sample).collect();
        numbers(("lapse.probes", "Slots by what came of them."), Unit::Of("{probe}"), Kind::Counter, samples)
    }

    /// The phase of a run that goes on, and the verdict: 0 for each until the run is over.
    fn ending(&self, state: RunState) -> Vec<Family> {
        let conclusion = match state {
            RunState::Over => Some(self.record.summary.verdict.conclusion),
            RunState::GoesOn => None,
        };
        let states = |key, names: Vec<(String, bool)>| -> Vec<_> {
            let sample = |(name, is_so): (String, bool)| {
                let mut labels = self.of_run();
                labels.push((key, text(&name)));
                Sample { labels, value: Number::Count(is_so.into()) }
            };
            names.into_iter().map(sample).collect()
        };
        let verdicts = CONCLUSIONS.map(|one| (one.to_string(), conclusion == Some(one)));
        let name = ("lapse.verdict", "1 for what the run came to, once it is over.");
        let mut all = vec![numbers(name, Unit::None, Kind::Gauge, states("verdict", verdicts.into()))];
        if let Some(conclusion) = conclusion {
            let mut labels = self.of_run();
            labels.push(("result", text(&conclusion.to_string())));
            let samples = vec![Sample { labels, value: Number::Count(conclusion.exit_code().into()) }];
            let name = ("lapse.exit_code", "What the run came to: 0 is a pass.");
            all.push(numbers(name, Unit::None, Kind::Gauge, samples));
        } else {
            let now = self.record.seen.phases.now();
            let phases = PHASES.map(|one| (one.to_string(), now == Some(one)));
            let name = ("lapse.phase", "1 for the phase that the run is in.");
            all.push(numbers(name, Unit::None, Kind::Gauge, states("phase", phases.into())));
        }
        all
    }

    fn histograms(&self, methods: &[String]) -> [Family; 2] {
        let lanes = &self.record.seen.lanes;
        let delay = |lane: &LaneObservations| Sample {
            labels: self.of_lane(lane),
            value: Histogram::of(&lane.lateness, DELAYS),
        };
        [
            Family {
                name: "lapse.lateness",
                help: "From when a probe was due until it was sent.",
                unit: Unit::Seconds,
                data: Data::Histograms(lanes.iter().map(delay).collect()),
            },
            Family {
                name: "http.client.request.duration",
                help: "From when a probe was sent until its answer was complete or its failure was seen.",
                unit: Unit::Seconds,
                data: Data::Histograms(lanes.iter().flat_map(|lane| self.durations(lane, methods)).collect()),
            },
        ]
    }

    /// The durations of a lane's requests, apart for those that were answered and for each class of failures.
    fn durations(&self, lane: &LaneObservations, methods: &[String]) -> Vec<Sample<Histogram>> {
        let target = lane.lane.target;
        let (address, port) = authority(&self.record.summary.target(target).url);
        let mut common = self.of_lane(lane);
        if let Some(method) = methods.get(target.0) {
            common.push(("http.request.method", text(method)));
        }
        common.push(("server.address", text(address)));
        common.extend(port.map(|port| ("server.port", Label::Number(port))));
        let sample = |labels: Labels, times| {
            let labels = common.iter().cloned().chain(labels).collect();
            Sample { labels, value: Histogram::of(times, DURATIONS) }
        };
        let answered = sample(Vec::new(), &lane.trip);
        let failed = lane.times_to_fail();
        [answered].into_iter().chain(failed.iter().map(|(class, times)| sample(error_type(*class), times))).collect()
    }
}

/// What failed, by the conventions of OpenTelemetry: a status by its number, else the class.
fn error_type(class: Option<Class>) -> Labels {
    match class {
        Some(Class::Status(status)) => {
            vec![("error.type", text(&status.to_string())), ("http.response.status_code", Label::Number(status))]
        }
        Some(class) => vec![("error.type", text(&class.to_string()))],
        None => vec![("error.type", text("_OTHER"))],
    }
}

impl Histogram {
    fn of(all: &Distribution, borders: &'static [Duration]) -> Self {
        Self { borders, up_to: all.counts_up_to(borders), count: all.count(), sum: all.sum() }
    }
}

pub(super) fn text(text: &str) -> Label {
    Label::Text(sanitize(text).into_owned())
}

pub(super) fn numbers(
    (name, help): (&'static str, &'static str),
    unit: Unit,
    kind: Kind,
    samples: Vec<Sample<Number>>,
) -> Family {
    Family { name, help, unit, data: Data::Numbers(kind, samples) }
}

/// A sample for each bound that there is: an outage that goes on, or that the run's end cut, has no upper one.
fn bounds(labels: &Labels, bounded: Bounded) -> Vec<Sample<Number>> {
    let Bounded { estimate, at_least, at_most } = bounded;
    let all = [("lower", Some(at_least)), ("estimate", Some(estimate)), ("upper", at_most)];
    let sample = |(bound, time): (&str, Option<Duration>)| {
        let bound = ("bound", text(bound));
        Some(Sample { labels: labels.iter().cloned().chain([bound]).collect(), value: Number::Time(time?) })
    };
    all.into_iter().filter_map(sample).collect()
}

/// The host and the port of a URL; that of its scheme where it names none.
fn authority(url: &str) -> (&str, Option<u16>) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let whole = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let named = whole.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
    let usual = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let (host, port) = named.map_or((whole, usual), |(host, port)| (host, port.parse().ok()));
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_those_of_the_url() {
        for (url, expected) in [
            ("http://shop.example.com/a:b", ("shop.example.com", Some(80))),
            ("https://shop.example.com?x=1", ("shop.example.com", Some(443))),
            ("http://127.0.0.1:8080/", ("127.0.0.1", Some(8080))),
            ("https://[::1]:8443/x", ("::1", Some(8443))),
            ("http://[::1]", ("::1", Some(80))),
            ("", ("", None)),
        ] {
            assert_eq!(authority(url), expected, "{url}");
        }
    }
}
