//! Input that is broken, hostile or huge: it is said, in bounded time and memory, and never a panic.

use std::fmt::Write;

use lapse_lint::{MOST_BYTES, Report, Source, format, lint, lint_upgrade, patches};
use proptest::prelude::*;

/// Lints `text` and writes all formats.
fn all(text: &[u8]) -> Report {
    let report = lint(&[Source { name: "input.yaml", text }], &[]);
    let _ = (format::json::write(&report), format::sarif::write(&report, "1.0.0"), format::github::write(&report));
    let _ = patches(&report);
    // The same turned around, as far as lines are objects of their own, so that there are others before and after.
    let before: Vec<u8> = text.rsplitn(2, |byte| *byte == b'-').collect::<Vec<_>>().concat();
    let _ = lint_upgrade(&[Source { name: "before.yaml", text: &before }], &[Source { name: "-", text }], &[]);
    report
}

fn said(text: &[u8]) -> Vec<String> {
    let line = |remark: &lapse_lint::Remark| format!("{} {}", remark.line.unwrap_or(0), remark.text);
    all(text).said.iter().map(line).collect()
}

/// Manifests of the right shape with anything in their fields.
fn shaped() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec![
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Rollout",
        "Service",
        "Ingress",
        "HorizontalPodAutoscaler",
        "Job",
        "PodDisruptionBudget",
        "ConfigMap",
        "List",
        "Namespace",
        "CronJob",
        "HTTPRoute",
        "PersistentVolumeClaim",
    ]);
    let group =
        prop::sample::select(vec!["v1", "apps/v1", "batch/v1", "autoscaling/v2", "policy/v1", "argoproj.io/v1alpha1"]);
    (kind, group, value(5)).prop_map(|(kind, group, spec)| {
        format!("apiVersion: {group}\nkind: {kind}\nmetadata: {{name: x}}\nitems: {spec}\nspec: {spec}\n---\n")
    })
}

const SCALARS: &str = "1 -1 0 99999999999999999999 25% '' null true x [] {} Local None sh 'sleep-1e308' nginx:1.2 '{{x}}' 250m .. \
                       é 1. Recreate";

const KEYS: &str = "template spec metadata labels containers initContainers ports name image lifecycle preStop exec command \
                    sleep seconds readinessProbe livenessProbe httpGet strategy rollingUpdate maxUnavailable maxSurge replicas \
                    selector targetPort port minAvailable terminationGracePeriodSeconds annotations scaleTargetRef rules http \
                    paths backend items failureThreshold resources limits cpu volumes configMap << type blueGreen";

/// A value of the fields that rules read, nested up to `depth`.
fn value(depth: u32) -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(SCALARS.split(' ').collect::<Vec<_>>());
    leaf.prop_map(str::to_owned).prop_recursive(depth, 64, 6, |inner| {
        let keys = prop::sample::select(KEYS.split(' ').collect::<Vec<_>>());
        prop_oneof![
            prop::collection::vec((keys, inner.clone()), 0..6).prop_map(|fields| {
                let fields: Vec<_> = fields.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", fields.join(", "))
            }),
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        all(&bytes);
    }

    #[test]
    fn any_text_of_yaml_signs_is_read_or_refused(text in "[-{}\\[\\]:,&*!|>'\"%@`#?<~ \t\r\nab0\u{e9}\u{feff}]{0,200}") {
        all(text.as_bytes());
    }

    #[test]
    fn any_fields_are_linted(documents in prop::collection::vec(shaped(), 1..6)) {
        all(documents.concat().as_bytes());
    }

    /// Each finding is at a line and a column of the text, and its path names the object's field.
    #[test]
    fn findings_have_places(documents in prop::collection::vec(shaped(), 1..6)) {
        let text = documents.concat();
        let lines: Vec<_> = text.lines().collect();
        for finding in all(text.as_bytes()).findings {
            let line = lines[finding.position.line - 1];
            prop_assert!((1..=line.chars().count() + 1).contains(&finding.position.column), "{finding:?}");
            prop_assert!(!finding.path.is_empty());
        }
    }
}

#[test]
fn one_bad_document_does_not_hide_the_others() {
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {a: b}, sessionAffinity: ClientIP}\n";
    let text = format!("a: [1\n---\n{service}---\nname: {{{{ .Values.name }}}}\n---\n{service}");
    let report = all(text.as_bytes());
    assert_eq!(report.findings.iter().filter(|finding| finding.rule.name == "session-affinity").count(), 2);
    let lines: Vec<_> = report.said.iter().map(|remark| (remark.line, remark.unread)).collect();
    assert_eq!(lines, [(Some(1), true), (Some(8), true)], "{:?}", report.said);
    assert!(report.said[1].text.contains("helm template"), "{:?}", report.said);
}

