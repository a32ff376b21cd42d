//! A cause of lost requests: what it is, how it shows, how it is cured, and the rules that look for it in a record.

use crate::case::Case;

/// A cause of lost or slow requests. Each is one file under `causes/`.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// The name on the command line and in reports: `endpoint-race`.
    pub name: &'static str,
    /// The part of the way of a request, or of a rollout, that the cause lies in.
    pub family: Family,
    /// One sentence that says what happens, without its first capital and its full stop.
    pub title: &'static str,
    /// How it comes about, in a paragraph.
    pub mechanism: &'static str,
    /// How it shows: to a client, and in the cluster.
    pub signature: &'static str,
    /// The evidence for and against it, with the points that each piece is worth.
    pub rules: &'static [Rule],
    /// The cure in words, with its price.
    pub remedy: &'static str,
    /// The cure of one case: the YAML to change, with the run's own figures.
    pub(crate) fix: fn(&Case<'_>) -> Option<Fix>,
    /// The next measurement that would tell this cause from its neighbours.
    pub tell_apart: &'static str,
    /// Where it was reproduced, with what shows it.
    pub shown: &'static [Shown],
    /// Where the claims above come from.
    pub sources: &'static [&'static str],
}

/// The part of the way of a request, or of a rollout, that a cause lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// The measurement itself, or something that was there before: not the rollout.
    Artefact,
    /// How old pods end.
    Termination,
    /// For a time no pod was there to answer.
    NoEndpoints,
    /// How new pods start.
    StartUp,
    /// Load balancers, ingress controllers and meshes.
    Path,
    /// The forwarding of packets: kube-proxy, the network plugin, connection tracking, DNS.
    Dataplane,
    /// The application, its data, and those who operate it.
    Application,
}

impl Family {
    /// The words for the family in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Artefact => "not the rollout",
            Self::Termination => "how old pods end",
            Self::NoEndpoints => "no pod to answer",
            Self::StartUp => "how new pods start",
            Self::Path => "load balancers, ingress, mesh",
            Self::Dataplane => "dataplane and DNS",
            Self::Application => "application and operations",
        }
    }
}

/// A place where a cause was reproduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A scenario of the lab, by the name of its file.
    Lab(&'static str),
    /// A real nginx or haproxy, by the name of the test.
    Proxy(&'static str),
    /// A real Kubernetes, by the name of the test.
    Cluster(&'static str),
    /// Not yet: why it is not.
    NotYet(&'static str),
}

/// A piece of evidence to look for.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The points that a case gains where it is seen.
    pub points: u8,
    /// The points that a case loses where the contrary is seen.
    pub against: u8,
    /// The piece of evidence, as a clause.
    pub looks_for: &'static str,
    pub(crate) test: fn(&Case<'_>) -> Outcome,
}

/// Makes a rule: points if seen, points lost if the contrary is seen, the evidence as a clause, and its test.
pub(crate) const fn rule(points: u8, against: u8, looks_for: &'static str, test: fn(&Case<'_>) -> Outcome) -> Rule {
    Rule { points, against, looks_for, test }
}

/// The result of looking for a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The evidence is there; the sentence has its figures.
    Seen(String),
    /// The contrary is there; the sentence has its figures.
    Contrary(String),
    /// The evidence is not there, which says nothing.
    Absent,
    /// The record cannot show it; the sentence says what would.
    Unknown(&'static str),
}

impl Outcome {
    /// The same evidence for the opposite claim.
    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::Seen(text) => Self::Contrary(text),
            Self::Contrary(text) => Self::Seen(text),
            other => other,
        }
    }

    /// The evidence as the contrary of a claim that is taken for granted: only its presence says anything.
    pub(crate) fn only_against(self) -> Self {
        match self {
            Self::Seen(text) => Self::Contrary(text),
            _ => Self::Absent,
        }
    }

    /// This evidence if it is seen, otherwise that of `other`.
    pub(crate) fn or(self, other: impl FnOnce() -> Self) -> Self {
        if let Self::Seen(_) = self { self } else { other() }
    }

    /// The evidence if it is seen; what it shows otherwise says nothing.
    pub(crate) fn if_seen(self) -> Self {
        if let Self::Seen(_) = self { self } else { Self::Absent }
    }
}

/// The cure of one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fix {
    /// The change in one sentence.
    pub says: String,
    /// The YAML to change; empty where the cure is not in a manifest.
    pub yaml: String,
    /// The preStop sleep in seconds, where that is the cure; `None` for other cures.
    pub sleep_seconds: Option<u64>,
    /// The price of the change, in rollout time where that is known; empty if nothing.
    pub costs: String,
}

/// No cure that depends on the case: the remedy in words is all.
pub(crate) fn no_fix(_: &Case<'_>) -> Option<Fix> {
    None
}
