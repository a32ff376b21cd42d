//! (tests) What a report was, held against what it is. `LAPSE_RENEW=1 cargo test report` writes it anew; then look at the
//! difference.

use std::path::Path;

/// Holds `told` against the file of that name below `src/report`.
pub(super) fn check(file: &str, told: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    if std::env::var_os("LAPSE_RENEW").is_some() {
        std::fs::write(&path, told).unwrap();
    }
    let was = std::fs::read(&path).unwrap();
    assert!(told == was, "{} is now:\n{}", path.display(), String::from_utf8_lossy(told));
}
