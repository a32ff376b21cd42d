//! What shells and `man` are told: completions that complete, a page for each subcommand.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

fn lapse(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lapse")).args(args).output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn bash_completes_subcommands_flags_and_values() {
    let script = text(lapse(&["completions", "bash"]).stdout);
    for (words, offered) in [
        (&["lapse", "hist"][..], "history"),
        (&["lapse", "run", "--max-o"], "--max-outage"),
        (&["lapse", "report", "x", "--format", "mark"], "markdown"),
    ] {
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let asked = format!(
            "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _lapse lapse '{last}' '{before}'; echo \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len() - 1
        );
        let answer = Command::new("bash").args(["--norc", "-c", &asked]).output().unwrap();
        let answer = text(answer.stdout);
        assert!(answer.split_whitespace().any(|word| word == offered), "{words:?}: {answer}");
    }
}

#[test]
fn each_subcommand_of_the_help_has_a_manual_page() {
    let help = text(lapse(&["--help"]).stdout);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let listed = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: BTreeSet<_> =
        listed.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.contains("run"), "{help}");

    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("man1");
    let ended = lapse(&["man", "--out", into.to_str().unwrap()]);
    assert!(ended.status.success(), "{}", text(ended.stderr));
    let page = |path: &Path| std::fs::read_to_string(path).unwrap();
    for name in names {
        let printed = text(lapse(&["man", name]).stdout);
        assert!(printed.contains(&format!(".TH lapse-{name} 1")), "{name}: {printed}");
        assert_eq!(printed, page(&into.join(format!("lapse-{name}.1"))), "{name}");
    }
    assert!(page(&into.join("lapse.1")).contains("lapse\\-run(1)"));
}

#[test]
fn a_page_of_no_subcommand_is_refused_with_those_there_are() {
    let ended = lapse(&["man", "rum"]);
    assert_eq!(ended.status.code(), Some(2));
    let error = text(ended.stderr);
    assert!(error.contains("no subcommand rum") && error.contains("run, report"), "{error}");
}
