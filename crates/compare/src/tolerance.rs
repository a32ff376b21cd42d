//! What may get worse without being a regression: `failed=0.1%,downtime=100ms,p99=20%`.

use std::str::FromStr;
use std::time::Duration;

use crate::figure::{Apart, Figure, Measure, Value};

/// By how much a figure may get worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowance {
    /// By this share of all probes: 0.001 is from 2 % to 2.1 %.
    Share(f64),
    /// By this duration.
    Time(Duration),
    /// By this share of what the base has: 0.2 is from 10 ms to 12 ms.
    Relative(f64),
    /// By anything.
    Any,
}

/// One item of `--tolerate`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The figure.
    pub measure: Measure,
    /// By how much it may get worse.
    pub allowance: Allowance,
}

/// All that is tolerated: nothing of a figure that is not named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tolerances(Vec<Tolerance>);

impl FromStr for Tolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Measure::ALL.map(Measure::name).join(", ");
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("write FIGURE=VALUE, such as downtime=100ms; the figures are {}", names()))?;
        let measure = Measure::ALL.into_iter().find(|measure| measure.name() == name.trim());
        let measure = measure.ok_or_else(|| format!("there is no figure {name:?}: choose one of {}", names()))?;
        Ok(Self { measure, allowance: allowance(measure, value.trim())? })
    }
}

fn allowance(measure: Measure, value: &str) -> Result<Allowance, String> {
    if value == "any" {
        return Ok(Allowance::Any);
    }
    let percent = value.strip_suffix('%').map(|number| number.trim().parse::<f64>());
    let percent = percent.map(|number| number.ok().filter(|percent| percent.is_finite() && *percent >= 0.0));
    match (measure, percent) {
        (Measure::Failed, Some(Some(percent))) if percent <= 100.0 => Ok(Allowance::Share(percent / 100.0)),
        (Measure::Failed, _) => {
            Err(format!("failed={value}: write a percentage of all probes from 0% to 100%, such as 0.1%, or any"))
        }
        (_, Some(Some(percent))) => Ok(Allowance::Relative(percent / 100.0)),
        (_, percent) => {
            let time = humantime::parse_duration(value).ok().filter(|_| percent.is_none()).map(Allowance::Time);
            time.ok_or_else(|| {
                format!(
                    "{measure}={value}: write a time such as 100ms, a percentage of what the base has such as 20%, or any"
                )
            })
        }
    }
}

impl Tolerances {
    /// All of these; an error if one figure is named twice.
    pub fn of(all: Vec<Tolerance>) -> Result<Self, String> {
        for (place, one) in all.iter().enumerate() {
            if all.iter().skip(place + 1).any(|other| other.measure == one.measure) {
                return Err(format!("{} is named twice: leave one of them out", one.measure));
            }
        }
        Ok(Self(all))
    }

    /// What is tolerated of this figure; `None` if it is not named.
    pub fn of_measure(&self, measure: Measure) -> Option<Allowance> {
        self.0.iter().find(|one| one.measure == measure).map(|one| one.allowance)
    }

    /// Whether a change of this figure for the worse counts: a latency is compared on demand only.
    pub(crate) fn counts(&self, measure: Measure) -> bool {
        match self.of_measure(measure) {
            Some(Allowance::Any) => false,
            Some(_) => true,
            None => !measure.is_latency(),
        }
    }

    /// Whether the figure, which got worse, did so by more than what is tolerated for sure.
    pub(crate) fn is_exceeded_by(&self, figure: &Figure) -> bool {
        let allowance = self.of_measure(figure.measure).unwrap_or(Allowance::Time(Duration::ZERO));
        match (allowance, figure.apart, figure.base, figure.run) {
            (Allowance::Any, ..) => false,
            (Allowance::Share(most), Apart::Share(difference), ..) => difference.low > most,
            (Allowance::Time(most), Apart::Time(difference), ..) => difference
                .low
                .and_then(|low| u64::try_from(low).ok())
                .is_some_and(|low| Duration::from_nanos(low) > most),
            (Allowance::Relative(most), _, Value::Time(base), Value::Time(run)) => {
                base.at_most.is_some_and(|at_most| run.at_least.as_secs_f64() > at_most.as_secs_f64() * (1.0 + most))
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Measure, Allowance), String> {
        text.parse().map(|Tolerance { measure, allowance }| (measure, allowance))
    }

    #[test]
    fn tolerances_are_read_as_people_write_them() {
        assert_eq!(read("failed=0.1%"), Ok((Measure::Failed, Allowance::Share(0.001))));
        assert_eq!(read("downtime=100ms"), Ok((Measure::Downtime, Allowance::Time(Duration::from_millis(100)))));
        assert_eq!(read("p99 = 20 %"), Ok((Measure::P99, Allowance::Relative(0.2))));
        assert_eq!(read("outage=any"), Ok((Measure::Outage, Allowance::Any)));
    }

    #[test]
    fn nonsense_is_refused_with_what_to_write_instead() {
        let error = |text: &str| read(text).unwrap_err();
        assert_eq!(
            error("fail=1%"),
            "there is no figure \"fail\": choose one of failed, downtime, disruption, outage, p50, p99"
        );
        assert_eq!(
            error("10ms"),
            "write FIGURE=VALUE, such as downtime=100ms; the figures are failed, downtime, disruption, outage, p50, p99"
        );
        assert_eq!(
            error("failed=3"),
            "failed=3: write a percentage of all probes from 0% to 100%, such as 0.1%, or any"
        );
        for wrong in ["failed=101%", "failed=NaN%", "failed=-1%", "failed=10ms", "failed="] {
            assert!(error(wrong).ends_with("such as 0.1%, or any"), "{wrong}");
        }
        for wrong in ["downtime=5", "downtime=-1%", "downtime=inf%", "p99=", "p99=%", "outage=100 %%"] {
            assert!(error(wrong).contains("write a time such as 100ms"), "{wrong}");
        }
        let twice = ["p50=1%", "p50=2%"].map(|text| text.parse().unwrap());
        assert_eq!(Tolerances::of(twice.to_vec()).unwrap_err(), "p50 is named twice: leave one of them out");
    }
}
