//! What a cluster tells, by the answers that a real one once gave: to clusters of other ages, and to watches that break.

use std::collections::BTreeMap;

use super::cli::{BLIND, healthy};
use super::support::api::{Api, Mood};
use super::support::lapse::{Ended, Lapse};

/// Follows the recorded upgrade in a cluster of this mood.
fn follow(api: &Api) -> Ended {
    let server = healthy();
    let flags = [BLIND, "--rate", "100/s", "--baseline", "300ms", "--settle", "300ms", "--settle-limit", "20s"];
    let lapse = Lapse::run([server.url()]).and(flags).and(["--release", "recorded", "--kubeconfig"]);
    lapse.and([api.kubeconfig()]).and(["--"]).and(api.upgrade()).end()
}

/// How often each thing happened, by what it was and to whom: pods by their place in the upgrade.
fn told(ended: &Ended) -> BTreeMap<(String, String), usize> {
    let mut told = BTreeMap::new();
    for event in ended.report().events.iter().filter(|event| event.source == "kubernetes") {
        let object = event.object.clone().unwrap_or_default();
        let object = object.replace("-65d6f79c94-n4dfn", " old").replace("-7f97fff9b9-6gvdq", " new");
        *told.entry((event.kind.clone(), object)).or_insert(0) += 1;
    }
    told
}

/// All that an upgrade of one pod consists of, each once.
const UPGRADE: [(&str, &str); 12] = [
    ("container-exited", "pod/recorded old"),
    ("endpoint-added", "pod/recorded new"),
    ("endpoint-found", "pod/recorded old"),
    ("endpoint-removed", "pod/recorded old"),
    ("pod-created", "pod/recorded new"),
    ("pod-deleting", "pod/recorded old"),
    ("pod-found", "pod/recorded old"),
    ("pod-gone", "pod/recorded old"),
    ("pod-ready", "pod/recorded new"),
    ("pod-unready", "pod/recorded old"),
    ("rollout-complete", "deployment/recorded"),
    ("rollout-started", "deployment/recorded"),
];

fn is_followed(mood: Mood) -> (Api, Ended) {
    let api = Api::start(mood);
    let ended = follow(&api);
    let mut told = told(&ended);
    // Remarks are beside the point here, and only slices of today tell that an endpoint that had left no longer serves.
    let beside = ["noted", "warned", "watching", "endpoint-changed"];
    told.retain(|(kind, _), _| !beside.contains(&kind.as_str()));
    // A gap is marked, on both sides.
    let gap = [("watch-lost", ""), ("watch-resumed", "")];
    let all = UPGRADE.into_iter().chain(gap.into_iter().filter(|_| mood == Mood::Gone));
    let all = all.map(|(kind, object)| ((kind.to_owned(), object.to_owned()), 1));
    assert_eq!(told, all.collect::<BTreeMap<_, _>>(), "{mood:?}\n{}", ended.stderr);
    let report = ended.report();
    let gone = report.events.iter().filter(|event| event.kind == "pod-gone").map(|event| event.at_ns);
    assert!(
        gone.max().is_some_and(|gone| report.run.phases[1].to_ns >= gone),
        "the event lasts until the old pod is gone"
    );
    assert_eq!(ended.code(), Some(0), "{mood:?}\n{}\n{}", ended.stdout, ended.stderr);
    (api, ended)
}

#[test]
fn an_upgrade_is_followed_in_a_cluster_of_today() {
    is_followed(Mood::Today);
}

#[test]
fn endpoint_slices_are_read_in_their_first_form() {
    let (api, _) = is_followed(Mood::Slices);
    assert!(api.asked().iter().any(|path| path.contains("discovery.k8s.io/v1beta1/namespaces/default/endpointslices")));
}

#[test]
fn endpoints_are_read_where_there_are_no_slices_and_kinds_may_be_missing() {
    let (api, ended) = is_followed(Mood::Endpoints);
    assert!(api.asked().iter().any(|path| path.starts_with("api/v1/namespaces/default/endpoints?")));
    assert!(!ended.stderr.contains("lapse:"), "{}", ended.stderr);
}

#[test]
fn a_version_that_is_gone_is_caught_up_with_and_nothing_is_told_twice() {
    let (api, _) = is_followed(Mood::Gone);
    let lists = api.asked().iter().filter(|path| path.contains("/pods?") && !path.contains("watch=true")).count();
    // At the beginning, after the version was gone, and to make sure at the end.
    assert!(lists >= 3, "{lists} lists of pods");
}

#[test]
fn a_watch_that_ends_again_and_again_goes_on_where_it_was() {
    is_followed(Mood::Closing);
}

#[test]
fn what_may_not_be_seen_is_said_once_with_the_rule_that_would_allow_it() {
    let ended = follow(&Api::start(Mood::Forbidding));
    let rule = r#"{apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"]}"#;
    assert_eq!(ended.stderr.matches(rule).count(), 1, "{}", ended.stderr);
    let told = told(&ended);
    assert!(told.contains_key(&("rollout-started".to_owned(), "deployment/recorded".to_owned())), "{told:?}");
    assert!(!told.keys().any(|(kind, _)| kind.starts_with("pod-")), "{told:?}");
    assert_eq!(ended.code(), Some(0), "{}", ended.stdout);
}

#[test]
fn a_service_and_its_pods_are_found_in_whatever_order_they_are_named() {
    let server = healthy();
    let (ip, port) = (server.address().ip(), server.address().port());
    let (service, pods) = (format!("svc/recorded:{port}"), format!("pods:{port}"));
    for order in [[&service, &pods], [&pods, &service]] {
        let api = Api::start_with(Mood::Today, ip);
        let targets = order.iter().flat_map(|target| ["--target", target.as_str()]);
        let lapse = Lapse::run(targets).and([BLIND, "--rate", "50/s", "--baseline", "300ms", "--settle", "300ms"]);
        let lapse = lapse.and(["--release", "recorded", "--kubeconfig"]).and([api.kubeconfig()]);
        let ended = lapse.and(["--"]).and(api.upgrade()).end();
        let report = ended.report();
        let seen = |name: &str| report.targets.iter().find(|target| target.name == name).map(|target| &target.totals);
        for name in ["recorded", "pods"] {
            let totals = seen(name).expect("it is a target");
            assert!(totals.resolved > 0 && totals.failed == 0, "{order:?}: {name}\n{}", ended.stdout);
        }
    }
}
