//! The outputs of a step on GitHub Actions, which later steps read as `steps.ID.outputs.NAME`.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use lapse_measure::time::Bounded;
use lapse_record::record::Record;

/// Appends the outputs of a run to the file that GitHub Actions names; does nothing elsewhere.
pub(super) fn write_outputs(record: &Record, folder: &Path) -> Result<()> {
    let Some(file) = env::var_os("GITHUB_OUTPUT").filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(());
    };
    let write =
        || OpenOptions::new().append(true).create(true).open(&file)?.write_all(outputs(record, folder).as_bytes());
    write().with_context(|| format!("cannot write the outputs of the step to {}", file.display()))
}

/// The outputs, a line each. Durations are in milliseconds, of the target that lost most.
fn outputs(record: &Record, folder: &Path) -> String {
    let conclusion = record.summary.verdict.conclusion;
    let mut all = vec![("verdict", conclusion.to_string()), ("exit-code", conclusion.exit_code().to_string())];
    if let Some(worst) = record.summary.targets.iter().max_by_key(|target| target.totals.loss_derived.estimate) {
        let totals = &worst.totals;
        all.extend([("target", worst.name.clone()), ("failed", totals.failed.to_string())]);
        all.push(("probes", totals.resolved.to_string()));
        all.extend(with_bounds(["downtime", "downtime-at-least", "downtime-at-most"], totals.loss_derived));
        let longest = totals.disruptions.longest_length;
        all.extend(with_bounds(["disruption", "disruption-at-least", "disruption-at-most"], longest));
    }
    all.push(("folder", folder.display().to_string()));
    all.push(("report", folder.join("report.html").display().to_string()));
    // A line break in a value would begin an output of its own.
    let lines: Vec<_> =
        all.iter().map(|(name, value)| format!("{name}={}\n", value.replace(char::is_control, " "))).collect();
    lines.concat()
}

/// A duration and its bounds as outputs; a bound that the run's end left open is empty.
fn with_bounds(names: [&'static str; 3], length: Bounded) -> [(&'static str, String); 3] {
    let millis = |time: std::time::Duration| format!("{:.3}", time.as_secs_f64() * 1e3);
    let [estimate, at_least, at_most] = names;
    [
        (estimate, millis(length.estimate)),
        (at_least, millis(length.at_least)),
        (at_most, length.at_most.map(millis).unwrap_or_default()),
    ]
}
