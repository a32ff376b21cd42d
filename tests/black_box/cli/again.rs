//! Reports made again from a run's folder.

use std::path::Path;

use super::super::support::lapse::Lapse;
use super::super::support::report::Report;
use super::{briefly_failing, probe_for_a_second};

#[test]
fn a_report_can_be_made_again_from_its_folder() {
    let server = briefly_failing();
    let ended = probe_for_a_second(&server, &[]);
    let folder = ended.run_folder();
    assert!(
        ended.stdout.contains(folder.file_name().unwrap().to_str().unwrap()),
        "the output names the folder: {}",
        ended.stdout
    );
    let again = |args: &[&str]| {
        let made = Lapse::new(["report", folder.to_str().unwrap()].iter().chain(args)).end();
        assert_eq!(made.code(), Some(0), "{args:?}: {}", made.stderr);
        made.stdout
    };
    let written = std::fs::read_to_string(folder.join("report.json")).unwrap();
    assert_eq!(again(&["--format", "json"]).trim_end(), written.trim_end());
    let text = again(&["--format", "text"]);
    assert!(text.contains("status 503"), "{text}");
    assert!(
        ended.stdout.contains(text.trim()),
        "the text differs from what the run printed:\n{text}\nbut it was\n{}",
        ended.stdout
    );
    let page = std::fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(again(&["--format", "html"]) == page, "the page differs from the one that the run wrote");
    let length = Report::parse(&written).run.length_ns;
    assert_rows(&again(&["--format", "csv"]), length.div_ceil(1_000_000));
    assert_rows(&again(&["--format", "csv", "--bin", "10ms"]), length.div_ceil(10_000_000));
}

/// The reports of the committed examples must equal the ones made from their journals. `LAPSE_RENEW=1` rewrites them.
#[test]
fn the_worked_examples_match_their_journals() {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    let readme = std::fs::read_to_string(reports.join("README.md")).unwrap();
    for (example, verdict, lost) in [("story", "FAIL", "436 of 14,952"), ("story-fixed", "PASS", "none")] {
        let folder = reports.join(example);
        let again = |format: &str| Lapse::new(["report", folder.to_str().unwrap(), "--format", format]).end();
        for file in ["report.json", "report.html", "timeline.svg", "timeline.png"] {
            if file.ends_with("png") && !cfg!(feature = "png") {
                continue;
            }
            let (path, now) = (folder.join(file), again(file.rsplit_once('.').unwrap().1).bytes());
            if std::env::var_os("LAPSE_RENEW").is_some() {
                std::fs::write(&path, &now).unwrap();
            }
            assert!(now == std::fs::read(&path).unwrap(), "{} differs from what its journal gives", path.display());
        }
        assert!(again("text").stdout.starts_with(verdict));
        let row = readme
            .lines()
            .find(|line| line.starts_with(&format!("| [{example}]")))
            .expect("the README has a row for the example");
        assert!(row.contains(verdict) && row.contains(lost), "{row}");
    }
}

/// Checks that a CSV table has a header and one row a bin, give or take the last bin, which the end of the run may cut.
fn assert_rows(csv: &str, bins: u64) {
    let mut lines = csv.lines();
    let fields = lines.next().expect("the table has a header").split(',').count();
    assert!(fields >= 3, "{csv:.200}");
    assert!(lines.clone().all(|line| line.split(',').count() == fields), "{csv:.500}");
    let rows = lines.count() as u64;
    assert!(rows.abs_diff(bins) <= 1, "{rows} rows for {bins} bins");
}
