//! The report as JSON.

use serde_json::{Value, json};

use crate::{Finding, ObjectName, Report, Severity};

/// The version of the format: it grows when a field goes or changes its meaning, not when one is added.
pub const VERSION: u32 = 1;

/// The report as one JSON object, with a line end.
pub fn write(report: &Report) -> String {
    let counts: serde_json::Map<_, _> =
        Severity::ALL.iter().map(|severity| (severity.name().to_owned(), json!(report.count(*severity)))).collect();
    let held = report.held.iter().map(
        |held| json!({"rule": held.rule, "cause": held.cause, "clears": held.clears, "object": object(&held.object)}),
    );
    let said = report.said.iter().map(
        |remark| json!({"source": remark.source, "line": remark.line, "text": remark.text, "unread": remark.unread}),
    );
    let value = json!({
        "version": VERSION,
        "read": {
            "documents": report.read.documents,
            "unread": report.read.unread,
            "objects": report.read.objects,
            "others": report.read.others,
        },
        "counts": counts,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "held": held.collect::<Vec<_>>(),
        "said": said.collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule.name,
        "cause": finding.rule.cause,
        "severity": finding.severity.name(),
        "source": finding.source,
        "document": finding.document,
        "template": finding.template,
        "line": finding.position.line,
        "column": finding.position.column,
        "object": object(&finding.object),
        "path": finding.path,
        "message": finding.message,
        "why": finding.rule.why,
        "fix": finding.rule.fix,
        "scenario": finding.rule.scenario.map(|file| format!("scenarios/{file}")),
        "patch": finding.patch,
    })
}

fn object(object: &ObjectName) -> Value {
    json!({"kind": object.kind, "namespace": object.namespace, "name": object.name})
}
