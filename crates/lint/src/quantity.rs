//! Numbers of manifests: a share or a number of pods, CPU, seconds.

/// A number of pods, or a percentage of the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pods {
    Number(u32),
    Percent(u32),
}

impl Pods {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(Self::Percent),
            None => text.parse().ok().map(Self::Number),
        }
    }

    /// As a number of pods, rounded up, as the controller does for `maxSurge`.
    pub(crate) fn up(self, replicas: u32) -> u32 {
        match self {
            Self::Number(number) => number,
            Self::Percent(percent) => narrow(wide(percent, replicas).div_ceil(100)),
        }
    }

    /// As a number of pods, rounded down, as the controller does for `maxUnavailable`.
    pub(crate) fn down(self, replicas: u32) -> u32 {
        match self {
            Self::Number(number) => number,
            Self::Percent(percent) => narrow(wide(percent, replicas) / 100),
        }
    }
}

fn wide(percent: u32, replicas: u32) -> u64 {
    u64::from(percent) * u64::from(replicas)
}

fn narrow(pods: u64) -> u32 {
    u32::try_from(pods).unwrap_or(u32::MAX)
}

/// CPU in thousandths of a core: `250m`, `0.5` or `2`.
pub(crate) fn millicores(text: &str) -> Option<u64> {
    if let Some(thousandths) = text.strip_suffix('m') {
        return thousandths.parse().ok();
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.get(..3).unwrap_or(part);
    let thousandths = if part.is_empty() { 0 } else { format!("{part:0<3}").parse().ok()? };
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    whole.checked_mul(1000)?.checked_add(thousandths)
}

/// The seconds of a duration such as `30s`, `1m30s` or `500ms`; without a unit they are seconds.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    if let Ok(plain) = text.parse::<f64>() {
        return Some(plain).filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    }
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        total += number
            * match &rest[digits..unit] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Some(total).filter(|_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surge_rounds_up_and_unavailable_down() {
        let share = Pods::parse("25%").unwrap();
        assert_eq!((share.up(1), share.down(1)), (1, 0));
        assert_eq!((share.up(8), share.down(8)), (2, 2));
        assert_eq!(Pods::parse("1"), Some(Pods::Number(1)));
        assert_eq!(Pods::parse("x%"), None);
    }

    #[test]
    fn cpu_and_durations() {
        let cases = ["250m", "0.5", "2", ".25", "1.2345", "x"].map(millicores);
        assert_eq!(cases, [Some(250), Some(500), Some(2000), Some(250), Some(1234), None]);
        let cases = ["30s", "1m30s", "45", "500ms", "x", "", "5y", "1é"].map(seconds);
        assert_eq!(cases, [Some(30.0), Some(90.0), Some(45.0), Some(0.5), None, None, None, None]);
    }
}
