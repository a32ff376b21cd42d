//! The text format of Prometheus, read strictly.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::{BTreeMap, BTreeSet};

/// A sample: its name, its labels, and its value as text.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: String,
}

/// What was exposed.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    /// The type of each family, by name.
    types: BTreeMap<String, String>,
    /// The samples by their series as written.
    samples: BTreeMap<String, Sample>,
}

impl Exposition {
    /// Reads `text`; fails the test where it breaks a rule of the format.
    pub(super) fn parse(text: &str) -> Self {
        let (mut all, mut helped, mut family) = (Self::default(), BTreeSet::new(), String::new());
        assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end");
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, text) = help.split_once(' ').unwrap();
                assert!(helped.insert(name.to_owned()) && !text.is_empty(), "{line}");
                name.clone_into(&mut family);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(name == family && (kind == "counter") == name.ends_with("_total"), "{line}");
                assert!(all.types.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
            } else {
                let (series, sample) = sample(line);
                let suffixes: &[&str] =
                    if all.types[&family] == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                let is_of_family = suffixes.iter().any(|suffix| sample.name == format!("{family}{suffix}"));
                assert!(is_of_family, "{line} stands below {family}");
                assert!(all.samples.insert(series, sample).is_none(), "{line} comes twice");
            }
        }
        all.check_histograms();
        all
    }

    /// Checks that buckets are cumulative and end with all of the count.
    fn check_histograms(&self) {
        for sample in self.samples.values().filter(|sample| sample.name.ends_with("_count")) {
            let stem = sample.name.trim_end_matches("_count");
            let is_of_it = |bucket: &&Sample| {
                let mut labels = bucket.labels.clone();
                bucket.name == format!("{stem}_bucket") && labels.remove("le").is_some() && labels == sample.labels
            };
            let border = |bucket: &Sample| bucket.labels["le"].parse::<f64>().unwrap();
            let mut buckets: Vec<_> = self.samples.values().filter(is_of_it).collect();
            buckets.sort_by(|a, b| border(a).total_cmp(&border(b)));
            let counts: Vec<u64> = buckets.iter().map(|bucket| bucket.value.parse().unwrap()).collect();
            assert!(counts.is_sorted() && counts.last().unwrap().to_string() == sample.value, "{buckets:?}");
            assert_eq!(buckets.last().unwrap().labels["le"], "+Inf");
        }
    }

    /// Whether the family has a sample.
    pub(super) fn has(&self, name: &str) -> bool {
        self.samples.values().any(|sample| sample.name == name)
    }

    /// The value of a series as written.
    pub(super) fn value(&self, series: &str) -> Option<&str> {
        self.samples.get(series).map(|sample| sample.value.as_str())
    }

    /// The series of all counters, and the counts of histograms, with their values.
    pub(super) fn counters(&self) -> impl Iterator<Item = (&str, u64)> {
        let is_counter = |name: &str| {
            name.ends_with("_bucket")
                || name.ends_with("_count")
                || self.types.get(name).is_some_and(|kind| kind == "counter")
        };
        let counters = self.samples.iter().filter(move |(_, sample)| is_counter(&sample.name));
        counters.map(|(series, sample)| (series.as_str(), sample.value.parse().unwrap()))
    }

    /// The values of the samples of this name that have these labels among theirs.
    pub(super) fn series(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &str> {
        let has = |sample: &Sample| {
            labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|label| label == value))
        };
        self.samples
            .values()
            .filter(move |sample| sample.name == name && has(sample))
            .map(|sample| sample.value.as_str())
    }

    /// The whole number of the only sample with these labels; `None` if there is none.
    pub(super) fn count(&self, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
        self.single(name, labels).map(|value| value.parse().unwrap())
    }

    /// The seconds of the only sample with these labels, in nanoseconds; `None` if there is none.
    pub(super) fn nanos(&self, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
        let (seconds, nanos) = self.single(name, labels)?.split_once('.').unwrap();
        assert_eq!(nanos.len(), 9);
        Some(seconds.parse::<u64>().unwrap() * 1_000_000_000 + nanos.parse::<u64>().unwrap())
    }

    fn single(&self, name: &str, labels: &[(&str, &str)]) -> Option<&str> {
        let mut all = self.series(name, labels);
        let first = all.next();
        assert!(all.next().is_none(), "several samples of {name} have {labels:?}");
        first
    }
}

/// A line `name{key="value",...} number`, and its series as written.
fn sample(line: &str) -> (String, Sample) {
    let is_name = |text: &str| {
        let mut letters = text.chars();
        letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    let (name, mut rest) = line.split_once('{').expect("each sample has labels");
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    loop {
        let (key, after) = rest.split_once("=\"").expect("a label has a value in quotes");
        assert!(is_name(key), "{line}");
        let (value, length) = unescaped(after);
        assert!(labels.insert(key.to_owned(), value).is_none(), "{line}");
        rest = &after[length..];
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    let value = rest.strip_prefix("} ").expect("a space stands before the value");
    assert!(value.parse::<f64>().is_ok(), "{line}");
    (line[..line.len() - value.len() - 1].to_owned(), Sample { name: name.to_owned(), labels, value: value.to_owned() })
}

/// The value of a label up to its closing quote, and its length as written, with that quote.
fn unescaped(text: &str) -> (String, usize) {
    let (mut value, mut letters) = (String::new(), text.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, at + 1),
            '\\' => value.push(match letters.next().map(|(_, letter)| letter) {
                Some('n') => '\n',
                Some(same @ ('\\' | '"')) => same,
                other => panic!("{other:?} is escaped in {text}"),
            }),
            other => value.push(other),
        }
    }
    panic!("no quote ends {text}")
}
