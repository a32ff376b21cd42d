//! Typed values of small texts, and what is said of those that are none.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::super::document;
use super::*;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Pod {
    replicas: u32,
    share: f64,
    is_ready: bool,
    name: Option<String>,
    signals: Vec<Signal>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Signal {
    Exit,
    Drain(BTreeMap<String, u64>),
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let root = document("text", text.as_bytes()).unwrap().unwrap();
    from_node(&root).map_err(|problem| problem.to_string())
}

#[test]
fn structs_enums_lists_and_merged_maps_are_read() {
    let text = "
first: &first {replicas: 2, isReady: true, name: ~, signals: [exit, drain: {limit: 3}]}
next:
  <<: *first
  share: 0.25
  replicas: 3
  name: 17
none:
";
    let pods: BTreeMap<String, Pod> = read(text).unwrap();
    let signals = || vec![Signal::Exit, Signal::Drain(BTreeMap::from([("limit".to_owned(), 3)]))];
    let first = Pod { replicas: 2, is_ready: true, signals: signals(), ..Pod::default() };
    assert_eq!(pods["first"], first);
    let name = Some("17".to_owned());
    assert_eq!(pods["next"], Pod { replicas: 3, share: 0.25, name, signals: signals(), is_ready: true });
    assert_eq!(pods["none"], Pod::default());
}

#[test]
fn an_error_has_its_place_what_is_there_and_what_must_be() {
    for (text, said) in [
        ("replcas: 2", "1:1: unknown key `replcas`; did you mean `replicas`?"),
        ("replicas: -1", "1:11: a whole number such as 2 must stand here"),
        ("replicas: 4294967296", "1:11: a whole number such as 2 must stand here"),
        ("replicas: [2]", "1:11: a whole number such as 2 must stand here"),
        ("share: .nan", "1:8: a number such as 0.05 must stand here"),
        ("isReady: yes", "1:10: `true` or `false` must stand here"),
        ("isReady: true\nisReady: true", "2:1: `isReady` is there already, in line 1: leave one out"),
        ("signals: exit", "1:10: a list, each item after a `-`, must stand here"),
        ("signals: [exi]", "1:11: `exi` cannot stand here; did you mean `exit`?"),
        ("signals: [drain]", "1:11: `drain` needs a value: write `drain: ...` in a map"),
        ("signals: [exit: 2]", "1:17: `exit` takes no value: write `exit` alone"),
        ("signals: [{}]", "1:11: one of exit, drain must stand here"),
        ("signals: [drain: {a: b}]", "1:22: a whole number such as 2 must stand here"),
        ("- 1", "1:1: a map of keys, each with a `:`, must stand here"),
    ] {
        assert_eq!(read::<Pod>(text).unwrap_err(), said, "{text}");
    }
    let missing = read::<BTreeMap<String, Needy>>("a: {}").unwrap_err();
    assert_eq!(missing, "1:4: the key `what` is missing: write it");
    let deep = "a: &a {}\nb: &b {<<: *a}\nc: &c {<<: *b}\nd: &d {<<: *c}\ne: &e {<<: *d}\nf: &f {<<: *e}\ng: {<<: *f}";
    assert!(read::<BTreeMap<String, Pod>>(deep).unwrap_err().contains("merged too deeply"));
}

#[derive(Debug, Deserialize)]
struct Needy {
    #[expect(dead_code, reason = "it is only missed")]
    what: u32,
}

#[test]
fn the_place_of_a_path_is_that_of_its_last_key_that_is_there() {
    let root = document("text", b"pods:\n  old:\n    signals:\n      - exit\n").unwrap().unwrap();
    let place = |path: &[&str]| (root.place(path.iter().copied()).line, root.place(path.iter().copied()).column);
    assert_eq!(place(&["pods", "old", "signals", "0"]), (4, 9));
    assert_eq!(place(&["pods", "old", "work"]), (2, 3));
    assert_eq!((place(&["pods", "new"]), place(&[])), ((1, 1), (1, 1)));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[ a-z:{}\\[\\]&*<~0-9\n-]{0,60}") {
        if let Ok(Some(root)) = document("text", text.as_bytes()) {
            let _ = from_node::<Pod>(&root);
            let _ = from_node::<BTreeMap<String, Pod>>(&root);
        }
    }
}
