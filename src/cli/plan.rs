//! Turns the arguments of `lapse run` into a plan, or into an error that names the flag.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use bytes::Bytes;
use clap::Parser;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{Method, Uri};
use url::Url;

use super::budget;
use super::connection::LaneName;
use super::elsewhere;
use super::grpc;
use super::held;
use super::lines;
use super::plan_file::scenario;
use super::value::NamedTarget;
use super::{Cli, RunArgs};
use crate::command;
use crate::run::fresh::FreshHeader;
use crate::run::plan::{
    Activity, Endpoint, Folder, PhaseDurations, Plan, PlannedTarget, ProbeLimits, RESOLUTION_BESIDE_A_WORLD,
};
use crate::run::wait_up;
use lapse_hammer::grpc::GrpcCall;
use lapse_hammer::target::{Expect, Http, Request};
use lapse_hammer::template::Lines;
use lapse_hammer::tls::{self, TlsOptions};
use lapse_hammer::varying::TRACEPARENT;
use lapse_lab::POD_HEADER;
use lapse_lab::scenario::{Measure, Scenario};
use lapse_measure::disruption::GATE;
use lapse_measure::lane::Policy;
use lapse_measure::schedule::Rate;
use lapse_measure::time::Anchor;
use lapse_measure::verdict::{RESOLUTION, Rules};

const RATE: u64 = 1000;
const SLOW: Duration = Duration::from_millis(500);
const TIMEOUT: Duration = Duration::from_secs(6);
const STAGE: Duration = Duration::from_secs(5);

/// The plan that the arguments give. The run's folder is created last, so that wrong arguments leave none behind.
pub(super) fn of(args: &RunArgs, anchor: Anchor) -> Result<Plan> {
    let scenario = args.what.as_deref().filter(|what| !what.contains("://")).map(scenario::read).transpose()?;
    with(args, scenario, anchor).map_err(|error| args.plan.origin.place(error))
}

/// Checks the URL of a named target; an error says what is wrong with it.
pub(super) fn check_target(typed: &str) -> Result<()> {
    let target: NamedTarget = typed.parse().map_err(anyhow::Error::msg)?;
    target_url(&target.url).map(|_| ())
}

/// The plan of a run of this scenario, in this new folder, as without further flags; it has no budgets.
pub(super) fn of_scenario(scenario: Scenario, folder: &Path, anchor: Anchor) -> Result<Plan> {
    let [lapse, run, file, out] = ["lapse", "run", "scenario.yaml", "--out"].map(OsStr::new);
    let words = [lapse, run, file, out, folder.as_os_str()];
    let super::Command::Run(args) = Cli::try_parse_from(words)?.command else { bail!("`lapse run` is no subcommand") };
    Ok(Plan { budgets: Vec::new(), ..with(&args, Some(scenario), anchor)? })
}

fn with(args: &RunArgs, scenario: Option<Scenario>, anchor: Anchor) -> Result<Plan> {
    let targets = targets(args, scenario.as_ref())?;
    let policies = policies(&args.connection.lanes)?;
    let names: Vec<_> = targets.iter().map(|target| target.name.clone()).collect();
    let budgets = budget::of(&args.judge, &names, &policies, scenario.as_ref())?;
    let held = held::of(args, &targets)?;
    let resolution = if scenario.is_some() { RESOLUTION_BESIDE_A_WORLD } else { RESOLUTION };
    let rules = Rules {
        resolution: args.judge.resolution.unwrap_or(resolution),
        ignore_shorter_than: args.judge.ignore_shorter_than.unwrap_or_default(),
        max_blind: args.judge.max_blind,
    };
    let advice = scenario.as_ref().map(|scenario| *scenario.measure()).unwrap_or_default();
    let (durations, wait_up) = (durations(args, &advice)?, wait_up(args)?);
    let (rate, limits) = (rate(args, &advice)?, limits(args, &advice)?);
    let name = args.name.clone().unwrap_or_else(|| default_name(scenario.as_ref(), &targets));
    let activity = activity(args, scenario)?;
    let in_cluster = targets.iter().any(|target| matches!(target.endpoint, Endpoint::Cluster(..)));
    let follow = args.cluster.follow(&activity, in_cluster)?;
    let elsewhere = elsewhere::of(args, &targets, &activity)?;
    let folder = match &args.out {
        Some(path) => Folder::at(path)?,
        None => Folder::named(args.plan.parent.as_deref().unwrap_or(Path::new("reports")), anchor, &name)?,
    };
    Ok(Plan {
        name,
        folder,
        rate,
        targets,
        policies,
        limits,
        activity,
        follow,
        durations,
        wait_up,
        fail_fast: args.fail_fast,
        budgets,
        rules,
        gate: args.judge.gate.unwrap_or(GATE),
        held,
        fresh: (args.request.fresh_headers.clone(), args.request.fresh_every),
        elsewhere,
    })
}

