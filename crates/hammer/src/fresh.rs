//! A value of a header that is read anew while a run goes on, such as a token that expires.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

/// A value that all probes share, and that is replaced as a whole. It may be a secret, and is never shown.
#[derive(Clone, Default)]
pub struct FreshValue(Arc<RwLock<Bytes>>);

impl FreshValue {
    /// Replaces the value, for requests that are sent from now on; says whether it is another one.
    pub fn set(&self, value: Bytes) -> bool {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_other = *current != value;
        *current = value;
        is_other
    }

    /// The value at this moment.
    pub fn get(&self) -> Bytes {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for FreshValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FreshValue")
    }
}

impl PartialEq for FreshValue {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for FreshValue {}
