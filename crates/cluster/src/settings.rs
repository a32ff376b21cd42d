//! The settings of a workload on which it depends what a rollout costs, read from its spec.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::Value;

use super::kind::Kind;
use lapse_record::event::detail::{Container, PreStop, Strategy, Workload};

/// Kubernetes' `terminationGracePeriodSeconds` where none is given.
const GRACE: Duration = Duration::from_secs(30);

/// Reads the settings of a workload of this kind, of which `wanted` pods are wanted. Fields that are absent, or of
/// another shape, have the API server's defaults.
pub(super) fn read(kind: Kind, value: &Value, wanted: u64) -> Workload {
    let pod = value.pointer("/spec/template/spec").unwrap_or(&Value::Null);
    let listed = |key: &str| pod.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // An init container that is always restarted is a sidecar: it runs as long as the pod does.
    let sidecars = listed("initContainers").iter().filter(|container| text(container, "/restartPolicy") == "Always");
    let template = value.pointer("/spec/template").unwrap_or(&Value::Null);
    Workload {
        replicas: wanted,
        strategy: strategy(kind, value, wanted),
        min_ready: seconds(value, "/spec/minReadySeconds").unwrap_or_default(),
        grace: seconds(pod, "/terminationGracePeriodSeconds").unwrap_or(GRACE),
        containers: listed("containers").iter().chain(sidecars).map(container).collect(),
        template: fingerprint(template),
    }
}

fn strategy(kind: Kind, value: &Value, wanted: u64) -> Strategy {
    if kind == Kind::Rollout {
        return argo_strategy(value, wanted);
    }
    let (spec, surge) = match kind {
        Kind::Deployment => ("/spec/strategy", "25%"),
        Kind::DaemonSet => ("/spec/updateStrategy", "0"),
        _ => ("/spec/updateStrategy", ""),
    };
    let spec = value.pointer(spec).unwrap_or(&Value::Null);
    match text(spec, "/type") {
        "Recreate" => return Strategy::Recreate,
        "OnDelete" => return Strategy::OnDelete,
        _ => {}
    }
    if kind == Kind::StatefulSet {
        return Strategy::RollingUpdate { max_unavailable: 1, max_surge: 0 };
    }
    let given = if kind == Kind::Deployment { Value::from("25%") } else { Value::from(1) };
    rolling(spec.pointer("/rollingUpdate").unwrap_or(&Value::Null), wanted, (given, Value::from(surge)))
}

/// The strategy of Argo's Rollouts: a canary has the limits of a Deployment, in a place of their own.
fn argo_strategy(value: &Value, wanted: u64) -> Strategy {
    let strategy = value.pointer("/spec/strategy").unwrap_or(&Value::Null);
    if strategy.get("blueGreen").is_some_and(Value::is_object) {
        return Strategy::BlueGreen;
    }
    let share = || Value::from("25%");
    rolling(strategy.get("canary").unwrap_or(&Value::Null), wanted, (share(), share()))
}

/// A rolling update with the limits `maxUnavailable` and `maxSurge` of `limits`, or these where it has none.
fn rolling(limits: &Value, wanted: u64, (unavailable, surge): (Value, Value)) -> Strategy {
    let limit = |name: &str| limits.get(name).cloned();
    // The controller rounds a share of surging pods up and one of missing pods down, and lets one be missing where
    // both would be none (`ResolveFenceposts` in kubernetes/pkg/controller/deployment/util).
    let max_surge = pods(&limit("maxSurge").unwrap_or(surge), wanted, true);
    let max_unavailable = pods(&limit("maxUnavailable").unwrap_or(unavailable), wanted, false);
    Strategy::RollingUpdate {
        max_unavailable: if max_surge + max_unavailable == 0 { 1 } else { max_unavailable },
        max_surge,
    }
}

/// A number of pods, absolute or as a percentage of those wanted.
fn pods(limit: &Value, wanted: u64, up: bool) -> u64 {
    if let Some(number) = limit.as_u64() {
        return number;
    }
    let Some(text) = limit.as_str() else { return 0 };
    match text.strip_suffix('%').and_then(|percent| percent.parse::<u64>().ok()) {
        Some(percent) if up => percent.saturating_mul(wanted).div_ceil(100),
        Some(percent) => percent.saturating_mul(wanted) / 100,
        None => text.parse().unwrap_or(0),
    }
}

fn container(value: &Value) -> Container {
    let has = |probe: &str| value.get(probe).is_some_and(Value::is_object);
    Container {
        name: text(value, "/name").to_owned(),
        pre_stop: value.pointer("/lifecycle/preStop").map_or(PreStop::None, pre_stop),
        readiness: has("readinessProbe"),
        liveness: has("livenessProbe"),
        startup: has("startupProbe"),
    }
}

fn pre_stop(hook: &Value) -> PreStop {
    if let Some(length) = seconds(hook, "/sleep/seconds") {
        return PreStop::Sleep(length);
    }
    let command = hook.pointer("/exec/command").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let words = command.iter().filter_map(Value::as_str).flat_map(str::split_whitespace);
    let mut words = words.map(|word| word.trim_end_matches(';'));
    // `sleep 10`, as words or within a shell's command line: the last word before the number names the program.
    while let Some(word) = words.next() {
        if word == "sleep" || word.ends_with("/sleep") {
            let length = words.next().and_then(|word| word.trim_end_matches('s').parse::<u64>().ok());
            return length.map_or(PreStop::Other, |length| PreStop::Command(Duration::from_secs(length)));
        }
    }
    PreStop::Other
}

