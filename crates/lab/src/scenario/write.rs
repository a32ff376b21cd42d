//! A scenario written as YAML, with comments: what is written is read back as the same scenario.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::Scenario;
use crate::duration_range::DurationRange;

/// The columns that a line with a comment has at the most.
const WIDTH: usize = 118;
/// The fewest columns for the words of a comment, however deep its key.
const LEAST_WIDTH: usize = 40;

/// Why a scenario cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the scenario as YAML: {0}")]
pub struct Error(#[source] serde_saphyr::ser::Error);

/// Comments for the keys of a scenario, by their path: `replicas`, `pods.old.boot`, `hops.0.service.lag`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments(BTreeMap<String, String>);

impl Comments {
    /// Puts `text` above the key at `path`, in place of what was there.
    pub fn set(&mut self, path: impl Into<String>, text: &str) {
        self.0.insert(path.into(), one_line(text));
    }

    /// The comment of the key at `path`.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// All comments with the paths of their keys, in the order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

impl Scenario {
    /// The scenario as YAML with these comments, and with the lines of `preface` below what it shows. A comment whose
    /// key has its default and is left out is left out with it.
    pub fn to_yaml(&self, comments: &Comments, preface: &[String]) -> Result<String, Error> {
        let mut text = format!("# {}\n", self.shows);
        for line in preface {
            comment(&mut text, 0, line);
        }
        let mut places: Vec<Place> = Vec::new();
        let script = serde_saphyr::to_string(&self.script).map_err(Error)?;
        for line in script.lines() {
            if let Some(words) = enter(&mut places, line).and_then(|path| comments.get(&path)) {
                let indent = line.len() - line.trim_start().len();
                comment(&mut text, indent, words);
            }
            text.push_str(line);
            text.push('\n');
        }
        Ok(text)
    }
}

/// A list or a map that the line at hand is in.
struct Place {
    /// The columns before its entry.
    indent: usize,
    /// The key, or the number of an item.
    key: String,
    /// The number of items so far, where it is a list.
    items: usize,
}

/// Takes a line of YAML in block style, and returns the path of the key that it begins with; of an item of a list that is
/// the item's own first key.
fn enter(places: &mut Vec<Place>, line: &str) -> Option<String> {
    let rest = line.trim_start();
    let indent = line.len() - rest.len();
    places.retain(|place| place.indent < indent || (place.indent == indent && rest.starts_with("- ")));
    let (indent, rest) = match rest.strip_prefix("- ") {
        Some(item) => {
            // An item of a list that is not indented deeper than its key comes after the item before.
            places.retain(|place| place.indent < indent || place.key.parse::<usize>().is_err());
            let list = places.last_mut()?;
            let key = list.items.to_string();
            list.items += 1;
            places.push(Place { indent, key, items: 0 });
            (indent + 2, item)
        }
        None => (indent, rest),
    };
    let (key, _) = rest.split_once(':')?;
    places.push(Place { indent, key: key.trim_matches(['"', '\'']).to_owned(), items: 0 });
    Some(places.iter().map(|place| place.key.as_str()).collect::<Vec<_>>().join("."))
}

/// Appends words as comment lines, wrapped at spaces.
fn comment(text: &mut String, indent: usize, words: &str) {
    let width = WIDTH.saturating_sub(indent + 2).max(LEAST_WIDTH);
    let mut line = String::new();
    let mut end = |line: &mut String| {
        if !line.is_empty() {
            text.extend(std::iter::repeat_n(' ', indent));
            text.extend(["#", line.as_str(), "\n"]);
            line.clear();
        }
    };
    for word in words.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > width {
            end(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    end(&mut line);
}

/// A text on one line, without control characters: what comes from a record may hold anything.
pub(super) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes a duration as scenarios have it.
#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
pub(super) fn length<S: Serializer>(length: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    length.map(DurationRange::exactly).serialize(serializer)
}

/// Whether a share is zero, which is the default of all shares.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference to the field")]
pub(super) fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(scenario: &Scenario, comments: &Comments) -> String {
        let text = scenario.to_yaml(comments, &["This is a preface.".to_owned()]).unwrap();
        let again = Scenario::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(again, *scenario, "{text}");
        text
    }

    #[test]
    fn every_scenario_that_comes_with_lapse_is_written_and_read_back() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for path in files.filter(|path| path.is_file()) {
            let scenario = Scenario::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
            read_back(&scenario, &Comments::default());
        }
    }

    const SMALL: &str = "\
# Shows nothing in particular.
name: small
measure: {timeout: 1500ms}
rollout: {rollingUpdate: {maxSurge: 1, maxUnavailable: 10%, minReady: 1s}}
hops: [{elb: {}}, {ingress: {hold: 2s}}, {service: {lag: 100ms..200ms}}]
pods:
  v1: {work: 5ms, errors: 0.125, liveness: {period: 1s}, longRequests: {share: 0.1, work: 1us}}
first: v1
acts:
  - {name: again, upgrade: v1, expect: {lost: none}}
  - {name: \"and: again # or\\n  pods:\\n\", upgrade: v1, rollBackAfter: 1s..2s, expect: {lost: any, lanes: {new: some}, classes: [status 503]}}
";

    #[test]
    fn comments_stand_above_their_keys() {
        let scenario = Scenario::parse(SMALL).unwrap();
        let mut comments = Comments::default();
        let keys =
            ["replicas", "rollout.rollingUpdate.maxSurge", "hops.2.service.lag", "pods.v1.work", "acts.1.upgrade"];
        for key in keys {
            comments.set(key, &format!("this is {key},\nhowever\u{7} it is"));
        }
        comments.set("pods.v1.capacity", "nothing is written of what has its default");
        let text = read_back(&scenario, &comments);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for key in keys {
            let place = lines.iter().position(|line| *line == format!("# this is {key}, however it is"));
            let below = lines[place.unwrap_or_else(|| panic!("{key} has no comment: {text}")) + 1];
            let last = key.rsplit('.').next().unwrap();
            assert!(below.trim_start_matches("- ").starts_with(last), "{key}: {below}\n{text}");
        }
        assert!(!text.contains("nothing is written"), "{text}");
        assert_eq!(lines[..2], ["# Shows nothing in particular.", "# This is a preface."]);
    }

    #[test]
    fn a_long_comment_is_wrapped_and_a_scenario_made_of_parts_is_checked() {
        let scenario = Scenario::parse(SMALL).unwrap();
        let mut comments = Comments::default();
        comments.set("pods.v1.work", &"word ".repeat(100));
        let text = read_back(&scenario, &comments);
        assert!(text.lines().all(|line| line.len() <= 120), "{text}");
        let again = Scenario::new("It shows\nnothing.", scenario.script().clone()).unwrap();
        assert_eq!(again.shows(), "It shows nothing.");
        assert!(Scenario::new(" \n", scenario.script().clone()).is_err());
        let script = super::super::Script { replicas: 0, ..scenario.script().clone() };
        assert!(Scenario::new("It shows nothing.", script).unwrap_err().to_string().contains("`replicas`"));
    }
}
