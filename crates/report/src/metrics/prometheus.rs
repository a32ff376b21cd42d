//! The text format that Prometheus scrapes, version 0.0.4.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::{self, Write};

use super::{Data, Family, Histogram, Kind, Label, Metrics, Number, Sample, Unit, seconds};

impl Metrics {
    /// The media type of [`prometheus`](Self::prometheus).
    pub const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// The metrics as Prometheus scrapes them.
    pub fn prometheus(&self) -> String {
        let mut out = String::new();
        for family in &self.families {
            // Writing to a string does not fail.
            let _ = write(&mut out, family);
        }
        out
    }
}

impl Family {
    /// The family in the format of `OpenMetrics`, each number as a gauge; distributions have none.
    pub(crate) fn as_gauges(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = gauges(&mut out, self);
        out
    }
}

fn gauges(out: &mut String, family: &Family) -> fmt::Result {
    let name = family.exposed_name();
    writeln!(out, "# TYPE {name} gauge")?;
    if family.unit == Unit::Seconds {
        writeln!(out, "# UNIT {name} seconds")?;
    }
    writeln!(out, "# HELP {name} {}", family.help)?;
    match &family.data {
        Data::Numbers(_, samples) => samples.iter().try_for_each(|sample| number(out, &name, sample)),
        Data::Histograms(_) => Ok(()),
    }
}

fn write(out: &mut String, family: &Family) -> fmt::Result {
    let name = family.exposed_name();
    let (name, kind) = match &family.data {
        Data::Numbers(Kind::Counter, _) => (format!("{name}_total"), "counter"),
        Data::Numbers(Kind::Sum | Kind::Gauge, _) => (name, "gauge"),
        Data::Histograms(_) => (name, "histogram"),
    };
    writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", family.help)?;
    match &family.data {
        Data::Numbers(_, samples) => samples.iter().try_for_each(|sample| number(out, &name, sample)),
        Data::Histograms(samples) => samples.iter().try_for_each(|sample| histogram(out, &name, sample)),
    }
}

fn number(out: &mut String, name: &str, sample: &Sample<Number>) -> fmt::Result {
    out.write_str(name)?;
    labels(out, &sample.labels, None)?;
    writeln!(out, " {}", sample.value)
}

fn histogram(out: &mut String, name: &str, sample: &Sample<Histogram>) -> fmt::Result {
    let all = &sample.value;
    let finite = all.borders.iter().zip(&all.up_to).map(|(border, count)| (border.as_secs_f64().to_string(), *count));
    for (border, count) in finite.chain([("+Inf".to_owned(), all.count)]) {
        write!(out, "{name}_bucket")?;
        labels(out, &sample.labels, Some(("le", &Label::Text(border))))?;
        writeln!(out, " {count}")?;
    }
    write!(out, "{name}_sum")?;
    labels(out, &sample.labels, None)?;
    writeln!(out, " {}", seconds(all.sum))?;
    write!(out, "{name}_count")?;
    labels(out, &sample.labels, None)?;
    writeln!(out, " {}", all.count)
}

/// Writes `{run="shop",lane="new"}`; nothing without labels.
fn labels(out: &mut String, labels: &[(&'static str, Label)], last: Option<(&'static str, &Label)>) -> fmt::Result {
    if labels.is_empty() && last.is_none() {
        return Ok(());
    }
    let all = labels.iter().map(|(key, value)| (*key, value)).chain(last);
    for (nth, (key, value)) in all.enumerate() {
        let before = if nth == 0 { '{' } else { ',' };
        write!(out, "{before}{}=\"{}\"", key.replace('.', "_"), escaped(&value.to_string()))?;
    }
    out.write_str("}")
}

/// The value of a label, escaped as the exposition formats have it.
pub(crate) fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
