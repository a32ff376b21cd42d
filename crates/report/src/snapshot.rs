//! (tests) Compares a report with its committed snapshot. `LAPSE_RENEW=1 cargo test report` rewrites the snapshots;
//! review the diff afterwards.

use std::path::Path;

/// Panics unless `actual` equals the content of `file`, a path relative to this crate's `src`.
pub(super) fn check(file: &str, actual: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    if std::env::var_os("LAPSE_RENEW").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read(&path).unwrap();
    assert!(actual == expected, "{} is now:\n{}", path.display(), String::from_utf8_lossy(actual));
}
