//! What a caller of `lapse serve` orders, read into a plan: the keys of `lapse.yaml`, less those that would reach beyond
//! what the operator allows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::super::plan_file::{Flags, Invalid, Origin, PlanFile, Sources};
use super::super::{plan, plan_check};
use crate::run::plan::{Activity, Endpoint, Plan};
use crate::serve::Planned;
use crate::serve::allow::{Pattern, allows};
use crate::serve::refusal::Refusal;
use lapse_hammer::clock::Clock;
use lapse_measure::schedule::Rate;
use lapse_measure::time::Human;
use lapse_plan::{Entry, Problem, shown};

/// The keys that an order has beside those of plans.
const OWN: [&str; 2] = ["plan", "profile"];
/// The keys that no order has, and why, beside those of whole maps.
const KEPT: [(&str, &str); 10] = [
    ("out", "the server has a folder for it"),
    ("metrics", "the server has /metrics"),
    ("metricsWait", "the server has /metrics"),
    ("otlp", "it would send to another address"),
    ("reports", "the server has the reports"),
    ("trials", "ask several times instead"),
    ("noPrecedence", "the operator decides on that"),
    ("dataLines", "it would read a file of the server"),
    ("urlLines", "it would read a file of the server"),
    ("freshHeaders", "it would read a file of the server, or run a command there"),
];
/// The flags of a plan that a measurement of it does without: the server has its own folder, reports and metrics.
const UNUSED: [&str; 6] = ["out", "metrics", "metrics-wait", "otlp", "report", "trials"];
/// The keys of connections that an order may have: the others read files, or lead elsewhere.
const CONNECT: [&str; 4] = ["http1", "http2", "insecure", "resolveOnce"];

/// How much a measurement may ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Probes a second over all targets.
    pub(super) rate: Rate,
    /// Each of its times.
    pub(super) duration: Duration,
}

/// What orders are read by: the plans and addresses of the operator, and the limits.
#[derive(Debug)]
pub(super) struct Plans {
    named: Vec<(String, PlanFile)>,
    flags: Flags,
    allow: Vec<Pattern>,
    limits: Limits,
    folder: PathBuf,
}

/// An order, read.
struct Order<'a> {
    body: &'a PlanFile,
    /// The values of the order itself.
    given: Vec<&'a Entry>,
    /// The operator's plan that it names, with the profile.
    named: Option<(&'a str, &'a PlanFile, Vec<&'a Entry>)>,
}

impl Plans {
    /// No plans; runs get folders below `folder`.
    pub(super) fn new(allow: Vec<Pattern>, limits: Limits, folder: PathBuf) -> Result<Self> {
        Ok(Self { named: Vec::new(), flags: Flags::of_run()?.and(&OWN), allow, limits, folder })
    }

    /// Adds the operator's plan in a file. Fails if it cannot be measured by here.
    pub(super) fn add(&mut self, name: &str, file: &Path) -> Result<()> {
        ensure!(
            self.named.iter().all(|(known, _)| known != name),
            "two plans are called {name}: give each --plan a name of its own"
        );
        let read = PlanFile::read(Some(file))?;
        let profiles: Vec<_> = std::iter::once(None).chain(read.profiles().map(|name| Some(name.to_owned()))).collect();
        self.named.push((name.to_owned(), read));
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        for profile in profiles {
            let body = match profile {
                Some(profile) => serde_json::json!({ "plan": name, "profile": profile }),
                None => serde_json::json!({ "plan": name }),
            };
            let body = self.read(body.to_string().as_bytes())?;
            let order = self.order(&body).map_err(|refusal| anyhow::anyhow!(refusal.message))?;
            let planned = self.planned(&order, folder.path()).map_err(|refusal| anyhow::anyhow!(refusal.message));
            planned.with_context(|| format!("--plan {name}={}", file.display()))?;
        }
        Ok(())
    }

    /// A line for each plan, and one for the addresses.
    pub(super) fn described(&self) -> Vec<String> {
        let unused = |file: &PlanFile| {
            let entries = file.entries(None).unwrap_or_default();
            let keys = entries.iter().filter_map(|entry| self.flags.grammar.keys.get(entry.key));
            let mut names: Vec<_> =
                keys.filter(|key| UNUSED.contains(&key.flag.as_str())).map(|key| key.name.clone()).collect();
            names.dedup();
            if names.is_empty() { String::new() } else { format!("; not used here: {}", names.join(", ")) }
        };
        let plans = self.named.iter().map(|(name, file)| format!("plan {name}: {}{}", file.name(), unused(file)));
        let allowed: Vec<_> = self.allow.iter().map(ToString::to_string).collect();
        let allowed = (!allowed.is_empty()).then(|| format!("allowed: {}", allowed.join(", ")));
        plans.chain(allowed).collect()
    }

