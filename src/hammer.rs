//! Sends probes on time, whatever becomes of them, and says what each one saw.

pub mod clock;
pub mod engine;
