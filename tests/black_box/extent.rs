//! How far a run goes beside the outcome of each probe: the versions that answer.

mod version;