    /// The plan that the body of a request orders.
    pub(super) fn plan(&self, body: &[u8]) -> Result<Planned, Refusal> {
        let body = self.read(body).map_err(|error| Refusal::invalid(format!("{error:#}")))?;
        let order = self.order(&body)?;
        self.planned(&order, &self.folder)
    }

    fn read(&self, body: &[u8]) -> Result<PlanFile> {
        PlanFile::of_text("the request", body, &self.flags)
    }

    /// What is ordered, if an order may have all of it.
    fn order<'a>(&'a self, body: &'a PlanFile) -> Result<Order<'a>, Refusal> {
        let entries = body.entries(None).map_err(|error| Refusal::invalid(format!("{error:#}")))?;
        let name = |entry: &Entry| self.flags.grammar.keys.get(entry.key).map_or("", |key| key.name.as_str());
        let is_own = |entry: &&Entry| self.flags.grammar.keys.get(entry.key).is_some_and(is_own_key);
        let own = |wanted: &str| {
            let found = entries.iter().find(|entry| is_own(entry) && name(entry) == wanted);
            found.and_then(|entry| entry.values.first()).map(|given| given.text.as_str())
        };
        let (wanted, profile) = (own("plan"), own("profile"));
        let given: Vec<_> = entries.iter().copied().filter(|entry| !is_own(entry)).collect();
        let mut problems: Vec<_> = given.iter().filter_map(|entry| self.problem(entry, wanted.is_some())).collect();
        if body.profiles().next().is_some() {
            problems.push(Problem::at(
                lapse_plan::Position::START,
                "`profiles` belong into a plan: name one of its profiles with `profile`",
            ));
        }
        if !problems.is_empty() {
            problems.sort();
            return Err(Refusal::invalid(Invalid { file: body.name().to_owned(), problems }.to_string()));
        }
        let named = wanted.map(|wanted| self.named(wanted, profile)).transpose()?;
        if let (None, Some(profile)) = (&named, profile) {
            let why = format!("`profile: {}` is one of a plan: name that with `plan`", shown(profile));
            return Err(Refusal::invalid(why));
        }
        Ok(Order { body, given, named })
    }

    /// The operator's plan of this name, with the values that prevail with the profile.
    fn named(&self, wanted: &str, profile: Option<&str>) -> Result<(&str, &PlanFile, Vec<&Entry>), Refusal> {
        let found = self.named.iter().find(|(name, _)| name == wanted);
        let (name, file) = found.ok_or_else(|| {
            let known: Vec<_> = self.named.iter().map(|(name, _)| name.as_str()).collect();
            Refusal::unknown(format!("there is no plan `{}`; {}", shown(wanted), lapse_plan::near(wanted, &known)))
        })?;
        let mut entries = file.entries(profile).map_err(|error| Refusal::invalid(format!("{error:#}")))?;
        let is_unused = |entry: &&Entry| {
            self.flags.grammar.keys.get(entry.key).is_some_and(|key| UNUSED.contains(&key.flag.as_str()))
        };
        entries.retain(|entry| !is_unused(entry));
        Ok((name, file, entries))
    }

    /// Why an order may not have this value.
    fn problem(&self, entry: &Entry, has_plan: bool) -> Option<Problem> {
        let key = self.flags.grammar.keys.get(entry.key)?;
        let section = key.section.as_deref();
        let first = entry.values.first();
        let position = first.map_or(lapse_plan::Position::START, |given| given.position);
        let why = if let Some((_, why)) = KEPT.iter().find(|(name, _)| *name == key.name) {
            why
        } else if section == Some("cluster") {
            "only a plan of the operator follows a cluster"
        } else if has_plan && key.name != "name" && !matches!(section, Some("measure" | "budgets")) {
            "beside `plan` there are `profile`, `name`, `measure` and `budgets`"
        } else if section == Some("connect") && !CONNECT.contains(&key.name.as_str()) {
            "only a plan of the operator reads files, or connects elsewhere"
        } else if key.name == "data" && first.is_some_and(|given| given.text.starts_with('@')) {
            "it would read a file of the server"
        } else {
            return None;
        };
        Some(Problem::at(position, format!("`{}` cannot be asked for: {why}: leave it out", key.name)))
    }

    /// The plan of a run as ordered, within the limits, in a new folder below this one.
    fn planned(&self, order: &Order<'_>, folder: &Path) -> Result<Planned, Refusal> {
        let mut plan = self.run(order, folder).map_err(|error| Refusal::invalid(format!("{error:#}")))?;
        let fits = match order.named {
            None => self.allowed(&plan).and_then(|()| self.limited(&plan)),
            Some(_) => self.limited(&plan),
        };
        if let Err(refusal) = fits {
            // Nothing was written to it yet.
            let _ = std::fs::remove_dir(plan.folder.path());
            return Err(refusal);
        }
        plan.durations.settle_limit = plan.durations.settle_limit.min(self.limits.duration);
        Ok(Planned { plan, named: order.named.as_ref().map(|(name, ..)| (*name).to_owned()) })
    }

