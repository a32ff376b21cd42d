//! Patches that mend findings: strategic merge patches, one for each object, as YAML documents.

use serde_json::{Map, Value, json};

use super::finding::{Finding, Report};
use super::object::ObjectName;

/// The patches for a report.
#[derive(Clone, Debug, Default)]
pub struct Patches {
    /// The patches as YAML documents, each with the names of its object: for `kubectl patch --patch-file` and for
    /// `patches` of kustomize.
    pub text: String,
    /// The number of findings that they mend.
    pub mended: usize,
    /// The findings that no patch mends, each with its reason.
    pub left: Vec<(Finding, &'static str)>,
}

/// The patches that mend what `report` has found, as far as patches can.
pub fn patches(report: &Report) -> Patches {
    let mut patches = Patches::default();
    let mut objects: Vec<(ObjectName, Value)> = Vec::new();
    for finding in &report.findings {
        let patch = match &finding.patch {
            None => Err("what is right here depends on the program"),
            Some(_) if finding.api_version.starts_with("argoproj.io/") => {
                Err("custom resources know no strategic merge patch: change the manifest")
            }
            Some(patch) => Ok(patch),
        };
        match patch {
            Err(why) => patches.left.push((finding.clone(), why)),
            Ok(patch) => {
                patches.mended += 1;
                let at = objects.iter().position(|(object, _)| *object == finding.object).unwrap_or_else(|| {
                    objects.push((finding.object.clone(), named(finding)));
                    objects.len() - 1
                });
                merge(&mut objects[at].1, patch.clone());
            }
        }
    }
    for (_, patch) in &objects {
        patches.text.push_str("---\n");
        write_yaml(patch, 0, &mut patches.text);
    }
    patches
}

/// The names by which kustomize finds the object.
fn named(finding: &Finding) -> Value {
    let mut metadata = json!({"name": finding.object.name});
    if let (Some(namespace), Some(fields)) = (&finding.object.namespace, metadata.as_object_mut()) {
        fields.insert("namespace".to_owned(), json!(namespace));
    }
    json!({"apiVersion": finding.api_version, "kind": finding.object.kind, "metadata": metadata})
}

/// Merges `other` into `patch`: maps by key, lists of named items by name. Of two numbers the larger one stays.
pub(crate) fn merge(patch: &mut Value, other: Value) {
    match (patch, other) {
        (Value::Object(patch), Value::Object(other)) => {
            for (key, value) in other {
                match patch.get_mut(&key) {
                    Some(inner) => merge(inner, value),
                    None => drop(patch.insert(key, value)),
                }
            }
        }
        (Value::Array(patch), Value::Array(other)) => {
            for item in other {
                let same = patch.iter_mut().find(|one| one["name"] == item["name"] && item["name"].is_string());
                match same {
                    Some(one) => merge(one, item),
                    None => patch.push(item),
                }
            }
        }
        (Value::Number(patch), Value::Number(other)) => {
            if other.as_i64() > patch.as_i64() {
                *patch = other;
            }
        }
        (patch, other) => *patch = other,
    }
}

/// Writes a map as YAML, `indent` columns in.
fn write_yaml(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(fields) => {
            for (key, value) in ordered(fields) {
                out.push_str(&" ".repeat(indent));
                write_field(key, value, indent, out);
            }
        }
        other => {
            out.push_str(&" ".repeat(indent));
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

/// Writes `key: value` at the current column, which is `indent`.
fn write_field(key: &str, value: &Value, indent: usize, out: &mut String) {
    out.push_str(&text(key));
    out.push(':');
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            write_yaml(value, indent + 2, out);
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            out.push('\n');
            for item in items {
                write_item(item, indent, out);
            }
        }
        // JSON is YAML.
        other => {
            out.push(' ');
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

/// Writes an item of a list whose dashes are at column `indent`.
fn write_item(item: &Value, indent: usize, out: &mut String) {
    out.push_str(&" ".repeat(indent));
    out.push_str("- ");
    match item {
        Value::Object(fields) if !fields.is_empty() => {
            for (nth, (key, value)) in ordered(fields).into_iter().enumerate() {
                if nth > 0 {
                    out.push_str(&" ".repeat(indent + 2));
                }
                write_field(key, value, indent + 2, out);
            }
        }
        other => {
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

/// The fields, with those first that name the object.
fn ordered(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = fields.iter().collect();
    let names = ["apiVersion", "kind", "name", "metadata"];
    fields.sort_by_key(|(key, _)| names.iter().position(|name| name == key).unwrap_or(names.len()));
    fields
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        other => other.to_string(),
    }
}

/// A text as YAML reads it back: plain if it can only be a text, else quoted.
fn text(string: &str) -> String {
    let plain = string.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && string.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
        && !matches!(
            string.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if plain { string.to_owned() } else { Value::from(string).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{report, shop};

    #[test]
    fn patches_of_one_object_are_one_document() {
        let text = shop("", "terminationGracePeriodSeconds: 5", "");
        let patches = patches(&report(&text));
        let expected = "---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  minReadySeconds: 10
  template:
    spec:
      containers:
      - name: web
        lifecycle:
          preStop:
            sleep:
              seconds: 10
      terminationGracePeriodSeconds: 40
";
        assert_eq!(patches.text, expected);
        let left: Vec<_> = patches.left.iter().map(|(finding, _)| finding.rule.name).collect();
        assert_eq!(left, ["one-replica", "no-readiness-probe"]);
    }

    #[test]
    fn a_custom_resource_is_not_patched() {
        let text = shop("", "", "").replace("apps/v1\nkind: Deployment", "argoproj.io/v1alpha1\nkind: Rollout");
        let patches = patches(&report(&text));
        assert_eq!(patches.text, "");
        assert!(patches.left.iter().any(|(_, why)| why.contains("custom resources")));
    }

    #[test]
    fn numbers_grow_and_named_items_merge() {
        let mut patch = json!({"a": 1, "list": [{"name": "x", "b": 1}]});
        merge(&mut patch, json!({"a": 3, "list": [{"name": "x", "c": 2}, {"name": "y"}]}));
        merge(&mut patch, json!({"a": 2}));
        assert_eq!(patch, json!({"a": 3, "list": [{"name": "x", "b": 1, "c": 2}, {"name": "y"}]}));
    }

    #[test]
    fn texts_that_yaml_would_read_as_something_else_are_quoted() {
        assert_eq!(
            ["web", "true", "1.2", "a: b", "helm.sh/chart"].map(text).join(" "),
            "web \"true\" \"1.2\" \"a: b\" helm.sh/chart"
        );
    }
}
