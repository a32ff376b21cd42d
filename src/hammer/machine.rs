//! How hard-pressed the machine was: when something on it waits for a processor, sends may be late.

use std::fs;
use std::time::Duration;

use crate::measure::time::Offset;

/// Where Linux says for how long tasks have waited for a processor.
const CPU: &str = "/proc/pressure/cpu";

/// For how long, up to a moment, some task on this machine waited for a processor.
///
/// Source: the kernel's pressure stall information (Documentation/accounting/psi.rst), `some`, `total` in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Pressure(Option<Duration>);

impl Pressure {
    /// Up to now; nothing where the kernel does not say.
    pub fn now() -> Self {
        Self(fs::read_to_string(CPU).ok().and_then(|text| stalled(&text)))
    }

    /// The share of a run of this length, begun at the reading of `self`, in which some task waited.
    pub fn share_since(&self, length: Offset) -> Option<f64> {
        let stalled = Self::now().0?.saturating_sub(self.0?);
        let length = length.since(Offset::ZERO);
        (!length.is_zero()).then(|| stalled.div_duration_f64(length).min(1.0))
    }
}

fn stalled(text: &str) -> Option<Duration> {
    let some = text.lines().find(|line| line.starts_with("some "))?;
    let total = some.split_whitespace().find_map(|field| field.strip_prefix("total="))?;
    total.parse().ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_some_is_read() {
        let text = "some avg10=0.00 avg60=0.12 avg300=0.20 total=1500\nfull avg10=0.00 total=7\n";
        assert_eq!(stalled(text), Some(Duration::from_micros(1500)));
        assert_eq!(stalled("nonsense"), None);
    }
}