    /// The plan by the same path as that of `lapse run`: as words of its command line.
    fn run(&self, order: &Order<'_>, folder: &Path) -> Result<Plan> {
        let mut words = vec!["lapse".to_owned(), "run".to_owned()];
        let origin = match &order.named {
            Some((_, file, entries)) => {
                let kept: Vec<_> = entries
                    .iter()
                    .copied()
                    .filter(|entry| order.given.iter().all(|own| own.key != entry.key))
                    .collect();
                words.extend(file.words(&kept, &Sources::real())?);
                Origin::of(file, None, &kept)
            }
            None => Origin::of(order.body, None, &order.given),
        };
        words.extend(order.body.words(&order.given, &Sources::none())?);
        let is_timed = words.iter().any(|word| word.starts_with("--duration="));
        if !is_timed {
            words.push(format!("--duration={}ns", self.limits.duration.as_nanos()));
        }
        if let (Some((name, ..)), false) = (&order.named, words.iter().any(|word| word.starts_with("--name="))) {
            words.push(format!("--name={name}"));
        }
        if !words.iter().any(|word| word.starts_with("--target=")) {
            bail!("nothing says what to measure: write `targets` with a URL each, or name a `plan`");
        }
        let mut args = plan_check::parse(words, origin.clone()).map_err(|error| origin.place(error))?;
        args.plan.parent = Some(folder.to_owned());
        let plan = plan::of(&args, Clock::start().anchor())?;
        Ok(if is_timed { plan } else { Plan { activity: Activity::Asked(self.limits.duration), ..plan } })
    }

    /// Refuses targets that the operator does not allow.
    fn allowed(&self, plan: &Plan) -> Result<(), Refusal> {
        for target in &plan.targets {
            let refused = match &target.endpoint {
                Endpoint::Url(uri) if allows(&self.allow, uri) => continue,
                Endpoint::Url(uri) => uri.authority().map_or_else(String::new, ToString::to_string),
                Endpoint::Cluster(..) | Endpoint::Scenario => "a part of a cluster".to_owned(),
            };
            return Err(Refusal::forbidden(format!(
                "the target {} is at {}, which lapse serve does not allow: name a plan, or have it started with --allow HOST[:PORT]",
                shown(&target.name),
                shown(&refused)
            )));
        }
        Ok(())
    }

    /// Refuses a plan that asks for more than the limits.
    fn limited(&self, plan: &Plan) -> Result<(), Refusal> {
        let (rate, most) = (plan.rate.get(), self.limits.rate.get());
        let targets = plan.targets.len();
        if rate.saturating_mul(u64::try_from(targets).unwrap_or(u64::MAX)) > most {
            return Err(Refusal::limit(format!(
                "rate: {rate}/s of each of {targets} targets is more than {most}/s in all: ask for less, or raise --max-rate of lapse serve"
            )));
        }
        let duration = match plan.activity {
            Activity::Nothing(duration) => duration,
            Activity::Asked(_) | Activity::Command(_) | Activity::Scenario(_) => Duration::ZERO,
        };
        let times = [
            ("duration", duration),
            ("baseline", plan.durations.baseline),
            ("settle", plan.durations.settle),
            ("timeout", plan.limits.timeout),
        ];
        let longest = self.limits.duration;
        match times.iter().find(|(_, time)| *time > longest) {
            Some((name, time)) => Err(Refusal::limit(format!(
                "{name}: {} is longer than {}: ask for less, or raise --max-duration of lapse serve",
                Human(*time),
                Human(longest)
            ))),
            None => Ok(()),
        }
    }
}

