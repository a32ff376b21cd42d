//! The form of all causes, and traps: invented runs in which a wrong cause lies near.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use crate::case::Case;
use crate::cause::{Cause, Outcome, Rule, Shown};
use crate::causes;
use crate::explanation::{Evidence, Explained, Explanation, Finding, LEAST, LIKELY};
use crate::smell::Smell;
use crate::world::World;
use lapse_measure::answer::Class;
use lapse_measure::lane::{Lane, Policy};
use lapse_measure::phase::Phase;
use lapse_measure::span::Span;
use lapse_measure::time::Offset;
use lapse_record::batch::{Batch, Served};
use lapse_record::entry::Entry;
use lapse_record::event::detail::{Container, ContainerExit, Detail, Notice, PreStop, Probe, Strategy, Workload};
use lapse_record::event::{Event, EventKind, Object, ObjectKind, Source};
use lapse_record::failure::Failure;
use lapse_record::record::Record;
use lapse_record::sample::{Answer, Sample};

/// Every cause, with what its author must not have forgotten.
#[test]
fn every_cause_is_complete() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = BTreeSet::new();
    for cause in causes::ALL {
        let Cause { name, title, mechanism, signature, rules, remedy, tell_apart, shown, sources, .. } = cause;
        assert!(names.insert(*name), "{name}: twice");
        assert!(name.split('-').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase())), "{name}");
        let file = root.join("src/causes").join(name.replace('-', "_")).with_extension("rs");
        assert!(file.is_file(), "{name}: its file has another name");
        assert!(title.starts_with(|c: char| c.is_lowercase()) && !title.ends_with('.'), "{name}: {title}");
        for text in [mechanism, signature, remedy] {
            assert!(text.ends_with('.') && text.len() > 20, "{name}: {text}");
        }
        assert!(!tell_apart.is_empty() && !tell_apart.ends_with('.'), "{name}: {tell_apart}");
        for text in [title, mechanism, signature, remedy, tell_apart] {
            assert!(!text.contains("  "), "{name}: {text}");
        }
        let most: u32 = rules.iter().map(|rule| u32::from(rule.points)).sum();
        assert!((60..=100).contains(&most), "{name}: its rules come to {most}");
        for rule in *rules {
            assert!(rule.points > 0 || rule.against > 0, "{name}: {} counts for nothing", rule.looks_for);
            assert!(!rule.looks_for.is_empty() && !rule.looks_for.ends_with('.'), "{name}: {}", rule.looks_for);
        }
        assert!(!shown.is_empty(), "{name}: neither shown nor said why not");
        for place in *shown {
            let (Shown::Lab(text) | Shown::Proxy(text) | Shown::Cluster(text) | Shown::NotYet(text)) = place;
            assert!(!text.is_empty() && !text.ends_with('.'), "{name}: {text}");
            let scenario = root.join("../../scenarios").join(text).with_extension("yaml");
            assert!(!matches!(place, Shown::Lab(_)) || scenario.is_file(), "{name}: there is no scenario {text}");
        }
        assert!(sources.iter().all(|source| source.starts_with("https://")), "{name}: {sources:?}");
        assert_eq!(causes::named(name).map(|found| found.name), Some(*name));
    }
}

/// Where the decisive piece is not in any record, the others must not reach the threshold without it.
#[test]
fn what_no_record_can_show_is_not_made_up_for_by_the_rest() {
    let records = [endpoint_race(&["ingress", "shop"]), streams(Class::ConnectTimeout), streams(Class::Status(500))];
    for cause in causes::ALL {
        let unknown = |test: fn(&Case<'_>) -> Outcome| {
            records.iter().all(|record| {
                let world = World::of(record);
                let (cases, _) = Case::all(record, &world);
                !cases.is_empty() && cases.iter().all(|case| matches!(test(case), Outcome::Unknown(_)))
            })
        };
        let (hidden, open): (Vec<&Rule>, Vec<&Rule>) = cause.rules.iter().partition(|rule| unknown(rule.test));
        let rest: u32 = open.iter().map(|rule| u32::from(rule.points)).sum();
        assert!(hidden.is_empty() || rest < u32::from(LEAST), "{}: {rest} points without what decides", cause.name);
    }
}

fn offset(ms: u64) -> Offset {
    Offset::from_millis(ms)
}

fn entry(ms: u64, kind: EventKind, object: Object) -> Event {
    let text = format!("{object}: {kind}");
    Event::new(offset(ms), Source::Kubernetes, kind, text).to(object)
}

/// An invented run: events added to a sample, in the order of their telling.
struct Run(Sample);

impl Run {
    /// A baseline of five seconds, and then what is to be explained.
    fn of(targets: &[&str]) -> Self {
        Self(Sample::of(targets).phase(Phase::Baseline, 0).phase(Phase::Event, 5_000))
    }

    fn event(self, event: Event) -> Self {
        let ms = event.at.as_nanos() / 1_000_000;
        Self(self.0.beside(ms, Entry::Event(event)))
    }

