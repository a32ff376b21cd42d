//! Manifests and findings as tests write them.

use super::{Finding, MOST_NODES, Report, Severity, Source, lint, lint_upgrade, rule};

/// A Deployment `shop` with a Service, with further lines in the Deployment's spec, its pods' spec and its container.
pub(crate) fn shop(spec: &str, pod: &str, container: &str) -> String {
    let indented = |text: &str, by: usize| {
        let lines: Vec<_> = text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect();
        lines.concat()
    };
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: shop}}\nspec:\n{}  template:\n    metadata: {{labels: \
         {{app: shop}}}}\n    spec:\n{}      containers:\n      - name: web\n        image: example.com/shop:1.2\n        \
         ports: [{{name: http, containerPort: 8080}}]\n{}{SERVICE}",
        indented(spec, 2),
        indented(pod, 6),
        indented(container, 8),
    )
}

/// The Service of [`shop`].
pub(crate) const SERVICE: &str = "---
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  selector: {app: shop}
  ports: [{name: http, port: 80, targetPort: http}]
";

pub(crate) fn report(text: &str) -> Report {
    lint(&[Source { name: "shop.yaml", text: text.as_bytes() }], &[])
}

/// The findings of the rule `name`.
pub(crate) fn findings(name: &str, text: &str) -> Vec<Finding> {
    assert!(rule(name).is_some(), "there is no rule {name}");
    assert!(text.len() < MOST_NODES);
    let report = report(text);
    assert!(report.said.is_empty(), "{:?}", report.said);
    report.findings.into_iter().filter(|finding| finding.rule.name == name).collect()
}

/// The findings of the rule `name`, each as `severity path @ the line of the source`.
pub(crate) fn found(name: &str, text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().collect();
    let line = |finding: &Finding| lines[finding.position.line - 1].trim().to_owned();
    let findings = findings(name, text);
    findings.iter().map(|finding| format!("{} {} @ {}", finding.severity, finding.path, line(finding))).collect()
}

/// The findings of the rule `name` in an upgrade, as [`found`] gives them, with the lines of the source that each is in.
pub(crate) fn found_between(name: &str, before: &str, after: &str) -> Vec<String> {
    assert!(rule(name).is_some(), "there is no rule {name}");
    let source = |name, text: &'static str| Source { name, text: text.as_bytes() };
    let (old, new): (&'static str, &'static str) = (before.to_owned().leak(), after.to_owned().leak());
    let findings = lint_upgrade(&[source("before", old)], &[source("after", new)], &[]).findings;
    let line = |finding: &Finding| {
        let text = if finding.source == "before" { old } else { new };
        text.lines().nth(finding.position.line - 1).unwrap().trim().to_owned()
    };
    let of_rule = findings.iter().filter(|finding| finding.rule.name == name);
    of_rule.map(|finding| format!("{} {} @ {}", finding.severity, finding.path, line(finding))).collect()
}

/// Whether the rule `name` was checked of something and holds.
pub(crate) fn holds(name: &str, text: &str) -> bool {
    let report = report(text);
    let silent = report.findings.iter().all(|finding| finding.rule.name != name);
    silent && report.held.iter().any(|held| held.rule == name)
}

#[test]
fn severities_are_ordered() {
    assert!(Severity::Error > Severity::Warning && Severity::Warning > Severity::Note);
}
