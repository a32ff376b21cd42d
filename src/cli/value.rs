//! Parsers for single values: rates, durations, budgets, headers, named targets.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use url::Url;

use super::report_files::ReportTo;
use crate::run::plan::ClusterTarget;
use lapse_lab::duration_range::DurationRange;
use lapse_measure::budget::{Limit, WorstShare};
use lapse_measure::held::limit::StreamLimit;
use lapse_measure::schedule::Rate;
use lapse_measure::verdict::MaxBlind;
use lapse_report::format::Named;

/// Parses a duration such as `300ms`, `5s` or `1m30s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a number with its unit, such as 300ms, 5s or 2m".to_owned())
}

/// Makes a parser of whole numbers from `least` to `most`.
pub(super) fn count(least: u16, most: u16) -> impl Fn(&str) -> Result<u16, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("write a whole number from {least} to {most}"))
    }
}

/// Parses a duration that is not zero.
pub(super) fn some_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it must be longer than zero, such as 100ms".to_owned()),
        some => Ok(some),
    }
}

/// Parses an address: `127.0.0.1:8090`, or a port of loopback, `8090`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.parse().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let hint = |_| "write an address and a port, such as 127.0.0.1:8090, or a port alone".to_owned();
    port.or_else(|_| text.parse()).map_err(hint)
}

/// Parses a URL that begins with `http://` or `https://`.
pub(super) fn http_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    url.ok_or_else(|| "write a URL that begins with http:// or https://, such as http://127.0.0.1:4318".to_owned())
}

/// Parses a start-up time: `250ms`, a range `1s..2s`, or `never`.
pub(super) fn start(text: &str) -> Result<DurationRange, lapse_lab::duration_range::Error> {
    if text == "never" { Ok(DurationRange::exactly(Duration::MAX)) } else { text.parse() }
}

/// Checks that a text can be the value of a header.
pub(super) fn header_text(text: &str) -> Result<String, String> {
    let fit = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    fit.then(|| text.to_owned()).ok_or_else(|| "write letters, digits and signs without spaces".to_owned())
}

/// Parses a rate such as `1000/s`.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let per_second: u64 = number.parse().map_err(|_| "write probes a second, such as 1000/s".to_owned())?;
    Rate::per_second(per_second).ok_or_else(|| format!("it must lie between 1/s and {}/s", Rate::MAX))
}

/// Parses a percentage such as `0.5%` to a share from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let percent: Option<f64> = text.strip_suffix('%').and_then(|number| number.trim().parse().ok());
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| "write a percentage from 0% to 100%, such as 99.9%".to_owned())
}

/// Parses a limit on failed probes: a count, a percentage, or the percentage of the worst stretch of a length.
pub(super) fn failed(text: &str) -> Result<Limit, String> {
    if let Some((percent, width)) = text.split_once('/') {
        let (share, width) = (share(percent)?, some_duration(width)?);
        return Ok(Limit::FailedWithin(WorstShare { share, width }));
    }
    if text.ends_with('%') {
        return share(text).map(Limit::FailedShare);
    }
    text.parse().map(Limit::Failed).map_err(|_| {
        "write a count such as 10, a percentage such as 0.1%, or that of the worst second, such as 5%/1s".to_owned()
    })
}

/// Parses a limit on dropped streams: a count, or the percentage of them.
pub(super) fn dropped(text: &str) -> Result<StreamLimit, String> {
    if text.ends_with('%') {
        return share(text).map(StreamLimit::DroppedShare);
    }
    let count = text.parse().map(StreamLimit::Dropped);
    count.map_err(|_| "write a count such as 5, or a percentage such as 10%".to_owned())
}

/// Parses the allowed blind time: a percentage, the longest stretch, or both, as in `2%,500ms`.
pub(super) fn max_blind(text: &str) -> Result<MaxBlind, String> {
    let mut max = MaxBlind { share: 1.0, stretch: Duration::MAX };
    for part in text.split(',') {
        if part.ends_with('%') {
            max.share = share(part)?;
        } else {
            let hint = |_| "write a percentage, the longest stretch, or both: 2%,500ms".to_owned();
            max.stretch = duration(part).map_err(hint)?;
        }
    }
    Ok(max)
}

/// A value that may be limited to one target or lane: `300ms`, `new=300ms`, `ingress/new=300ms`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scoped<T> {
    /// The target or lane as typed.
    pub(super) of: Option<String>,
    /// The value.
    pub(super) value: T,
}

/// Turns the parser `read` into one for scoped values.
pub(super) fn scoped<T>(read: fn(&str) -> Result<T, String>) -> impl Fn(&str) -> Result<Scoped<T>, String> + Clone {
    move |text| match text.split_once('=') {
        Some((of, value)) => Ok(Scoped { of: Some(of.to_owned()), value: read(value)? }),
        None => Ok(Scoped { of: None, value: read(text)? }),
    }
}

/// A named target: `ingress=https://shop.example.com/`, or a part of a cluster: `svc/wine:80`, `app=pods:8080/health`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedTarget {
    /// The target's name.
    pub(super) name: String,
    /// The target's URL; of a part of a cluster, one to be completed with an address.
    pub(super) url: String,
    /// The part of the cluster, if the target is one.
    pub(super) cluster_target: Option<ClusterTarget>,
}