/// Whether a key is one of orders alone.
fn is_own_key(key: &lapse_plan::Key) -> bool {
    key.section.is_none() && OWN.contains(&key.name.as_str())
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;

    use super::*;

    fn plans(folder: &Path) -> Plans {
        let limits = Limits { rate: Rate::per_second(1000).unwrap(), duration: Duration::from_secs(60) };
        let allow = vec!["*.example.com".parse().unwrap()];
        let mut plans = Plans::new(allow, limits, folder.join("runs")).unwrap();
        let file = folder.join("lapse.yaml");
        std::fs::write(&file, "targets: {shop: 'http://10.0.0.7/'}\nmeasure: {rate: 100/s}\nout: elsewhere\n").unwrap();
        plans.add("shop", &file).unwrap();
        plans
    }

    fn refused(body: &str) -> Refusal {
        let folder = tempfile::tempdir().unwrap();
        let refusal = plans(folder.path()).plan(body.as_bytes()).unwrap_err();
        let left = std::fs::read_dir(folder.path().join("runs")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{body}: a folder was left");
        refusal
    }

    #[test]
    fn an_order_of_a_plan_is_that_plan_with_what_the_order_says() {
        let folder = tempfile::tempdir().unwrap();
        let planned = plans(folder.path()).plan(br#"{"plan": "shop", "measure": {"rate": "50/s"}}"#).unwrap();
        assert_eq!((planned.named.as_deref(), planned.plan.rate.get()), (Some("shop"), 50));
        assert!(planned.plan.folder.path().starts_with(folder.path().join("runs")), "{:?}", planned.plan.folder);
        assert!(matches!(planned.plan.activity, Activity::Asked(_)));
        let timed = plans(folder.path()).plan(br#"{"plan": "shop", "measure": {"duration": "5s"}}"#).unwrap();
        assert!(matches!(timed.plan.activity, Activity::Nothing(_)));
    }

    #[test]
    fn an_order_of_targets_goes_to_allowed_addresses_only() {
        let folder = tempfile::tempdir().unwrap();
        plans(folder.path()).plan(b"targets: {a: 'https://a.example.com/'}").unwrap();
        for url in ["http://10.0.0.7/", "http://example.com/", "http://a.example.com.evil/", "grpc://10.0.0.7:50051"] {
            let refusal = refused(&format!("targets: {{a: '{url}'}}"));
            assert_eq!(refusal.status, StatusCode::FORBIDDEN, "{url}: {}", refusal.message);
        }
    }

    #[test]
    fn an_order_reaches_no_file_no_secret_and_no_other_address() {
        for (body, what) in [
            ("out: /etc", "`out`"),
            ("otlp: http://evil/", "`otlp`"),
            ("reports: {json: /etc/passwd}", "`reports`"),
            ("request: {data: '@/etc/passwd'}", "`data`"),
            ("request: {dataLines: /etc/passwd}", "`dataLines`"),
            ("request: {urlLines: /etc/passwd}", "`urlLines`"),
            ("request: {headers: {x: '@/etc/passwd'}}", "header `x`"),
            ("request: {headers: {x: '${HOME}'}}", "header `x`"),
            ("connect: {cacert: /etc/passwd}", "`cacert`"),
            ("connect: {connectTo: 'a:80:10.0.0.7:80'}", "`connectTo`"),
            ("connect: {resolve: 'a.example.com:80:10.0.0.7'}", "`resolve`"),
            ("cluster: {release: shop}", "`release`"),
            ("measure: {trials: 5}", "`trials`"),
            ("measure: {noPrecedence: true}", "`noPrecedence`"),
            ("profiles: {a: {name: b}}", "`profiles`"),
            ("command: [rm]", "unknown key `command`"),
        ] {
            let refusal = refused(&format!("targets: {{a: 'https://a.example.com/'}}\n{body}"));
            assert!(
                refusal.status == StatusCode::BAD_REQUEST && refusal.message.contains(what),
                "{body}: {}",
                refusal.message
            );
        }
        let beside = refused("{plan: shop, targets: {a: 'https://a.example.com/'}}");
        assert!(beside.message.contains("beside `plan`"), "{}", beside.message);
    }

    #[test]
    fn an_order_beyond_a_limit_is_refused_with_the_limit() {
        for (measure, what) in [
            ("{rate: 1001/s}", "1000/s"),
            ("{duration: 61s}", "1 min"),
            ("{baseline: 2h}", "--max-duration"),
            ("{timeout: 2h}", "--max-duration"),
        ] {
            let refusal = refused(&format!("plan: shop\nmeasure: {measure}"));
            assert_eq!(refusal.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refusal.message);
            assert!(
                refusal.message.contains(what) || refusal.message.contains("--max-duration"),
                "{}",
                refusal.message
            );
        }
        let two =
            refused("{targets: {a: 'https://a.example.com/', b: 'https://b.example.com/'}, measure: {rate: 501/s}}");
        assert!(two.message.contains("501/s of each of 2 targets"), "{}", two.message);
    }

    #[test]
    fn a_slip_is_said_with_its_place_and_what_there_is() {
        for (body, what) in [
            ("", "nothing says what to measure"),
            ("{plan: shpo}", "shop"),
            ("{plan: shop, profile: nightly}", "nightly"),
            ("{profile: ci}", "`plan`"),
            ("{plan: shop,\n measure: {rate: fast}}", "the request:2:"),
            ("[1, 2]", "map"),
            ("\u{0}", "the request"),
        ] {
            let refusal = refused(body);
            assert!(refusal.message.contains(what), "{body}: {}", refusal.message);
        }
    }
}