    fn pod(self, ms: u64, pod: &str, kind: EventKind) -> Self {
        self.event(entry(ms, kind, Object::new(ObjectKind::Pod, pod)))
    }

    fn about(self, ms: u64, object: ObjectKind, name: &str, kind: EventKind) -> Self {
        self.event(entry(ms, kind, Object::new(object, name)))
    }

    /// The pod was there, and in the endpoints, when the run began.
    fn found(self, pod: &str) -> Self {
        self.pod(0, pod, EventKind::PodFound).pod(0, pod, EventKind::EndpointFound)
    }

    /// The pod is created, and ready and in the endpoints later.
    fn started(self, pod: &str, created: u64, ready: u64) -> Self {
        self.pod(created, pod, EventKind::PodCreated).pod(ready, pod, EventKind::PodReady).pod(
            ready + 10,
            pod,
            EventKind::EndpointAdded,
        )
    }

    /// The pod is deleted, leaves the endpoints, and its container ends later.
    fn ended(self, pod: &str, deleting: u64, took: u64, code: i32) -> Self {
        self.pod(deleting, pod, EventKind::PodDeleting)
            .pod(deleting + 10, pod, EventKind::EndpointRemoved)
            .exited(pod, deleting + took, code)
            .pod(deleting + took + 800, pod, EventKind::PodGone)
    }

    fn exited(self, pod: &str, ms: u64, code: i32) -> Self {
        let exit = ContainerExit { container: "shop".to_owned(), code: Some(code), reason: String::new() };
        let event = entry(ms, EventKind::ContainerExited, Object::new(ObjectKind::Pod, pod));
        self.event(event.with(Detail::Exit(exit)))
    }

    fn notice(self, ms: u64, pod: &str, reason: &str, probe: Option<Probe>) -> Self {
        let event = entry(ms, EventKind::Warned, Object::new(ObjectKind::Pod, pod));
        self.event(event.with(Detail::Notice(Notice { reason: reason.to_owned(), probe })))
    }

    fn settings(self, ms: u64, settings: Workload) -> Self {
        self.settings_of("shop", ms, settings)
    }

    fn settings_of(self, deployment: &str, ms: u64, settings: Workload) -> Self {
        let kind = if ms == 0 { EventKind::WorkloadFound } else { EventKind::RolloutStarted };
        let event = entry(ms, kind, Object::new(ObjectKind::Deployment, deployment));
        self.event(event.with(Detail::Workload(Box::new(settings))))
    }

    /// Two old pods are replaced by two new ones, which takes from 5 s to 9.06 s; each old one ends within 50 ms.
    fn rollout(self, settings: &Workload) -> Self {
        self.settings(0, settings.clone())
            .found("old-1")
            .found("old-2")
            .settings(5_000, Workload { template: 2, ..settings.clone() })
            .started("new-1", 5_100, 7_000)
            .ended("old-1", 7_050, 50, 0)
            .started("new-2", 7_060, 9_000)
            .ended("old-2", 9_050, 50, 0)
            .about(9_900, ObjectKind::Deployment, "shop", EventKind::RolloutComplete)
    }

    fn record(self, answer: impl Fn(&Lane, u64) -> Answer) -> Record {
        self.0.record(12_000, answer)
    }
}

/// Two replicas, one more during a rollout, a readiness probe, no preStop hook.
fn workload() -> Workload {
    Workload {
        replicas: 2,
        strategy: Strategy::RollingUpdate { max_unavailable: 0, max_surge: 1 },
        min_ready: Duration::ZERO,
        grace: Duration::from_secs(30),
        containers: vec![Container { name: "shop".to_owned(), readiness: true, ..Container::default() }],
        template: 1,
    }
}

const OK: Answer = Answer::after(Class::Ok, 300);

fn failed(class: Class) -> Answer {
    Answer::after(class, 200)
}

/// Every other probe, as where one of two pods is meant.
fn one_of_two(ms: u64) -> bool {
    (ms.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40).is_multiple_of(2)
}

/// Half of the new connections are refused for half a second after each deletion; each kept one fails once.
fn endpoint_race(targets: &[&str]) -> Record {
    let mut record = Run::of(targets).rollout(&workload()).record(|lane, ms| match (lane.policy, ms) {
        (Policy::New, 7_060..7_560 | 9_060..9_560) if one_of_two(ms) => failed(Class::Refused).from(7),
        (Policy::Reused, 7_060..7_063) => failed(Class::Closed).from(7),
        _ => OK,
    });
    name_backends(&mut record, "old-1");
    record
}

/// All failures are of this class, on half of the requests from the first new pod on.
fn streams(class: Class) -> Record {
    let failing = |ms| (7_005..8_000).contains(&ms) && one_of_two(ms);
    let mut record = Run::of(&["ingress", "shop"])
        .rollout(&workload())
        .record(|_, ms| if failing(ms) { failed(class).from(7) } else { OK });
    name_backends(&mut record, "new-1");
    record
}

fn edit(record: &mut Record, change: impl Fn(&mut Failure)) {
    record.failures.kept.iter_mut().for_each(change);
}

