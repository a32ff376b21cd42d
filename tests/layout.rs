//! Layout rules that no `Cargo.toml` can enforce: the length of files, and module files beside their folders.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// The limit for the lines of a file above its tests.
const MOST_LINES: usize = 400;

/// The path of every source file of the workspace outside `tests/` folders.
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
    assert!(files.len() > 100, "found only {} source files", files.len());
    files
}

/// The number of lines above a file's tests; zero for a file of tests.
fn production_lines(path: &Path) -> usize {
    if path.ends_with("tests.rs") {
        return 0;
    }
    fs::read_to_string(path).unwrap().lines().take_while(|line| line.trim() != "#[cfg(test)]").count()
}

#[test]
fn no_file_exceeds_the_limit_of_production_lines() {
    let lengths = sources().into_iter().map(|path| (production_lines(&path), path));
    let long: Vec<_> = lengths.filter(|(lines, _)| *lines > MOST_LINES).collect();
    assert!(long.is_empty(), "over {MOST_LINES} lines of production code: {long:#?}");
}

#[test]
fn modules_are_files_beside_their_folders() {
    let old: Vec<_> = sources().into_iter().filter(|path| path.ends_with("mod.rs")).collect();
    assert!(old.is_empty(), "a module `x` is x.rs beside x/: {old:#?}");
}
