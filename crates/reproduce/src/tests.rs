//! Records made by hand, read into scenarios.

use std::time::Duration;

use lapse_lab::duration_range::DurationRange;
use lapse_lab::scenario::Scenario;
use lapse_lab::scenario::hop::HopSpec;
use lapse_lab::scenario::pod::{Afterwards, OnSigterm};
use lapse_lint::{Source, rollout};
use lapse_measure::answer::Class;
use lapse_measure::lane::Policy;
use lapse_measure::phase::Phase;
use lapse_measure::time::Offset;
use lapse_record::entry::Entry;
use lapse_record::event::detail::{ContainerExit, Detail};
use lapse_record::event::{Event, EventKind, Object, ObjectKind, Source as From};
use lapse_record::record::Record;
use lapse_record::sample::{self, Answer, Sample};

use crate::agreement::{Agreement, Table};
use crate::draft::Draft;
use crate::prediction::{self, Measured, Typed};
use crate::run::{Beside, Choice, Error, HopKind, reproduce};

fn drafted(record: &Record, beside: &Beside<'_>) -> Result<Draft, Error> {
    reproduce(record, &Choice::of(record, None, None)?, beside)
}

/// An event about a pod.
fn pod(ms: u64, kind: EventKind, name: &str) -> Event {
    Event::new(Offset::from_millis(ms), From::Kubernetes, kind, "").to(Object::new(ObjectKind::Pod, name))
}

fn exit(ms: u64, name: &str, code: i32) -> Event {
    let exit = ContainerExit { code: Some(code), ..ContainerExit::default() };
    pod(ms, EventKind::ContainerExited, name).with(Detail::Exit(exit))
}

/// Two pods, of which the first is replaced at 2 s and the second at 4 s. Of the new connections every second one fails
/// for 400 ms and for 600 ms: refused for 200 ms, then without an answer.
fn upgrade(code: i32) -> Record {
    let mut events = Vec::new();
    for (at, old, new) in [(2_000, "a", "x"), (4_000, "b", "y")] {
        events.extend([pod(0, EventKind::PodFound, old), pod(0, EventKind::EndpointFound, old)]);
        events.extend([pod(at - 1_000, EventKind::PodCreated, new), pod(at - 10, EventKind::PodReady, new)]);
        events.extend([pod(at - 10, EventKind::EndpointAdded, new), pod(at, EventKind::PodDeleting, old)]);
        events.extend([pod(at, EventKind::EndpointRemoved, old), exit(at + 50, old, code)]);
        events.push(pod(at + 300, EventKind::PodGone, old));
    }
    events.sort_by_key(|event| event.at);
    let sample = Sample::of(&["shop"]).phase(Phase::Baseline, 0).phase(Phase::Event, 1_000);
    let sample = events.into_iter().fold(sample, |sample, event| {
        let ms = event.at.as_nanos() / 1_000_000;
        sample.beside(ms, Entry::Event(event))
    });
    sample.record(8_000, |lane, ms| {
        let since = |from: u64, length: u64| (from..from + length).contains(&ms).then(|| ms - from);
        let dead = since(2_000, 400).or_else(|| since(4_000, 600));
        match dead {
            Some(after) if lane.policy == Policy::New && (ms / 2).is_multiple_of(2) => {
                let class = if after < 200 { Class::Refused } else { Class::ConnectTimeout };
                Answer::after(class, 200)
            }
            Some(0..12) if lane.policy == Policy::Reused => Answer::after(Class::Closed, 200),
            _ => Answer::after(Class::Ok, 20_000),
        }
    })
}