fn name_backends(record: &mut Record, pod: &str) {
    edit(record, |failure| failure.evidence.backend = Some(pod.to_owned()));
}

fn names(case: &Explained) -> Vec<&'static str> {
    case.findings.iter().map(|finding| finding.cause.name).collect()
}

/// The cases of a run, each with the names of its causes.
fn explained(record: &Record) -> Vec<Vec<&'static str>> {
    let explanation = Explanation::of(record);
    for finding in explanation.cases.iter().flat_map(|case| &case.findings) {
        reads_well(finding);
    }
    explanation.cases.iter().map(names).collect()
}

/// The sentences of a finding are clauses with figures, and its scores add up.
fn reads_well(finding: &Finding) {
    let name = finding.cause.name;
    let sum = |all: &[Evidence]| all.iter().map(|one| i32::from(one.points)).sum::<i32>();
    assert_eq!((sum(&finding.evidence) - sum(&finding.against)).clamp(0, 100), i32::from(finding.score), "{name}");
    assert!(finding.score >= LEAST, "{name}: {}", finding.score);
    let texts = finding.evidence.iter().chain(&finding.against).map(|one| &one.text).chain(&finding.missing);
    for text in texts.chain(finding.fix.iter().map(|fix| &fix.says)) {
        assert!(!text.is_empty() && !text.ends_with('.') && !text.contains("  "), "{name}: {text:?}");
    }
    let yaml = finding.fix.as_ref().map(|fix| fix.yaml.as_str()).unwrap_or_default();
    assert!(!yaml.contains('\t') && (yaml.is_empty() || yaml.ends_with('\n')), "{name}: {yaml}");
    let odd = |line: &str| (line.len() - line.trim_start().len()) % 2 == 1;
    assert!(!yaml.lines().any(odd), "{name}: {yaml}");
}

/// Checks that this cause comes first in every case, and gives the other names.
#[track_caller]
fn comes_first(record: &Record, cause: &str) -> Vec<&'static str> {
    let cases = explained(record);
    assert!(!cases.is_empty(), "there is no case");
    for case in &cases {
        assert_eq!(case.first(), Some(&cause), "{cases:?}: {:#?}", Explanation::of(record).cases);
    }
    cases.into_iter().flatten().filter(|name| *name != cause).collect()
}

#[test]
fn a_clean_run_has_no_cases() {
    let record = Run::of(&["shop"]).rollout(&workload()).record(|_, _| OK);
    assert_eq!(explained(&record), Vec::<Vec<&str>>::new());
}

#[test]
fn what_failed_in_the_baseline_alike_is_not_the_rollout() {
    let record = Run::of(&["shop"]).rollout(&workload()).record(|_, ms| match ms % 20 {
        7 => failed(Class::Status(500)),
        _ => OK,
    });
    comes_first(&record, "failing-before");
}

#[test]
fn a_limiter_is_no_rollout() {
    let record = Run::of(&["shop"])
        .rollout(&workload())
        .record(|_, ms| if one_of_two(ms) { failed(Class::Status(429)) } else { OK });
    comes_first(&record, "rate-limited");
}

#[test]
fn idle_connections_that_cross_their_close_are_a_keep_alive_race() {
    let record = Run::of(&["shop"]).rollout(&workload()).record(|lane, ms| match (lane.policy, ms) {
        (Policy::Reused, 2_000 | 5_002 | 7_070 | 9_070) => failed(Class::Reset).idle(Duration::from_secs(2)),
        _ => OK,
    });
    comes_first(&record, "keep-alive-race");
}

#[test]
fn a_timeout_near_the_usual_latency_is_the_probers() {
    let mut run = Run::of(&["shop"]).rollout(&workload());
    run.0.about.timeout = Duration::from_millis(400);
    let record = run.record(|_, ms| match ms {
        7_000..9_000 if one_of_two(ms) => Answer::after(Class::ResponseTimeout, 400_000),
        _ => Answer::after(Class::Ok, 300_000),
    });
    comes_first(&record, "timeout-too-short");
}

#[test]
fn redirects_and_refused_methods_are_the_proxys_word() {
    for (status, cause) in [(302, "redirected"), (405, "method-refused")] {
        let record = Run::of(&["shop"]).rollout(&workload()).record(|_, _| failed(Class::Status(status)));
        comes_first(&record, cause);
    }
}

#[test]
fn a_container_that_crashes_in_place_is_no_rollout() {
    let run = Run::of(&["shop"]).settings(0, workload()).found("shop-1").found("shop-2");
    let run = run.exited("shop-1", 6_000, 1).pod(6_010, "shop-1", EventKind::PodUnready);
    let run = run.pod(6_015, "shop-1", EventKind::EndpointRemoved).pod(6_900, "shop-1", EventKind::ContainerRestarted);
    let run = run.pod(7_500, "shop-1", EventKind::PodReady).pod(7_510, "shop-1", EventKind::EndpointAdded);
    let record = run.record(|lane, ms| match (lane.policy, ms) {
        (Policy::New, 5_700..6_100) if one_of_two(ms) => failed(Class::Refused),
        (Policy::Reused, 5_700..5_705) => failed(Class::Reset),
        _ => OK,
    });
    let others = comes_first(&record, "container-crashed");
    assert!(!others.contains(&"endpoint-race"), "{others:?}");
}

