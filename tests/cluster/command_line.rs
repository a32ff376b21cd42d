//! The flags by which lapse reads a command line, held against the help of helm and kubectl themselves.
//!
//! This needs no cluster, only the programs on the PATH: `helm` and `helm4`, `kubectl`. One that is missing is skipped.

use std::process::Command;

use lapse_cluster::Scope;

/// The flags of kubectl that have an optional value, which its help does not tell: `AddDryRunFlag`,
/// `AddValidateFlags` and `AddCascadeFlag` of k8s.io/kubectl set their `NoOptDefVal`.
const OPTIONAL: [&str; 3] = ["--cascade", "--dry-run", "--validate"];

/// A flag as help lists it.
#[derive(Debug)]
struct Flag {
    /// With its dashes: `--output` or `-o`.
    written: String,
    /// Whether it takes the next word.
    takes_value: bool,
}

#[test]
fn the_flags_of_helm_are_read_as_helm_reads_them() {
    for helm in ["helm", "helm4"] {
        for verb in ["upgrade", "install", "rollback", "uninstall"] {
            let Some(help) = help(helm, &[verb, "--help"]) else { break };
            let flags = of_helm(&help);
            assert!(flags.len() > 15, "{helm} {verb}: no flags in its help:\n{help}");
            for flag in flags {
                check(&["helm", verb], &flag, &["shop", "./chart"], "release shop");
            }
        }
    }
}

#[test]
fn the_flags_of_kubectl_are_read_as_kubectl_reads_them() {
    let Some(options) = help("kubectl", &["options"]) else { return };
    let verbs: [&[&str]; 10] = [
        &["set", "image"],
        &["set", "env"],
        &["set", "resources"],
        &["set", "serviceaccount"],
        &["rollout", "restart"],
        &["rollout", "undo"],
        &["rollout", "resume"],
        &["delete"],
        &["scale"],
        &["patch"],
    ];
    for verb in verbs {
        let help = help("kubectl", &[verb, &["--help"]].concat()).unwrap_or_default();
        let flags: Vec<_> = of_kubectl(&help).into_iter().chain(of_kubectl(&options)).collect();
        assert!(flags.len() > 30, "kubectl {verb:?}: no flags in its help:\n{help}");
        for flag in flags {
            check(&[&["kubectl"], verb].concat(), &flag, &["deploy/wine"], "deployment/wine");
        }
    }
    // What these name is not read from their words, but the namespace is.
    for verb in ["apply", "replace", "create"] {
        for flag in of_kubectl(&help("kubectl", &[verb, "--help"]).unwrap_or_default()) {
            let value: &[&str] = if flag.takes_value { &["x"] } else { &[] };
            let line = [&["kubectl", verb, &flag.written], value, &["-n", "prod"]].concat();
            let scope = Scope::of_command(line.iter().copied());
            let expected = if matches!(&*flag.written, "-n" | "--namespace") { "x" } else { "prod" };
            assert_eq!(scope.and_then(|scope| scope.namespace).as_deref(), Some(expected), "{line:?}");
        }
    }
}

/// Whether `of` is followed if `flag`, with a value where it takes one, stands before what names it.
fn check(verb: &[&str], flag: &Flag, names: &[&str], of: &str) {
    let value: &[&str] = if flag.takes_value { &["value"] } else { &[] };
    let line = [verb, &[&flag.written], value, names].concat();
    let scope = Scope::of_command(line.iter().copied());
    assert_eq!(scope.map(|scope| scope.of.to_string()).as_deref(), Some(of), "{line:?}: {flag:?}");
}

/// What the program prints; `None`, said aloud, if it is not there.
fn help(program: &str, args: &[&str]) -> Option<String> {
    match Command::new(program).args(args).output() {
        Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
        Err(error) => {
            eprintln!("SKIPPED: the flags of {program}: {error}");
            None
        }
    }
}

/// `  -o, --output format   prints ...`; `--dry-run string[="client"]` has an optional value, a switch has none.
fn of_helm(help: &str) -> Vec<Flag> {
    // The prose before the list has lines that begin with a flag as well.
    let rows = help.lines().filter(|line| line.starts_with("  -") || line.starts_with("      --")).map(str::trim_start);
    let row = |line: &str| {
        let usage = line.split("  ").next().unwrap_or_default();
        let takes_value = |word: &str| !word.starts_with('-') && !word.contains("[=");
        let takes_value = usage.split(' ').next_back().is_some_and(takes_value);
        written(usage).map(|written| Flag { written, takes_value }).collect::<Vec<_>>()
    };
    rows.flat_map(row).filter(|flag| !flag.written.ends_with('h')).collect()
}

/// `    -o, --output='':`; switches are `=false` or `=true`.
fn of_kubectl(help: &str) -> Vec<Flag> {
    let rows = help.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(':'));
    let row = |line: &str| {
        let (names, default) = line.split_once('=').unwrap_or((line, "true"));
        let optional = written(names).any(|name| OPTIONAL.contains(&&*name));
        let takes_value = !matches!(default, "true" | "false") && !optional;
        written(names).map(|written| Flag { written, takes_value }).collect::<Vec<_>>()
    };
    rows.filter(|line| line.starts_with('-')).flat_map(row).collect()
}

fn written(usage: &str) -> impl Iterator<Item = String> {
    let names = usage.split([' ', ',']).filter(|word| word.starts_with('-'));
    names.map(ToOwned::to_owned)
}
