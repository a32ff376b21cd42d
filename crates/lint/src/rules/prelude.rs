//! What each rule needs.

pub(super) use crate::field::Field;
pub(super) use crate::manifests::Manifests;
pub(super) use crate::object::Kind;
pub(super) use crate::patch;
pub(super) use crate::rule::{Outcome, Rule, Severity};
pub(super) use crate::workload::Strategy;