#[test]
fn a_kubelet_that_restarts_is_no_rollout() {
    let mut run = Run::of(&["shop"]).settings(0, workload()).found("shop-1").found("shop-2");
    for pod in ["shop-1", "shop-2"] {
        run = run.pod(6_000, pod, EventKind::PodUnready).pod(6_010, pod, EventKind::EndpointRemoved);
        run = run.pod(8_000, pod, EventKind::PodReady).pod(8_010, pod, EventKind::EndpointAdded);
    }
    let record = run.record(|_, ms| if (6_020..8_020).contains(&ms) { failed(Class::Refused) } else { OK });
    comes_first(&record, "node-not-ready");
}

#[test]
fn a_readiness_probe_that_fails_is_no_node() {
    let mut run = Run::of(&["shop"]).settings(0, workload()).found("shop-1").found("shop-2");
    for pod in ["shop-1", "shop-2"] {
        run = run.notice(5_990, pod, "Unhealthy", Some(Probe::Readiness));
        run = run.pod(6_000, pod, EventKind::PodUnready).pod(6_010, pod, EventKind::EndpointRemoved);
        run = run.pod(8_000, pod, EventKind::PodReady).pod(8_010, pod, EventKind::EndpointAdded);
    }
    let record = run.record(|_, ms| if (6_020..8_020).contains(&ms) { failed(Class::Refused) } else { OK });
    comes_first(&record, "readiness-flap");
}

#[test]
fn a_port_forward_that_ends_is_not_the_service() {
    let here = Some(([127, 0, 0, 1], 8080).into());
    let record = Run::of(&["shop"]).rollout(&workload()).record(|_, ms| match ms {
        7_100.. => Answer { peer: here, ..failed(Class::Refused) },
        _ => OK,
    });
    comes_first(&record, "local-path-ended");
}

#[test]
fn a_bug_of_the_new_version_is_a_bad_release() {
    let record = Run::of(&["shop"]).rollout(&workload()).record(|_, ms| match ms {
        7_012..9_060 if one_of_two(ms) => failed(Class::Status(500)),
        9_060.. => failed(Class::Status(500)),
        _ => OK,
    });
    let others = comes_first(&record, "bad-release");
    assert!(!others.contains(&"endpoint-race"), "{others:?}");
}

#[test]
fn refusals_as_pods_end_are_an_endpoint_race_and_nothing_rarer() {
    let record = endpoint_race(&["shop"]);
    let rare = comes_first(&record, "endpoint-race");
    let known = ["exit-without-drain", "addition-lag", "ready-too-early", "pre-stop-failed", "capacity-dip"];
    assert!(rare.iter().all(|name| known.contains(name)), "{rare:?}");
    for case in Explanation::of(&record).cases {
        assert!(case.findings[0].score >= LIKELY && case.findings[0].fix.is_some());
    }
}

#[test]
fn endpoints_that_are_exchanged_at_once_were_never_empty() {
    let run = Run::of(&["shop"]).settings(0, workload()).found("blue-1").found("blue-2");
    let run = run.about(6_000, ObjectKind::Service, "shop", EventKind::SelectorSwitched);
    let run = run.pod(6_002, "blue-1", EventKind::EndpointRemoved).pod(6_002, "blue-2", EventKind::EndpointRemoved);
    let run = run.pod(6_002, "green-1", EventKind::EndpointAdded).pod(6_002, "green-2", EventKind::EndpointAdded);
    let record = run.record(|lane, ms| match (lane.policy, ms) {
        (Policy::New, 6_010..6_100) if one_of_two(ms) => failed(Class::Refused),
        _ => OK,
    });
    let world = World::of(&record);
    assert_eq!(world.routed(Offset::from_nanos(6_002_000_000)), Some(2));
    assert_eq!(world.fewest_routed(Span::new(Offset::ZERO, Offset::from_nanos(9_000_000_000))).unwrap().0, 2);
}

#[test]
fn a_service_that_is_switched_too_early_is_a_selector_switch() {
    let run = Run::of(&["shop"]).settings(0, workload()).found("old-1").found("old-2");
    let run = run.about(6_000, ObjectKind::Service, "shop", EventKind::SelectorSwitched);
    let run = run.pod(6_005, "old-1", EventKind::EndpointRemoved).pod(6_005, "old-2", EventKind::EndpointRemoved);
    let run = run.started("new-1", 5_500, 8_000).started("new-2", 5_500, 8_000);
    let record = run.record(|_, ms| if (6_010..8_020).contains(&ms) { failed(Class::Refused) } else { OK });
    comes_first(&record, "selector-switch");
}

