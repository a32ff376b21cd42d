//! Following a rollout, against an API server that replays recorded responses: older API versions, and broken watches.

use std::collections::BTreeMap;

use super::cli::{ALLOW_UNSEEN, healthy};
use super::support::api::{Api, Variant};
use super::support::lapse::{Ended, Lapse};

/// Runs lapse while the recorded upgrade is replayed by `api`.
fn follow(api: &Api) -> Ended {
    let server = healthy();
    let flags = [ALLOW_UNSEEN, "--rate", "100/s", "--baseline", "300ms", "--settle", "300ms", "--settle-limit", "20s"];
    let lapse = Lapse::run([server.url()]).and(flags).and(["--release", "recorded", "--kubeconfig"]);
    lapse.and([api.kubeconfig()]).and(["--"]).and(api.upgrade()).end()
}

/// The number of cluster events by kind and object; the two pods are renamed to `old` and `new`.
fn event_counts(ended: &Ended) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for event in ended.report().events.iter().filter(|event| event.source == "kubernetes") {
        let object = event.object.clone().unwrap_or_default();
        let object = object.replace("-65d6f79c94-n4dfn", " old").replace("-7f97fff9b9-6gvdq", " new");
        *counts.entry((event.kind.clone(), object)).or_insert(0) += 1;
    }
    counts
}

/// The kinds of event and their objects in an upgrade of one pod; each occurs once.
const UPGRADE: [(&str, &str); 13] = [
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
    ("workload-found", "deployment/recorded"),
];

/// Follows the upgrade through `variant` and checks that every event is reported once.
fn assert_followed(variant: Variant) -> (Api, Ended) {
    let api = Api::start(variant);
    let ended = follow(&api);
    let mut counts = event_counts(&ended);
    // Kubernetes Events do not matter here, and only v1 slices report that a removed endpoint has stopped serving.
    let ignored = ["noted", "warned", "watching", "endpoint-changed"];
    counts.retain(|(kind, _), _| !ignored.contains(&kind.as_str()));
    // A gap in the watch is marked at both ends.
    let gap = [("watch-lost", ""), ("watch-resumed", "")];
    let all = UPGRADE.into_iter().chain(gap.into_iter().filter(|_| variant == Variant::ExpiredVersion));
    let all = all.map(|(kind, object)| ((kind.to_owned(), object.to_owned()), 1));
    assert_eq!(counts, all.collect::<BTreeMap<_, _>>(), "{variant:?}\n{}", ended.stderr);
    let report = ended.report();
    let gone = report.events.iter().filter(|event| event.kind == "pod-gone").map(|event| event.at_ns);
    assert!(
        gone.max().is_some_and(|gone| report.run.phases[1].to_ns >= gone),
        "the event lasts until the old pod is gone"
    );
    assert_eq!(ended.code(), Some(0), "{variant:?}\n{}\n{}", ended.stdout, ended.stderr);
    (api, ended)
}

#[test]
fn an_upgrade_is_followed_with_current_api_versions() {
    assert_followed(Variant::Current);
}

#[test]
fn endpoint_slices_of_v1beta1_are_read() {
    let (api, _) = assert_followed(Variant::BetaSlices);
    assert!(
        api.requested_paths()
            .iter()
            .any(|path| path.contains("discovery.k8s.io/v1beta1/namespaces/default/endpointslices"))
    );
}

#[test]
fn endpoints_are_read_if_there_are_no_slices_and_other_kinds_may_be_missing() {
    let (api, ended) = assert_followed(Variant::EndpointsOnly);
    assert!(api.requested_paths().iter().any(|path| path.starts_with("api/v1/namespaces/default/endpoints?")));
    assert!(!ended.stderr.contains("lapse:"), "{}", ended.stderr);
}

#[test]
fn after_an_expired_resource_version_no_event_is_missing_or_reported_twice() {
    let (api, _) = assert_followed(Variant::ExpiredVersion);
    let lists =
        api.requested_paths().iter().filter(|path| path.contains("/pods?") && !path.contains("watch=true")).count();
    // One list at the start, one after the version expired, and one to check at the end.
    assert!(lists >= 3, "{lists} lists of pods");
}

#[test]
fn a_watch_that_keeps_ending_resumes_where_it_ended() {
    assert_followed(Variant::ShortWatches);
}

#[test]
fn a_missing_permission_is_reported_once_with_the_rbac_rule() {
    let ended = follow(&Api::start(Variant::PodsForbidden));
    let rule = r#"{apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"]}"#;
    assert_eq!(ended.stderr.matches(rule).count(), 1, "{}", ended.stderr);
    let counts = event_counts(&ended);
    assert!(counts.contains_key(&("rollout-started".to_owned(), "deployment/recorded".to_owned())), "{counts:?}");
    assert!(!counts.keys().any(|(kind, _)| kind.starts_with("pod-")), "{counts:?}");
    assert_eq!(ended.code(), Some(0), "{}", ended.stdout);
}

#[test]
fn service_and_pod_targets_are_found_in_either_order() {
    let server = healthy();
    let (ip, port) = (server.address().ip(), server.address().port());
    let (service, pods) = (format!("svc/recorded:{port}"), format!("pods:{port}"));
    for order in [[&service, &pods], [&pods, &service]] {
        let api = Api::start_with(Variant::Current, ip);
        let targets = order.iter().flat_map(|target| ["--target", target.as_str()]);
        let lapse =
            Lapse::run(targets).and([ALLOW_UNSEEN, "--rate", "50/s", "--baseline", "300ms", "--settle", "300ms"]);
        let lapse = lapse.and(["--release", "recorded", "--kubeconfig"]).and([api.kubeconfig()]);
        let ended = lapse.and(["--"]).and(api.upgrade()).end();
        let report = ended.report();
        let totals_of =
            |name: &str| report.targets.iter().find(|target| target.name == name).map(|target| &target.totals);
        for name in ["recorded", "pods"] {
            let totals = totals_of(name).expect("the report has the target");
            assert!(totals.resolved > 0 && totals.failed == 0, "{order:?}: {name}\n{}", ended.stdout);
        }
    }
}
