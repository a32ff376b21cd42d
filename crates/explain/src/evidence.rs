//! The pieces of evidence that rules of several causes ask for, by what they are about. Each gives its sentence with
//! the case's own figures.

pub(crate) mod answers;
pub(crate) mod before;
pub(crate) mod config;
pub(crate) mod endpoints;
pub(crate) mod lanes;
pub(crate) mod pods;
pub(crate) mod slowness;

/// The hint where no cluster was watched.
pub(crate) const NO_CLUSTER: &str =
    "no cluster was watched: wrap the rollout's own command, or name what to follow (see `lapse run --help`)";
/// The hint where settings of workloads are not known.
pub(crate) const NO_SETTINGS: &str =
    "the workload's settings are not known: a run that follows the rollout in the cluster records them";
/// The hint where the journal ends before the run did.
pub(crate) const CUT: &str = "the journal ends before the run did: how the failures ended is not in it";