impl FromStr for NamedTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').filter(|(name, _)| !name.is_empty() && !name.contains(['/', ':']));
        let place = parts.map_or(text, |(_, place)| place);
        if let Some((host, cluster_target, path)) = cluster_target(place) {
            let name = parts.map_or(host, |(name, _)| name).to_owned();
            return Ok(Self { name, url: format!("http://{host}/{path}"), cluster_target: Some(cluster_target) });
        }
        let (name, url) = parts.ok_or(
            "write NAME=URL, such as ingress=https://shop.example.com/, or a part of a cluster: svc/shop:80, or pods",
        )?;
        Ok(Self { name: name.to_owned(), url: url.to_owned(), cluster_target: None })
    }
}

/// Splits `svc/wine:80/path` or `pods:8080/path` into name, part of the cluster, and path.
fn cluster_target(place: &str) -> Option<(&str, ClusterTarget, &str)> {
    let port = |text: &str| text.parse().ok();
    let (service, rest) = match place.strip_prefix("svc/").or_else(|| place.strip_prefix("service/")) {
        Some(rest) => (true, rest),
        None => (false, place.strip_prefix("pods").filter(|rest| rest.is_empty() || rest.starts_with([':', '/']))?),
    };
    let (at, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, typed) = at.split_once(':').map_or((at, None), |(name, typed)| (name, Some(typed)));
    let port = match typed {
        Some(typed) => Some(port(typed)?),
        None => None,
    };
    match service {
        true if name.is_empty() => None,
        true => Some((name, ClusterTarget::Service(name.to_owned(), port), path)),
        false => Some(("pods", ClusterTarget::Pods(port), path)),
    }
}

/// A parser of the names of formats, which help texts list with their purposes.
pub(super) fn format<F: Named>() -> impl TypedValueParser<Value = F> {
    let names = F::ALL.iter().map(|format| PossibleValue::new(format.name()).help(format.purpose()));
    PossibleValuesParser::new(names).try_map(|name| named(&name))
}

/// The format of this name.
pub(super) fn named<F: Named>(name: &str) -> Result<F, String> {
    let known = || F::ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    let named = F::ALL.iter().copied().find(|format| format.name() == name);
    named.ok_or_else(|| format!("there is no format {name:?}: choose one of {}", known()))
}

/// Parses a report to write: `junit=lapse.xml`.
pub(super) fn report<F: Named>(text: &str) -> Result<ReportTo<F>, String> {
    let (format, file) = text
        .split_once('=')
        .filter(|(_, file)| !file.is_empty())
        .ok_or("write it as FORMAT=FILE, such as json=lapse.json")?;
    Ok(ReportTo { format: named(format)?, file: file.into() })
}

/// Parses a header line: `Name: value`.
pub(super) fn header(text: &str) -> Result<(hyper::header::HeaderName, hyper::header::HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as `Name: value`")?;
    let name = name.trim().parse().map_err(|_| format!("{:?} is no header name", name.trim()))?;
    let value = value.trim().parse().map_err(|_| "its value has characters that no header may have".to_owned())?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_outside_its_range_and_no_number_at_all_say_the_range() {
        assert_eq!(count(1, 10)("10"), Ok(10));
        for wrong in ["0", "11", "-1", "many", "70000", ""] {
            assert_eq!(count(1, 10)(wrong), Err("write a whole number from 1 to 10".to_owned()), "{wrong:?}");
        }
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        assert_eq!(rate("1000/s").map(Rate::get), Ok(1000));
        assert_eq!(rate("50").map(Rate::get), Ok(50));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(failed("0.1%"), Ok(Limit::FailedShare(0.001)));
        assert_eq!(failed("10"), Ok(Limit::Failed(10)));
        let worst = WorstShare { share: 0.05, width: Duration::from_secs(1) };
        assert_eq!(failed("5%/1s"), Ok(Limit::FailedWithin(worst)));
        assert!(failed("5%/0s").is_err() && failed("5/1s").is_err());
        let max = MaxBlind { share: 0.02, stretch: Duration::from_millis(500) };
        assert_eq!(max_blind("2%,500ms"), Ok(max));
        let scoped = scoped(duration)("ingress/new=300ms").unwrap();
        assert_eq!((scoped.of.as_deref(), scoped.value), (Some("ingress/new"), Duration::from_millis(300)));
        let named: NamedTarget = "a=http://b/?c=d".parse().unwrap();
        assert_eq!((named.name.as_str(), named.url.as_str()), ("a", "http://b/?c=d"));
    }

    #[test]
    fn nonsense_is_refused_with_what_to_write_instead() {
        for refused in [rate("0/s").is_err(), rate("many").is_err(), rate("-1").is_err(), rate("99999999999").is_err()]
        {
            assert!(refused);
        }
        assert_eq!(duration("5"), Err("write a number with its unit, such as 300ms, 5s or 2m".to_owned()));
        assert!(share("101%").is_err() && share("NaN%").is_err() && some_duration("0s").is_err());
        assert!("http://b/".parse::<NamedTarget>().is_err() && header("no colon").is_err());
    }
}
