//! The report as SARIF 2.1.0, which code scanning reads.

use serde_json::{Value, json};

use crate::{Finding, RULES, Remark, Report, Rule, Severity};

/// The report as a SARIF log of one run, with a line end. `version` is that of lapse.
pub fn write(report: &Report, version: &str) -> String {
    let results: Vec<_> = report.findings.iter().map(result).collect();
    let notifications: Vec<_> = report.said.iter().map(notification).collect();
    let whole = report.read.unread == 0;
    let value = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "lapse lint",
                "semanticVersion": version,
                "rules": RULES.iter().map(|one| rule(one)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": whole, "toolExecutionNotifications": notifications}],
            "results": results,
        }],
    });
    format!("{value:#}\n")
}

const fn level(severity: Severity) -> &'static str {
    severity.name()
}

fn rule(rule: &Rule) -> Value {
    let shows = rule.scenario.map(|file| format!(" `lapse run scenarios/{file}` shows it.")).unwrap_or_default();
    json!({
        "id": rule.name,
        "shortDescription": {"text": rule.says},
        "fullDescription": {"text": rule.why},
        "help": {"text": format!("{}{shows}", rule.fix)},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"tags": ["availability", rule.cause], "cause": rule.cause},
    })
}

fn result(finding: &Finding) -> Value {
    let index = RULES.iter().position(|rule| rule.name == finding.rule.name);
    let region = json!({"startLine": finding.position.line, "startColumn": finding.position.column});
    let namespace = finding.object.namespace.as_deref().unwrap_or_default();
    let object = format!("{}/{namespace}/{}", finding.object.kind, finding.object.name);
    json!({
        "ruleId": finding.rule.name,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": {"text": format!("{} {}: {}", finding.object, finding.path, finding.message)},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": uri(&finding.source)}, "region": region},
            "logicalLocations": [{"fullyQualifiedName": format!("{object}:{}", finding.path), "kind": "member"}],
        }],
        // The same finding on another line of a later version is the same finding.
        "partialFingerprints": {"lapseLint/v1": format!("{}:{object}:{}", finding.rule.name, finding.path)},
    })
}

fn notification(remark: &Remark) -> Value {
    let mut value = json!({
        "level": if remark.unread { "warning" } else { "note" },
        "message": {"text": remark.text},
    });
    if let Some(source) = &remark.source {
        let region = json!({"startLine": remark.line.unwrap_or(1)});
        let place = json!({"artifactLocation": {"uri": uri(source)}, "region": region});
        value["locations"] = json!([{"physicalLocation": place}]);
    }
    value
}

/// A source as a reference to it: a path with what may not stand in one escaped; an absolute one with its scheme.
fn uri(source: &str) -> String {
    if source == "-" {
        return "stdin".to_owned();
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/');
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let path: String = source.trim_start_matches("./").bytes().map(escape).collect();
    if path.starts_with('/') { format!("file://{path}") } else { path }
}
