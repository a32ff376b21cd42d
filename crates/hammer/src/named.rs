//! What the answers of a batch name: the backends that gave them, and their versions. Memory is bounded, whatever a server
//! sends.

use std::cell::RefCell;
use std::collections::BTreeMap;

use hyper::header::HeaderValue;

use lapse_measure::time::Offset;
use lapse_measure::version::MAX_VERSIONS;
use lapse_record::batch::Served;

/// The maximum number of backends counted in one batch.
const BACKENDS: usize = 1_000;

/// The names of one batch.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// The number of answers of each backend, and the time of the last one.
    served: RefCell<BTreeMap<HeaderValue, (u64, Offset)>>,
    versions: RefCell<Vec<HeaderValue>>,
}

impl Named {
    /// Counts an answer of `backend`. A header with another value in each answer names no backend, hence the limit.
    pub(super) fn count(&self, backend: HeaderValue, done: Offset) {
        let mut served = self.served.borrow_mut();
        if served.len() < BACKENDS || served.contains_key(&backend) {
            let (times, last) = served.entry(backend).or_insert((0, done));
            (*times, *last) = (*times + 1, done.max(*last));
        }
    }

    /// The place of a version among those of the batch; a place beyond them if there are too many.
    pub(super) fn place(&self, version: HeaderValue) -> u16 {
        let mut versions = self.versions.borrow_mut();
        let place = versions.iter().position(|known| *known == version).unwrap_or_else(|| {
            if versions.len() < MAX_VERSIONS {
                versions.push(version);
                versions.len() - 1
            } else {
                MAX_VERSIONS
            }
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// The answers by backend; afterwards there are none.
    pub(super) fn take_served(&self) -> Vec<Served> {
        let name = |backend: HeaderValue| String::from_utf8_lossy(backend.as_bytes()).into_owned();
        let served = self.served.take().into_iter();
        served.map(|(backend, (times, last))| Served { backend: name(backend), times, last }).collect()
    }

    /// The names of the versions, by their place; afterwards there are none. Bytes that are no text stay apart.
    pub(super) fn take_versions(&self) -> Vec<String> {
        let name = |version: HeaderValue| {
            let bytes = version.as_bytes();
            std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
        };
        self.versions.take().into_iter().map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart_up_to_a_limit_and_start_anew_with_each_batch() {
        let named = Named::default();
        let place = |bytes: &[u8]| named.place(HeaderValue::from_bytes(bytes).unwrap());
        assert_eq!([place(b"1"), place(b"\xff2"), place(b"1")], [0, 1, 0]);
        assert_eq!(named.take_versions(), ["1", "\\xff2"]);
        let places: Vec<_> = (0..100).map(|nth: u32| place(nth.to_string().as_bytes())).collect();
        assert_eq!((places[0], places[31], places[32], places[99]), (0, 31, 32, 32));
        assert_eq!(named.take_versions().len(), MAX_VERSIONS);
    }
}
