//! The text of a new plan, with comments that say where its values come from.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::super::plan;
use lapse_lint::Source;
use lapse_lint::entry::{Entry, Place, entries};
use lapse_lint::rollout::{Hook, Rollout, Way};

/// The targets that a new plan has at the most.
const MOST_TARGETS: usize = 8;
/// How long a pod takes to start, of which manifests say nothing.
const START: Duration = Duration::from_secs(10);
/// The shortest limit for a rollout to complete.
const LEAST_LIMIT: Duration = Duration::from_secs(120);
/// The longest, the default of `progressDeadlineSeconds` three times.
const MOST_LIMIT: Duration = Duration::from_secs(1_800);

/// What a plan is made of.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// A URL alone.
    Url,
    /// The folder of a chart, and the release that it was rendered as.
    Chart { path: String, release: Release },
    /// Rendered manifests, by what they were read from.
    Manifests(String),
    /// A release of the cluster.
    Release(Release),
}

/// A Helm release.
#[derive(Clone, Debug)]
pub(super) struct Release {
    pub(super) name: String,
    /// Its namespace; `None` for that of the context.
    pub(super) namespace: Option<String>,
}

/// A plan to be written.
#[derive(Clone, Debug)]
pub(super) struct PlanText<'a> {
    pub(super) origin: Origin,
    /// The URLs that were typed.
    pub(super) urls: &'a [String],
    pub(super) rollouts: &'a [Rollout],
    pub(super) sources: &'a [Source<'a>],
}

/// A target of the plan.
#[derive(Clone, Debug)]
struct Target {
    name: String,
    url: String,
    /// Where it comes from.
    why: String,
}

impl PlanText<'_> {
    /// The plan as YAML. Names and texts of manifests are quoted where they have to be.
    pub(super) fn write(&self) -> String {
        let (targets, left) = self.targets();
        let mut text = String::new();
        let from = match &self.origin {
            Origin::Url => "--url".to_owned(),
            Origin::Chart { path, .. } => format!("the chart {path}"),
            Origin::Manifests(name) => name.clone(),
            Origin::Release(release) => format!("the release {}", release.name),
        };
        let command = match &self.origin {
            Origin::Release(release) => format!("helm upgrade {} ./chart", release.name),
            Origin::Chart { path, release } => format!("helm upgrade {} {path}", release.name),
            Origin::Url | Origin::Manifests(_) => "kubectl apply -f manifests.yaml".to_owned(),
        };
        let _ = write!(
            text,
            "# yaml-language-server: $schema=lapse.schema.json\n\
             # Made by `lapse init` of {}. To use it:\n\
             #   lapse run -- {}\n\
             # `lapse plan check` says what is wrong with it, or the flags that it amounts to. `lapse plan schema\n\
             # >lapse.schema.json` completes its keys in editors.\n",
            line(&from),
            line(&command)
        );
        let _ = writeln!(text, "name: {}", scalar(&self.name(&targets)));
        text.push_str(&written(&targets, &left));
        text.push_str(&self.measure());
        text.push_str(REQUEST);
        text.push_str(BUDGETS);
        text.push_str(&self.cluster());
        text.push_str(PROFILES);
        text
    }

    fn name(&self, targets: &[Target]) -> String {
        match &self.origin {
            Origin::Release(release) | Origin::Chart { release, .. } => release.name.clone(),
            Origin::Url | Origin::Manifests(_) => self
                .rollouts
                .first()
                .map(|rollout| rollout.workload.name.clone())
                .or_else(|| targets.first().map(|target| target.name.clone()))
                .unwrap_or_else(|| "shop".to_owned()),
        }
    }

    /// The targets, and others that are in the manifests.
    fn targets(&self) -> (Vec<Target>, Vec<String>) {
        let mut left = Vec::new();
        let mut targets: Vec<Target> = Vec::new();
        for (nth, url) in self.urls.iter().enumerate() {
            let name = if nth == 0 { "service".to_owned() } else { format!("service-{}", nth + 1) };
            targets.push(Target { name, url: url.clone(), why: "as --url has it".to_owned() });
        }
        for rollout in self.rollouts {
            let mut has_one = !self.urls.is_empty();
            for entry in entries(self.sources, rollout) {
                match target(&entry, &rollout.workload.name) {
                    Ok(target) if !has_one && targets.len() < MOST_TARGETS => {
                        has_one = true;
                        targets.push(target);
                    }
                    Ok(target) => {
                        let (name, url) = (scalar(&target.name), scalar(&target.url));
                        left.push(format!("{name}: {url}  # {}", line(&target.why)));
                    }
                    Err(why) => left.push(line(&why)),
                }
            }
        }
        let mut names = BTreeSet::new();
        for target in &mut targets {
            let plain = target.name.clone();
            let mut nth = 1;
            while !names.insert(target.name.clone()) {
                nth += 1;
                target.name = format!("{plain}-{nth}");
            }
        }
        (targets, left)
    }

    /// Timing: long enough for the slowest of the rollouts.
    fn measure(&self) -> String {
        let slowest = self.rollouts.iter().map(|rollout| (length(rollout), rollout)).max_by_key(|(length, _)| *length);
        let mut text = String::from(
            "measure:\n  # Probes a second and target, half of them on kept connections: any outage of 4 ms meets one of each kind.\n  rate: 1000/s\n  lanes: [reused, new]\n",
        );
        if let Some((length, rollout)) = slowest {
            let limit = (length * 2).clamp(LEAST_LIMIT, MOST_LIMIT).as_secs().div_ceil(60);
            let _ = write!(
                text,
                "  # A rollout of {} {} ({}) may take {} s, if a pod takes {} s to start.\n  settleLimit: {limit}m\n",
                line(&rollout.workload.kind),
                line(&rollout.workload.name),
                steps(rollout),
                length.as_secs(),
                START.as_secs()
            );
        }
        text
    }

    fn cluster(&self) -> String {
        let (Origin::Release(Release { name, namespace }) | Origin::Chart { release: Release { name, namespace }, .. }) =
            &self.origin
        else {
            return "# The cluster is followed by itself, as the arguments of helm or kubectl say. To name what is followed:\n\
                    # cluster: {namespace: prod, release: shop}\n"
                .to_owned();
        };
        let mut text = format!("cluster:\n  release: {}\n", scalar(name));
        if let Some(namespace) = namespace {
            let _ = writeln!(text, "  namespace: {}", scalar(namespace));
        }
        text
    }
}