fn seconds(value: &Value, pointer: &str) -> Option<Duration> {
    value.pointer(pointer)?.as_u64().map(Duration::from_secs)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Equal for equal templates: `serde_json` keeps the fields of an object in the order of their names.
fn fingerprint(template: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    template.to_string().hash(&mut hasher);
    hasher.finish()
}

/// The settings in a few words, for an event's text.
pub(super) fn in_words(settings: &Workload) -> String {
    let strategy = match settings.strategy {
        Strategy::RollingUpdate { max_unavailable, max_surge } => {
            format!("rolling (max unavailable {max_unavailable}, max surge {max_surge})")
        }
        Strategy::Recreate => "recreate".to_owned(),
        Strategy::BlueGreen => "blue-green".to_owned(),
        Strategy::OnDelete => "on delete".to_owned(),
    };
    let hook = match settings.pre_stop().as_secs() {
        0 if settings.containers.iter().any(|one| one.pre_stop == PreStop::Other) => "a preStop hook".to_owned(),
        0 => "no preStop hook".to_owned(),
        length => format!("preStop {length} s"),
    };
    let probe =
        if settings.containers.iter().any(|one| one.readiness) { "readiness probe" } else { "no readiness probe" };
    let grace = settings.grace.as_secs();
    format!("{} replicas, {strategy}, {hook}, grace {grace} s, {probe}", settings.replicas)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_spec_leaves_out_has_the_defaults_of_the_api_server() {
        let spec = json!({"spec": {"template": {"spec": {"containers": [{"name": "wine"}]}}}});
        let two = read(Kind::Deployment, &spec, 2);
        assert_eq!(two.strategy, Strategy::RollingUpdate { max_unavailable: 0, max_surge: 1 });
        assert_eq!((two.min_ready, two.grace, two.pre_stop()), (Duration::ZERO, GRACE, Duration::ZERO));
        let daemons = read(Kind::DaemonSet, &spec, 3);
        assert_eq!(daemons.strategy, Strategy::RollingUpdate { max_unavailable: 1, max_surge: 0 });
        assert_eq!(
            in_words(&two),
            "2 replicas, rolling (max unavailable 0, max surge 1), no preStop hook, grace 30 s, no readiness probe"
        );
    }

    #[test]
    fn shares_of_pods_are_rounded_as_the_controller_does() {
        let strategy = |unavailable: &str, surge: &str, wanted| {
            let update = json!({"maxUnavailable": unavailable, "maxSurge": surge});
            strategy(Kind::Deployment, &json!({"spec": {"strategy": {"rollingUpdate": update}}}), wanted)
        };
        let rolling = |max_unavailable, max_surge| Strategy::RollingUpdate { max_unavailable, max_surge };
        assert_eq!(strategy("25%", "25%", 5), rolling(1, 2));
        assert_eq!(strategy("1%", "0%", 2), rolling(1, 0), "if both are none, one may be missing");
        assert_eq!(strategy("odd", "", 2), rolling(1, 0));
    }

    #[test]
    fn a_rollout_of_argo_has_its_limits_beside_the_steps_of_its_canary() {
        let of = |strategy: Value| read(Kind::Rollout, &json!({"spec": {"strategy": strategy}}), 4).strategy;
        let steps = json!([{"setWeight": 50}]);
        let rolling = |max_unavailable, max_surge| Strategy::RollingUpdate { max_unavailable, max_surge };
        assert_eq!(of(json!({"canary": {"steps": steps}})), rolling(1, 1));
        assert_eq!(of(json!({"canary": {"maxSurge": 2, "maxUnavailable": 0}})), rolling(0, 2));
        assert_eq!(of(json!({"blueGreen": {"activeService": "shop"}})), Strategy::BlueGreen);
    }

    #[test]
    fn the_length_of_a_pre_stop_hook_is_read_where_it_can_be() {
        let of = |hook: &Value| pre_stop(hook);
        let shell = |line: &str| of(&json!({"exec": {"command": ["/bin/sh", "-c", line]}}));
        let ten = Duration::from_secs(10);
        assert_eq!(of(&json!({"sleep": {"seconds": 10}})), PreStop::Sleep(ten));
        assert_eq!(of(&json!({"exec": {"command": ["/bin/sleep", "10"]}})), PreStop::Command(ten));
        assert_eq!(shell("sleep 10; nginx -s quit"), PreStop::Command(ten));
        assert_eq!(shell("sleep 10s"), PreStop::Command(ten));
        assert_eq!(shell("sleep $DELAY"), PreStop::Other);
        assert_eq!(of(&json!({"httpGet": {"path": "/drain"}})), PreStop::Other);
    }

    #[test]
    fn templates_are_told_apart_by_their_fingerprint() {
        let template = |image: &str| json!({"spec": {"containers": [{"name": "wine", "image": image}]}});
        assert_eq!(fingerprint(&template("a")), fingerprint(&template("a")));
        assert_ne!(fingerprint(&template("a")), fingerprint(&template("b")));
    }
}