#[test]
fn the_lags_are_counted_from_what_was_lost_and_the_ends_from_how() {
    let draft = drafted(&upgrade(143), &Beside::default()).unwrap();
    let HopSpec::Service(service) = draft.scenario.hops()[0] else { panic!("{:?}", draft.scenario.hops()) };
    let ms = |range: Duration| range.as_millis();
    assert!(ms(service.lag.low()).abs_diff(400) < 10 && ms(service.lag.high()).abs_diff(600) < 10, "{:?}", service.lag);
    let old = draft.scenario.pod("old").unwrap();
    assert_eq!((old.on_sigterm, old.afterwards, draft.scenario.replicas()), (OnSigterm::Exit, Afterwards::Swallows, 2));
    assert!(ms(old.teardown.high()).abs_diff(200) < 10, "{:?}", old.teardown);
    assert!(old.pre_stop.is_nothing(), "{:?}", old.pre_stop);
    assert!(ms(old.boot.high()).abs_diff(930) < 10, "ready 990 ms after their creation: {:?}", old.boot);
    assert!(ms(old.work.high()).abs_diff(20) < 2, "{:?}", old.work);
    let text = draft.to_yaml().unwrap();
    assert!(text.contains("with 1 of 2 listed pods gone"), "{text}");
    assert_eq!(Scenario::parse(&text).unwrap(), draft.scenario);
}

#[test]
fn a_code_of_zero_is_a_program_that_finishes_unless_it_cut_all_that_was_under_way() {
    let of = |code| drafted(&upgrade(code), &Beside::default()).unwrap().scenario.pod("old").unwrap().on_sigterm;
    assert_eq!([of(0), of(137)], [OnSigterm::Exit, OnSigterm::Ignore], "12 ms of requests were cut on each pod");
}

#[test]
fn a_run_held_against_itself_agrees_and_against_a_healthy_one_differs() {
    let record = upgrade(143);
    let choice = Choice::of(&record, None, None).unwrap();
    let table = Table::of(&record, &choice, &[upgrade(143)]);
    assert_eq!(table.worst(), Agreement::Agrees, "{table:?}");
    let table = Table::of(&record, &choice, &[sample::healthy()]);
    let differing = table.differing();
    for name in ["lost, new", "lost, reused", "downtime", "classes, new"] {
        assert!(differing.iter().any(|one| one == name), "{name}: {differing:?}");
    }
}

