//! What lapse names as the cause where a real cluster lost requests: causes that the other tests do not have, and traps.

use std::env;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::release::{Release, run};

/// The words of a shell's command line as the command of a run.
fn shell(line: &str) -> Vec<String> {
    ["sh", "-c", line].map(str::to_owned).to_vec()
}

#[test]
fn a_pod_without_a_readiness_probe_is_ready_too_early() {
    let Some(wine) =
        Release::install("early", "readiness.enabled=false,pod.boot=4s,preStop.kind=sleep,preStop.seconds=2")
    else {
        return;
    };
    let report = wine.hammer(&[], &wine.upgrade("release=2", &[]));
    assert_eq!(report.first_cause(0), "ready-too-early", "{}", report.explanation());
}

#[test]
fn a_release_that_does_not_work_is_no_endpoint_race() {
    let Some(wine) = Release::install("broken", "preStop.kind=sleep,preStop.seconds=3,pod.onSigterm=drain") else {
        return;
    };
    let report = wine.hammer(&[], &wine.upgrade("release=2,pod.errors=50%", &[]));
    assert_eq!(report.first_cause(0), "bad-release", "{}", report.explanation());
}

#[test]
fn pods_that_are_deleted_at_once_are_no_rollout() {
    let Some(wine) = Release::install("deleted", "") else { return };
    let command = shell("kubectl delete pod -l app.kubernetes.io/instance=deleted --wait=false");
    let report = wine.hammer(&["--release", "deleted"], &command);
    assert_eq!(report.first_cause(0), "all-pods-deleted", "{}", report.explanation());
}

#[test]
fn a_container_that_crashes_in_place_is_no_rollout() {
    let Some(wine) = Release::install("crash", "replicas=1") else { return };
    // PID 1 of a container ignores SIGKILL from within; SIGTERM makes the process exit, and the kubelet restarts it.
    let line = "kubectl exec deployment/crash -- busybox kill -TERM 1; sleep 6";
    let report = wine.hammer(&["--release", "crash", "--allow-noop"], &shell(line));
    assert_eq!(report.first_cause(0), "container-crashed", "{}", report.explanation());
}

#[test]
fn a_target_port_that_changes_is_refused_while_endpoints_remain() {
    let Some(wine) = Release::install("port", "") else { return };
    let patch = r#"[{"op":"replace","path":"/spec/ports/0/targetPort","value":8089}]"#;
    let back = r#"[{"op":"replace","path":"/spec/ports/0/targetPort","value":8080}]"#;
    let line = format!(
        "kubectl patch service port --type json -p '{patch}'; sleep 3; kubectl patch service port --type json -p '{back}'"
    );
    let report = wine.hammer(&["--release", "port", "--allow-noop"], &shell(&line));
    assert_eq!(report.first_cause(0), "target-port-change", "{}", report.explanation());
}

#[test]
fn replicas_that_a_release_resets_are_told_from_a_rollout() {
    let Some(wine) = Release::install("reset", "replicas=4") else { return };
    let report = wine.hammer(&[], &wine.upgrade("replicas=1", &[]));
    assert_eq!(report.first_cause(0), "replicas-reset", "{}", report.explanation());
}

#[test]
fn a_service_that_is_made_anew_loses_everything() {
    let Some(wine) = Release::install("anew", "") else { return };
    let line = "kubectl get service anew -o yaml | grep -v 'resourceVersion\\|uid\\|clusterIP' | grep -v '^  - 10\\.' \
                > /tmp/lapse-anew.yaml; kubectl delete service anew; sleep 2; kubectl create -f /tmp/lapse-anew.yaml";
    let report = wine.hammer(&["--release", "anew", "--allow-noop"], &shell(line));
    assert_eq!(report.first_cause(0), "service-recreated", "{}", report.explanation());
}

