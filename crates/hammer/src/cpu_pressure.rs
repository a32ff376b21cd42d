//! CPU pressure of the machine: while tasks wait for a processor, probes may be sent late.

use std::fs;
use std::time::Duration;

use lapse_measure::time::Offset;

/// The total time since boot in which at least one task of this machine waited for a processor.
///
/// Source: the kernel's pressure stall information (Documentation/accounting/psi.rst), `some`, `total` in microseconds.
/// Empty where the kernel does not provide it.
#[derive(Clone, Copy, Debug)]
pub struct Pressure(Option<Duration>);

impl Pressure {
    /// Reads `/proc/pressure/cpu`.
    pub fn now() -> Self {
        Self(fs::read_to_string("/proc/pressure/cpu").ok().as_deref().and_then(waited))
    }

    /// The share of time in which some task waited, from 0 to 1, over the `length` of a run that began when `self` was
    /// read. `None` for a run of no length, or where the kernel has no pressure information.
    pub fn share_since(&self, length: Offset) -> Option<f64> {
        let stalled = Self::now().0?.saturating_sub(self.0?);
        let length = length.since(Offset::ZERO);
        (!length.is_zero()).then(|| stalled.div_duration_f64(length).min(1.0))
    }
}

/// Parses the total, in microseconds, of the line `some avg10=0.12 avg60=0.08 avg300=0.01 total=123456`.
fn waited(psi: &str) -> Option<Duration> {
    let some = psi.lines().find_map(|line| line.strip_prefix("some "))?;
    let total = some.split(' ').find_map(|field| field.strip_prefix("total="))?;
    total.parse().ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_total_of_the_some_line_and_rejects_anything_else() {
        let psi =
            "some avg10=0.12 avg60=0.08 avg300=0.01 total=123456\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
        assert_eq!(waited(psi), Some(Duration::from_micros(123_456)));
        for odd in ["", "full avg10=0.00 total=7", "some avg10=0.12", "some total=much"] {
            assert_eq!(waited(odd), None, "{odd}");
        }
    }
}
