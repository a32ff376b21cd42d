//! A report made again from the folder of its run.

use std::path::Path;

use super::super::support::lapse::Lapse;
use super::super::support::report::Report;
use super::{unwell, watch};

#[test]
fn a_report_can_be_made_again_from_its_folder() {
    let server = unwell();
    let ended = watch(&server, &[]);
    let folder = ended.run_folder();
    assert!(
        ended.stdout.contains(folder.file_name().unwrap().to_str().unwrap()),
        "the folder is named: {}",
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
        "the text is the one that was printed:\n{text}\nbut it was\n{}",
        ended.stdout
    );
    let page = std::fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(again(&["--format", "html"]) == page, "the page is the one that the run wrote");
    let length = Report::parse(&written).run.length_ns;
    rows(&again(&["--format", "csv"]), length.div_ceil(1_000_000));
    rows(&again(&["--format", "csv", "--bin", "10ms"]), length.div_ceil(10_000_000));
}

/// Journals of another day, with what was written beside them. `LAPSE_RENEW=1` writes that anew.
#[test]
fn the_worked_examples_are_what_their_journals_say() {
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
            assert!(now == std::fs::read(&path).unwrap(), "{} is not what its journal says", path.display());
        }
        assert!(again("text").stdout.starts_with(verdict));
        let row = readme.lines().find(|line| line.starts_with(&format!("| [{example}]"))).expect("a row for it");
        assert!(row.contains(verdict) && row.contains(lost), "{row}");
    }
}

/// A header, and as many rows as the run has bins; the last one may be a bin that ends with the run.
fn rows(csv: &str, bins: u64) {
    let mut lines = csv.lines();
    let fields = lines.next().expect("a header").split(',').count();
    assert!(fields >= 3, "{csv:.200}");
    assert!(lines.clone().all(|line| line.split(',').count() == fields), "{csv:.500}");
    let rows = lines.count() as u64;
    assert!(rows.abs_diff(bins) <= 1, "{rows} rows for {bins} bins");
}