/// What a prober elsewhere is to send.
#[derive(Debug)]
pub(super) struct ProberPlan {
    pub(super) targets: Vec<PlannedTarget>,
    pub(super) policies: Vec<Policy>,
    pub(super) rate: Rate,
    pub(super) limits: ProbeLimits,
    pub(super) wait_up: Option<Duration>,
}

/// What a prober elsewhere is to send, by the arguments that it was sent.
pub(super) fn of_prober(args: &RunArgs) -> Result<ProberPlan> {
    let advice = Measure::default();
    Ok(ProberPlan {
        targets: targets(args, None)?,
        policies: policies(&args.connection.lanes)?,
        rate: rate(args, &advice)?,
        limits: limits(args, &advice)?,
        wait_up: wait_up(args)?,
    })
}

fn rate(args: &RunArgs, advice: &Measure) -> Result<Rate> {
    let rate = args.rate.or_else(|| advice.rate.and_then(Rate::per_second)).or_else(|| Rate::per_second(RATE));
    rate.context("the scenario's rate is none")
}

fn limits(args: &RunArgs, advice: &Measure) -> Result<ProbeLimits> {
    let timeout = args.request.timeout.or(advice.timeout).unwrap_or(TIMEOUT);
    let connect_timeout = args.request.connect_timeout.unwrap_or(timeout);
    ensure!(connect_timeout <= timeout, "--connect-timeout {connect_timeout:?} is longer than --timeout {timeout:?}");
    Ok(ProbeLimits {
        timeout,
        connect_timeout,
        slow: args.request.slow.or(advice.slow).unwrap_or(SLOW),
        connections: usize::from(args.connection.connections),
        resolve_once: args.connection.resolve_once,
        precedence: !args.no_precedence,
    })
}

/// The durations of the phases: those typed, else those that the scenario advises.
fn durations(args: &RunArgs, advice: &Measure) -> Result<PhaseDurations> {
    let stage = |typed: Option<Duration>, advised: Option<Duration>| typed.or(advised).unwrap_or(STAGE);
    let durations = PhaseDurations {
        baseline: stage(args.baseline, advice.baseline),
        settle: stage(args.settle, advice.settle),
        settle_limit: args.settle_limit,
    };
    ensure!(
        durations.settle <= durations.settle_limit,
        "--settle {:?} cannot be reached within --settle-limit {:?}: raise the limit",
        durations.settle,
        durations.settle_limit
    );
    Ok(durations)
}

/// How long to wait for the targets, which takes longer than the calm that is waited for.
fn wait_up(args: &RunArgs) -> Result<Option<Duration>> {
    ensure!(
        args.wait_up.is_none_or(|limit| limit > wait_up::CALM),
        "--wait-up {:?}: a target is up once no probe has failed for {:?}: wait for longer, such as 60s",
        args.wait_up.unwrap_or_default(),
        wait_up::CALM
    );
    Ok(args.wait_up)
}

fn activity(args: &RunArgs, scenario: Option<Scenario>) -> Result<Activity> {
    match (scenario, args.duration, args.command.is_empty()) {
        (Some(scenario), None, true) => Ok(Activity::Scenario(Box::new(scenario))),
        (Some(_), _, false) => {
            bail!("a scenario brings its own rollout: leave out the command after --, or name a URL instead")
        }
        (Some(_), Some(_), true) => bail!("a scenario takes as long as it takes: leave out --duration"),
        (None, Some(duration), true) => Ok(Activity::Nothing(duration)),
        (None, None, false) => Ok(Activity::Command(command::Command::new(args.command.clone())?)),
        (None, Some(_), false) => {
            bail!("the run lasts as long as the command does: leave out --duration, or the command after --")
        }
        (None, None, true) => bail!("nothing says how long to measure: add a command after --, or --duration 30s"),
    }
}

