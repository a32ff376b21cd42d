//! The rules. Each names file, line and rule when it is broken.

use std::path::{Path, PathBuf};

use super::source::{Used, mentions, paths};
use super::table::Table;

/// The most lines of a file above its tests.
const LONGEST: usize = 400;

/// The roots of the library and of the binary: they belong to no room.
const ROOTS: [&str; 2] = ["lib", "main"];

/// What a room must do without, beside other rooms.
const ABSENT: [(&str, &[&str]); 2] = [
    ("measure", &["tokio", "serde", "serde_json", "hyper", "std::fs", "std::thread", "std::process"]),
    ("report", &["tokio", "hyper"]),
];

/// One file of `src/`.
#[derive(Debug)]
struct File {
    /// As people write it: `src/measure/time.rs`.
    name: String,
    /// As the code writes it: `measure`, `time`.
    module: Vec<String>,
    text: String,
}

impl File {
    fn read(path: &Path) -> Self {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let module = name.trim_start_matches("src/").trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        Self { text: std::fs::read_to_string(path).unwrap(), name, module }
    }

    fn room(&self) -> &str {
        &self.module[0]
    }

    /// How many lines stand above the tests.
    fn production(&self) -> usize {
        if self.name.ends_with("/tests.rs") {
            return 0;
        }
        self.text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count()
    }

    /// Tests may start the one clock there is; what they test is handed its readings.
    fn is_clock_of_a_test(&self, used: &Used) -> bool {
        used.line > self.production() && used.path.starts_with(&["hammer".to_owned(), "clock".to_owned()])
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files() -> Vec<File> {
    let mut folders = vec![root().join("src")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        let (inner, plain): (Vec<_>, Vec<_>) =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).partition(|path| path.is_dir());
        folders.extend(inner);
        files.extend(plain.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")));
    }
    files.sort();
    assert!(files.len() > 10, "src/ was found");
    files.iter().map(|path| File::read(path)).collect()
}

fn table() -> Table {
    let path = root().join("ARCHITECTURE.md");
    let document = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Table::parse(&document).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn none(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn rooms_use_only_what_the_table_lets_them() {
    let table = table();
    let mut broken = Vec::new();
    for file in files().iter().filter(|file| !ROOTS.contains(&file.room())) {
        let used = paths(&file.text, &file.module);
        for used in used.iter().filter(|used| !file.is_clock_of_a_test(used)) {
            let objection = table.objection(file.room(), &used.path);
            broken.extend(objection.map(|rule| format!("{}:{}: {rule} (ARCHITECTURE.md)", file.name, used.line)));
        }
    }
    none(&broken);
}

#[test]
fn every_room_is_in_the_table() {
    let table = table();
    let known = |room: &str| ROOTS.contains(&room) || table.rooms().any(|other| other == room);
    let unknown = files().into_iter().filter(|file| !known(file.room()));
    none(
        &unknown
            .map(|file| format!("{}: {} is in no row of the table in ARCHITECTURE.md", file.name, file.room()))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn no_file_is_longer_than_one_can_keep_in_mind() {
    let long = files().into_iter().filter(|file| file.production() > LONGEST);
    none(
        &long
            .map(|file| format!("{}:{LONGEST}: over {LONGEST} lines of production code", file.name))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn rooms_do_without_what_would_tie_them_to_this_machine() {
    let mut broken = Vec::new();
    for (room, absent) in ABSENT {
        for file in files().iter().filter(|file| file.room() == room) {
            for name in absent {
                let lines = mentions(&file.text, name);
                broken.extend(lines.iter().map(|line| format!("{}:{line}: {room} does without {name}", file.name)));
            }
        }
    }
    none(&broken);
}

#[test]
fn modules_are_files_beside_their_folders() {
    let old = files().into_iter().filter(|file| file.name.ends_with("/mod.rs"));
    none(&old.map(|file| format!("{}: room `x` is src/x.rs with src/x/", file.name)).collect::<Vec<_>>());
}