#[test]
fn a_switch_that_ends_the_old_version_at_once_is_a_selector_switch() {
    let none = Workload { replicas: 0, ..workload() };
    let run = Run::of(&["shop"]).settings_of("blue", 0, workload()).settings_of("green", 0, none.clone());
    let run =
        run.found("blue-1").found("blue-2").about(6_000, ObjectKind::Service, "shop", EventKind::SelectorSwitched);
    let run = run.settings_of("green", 6_002, workload()).settings_of("blue", 6_004, none);
    let run = run.ended("blue-1", 6_010, 400, 0).ended("blue-2", 6_010, 400, 0);
    let run = run.started("green-1", 6_100, 7_400).started("green-2", 6_100, 7_400);
    // The node hears late of the new endpoints.
    let record = run.record(|_, ms| if (6_030..8_440).contains(&ms) { failed(Class::Refused) } else { OK });
    let others = comes_first(&record, "selector-switch");
    assert!(!others.contains(&"replicas-reset") && !others.contains(&"max-unavailable"), "{others:?}");
}

#[test]
fn a_strategy_that_recreates_is_named() {
    let settings = Workload { strategy: Strategy::Recreate, ..workload() };
    let run = Run::of(&["shop"]).settings(0, settings.clone()).found("old-1").found("old-2");
    let run = run.settings(5_000, Workload { template: 2, ..settings });
    let run = run.ended("old-1", 5_050, 50, 0).ended("old-2", 5_050, 50, 0);
    let run = run.started("new-1", 6_000, 8_000).started("new-2", 6_000, 8_000);
    let record = run.record(|_, ms| if (5_090..8_020).contains(&ms) { failed(Class::Refused) } else { OK });
    comes_first(&record, "recreate");
}

#[test]
fn replicas_that_a_release_sets_back_are_named() {
    let settings = Workload { replicas: 4, ..workload() };
    let mut run =
        Run::of(&["shop"]).settings(0, settings.clone()).settings(5_000, Workload { replicas: 1, ..settings });
    for pod in ["old-1", "old-2", "old-3", "old-4"] {
        run = run.found(pod);
    }
    for pod in ["old-2", "old-3", "old-4"] {
        run = run.ended(pod, 5_050, 50, 0);
    }
    let run = run.about(9_000, ObjectKind::Autoscaler, "shop", EventKind::HpaScaled);
    let record = run.record(|lane, ms| match (lane.policy, ms) {
        (Policy::New, 5_090..5_500) if ms % 4 != 0 => failed(Class::Refused),
        (Policy::Reused, 5_090..5_094) => failed(Class::Closed),
        _ => OK,
    });
    let others = comes_first(&record, "replicas-reset");
    assert!(others.contains(&"endpoint-race"), "pods that end early lose requests in the same way: {others:?}");
}

#[test]
fn a_port_that_old_pods_do_not_have_is_named() {
    let run = Run::of(&["shop"]).settings(0, workload()).found("old-1").found("old-2");
    let run = run.about(6_000, ObjectKind::Service, "shop", EventKind::PortsChanged);
    let run = run.settings(6_000, Workload { template: 2, ..workload() });
    let run = run.started("new-1", 6_100, 8_000).ended("old-1", 8_050, 50, 0);
    let record = run.record(|_, ms| if (6_010..8_020).contains(&ms) { failed(Class::Refused) } else { OK });
    comes_first(&record, "target-port-change");
}

#[test]
fn a_pre_stop_hook_that_failed_is_named_before_the_race_that_follows() {
    let hook = Container { pre_stop: PreStop::Command(Duration::from_secs(10)), ..workload().containers[0].clone() };
    let settings = Workload { containers: vec![hook], ..workload() };
    let run = Run::of(&["shop"]).rollout(&settings);
    let run = run.notice(7_060, "old-1", "FailedPreStopHook", None).notice(9_060, "old-2", "FailedPreStopHook", None);
    let record = run.record(|lane, ms| match (lane.policy, ms) {
        (Policy::New, 7_060..7_560 | 9_060..9_560) if one_of_two(ms) => failed(Class::Refused),
        _ => OK,
    });
    comes_first(&record, "pre-stop-failed");
}

#[test]
fn without_a_cluster_nothing_is_claimed_of_pods() {
    let record = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 5_000);
    let record = record.record(12_000, |lane, ms| match (lane.policy, ms) {
        (Policy::New, 7_060..7_560) if one_of_two(ms) => failed(Class::Refused),
        _ => OK,
    });
    let explanation = Explanation::of(&record);
    let findings: Vec<_> = explanation.cases.iter().flat_map(|case| &case.findings).collect();
    for finding in &findings {
        assert_eq!((finding.cause.name, finding.confidence()), ("endpoint-race", "possible"));
        let seen = finding.evidence.iter().chain(&finding.against);
        for evidence in seen {
            assert!(!evidence.text.contains("pod"), "{}", evidence.text);
        }
        assert!(finding.missing.iter().any(|text| text.contains("no cluster was watched")), "{:?}", finding.missing);
    }
}