fn policies(lanes: &[LaneName]) -> Result<Vec<Policy>> {
    let mut policies: Vec<_> = lanes
        .iter()
        .map(|lane| match lane {
            LaneName::Reused => Policy::Reused,
            LaneName::New => Policy::New,
        })
        .collect();
    policies.sort_unstable();
    policies.dedup();
    ensure!(policies.len() == lanes.len(), "--lanes names a lane twice: write reused, new, or reused,new");
    Ok(policies)
}

fn targets(args: &RunArgs, scenario: Option<&Scenario>) -> Result<Vec<PlannedTarget>> {
    let typed = endpoints(args, scenario)?;
    ensure!(!typed.is_empty(), "nothing says what to hammer: name a URL, a scenario, or --target NAME=URL");
    let options = TlsOptions {
        cacert: args.connection.cacert.clone(),
        insecure: args.connection.insecure,
        cert: args.connection.cert.clone(),
        key: args.connection.key.clone(),
    };
    // Loading the system's roots takes a while, so only where TLS is used; the flags are checked in any case.
    let named = options.cacert.is_some() || options.cert.is_some();
    let is_secure = |endpoint: &Endpoint| matches!(endpoint, Endpoint::Url(uri) if uri.scheme_str() == Some("https"));
    let secure = named || typed.iter().any(|typed| is_secure(&typed.endpoint));
    let tls = secure.then(|| tls::config(&options)).transpose()?;
    let typed_request = (request(args)?, expect(args)?);
    let mut targets: Vec<PlannedTarget> = Vec::new();
    for Typed { name, endpoint, call } in typed {
        ensure!(
            targets.iter().all(|other| other.name != name),
            "two targets are called {name}: give each --target a name of its own"
        );
        let (mut request, mut expect) = typed_request.clone();
        let http = match call {
            Some(call) => grpc::complete(args, call, &mut request, &mut expect)?,
            None => http(args),
        };
        if let Some(file) = &args.request.url_lines {
            request.paths = lines::paths(file, &endpoint.base())?;
        }
        targets.push(PlannedTarget {
            name,
            tls: tls.clone().filter(|_| is_secure(&endpoint)),
            endpoint,
            http,
            connect_to: args.connection.connect_to.clone(),
            resolve: args.connection.resolve.clone(),
            request,
            expect,
            // The pods of a scenario name themselves in this header.
            backend: args
                .request
                .backend_header
                .clone()
                .or_else(|| scenario.map(|_| HeaderName::from_static(POD_HEADER))),
            version: args.request.version_header.clone(),
        });
    }
    Ok(targets)
}

/// A target as typed.
struct Typed {
    name: String,
    endpoint: Endpoint,
    /// The gRPC call that its URL names.
    call: Option<GrpcCall>,
}

/// The name of each target, and where its requests go.
fn endpoints(args: &RunArgs, scenario: Option<&Scenario>) -> Result<Vec<Typed>> {
    let named = |target: &NamedTarget| {
        let (uri, call) = target_url(&target.url)?;
        let endpoint = match target.cluster_target.clone() {
            Some(part) => Endpoint::Cluster(uri, part),
            None => Endpoint::Url(uri),
        };
        Ok(Typed { name: target.name.clone(), endpoint, call })
    };
    match (scenario, args.what.as_deref()) {
        (Some(scenario), _) => {
            Ok(vec![Typed { name: scenario.name().to_owned(), endpoint: Endpoint::Scenario, call: None }])
        }
        (None, Some(url)) => {
            let (uri, call) = target_url(url)?;
            Ok(vec![Typed { name: uri.host().unwrap_or_default().to_owned(), endpoint: Endpoint::Url(uri), call }])
        }
        (None, None) => args.targets.iter().map(named).collect(),
    }
}

