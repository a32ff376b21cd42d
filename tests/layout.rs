//! What no crate's `Cargo.toml` can hold: files stay small enough to keep in mind, and modules lie beside their folders.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// The most lines of a file above its tests.
const LONGEST: usize = 400;

/// Every source file of the workspace outside of `tests/` folders.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path().join("src"));
    let mut folders: Vec<_> = crates.chain([root.join("src")]).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (inner, plain): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        folders.extend(inner);
        files.extend(plain.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")));
    }
    assert!(files.len() > 100, "only {} source files were found", files.len());
    files
}

/// How many lines stand above the tests of a file.
fn production(path: &Path) -> usize {
    if path.ends_with("tests.rs") {
        return 0;
    }
    fs::read_to_string(path).unwrap().lines().take_while(|line| line.trim() != "#[cfg(test)]").count()
}

#[test]
fn no_file_is_longer_than_one_can_keep_in_mind() {
    let lengths = sources().into_iter().map(|path| (production(&path), path));
    let long: Vec<_> = lengths.filter(|(lines, _)| *lines > LONGEST).collect();
    assert!(long.is_empty(), "over {LONGEST} lines of production code: {long:#?}");
}

#[test]
fn modules_are_files_beside_their_folders() {
    let old: Vec<_> = sources().into_iter().filter(|path| path.ends_with("mod.rs")).collect();
    assert!(old.is_empty(), "a module `x` is x.rs beside x/: {old:#?}");
}