#[test]
fn any_failure_without_a_cluster_names_no_cause_of_pods() {
    for class in Class::ALL {
        let record = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 5_000);
        let record = record.record(12_000, |_, ms| match ms {
            7_060..7_560 if one_of_two(ms) => failed(*class),
            _ => OK,
        });
        for case in explained(&record) {
            assert!(case.is_empty() || case == ["endpoint-race"], "{class}: {case:?}");
        }
    }
}

#[test]
fn a_connection_that_a_pod_closed_under_envoy_is_a_drain_of_the_mesh() {
    let mut record = Run::of(&["shop"]).rollout(&workload()).record(|_, ms| match ms {
        7_060..7_100 | 9_060..9_100 if one_of_two(ms) => failed(Class::Status(503)),
        _ => OK,
    });
    edit(&mut record, |failure| {
        let body = "upstream connect error or disconnect/reset before headers. reset reason: connection termination";
        failure.evidence.status = Some(503);
        failure.evidence.server = Some("envoy".to_owned());
        failure.evidence.body = Some(body.to_owned());
    });
    for case in explained(&record) {
        assert!(case[..2].contains(&"mesh-drain") && !case.contains(&"endpoint-race"), "{case:?}");
    }
}

#[test]
fn answers_of_the_other_version_end_with_the_old_pods() {
    let record = Run::of(&["shop"]).rollout(&workload()).record(|_, ms| match ms {
        7_012..9_060 if one_of_two(ms) => failed(Class::Status(404)),
        _ => OK,
    });
    let others = comes_first(&record, "mixed-versions");
    assert!(!others.contains(&"endpoint-race"), "{others:?}");
}

#[test]
fn timeouts_at_a_new_pod_are_the_networks_while_no_pod_ends() {
    let run = Run::of(&["shop"]).settings(0, workload()).found("old-1").found("old-2");
    let run = run.settings(5_000, Workload { template: 2, ..workload() }).started("new-1", 5_100, 7_000);
    let run = run.ended("old-1", 11_000, 50, 0);
    let record = run.record(|lane, ms| match (lane.policy, ms) {
        (Policy::New, 7_015..7_400) if ms % 3 == 0 => Answer::after(Class::ConnectTimeout, 1_000_000),
        _ => OK,
    });
    comes_first(&record, "network-policy-lag");
}

#[test]
fn timeouts_at_an_old_pod_are_not_the_networks() {
    let record = Run::of(&["shop"]).rollout(&workload()).record(|lane, ms| match (lane.policy, ms) {
        (Policy::New, 7_110..7_600) if one_of_two(ms) => Answer::after(Class::ConnectTimeout, 1_000_000),
        _ => OK,
    });
    comes_first(&record, "sandbox-gone");
}

#[test]
fn addresses_of_old_pods_that_are_still_used_are_kept_in_dns_answers() {
    let address: IpAddr = [10, 0, 0, 7].into();
    let old = Event { address: Some(address), ..entry(0, EventKind::PodFound, Object::new(ObjectKind::Pod, "old-1")) };
    let record = Run::of(&["shop"]).rollout(&workload()).event(old).record(|lane, ms| match (lane.policy, ms) {
        (Policy::New, 7_100..8_900) if one_of_two(ms) => failed(Class::Refused).from(7),
        _ => OK,
    });
    let others = comes_first(&record, "endpoint-race");
    assert!(others.contains(&"dns-caching"), "{others:?}");
}

#[test]
fn routes_that_lag_for_seconds_are_named_beside_the_race() {
    let record = Run::of(&["shop"]).rollout(&workload()).record(|lane, ms| match (lane.policy, ms) {
        (Policy::New, 7_100..11_900) if one_of_two(ms) => failed(Class::Refused),
        _ => OK,
    });
    let others = comes_first(&record, "endpoint-race");
    assert!(others.contains(&"slow-propagation"), "{others:?}");
}

#[test]
fn kept_connections_that_are_cut_late_say_nothing_of_routes() {
    let hook = Container { pre_stop: PreStop::Sleep(Duration::from_secs(3)), ..workload().containers[0].clone() };
    let settings = Workload { containers: vec![hook], ..workload() };
    let run = Run::of(&["shop"]).settings(0, settings.clone()).found("old-1").found("old-2");
    let run = run.settings(5_000, Workload { template: 2, ..settings }).started("new-1", 5_100, 6_000);
    let record = run.ended("old-1", 6_050, 3_040, 0).record(|lane, ms| match (lane.policy, ms) {
        (Policy::Reused, 9_080..9_084) => failed(Class::Closed),
        _ => OK,
    });
    let others = comes_first(&record, "kept-connections-cut");
    assert!(!others.contains(&"slow-propagation"), "{others:?}");
}

#[test]
fn kept_connections_that_hang_are_traced_to_their_connection() {
    let record = Run::of(&["shop"]).rollout(&workload()).record(|lane, ms| match (lane.policy, ms) {
        (Policy::Reused, 7_100..7_110) => Answer::after(Class::ResponseTimeout, 6_000_000),
        _ => OK,
    });
    comes_first(&record, "stale-conntrack");
}

