//! How hard-pressed the machine was: when something on it waits for a processor, sends may be late.

use std::time::Duration;

use procfs::{CpuPressure, Current};

use lapse_measure::time::Offset;

/// For how long, up to a moment, some task on this machine waited for a processor.
///
/// Source: the kernel's pressure stall information (Documentation/accounting/psi.rst), `some`, `total` in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Pressure(Option<Duration>);

impl Pressure {
    /// Up to now; nothing where the kernel does not say.
    pub fn now() -> Self {
        Self(CpuPressure::current().ok().map(|cpu| Duration::from_micros(cpu.some.total)))
    }

    /// The share of a run of this length, begun at the reading of `self`, in which some task waited.
    pub fn share_since(&self, length: Offset) -> Option<f64> {
        let stalled = Self::now().0?.saturating_sub(self.0?);
        let length = length.since(Offset::ZERO);
        (!length.is_zero()).then(|| stalled.div_duration_f64(length).min(1.0))
    }
}