#[test]
fn templates_in_texts_are_fine() {
    let text =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: dashboards}\ndata:\n  a: |\n    {{ pod }}\n  b: '{{pod}}'\n";
    assert_eq!(said(text.as_bytes()), [""; 0]);
}

#[test]
fn json_and_lists_are_read() {
    let text = "{\n\t\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n\t\t{\"apiVersion\": \"v1\", \"kind\": \"Service\", \
                \"metadata\": {\"name\": \"a\"},\n\t\t\"spec\": {\"selector\": {\"a\": \"b\"}, \"sessionAffinity\": \"ClientIP\"}}]}";
    let report = all(text.as_bytes());
    assert!(report.said.is_empty(), "{:?}", report.said);
    let finding = &report.findings[0];
    assert_eq!((finding.path.as_str(), finding.position.line), ("items[0].spec.sessionAffinity", 4));
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(text, "a{level}: &a{level} [{inner}]");
    }
    assert!(said(text.as_bytes())[0].contains("million values"), "{:?}", said(text.as_bytes()));
    assert!(said(b"a: &a [*a]")[0].contains("contains the alias"));
}

#[test]
fn deep_nesting_is_refused() {
    for text in ["[".repeat(100_000), "a:\n".to_owned() + &"- ".repeat(100_000), "{a: ".repeat(100_000)] {
        assert_eq!(all(text.as_bytes()).read.unread, 1);
    }
}

#[test]
fn what_is_too_large_or_no_text_is_refused() {
    let large = vec![b' '; MOST_BYTES + 1];
    assert!(said(&large)[0].contains("larger than 64 MiB"));
    assert_eq!(said(b"a: b\nc: \xff"), ["2 is not UTF-8: is it a YAML or JSON file?"]);
    assert_eq!(
        said("\u{feff}a: b".as_bytes()),
        ["0 no rule knows documents without `apiVersion` and `kind` x1: left out"]
    );
}

#[test]
fn names_cannot_send_escape_sequences() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: \"a\\e[2J\\u202e\"}\nspec: {selector: {a: b}, sessionAffinity: \
                ClientIP}\n";
    let report = all(text.as_bytes());
    assert_eq!(report.findings[0].object.name, "a\u{fffd}[2J\u{fffd}");
}

#[test]
fn thousands_of_objects_take_little_time() {
    let mut text = String::new();
    for nth in 0..2000 {
        let _ = write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: w{nth}}}\nspec: {{template: {{metadata: {{labels: {{app: \
             w, nth: n{nth}}}}}, spec: {{containers: [{{name: a, ports: [{{containerPort: 80}}]}}]}}}}}}\n---\napiVersion: \
             v1\nkind: Service\nmetadata: {{name: w{nth}}}\nspec: {{selector: {{app: w, nth: n{nth}}}, ports: [{{port: 80}}]}}\n"
        );
    }
    let report = lint(&[Source { name: "-", text: text.as_bytes() }], &[]);
    assert_eq!(report.read.objects, 4000);
    assert_eq!(report.findings.iter().filter(|finding| finding.rule.name == "no-pre-stop").count(), 2000);
}