#[test]
fn a_stranger_at_the_address_of_a_pod_is_named() {
    let known = Served { backend: "old-1".to_owned(), times: 1, last: offset(1_000) };
    let batch = Batch { watermark: offset(1_000), served: vec![known], ..Batch::default() };
    let run = Run(Run::of(&["shop"]).rollout(&workload()).0.beside(1_000, Entry::Batch(batch)));
    let mut record = run.record(|_, ms| match ms {
        8_000..8_400 if one_of_two(ms) => failed(Class::Status(404)),
        _ => OK,
    });
    name_backends(&mut record, "billing-1");
    comes_first(&record, "pod-address-reused");
}

#[test]
fn a_route_that_changes_is_named_and_no_pod_blamed() {
    let run = Run::of(&["shop"]).rollout(&workload());
    let run = run.about(6_000, ObjectKind::Ingress, "shop", EventKind::IngressChanged);
    let record = run.record(|_, ms| if (6_020..6_500).contains(&ms) { failed(Class::Tls) } else { OK });
    comes_first(&record, "route-churn");
}

#[test]
fn a_controller_that_is_rolled_is_named_where_the_service_is_clean() {
    let run = Run::of(&["ingress", "shop"]).settings(0, workload()).found("old-1").found("old-2");
    let run = run.pod(7_000, "ingress-nginx-controller-1", EventKind::PodDeleting);
    let record = run.record(|lane, ms| match (lane.target.0, ms) {
        (0, 7_050..7_500) if one_of_two(ms) => failed(Class::Refused),
        _ => OK,
    });
    let names: BTreeSet<_> = explained(&record).into_iter().flatten().collect();
    assert!(names.contains("ingress-rollout"), "{names:?}");
}

#[test]
fn a_smell_decides_where_a_record_cannot() {
    let smell = |found| Smell {
        cause: "wrong-stop-signal".to_owned(),
        found,
        place: "deployment/shop spec.template.spec.containers[0].image".to_owned(),
        says: "nginx drains on SIGQUIT only".to_owned(),
    };
    let record = Run::of(&["shop"]).rollout(&workload()).record(|_, ms| match ms {
        7_090..7_100 | 9_090..9_100 if one_of_two(ms) => failed(Class::Closed),
        _ => OK,
    });
    let named = |smells: &[Smell]| {
        let cases = Explanation::with(&record, smells).cases;
        assert!(!cases.is_empty());
        cases.iter().map(names).all(|names| names.contains(&"wrong-stop-signal"))
    };
    assert_eq!((named(&[]), named(&[smell(true)]), named(&[smell(false)])), (false, true, false));
}

#[test]
fn a_reload_is_told_from_pods_that_end_meanwhile() {
    let hook = Container { pre_stop: PreStop::Sleep(Duration::from_secs(1)), ..workload().containers[0].clone() };
    let settings = Workload { containers: vec![hook], ..workload() };
    let run = Run::of(&["shop"]).settings(0, settings.clone()).found("old-1").found("old-2");
    let run = run.settings(5_000, Workload { template: 2, ..settings }).started("new-1", 5_100, 6_000);
    let run = run.ended("old-1", 6_050, 1_040, 0).pod(7_050, "old-1", EventKind::PodSigterm);
    let run = run.about(6_500, ObjectKind::Hop, "ingress", EventKind::HopReloaded);
    let record = run.record(|lane, ms| match (lane.policy, ms) {
        (Policy::Reused, 6_500..6_504) => failed(Class::Closed),
        _ => OK,
    });
    comes_first(&record, "proxy-reload");
}

#[test]
fn a_liveness_probe_that_kills_is_named_before_the_strategy_that_shows_it() {
    let strategy = Strategy::RollingUpdate { max_unavailable: 1, max_surge: 0 };
    let settings = Workload { replicas: 1, strategy, ..workload() };
    let run = Run::of(&["shop"]).settings(0, settings.clone()).found("old-1");
    let run = run.settings(5_000, Workload { template: 2, ..settings }).ended("old-1", 5_050, 40, 0);
    let run = run.started("new-1", 5_100, 9_000).pod(6_000, "new-1", EventKind::PodRestarting);
    let record = run.record(|_, ms| if (5_090..9_020).contains(&ms) { failed(Class::Refused) } else { OK });
    let others = comes_first(&record, "liveness-kills");
    assert!(others.contains(&"max-unavailable"), "{others:?}");
}

#[test]
fn one_replica_that_may_be_missing_is_named() {
    let strategy = Strategy::RollingUpdate { max_unavailable: 1, max_surge: 0 };
    let settings = Workload { replicas: 1, strategy, ..workload() };
    let run = Run::of(&["shop"]).settings(0, settings.clone()).found("old-1");
    let run = run.settings(5_000, Workload { template: 2, ..settings }).ended("old-1", 5_050, 40, 0);
    let record = run.started("new-1", 5_100, 7_000).record(|_, ms| match ms {
        5_090..7_020 => failed(Class::Refused),
        _ => OK,
    });
    comes_first(&record, "max-unavailable");
}

