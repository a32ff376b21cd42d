//! Plays a recorded run back as a server: at each instant it does to a client what the run's probes saw done at that
//! instant.
//!
//! What is played follows from the record alone, so that two replays of a run are the same; what a report alone leaves
//! open is drawn by a seed. Nothing here probes.

pub mod account;
pub mod coarse;
pub mod expectation;
pub mod format;
pub mod mark;
pub mod playback;
pub mod recorded;
pub mod script;
pub mod serve;
pub mod tls;
pub mod upstream;
pub mod verdict;

mod alarm;
mod answer;
mod connection;
mod control;
mod delays;
mod door;
mod idle;
mod ledger;
mod play;
mod port;
mod stage;
mod state;
mod stream;
mod track;
mod weather;