/// The URL of a target, and the gRPC call that it names.
fn target_url(url: &str) -> Result<(Uri, Option<GrpcCall>)> {
    match grpc::call(url, uri)? {
        Some((uri, call)) => Ok((uri, Some(call))),
        None => uri(url).map(|uri| (uri, None)),
    }
}

const fn http(args: &RunArgs) -> Http {
    match (args.connection.http1, args.connection.http2) {
        (true, _) => Http::Http1,
        (_, true) => Http::Http2,
        _ => Http::Auto,
    }
}

/// A URL as a client sends it: path and query as they go on the wire, without the fragment.
pub(super) fn uri(typed: &str) -> Result<Uri> {
    ensure!(typed.contains("://"), "{typed:?} has no scheme: write http://{typed} or https://{typed}");
    let mut url = Url::parse(typed).with_context(|| format!("{typed:?} is not a URL"))?;
    let (scheme, host) = (url.scheme(), url.host_str().unwrap_or_default());
    ensure!(
        ["http", "https"].contains(&scheme),
        "{typed:?}: lapse speaks http://, https://, grpc:// and grpcs://, not {scheme}://"
    );
    ensure!(url.port() != Some(0), "{typed:?}: no server can be reached at port 0");
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "the URL of {host} has a user's name in it: leave it out, so that it stands in no report, and send it with -H \
         'Authorization: ...'"
    );
    url.set_fragment(None);
    url.as_str().parse().with_context(|| format!("{typed:?} is not a URL"))
}

fn request(args: &RunArgs) -> Result<Request> {
    let body = match args.request.data.as_deref().map(|data| data.strip_prefix('@').ok_or(data)) {
        None => Bytes::new(),
        Some(Err(data)) => Bytes::copy_from_slice(data.as_bytes()),
        Some(Ok(file)) => {
            fs::read(file).with_context(|| format!("cannot read the body in {file}, which -d @{file} names"))?.into()
        }
    };
    let bodies = args.request.data_lines.as_deref().map(lines::bodies).transpose()?.unwrap_or_default();
    let has_body = args.request.data.is_some() || !bodies.is_empty();
    let default = if has_body { Method::POST } else { Method::GET };
    let mut headers: HeaderMap = HeaderMap::new();
    for (name, value) in &args.request.headers {
        ensure!(
            ![CONTENT_LENGTH, TRANSFER_ENCODING].contains(name),
            "-H {name}: how long the body is follows from --data: leave the header out"
        );
        headers.append(name, value.clone());
    }
    ensure!(
        !(args.request.traceparent && headers.contains_key(TRACEPARENT)),
        "-H {TRACEPARENT}: --traceparent sends one of its own with each probe: leave one of them out"
    );
    if has_body && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    }
    let method = args.request.method.clone().unwrap_or(default);
    ensure!(
        method != Method::HEAD || args.request.expect_body.is_none(),
        "--expect-body: an answer to HEAD has no body: leave it out, or ask with GET"
    );
    let fresh = args.request.fresh_headers.iter().map(FreshHeader::template).collect();
    let traceparent = args.request.traceparent;
    Ok(Request { method, headers, fresh, body, paths: Lines::default(), bodies, traceparent })
}

fn expect(args: &RunArgs) -> Result<Expect> {
    let regex = |pattern: &String| {
        regex::bytes::Regex::new(pattern)
            .map_err(|error| anyhow!("--expect-body {pattern:?} is no regular expression: {error}"))
    };
    Ok(Expect {
        statuses: args.request.expect.clone(),
        body: args.request.expect_body.as_ref().map(regex).transpose()?,
        grpc: None,
    })
}

fn default_name(scenario: Option<&Scenario>, targets: &[PlannedTarget]) -> String {
    let host = || match targets.first().map(|target| &target.endpoint) {
        Some(Endpoint::Url(uri) | Endpoint::Cluster(uri, _)) => uri.host().unwrap_or("run").to_owned(),
        Some(Endpoint::Scenario) | None => "run".to_owned(),
    };
    scenario.map_or_else(host, |scenario| scenario.name().to_owned())
}