#[test]
fn waits_for_a_dead_pod_are_no_warm_up() {
    let record = Run::of(&["shop"]).rollout(&workload()).record(|_, ms| match ms {
        7_105..7_600 if one_of_two(ms) => Answer::after(Class::Slow, 1_050_000 + ms % 7 * 1_000),
        _ => OK,
    });
    let others = comes_first(&record, "sandbox-gone");
    assert!(!others.contains(&"slow-warm-up"), "{others:?}");
}

#[test]
fn a_new_pod_that_gets_faster_warms_up() {
    let settings = Workload { replicas: 1, ..workload() };
    let run = Run::of(&["shop"]).settings(0, settings.clone()).found("old-1");
    let run = run.settings(5_000, Workload { template: 2, ..settings }).started("new-1", 5_100, 7_000);
    let record = run.ended("old-1", 11_000, 50, 0).record(|_, ms| match ms {
        7_010..8_510 if one_of_two(ms) => Answer::after(Class::Slow, 2_010_000 - (ms - 7_010) * 1_000),
        _ => OK,
    });
    comes_first(&record, "slow-warm-up");
}

#[test]
fn what_the_application_answers_is_no_load_balancers() {
    let mut record = Run::of(&["shop"]).rollout(&workload()).record(|_, ms| match ms {
        7_060..7_560 | 9_060..9_560 if one_of_two(ms) => failed(Class::Status(503)),
        _ => OK,
    });
    edit(&mut record, |failure| {
        failure.evidence.status = Some(503);
        failure.evidence.server = Some("shop/2".to_owned());
    });
    let path = ["deregistration-lag", "registration-lag", "stale-upstreams", "mesh-drain"];
    for case in explained(&record) {
        assert!(!case.iter().any(|name| path.contains(name)), "{case:?}");
    }
}

#[test]
fn a_stalled_control_plane_is_said_apart_from_the_sleep() {
    let run = Run::of(&["shop"]).settings(0, workload()).found("old-1").found("old-2");
    let run = run.settings(5_000, Workload { template: 2, ..workload() }).started("new-1", 5_100, 6_000);
    let run = run.pod(6_050, "old-1", EventKind::PodDeleting).exited("old-1", 6_100, 0);
    let run = run.pod(9_050, "old-1", EventKind::EndpointRemoved).pod(9_200, "old-1", EventKind::PodGone);
    let record = run.record(|lane, ms| match lane.policy {
        Policy::New if (6_100..9_250).contains(&ms) && one_of_two(ms) => failed(Class::Refused),
        _ => OK,
    });
    let hops = Explanation::of(&record).hops;
    let [lag] = hops.lags.as_slice() else { panic!("{hops:?}") };
    assert!(lag.lag >= Duration::from_millis(150) && lag.lag <= Duration::from_millis(200), "{hops:?}");
    assert_eq!(lag.sleep_seconds, 1);
    assert_eq!(hops.stalls.len(), 1);
    assert!(hops.stalls[0].starts_with("old-1 stayed in the endpoints for 3.00 s"), "{hops:?}");
}

#[test]
fn the_hop_that_lost_requests_is_named_whatever_the_order_of_the_targets() {
    let lost = |names: &[&str], losers: &'static [&'static str]| {
        let targets: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let record = Run::of(names).record(|lane, ms| {
            let name = targets[lane.target.0].as_str();
            if (6_000..6_500).contains(&ms) && losers.contains(&name) { failed(Class::Status(502)) } else { OK }
        });
        Explanation::of(&record).hops.lost
    };
    let says = |said: Vec<String>, what: &str| assert!(said.len() == 1 && said[0].starts_with(what), "{said:?}");
    says(
        lost(&["service", "ingress"], &["ingress"]),
        "requests were lost between ingress and service: ingress lost all",
    );
    says(lost(&["ingress", "service"], &["ingress", "service"]), "requests were lost at service or behind it");
    says(lost(&["pods", "service", "elb"], &["service"]), "requests were lost between service and pods");
    says(lost(&["a", "b"], &["a"]), "requests were lost between a and b");
    says(
        lost(&["ingress", "service"], &["service"]),
        "requests were lost at service or behind it, and ingress hid that",
    );
    assert_eq!(lost(&["shop"], &["shop"]), Vec::<String>::new());
}

#[test]
fn of_thousands_of_cases_the_costliest_are_explained() {
    let record = Sample::of(&["shop"]).phase(Phase::Event, 0).record(1_200_000, |_, ms| match ms % 3_000 {
        0 => failed(Class::Refused),
        1 if ms == 600_001 => failed(Class::Refused),
        _ => OK,
    });
    let explanation = Explanation::of(&record);
    assert_eq!((explanation.cases.len(), explanation.left_out), (100, 300));
    assert!(explanation.cases.iter().any(|case| case.failed == 2), "the costliest is among them");
}
