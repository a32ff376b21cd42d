//! `--report FORMAT=FILE`: each report is written to its file, and `lapse report` makes the same bytes again.

use std::fs;

use lapse_report::format::{Format, Named};

use super::super::support::lapse::Lapse;
use super::super::support::server::Protocol;
use super::{briefly_failing, healthy, probe_for_a_second};

#[test]
fn reports_are_written_to_their_files_and_made_again_byte_for_byte() {
    let server = briefly_failing();
    let folder = tempfile::tempdir().unwrap();
    let formats = Format::ALL.iter().copied().filter(|format| format.missing_feature().is_none());
    let formats: Vec<_> = formats.filter(|format| *format != Format::Text).map(Named::name).collect();
    let file = |format: &str| folder.path().join(format);
    let args: Vec<_> = formats
        .iter()
        .flat_map(|format| ["--report".to_owned(), format!("{format}={}", file(format).display())])
        .collect();
    let ended = probe_for_a_second(&server, &args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    for format in &formats {
        let again =
            Lapse::new(["report".as_ref(), ended.run_folder().as_os_str(), "--format".as_ref(), format.as_ref()]).end();
        assert_eq!(again.code(), Some(0), "{format}: {}", again.stderr);
        assert!(!again.bytes().is_empty(), "{format}");
        assert!(fs::read(file(format)).unwrap() == again.bytes(), "{format} differs when it is made again");
    }
}

#[test]
fn a_format_that_is_not_built_in_is_refused_and_the_error_names_its_feature() {
    for format in Format::ALL.iter().copied() {
        let Some(feature) = format.missing_feature() else { continue };
        let ended = probe_for_a_second(&healthy(), &["--report", &format!("{format}=x")]);
        assert_eq!(ended.code(), Some(2), "{format}");
        assert!(ended.stderr.contains(&format!("--features {feature}")), "{format}: {}", ended.stderr);
        assert!(!ended.left_files(), "{format}");
    }
}

#[test]
fn github_gets_a_summary_and_annotations() {
    let (server, folder) = (briefly_failing(), tempfile::tempdir().unwrap());
    let summary = folder.path().join("summary.md");
    fs::write(&summary, "what was there\n").unwrap();
    let lapse = Lapse::against(&server, Protocol::Http1, ["--rate", "100/s", "--duration", "1s", "--resolution", "1s"]);
    let lapse = lapse.env("GITHUB_STEP_SUMMARY", summary.as_os_str()).env("GITHUB_ACTIONS", "true".as_ref());
    let ended = lapse.end();
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("what was there\n## ❌ lapse: FAIL"), "{summary}");
    let annotated =
        ended.stdout.lines().any(|line| line.starts_with("::error title=lapse ") && line.contains(" fail::"));
    assert!(annotated, "{}", ended.stdout);
}

#[test]
fn an_impossible_report_is_refused_before_the_first_probe() {
    let server = healthy();
    for (wrong, hint) in [
        ("juni=x", "junit, markdown"),
        ("junit=/nowhere/x.xml", "cannot write /nowhere/x.xml"),
        ("junit", "FORMAT=FILE"),
    ] {
        let ended = probe_for_a_second(&server, &["--report", wrong]);
        assert_eq!(ended.code(), Some(2), "{wrong}");
        assert!(ended.stderr.contains(hint), "{wrong}: {}", ended.stderr);
        assert!(!ended.left_files(), "{wrong}");
    }
}