#[test]
fn a_pre_stop_hook_that_fails_is_told_from_one_that_is_missing() {
    let Some(wine) = Release::install("hook", "preStop.kind=exec,preStop.seconds=6") else { return };
    let hook = r#"[{"op":"replace","path":"/spec/template/spec/containers/0/lifecycle/preStop/exec/command/0","value":"slumber"}]"#;
    let patched = run(Command::new("kubectl").args(["patch", "deployment", "hook", "--type", "json", "-p", hook]));
    assert!(patched.status.success(), "{}", String::from_utf8_lossy(&patched.stderr));
    let rolled = run(Command::new("kubectl").args(["rollout", "status", "deployment/hook", "--timeout", "120s"]));
    assert!(rolled.status.success(), "{}", String::from_utf8_lossy(&rolled.stderr));
    thread::sleep(Duration::from_secs(8));
    let report = wine.hammer(&[], &wine.upgrade("release=2", &[]));
    assert_eq!(report.first_cause(0), "pre-stop-failed", "{}", report.explanation());
}

#[test]
fn a_liveness_probe_that_kills_starters_is_named_before_the_strategy() {
    let values = "replicas=1,strategy.maxUnavailable=1,strategy.maxSurge=0";
    let Some(wine) = Release::install("killer", values) else { return };
    let command = wine.upgrade("release=2,pod.boot=60s,liveness.enabled=true,liveness.failureThreshold=2", &[]);
    let report = wine.hammer(&["--settle-limit", "12s"], &command);
    assert_eq!(report.first_cause(0), "liveness-kills", "{}", report.explanation());
}

#[test]
fn a_port_forward_that_ends_is_the_path_and_not_the_service() {
    let Some(wine) = Release::install("tunnel", "preStop.kind=sleep,preStop.seconds=4,pod.onSigterm=drain") else {
        return;
    };
    let mut forward = Command::new("kubectl");
    forward.args(["port-forward", "service/tunnel", "18089:80"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut forward = forward.spawn().unwrap();
    let pid = forward.id();
    thread::sleep(Duration::from_secs(2));
    let targets = ["--target", "forward=http://127.0.0.1:18089/", "--target", &format!("service={}", wine.url())];
    let line = format!("kill {pid}; sleep 1; kubectl get pods >/dev/null");
    // A port-forward passes through kubectl, the API server and the kubelet: at 1000/s these starve the pods' probes.
    let flags = ["--release", "tunnel", "--allow-noop", "--rate", "100/s"];
    let report = wine.hammer_at(&targets, &flags, &shell(&line));
    let _ = forward.wait();
    assert_eq!(report.failed(1), 0, "{}", report.summary());
    assert_eq!(report.first_cause(0), "local-path-ended", "{}", report.explanation());
}

#[test]
fn a_kubelet_that_is_restarted_rolled_nothing() {
    let (Some(up), Some(state)) = (env::var_os("LAPSE_CLUSTER_UP"), env::var_os("LAPSE_CLUSTER_RUN")) else {
        eprintln!("SKIPPED: kubelet: nothing says how to kill and start the kubelet");
        return;
    };
    let Some(wine) = Release::install("kubelet", "") else { return };
    let pid = std::path::Path::new(&state).join("kubelet.pid");
    let line = format!("kill -9 $(cat {}); sleep 62", pid.display());
    // The script that brings the cluster up starts whatever is not running; started within the command, lapse would end
    // the kubelet with it. A node is not ready once it was not heard of for 40 s.
    let restart = thread::spawn(move || {
        thread::sleep(Duration::from_secs(55));
        let started = run(&mut Command::new(&up));
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    });
    let report = wine.hammer(&["--release", "kubelet", "--allow-noop"], &shell(&line));
    restart.join().unwrap();
    let ready = ["wait", "--for=condition=Ready", "node", "--all", "--timeout=120s"];
    assert!(run(Command::new("kubectl").args(ready)).status.success(), "the node is ready again");
    assert_eq!(report.first_cause(0), "node-not-ready", "{}", report.explanation());
}