const REQUEST: &str = "\
# What is asked, where a plain GET is not enough. ${NAME} is a variable of the environment, @FILE what a file holds:
# request:
#   headers: {Authorization: \"Bearer ${SHOP_TOKEN}\"}
#   expect: 200
#   versionHeader: X-Version
";

const BUDGETS: &str = "\
budgets:
  # No probe may fail from the beginning of the command on.
  maxFailed: 0
  # Instead: disruptions no longer than this, or a share.
  # maxOutage: 300ms
  # maxFailed: [0.1%, 5%/1s]
";

const PROFILES: &str = "\
profiles:
  # lapse run --profile ci -- ...
  ci:
    reports: {junit: lapse.xml, markdown: lapse.md}
";

/// The target at a way in, or why there is none.
fn target(entry: &Entry, workload: &str) -> Result<Target, String> {
    let by = format!("{} {}", entry.by.kind, entry.by.name);
    let (url, why) = match &entry.place {
        Place::Host { host: None, path, .. } => {
            return Err(format!("{by} leads there for any host, path {path}: https://HOST{path}"));
        }
        Place::Host { host: Some(host), path, tls } => {
            let scheme = if *tls == Some(false) { "http" } else { "https" };
            let path = if path.starts_with('/') { path.as_str() } else { "/" };
            let note = if tls.is_none() { "; whether by TLS is said elsewhere" } else { "" };
            (format!("{scheme}://{host}{path}"), format!("{by} leads there{note}"))
        }
        Place::Service { port } => {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let note = "from a machine that reaches the addresses of Services";
            (format!("svc/{}{port}", entry.by.name), format!("{by}, {note}"))
        }
    };
    let typed = format!("target={url}");
    plan::check_target(&typed).map_err(|error| format!("{by} cannot be measured: {error:#}"))?;
    Ok(Target { name: workload.to_owned(), url, why })
}

fn written(targets: &[Target], left: &[String]) -> String {
    let mut text = String::new();
    if targets.is_empty() {
        text.push_str("# No manifest names a place to measure. Name one here, or type it: lapse run URL -- ...\n# targets:\n#   shop: https://shop.example.com/health\n");
    } else {
        text.push_str("targets:\n");
    }
    for target in targets {
        let _ = writeln!(text, "  # {}", line(&target.why));
        let _ = writeln!(text, "  {}: {}", scalar(&target.name), scalar(&target.url));
    }
    for other in left {
        let _ = writeln!(text, "  # {other}");
    }
    text
}

/// How long a rollout takes.
fn length(rollout: &Rollout) -> Duration {
    let delay = rollout.readiness.map(|probe| probe.initial_delay).unwrap_or_default();
    let step = START.max(delay) + rollout.min_ready;
    let pre_stop = match rollout.pre_stop {
        Hook::Sleep(length) => length,
        Hook::None | Hook::Unknown => Duration::ZERO,
    };
    step.saturating_mul(count(rollout)).saturating_add(rollout.grace.max(pre_stop))
}

/// The number of steps, each of as many pods as may be replaced at once.
fn count(rollout: &Rollout) -> u32 {
    match rollout.way {
        Way::Rolling { surge, unavailable } => rollout.replicas.div_ceil(surge.saturating_add(unavailable).max(1)),
        Way::Recreate | Way::BlueGreen => 1,
    }
}

fn steps(rollout: &Rollout) -> String {
    let pods = |count: u32| if count == 1 { "1 pod".to_owned() } else { format!("{count} pods") };
    match count(rollout) {
        1 => format!("{} at once", pods(rollout.replicas)),
        steps => format!("{} in {steps} steps", pods(rollout.replicas)),
    }
}

/// A text in a comment: of one line.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}') { ' ' } else { c })
        .collect()
}

/// A text as a scalar of YAML, quoted unless it is surely a plain string.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c))
        && !text.ends_with(':')
        && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
