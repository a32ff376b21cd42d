//! The smells that a linter found in manifests, cause by cause. They raise or lower the scores of causes.

/// A linter's word on one cause for one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smell {
    /// The name of the cause.
    pub cause: String,
    /// Whether the smell is there; `false` if the rule was checked and the object is clean.
    pub found: bool,
    /// The object and the field, as `deployment/wine spec.template.spec.containers[0].lifecycle.preStop`.
    pub place: String,
    /// Why it matters, in one sentence.
    pub says: String,
}