/// Records of every kind, hostile ones too: a scenario that is read back, or an error in words.
#[test]
fn whatever_is_recorded_gives_a_scenario_or_says_why_not() {
    let records = [
        sample::healthy(),
        sample::worked_example(),
        sample::upgrade(),
        sample::nasty(),
        sample::replaced(),
        sample::empty(),
        sample::killed(),
        sample::scenario(),
        sample::scrappy(),
        sample::flicker(),
        sample::hostile(),
    ];
    let mut drafts = 0;
    for record in &records {
        for hop in [None, Some(HopKind::Service), Some(HopKind::Ingress), Some(HopKind::Elb)] {
            match drafted(record, &Beside { hop, ..Beside::default() }) {
                Ok(draft) => {
                    drafts += 1;
                    let text = draft.to_yaml().unwrap();
                    assert_eq!(Scenario::parse(&text).unwrap(), draft.scenario, "{text}");
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
    assert!(drafts > 20, "{drafts}");
}

#[test]
fn what_is_not_in_the_run_is_named_with_what_is() {
    let record = upgrade(143);
    let error = |target, act| Choice::of(&record, target, act).unwrap_err().to_string();
    assert_eq!(error(Some("shp"), None), "the run has no target \"shp\": its targets are shop");
    assert_eq!(error(None, Some("x")), "the run has no act \"x\": it has none");
    let healthy = drafted(&sample::healthy(), &Beside::default()).unwrap_err();
    assert!(healthy.to_string().contains("--manifests"), "{healthy}");
}

#[test]
fn manifests_say_what_the_record_does_not() {
    let text = "
kind: Deployment
apiVersion: apps/v1
metadata: {name: shop}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: shop}}
    spec:
      terminationGracePeriodSeconds: 7
      containers: [{name: web, ports: [{containerPort: 80}], lifecycle: {preStop: {sleep: {seconds: 2}}}}]
";
    let read = rollout::rollouts(&[Source { name: "-", text: text.as_bytes() }]);
    let draft = drafted(&sample::healthy(), &Beside { manifests: read.all.first(), ..Beside::default() }).unwrap();
    let pod = draft.scenario.pod("old").unwrap();
    assert_eq!((draft.scenario.replicas(), pod.grace.high()), (3, Duration::from_secs(7)));
    assert_eq!(pod.pre_stop.high(), Duration::from_secs(2));
    assert!(draft.comments.get("replicas").unwrap().contains("Deployment shop"), "{:?}", draft.comments);
}

fn rollout_of(spec: &str, container: &str) -> rollout::Rollout {
    let text = format!(
        "{{kind: Deployment, apiVersion: apps/v1, metadata: {{name: shop}}, spec: {{{spec}, template: {{metadata: {{labels: {{app: \
         shop}}}}, spec: {{containers: [{{name: web, ports: [{{containerPort: 80}}]{container}}}]}}}}}}}}"
    );
    let read = rollout::rollouts(&[Source { name: "-", text: text.as_bytes() }]);
    read.all.into_iter().next().unwrap_or_else(|| panic!("{text}: {:?}", read.said))
}

#[test]
fn what_only_takes_time_is_predicted_shorter_and_what_loses_requests_is_not() {
    let hook =
        ", lifecycle: {preStop: {sleep: {seconds: 120}}}, livenessProbe: {tcpSocket: {port: 80}, periodSeconds: 1}";
    let large = rollout_of("replicas: 100, minReadySeconds: 90", hook);
    let draft = prediction::predict(&large, None, &Typed::default(), None).unwrap();
    let pod = draft.scenario.pod("old").unwrap();
    let seconds = |range: DurationRange| range.high().as_secs_f64();
    assert!(seconds(pod.pre_stop) <= 4.0 && seconds(pod.grace) <= 4.0, "both outlast a lag of 1.2 s: {pod:?}");
    assert!(seconds(pod.boot) <= 15.0 / 4.0, "{pod:?}");
    assert_eq!(pod.liveness, None, "a probe that gives pods the time to start changes nothing");
    let why = draft.comments.get("pods.old.preStop").unwrap();
    assert!(why.contains("the manifest of Deployment shop") && why.contains("outlast the lag"), "{why}");
    let slow = Typed { ready: Some("8s".parse().unwrap()), lag: Some("100ms".parse().unwrap()), ..Typed::default() };
    let killed = prediction::predict(&rollout_of("replicas: 1", hook), None, &slow, None).unwrap();
    assert!(killed.scenario.pod("old").unwrap().liveness.is_some(), "it kills pods that take 8 s to start");
    let text = killed.to_yaml().unwrap();
    assert_eq!(Scenario::parse(&text).unwrap(), killed.scenario, "{text}");
}

#[test]
fn a_prediction_takes_over_what_an_earlier_run_measured() {
    let record = upgrade(143);
    let measured = Measured::of(&record, &Choice::of(&record, None, None).unwrap());
    let shop = rollout_of("replicas: 2", "");
    let draft = prediction::predict(&shop, None, &Typed::default(), Some(&measured)).unwrap();
    let run = drafted(&record, &Beside::default()).unwrap();
    assert_eq!(draft.scenario.hops(), run.scenario.hops());
    let [old, measured] = [&draft, &run].map(|draft| draft.scenario.pod("old").unwrap());
    assert_eq!((old.on_sigterm, old.boot, old.work), (measured.on_sigterm, measured.boot, measured.work));
    let why = draft.comments.get("pods.old.onSigterm").unwrap();
    assert!(why.starts_with("measured in the earlier run: "), "{why}");
}

#[test]
fn a_record_without_pods_says_what_it_assumes() {
    let text = drafted(&sample::worked_example(), &Beside::default()).unwrap().to_yaml().unwrap();
    assert!(text.contains("# The record has no pods") && text.contains("# assumed: "), "{text}");
}
