//! A real nginx that sends every client to another URL, as one does on port 80: that is said, not taken for the service.

use std::process::{Command, Output};

use tempfile::TempDir;

use super::program::{both_installed, nginx_that_redirects};

const TO: &str = "answers 308 to https://127.0.0.1/wine: what is behind it is not measured";

fn lapse(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lapse"));
    command.args(args).env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
    command
}

/// The streams of a program, each on one line.
fn said(output: Output) -> (String, String) {
    let line = |bytes| String::from_utf8(bytes).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    (line(output.stdout), line(output.stderr))
}

#[test]
fn a_target_that_redirects_is_named_before_the_run_and_in_every_report() {
    if !both_installed() {
        return;
    }
    let (nginx, folder) = (nginx_that_redirects(), TempDir::new().unwrap());
    let url = format!("{}wine", nginx.url());
    let run = |name: &str, more: &[&str]| {
        let out = folder.path().join(name).display().to_string();
        let args = ["run", &url, "--rate", "100/s", "--duration", "500ms", "--out", &out];
        let output = lapse(&[&args, more].concat()).output().unwrap();
        (out, output.status.code(), said(output))
    };
    let (out, exit, (text, console)) = run("get", &[]);
    assert_eq!(exit, Some(0), "it does answer as expected: {text}");
    assert!(text.contains(TO), "{text}");
    assert_eq!(console.matches(TO).count(), 1, "said once: {console}");
    for format in ["text", "json", "html", "junit", "markdown", "github", "csv-events"] {
        let (report, _) = said(lapse(&["report", &out, "--format", format]).output().unwrap());
        assert!(report.replace("&#58;", ":").contains(TO), "{format}: {report}");
    }

    // A POST is not tried before the run: the probes themselves met it.
    let (_, _, (text, console)) = run("post", &["-d", "x"]);
    assert!(text.contains(TO), "{text}");
    assert_eq!(console.matches(TO).count(), 1, "{console}");

    // Where a redirect is what the user asks for, it is no news; where 200 is, it fails.
    let (_, exit, (text, _)) = run("asked", &["--expect", "308"]);
    assert!(exit == Some(0) && !text.contains("not measured"), "{text}");
    let (_, exit, (text, _)) = run("failed", &["--expect", "200"]);
    assert!(exit == Some(1) && text.contains("status 308"), "{text}");
}
