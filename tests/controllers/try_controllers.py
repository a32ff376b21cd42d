"""Rolls pods with the real controllers of Argo Rollouts and Flagger, with `lapse serve` as their gate.

Runs inside the network namespace of the throw-away cluster, with KUBECONFIG set. The manifests are those of docs/SERVE.md, so
that what is documented is what is tried.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import urllib.request
from pathlib import Path

ROOT, ARGO_VERSION, ARGO, ARGO_MODULE, FLAGGER_VERSION, FLAGGER, FLAGGER_MODULE = sys.argv[1:8]
ONLY = sys.argv[8:]
LAPSE = f"{ROOT}/target/debug/lapse"
IMAGE = "lapse-pod:controllers"
TOKEN = "0123456789abcdef0123456789abcdef"
# The name that the manifests have: each controller resolves it to the address of a gate of its own.
GATE, ADDRESSES = "lapse.lapse.svc", {"argo": "127.86.0.1", "flagger": "127.86.0.2"}
ROLLOUTS, CANARIES = "lapse-rollouts", "lapse-canaries"
# Generous: a rollout takes less than two minutes on an idle machine.
PATIENCE = 420

folder = Path(tempfile.mkdtemp(prefix="lapse-controllers-"))
processes = []


def kubectl(*words, stdin=None, check=True):
    ended = subprocess.run(["kubectl", *words], input=stdin, capture_output=True, text=True)
    if check and ended.returncode != 0:
        raise AssertionError(f"kubectl {' '.join(words)}: {ended.stderr.strip()}")
    return ended.stdout


def get(namespace, kind, name=None):
    return json.loads(kubectl("-n", namespace, "get", kind, *([name] if name else []), "-o", "json"))


def until(what, ask, patience=PATIENCE):
    """The first answer that is not false; the last one says how far it came."""
    deadline, said = time.monotonic() + patience, []
    while time.monotonic() < deadline:
        answer = ask(said)
        if answer:
            return answer
        time.sleep(0.5)
    raise AssertionError(f"{what} did not happen within {patience} s: {said[-1] if said else 'no answer'}")


def start(name, *words, gate=None):
    log = open(folder / f"{name}.log", "w")
    if gate:
        hosts = folder / f"{name}-hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{ADDRESSES[gate]} {GATE}\n")
        # In a mount namespace of its own, so that no other process sees the name.
        words = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, *words)
    process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    processes.append((name, process))
    return process


def document(section):
    """The YAML blocks of a section of docs/SERVE.md."""
    text = Path(ROOT, "docs/SERVE.md").read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"```yaml\n(.*?)```", text, re.S)


def fill(text, **values):
    """Replaces what a reader of the documentation has to replace; each of it has to be there."""
    for old, new in values.values():
        assert old in text, f"docs/SERVE.md has no {old!r} any more:\n{text}"
        text = text.replace(old, new)
    return text


def pods(version, ill=False):
    """A pod template: an ill one is ready and answers 503."""
    env = {"POD_RELEASE": version, "POD_ON_SIGTERM": "drain"} | ({"POD_INIT": "never"} if ill else {})
    return {
        "metadata": {"labels": {"app": "shop"}},
        "spec": {
            "containers": [
                {
                    "name": "shop",
                    "image": IMAGE,
                    "imagePullPolicy": "IfNotPresent",
                    "args": ["pod"],
                    "ports": [{"name": "http", "containerPort": 8080}],
                    "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
                    # Flagger 1.36 drops `sleep` of Kubernetes 1.29, and with it makes a primary that is refused.
                    "lifecycle": {"preStop": {"exec": {"command": ["sleep", "3"]}}},
                    "env": [{"name": name, "value": value} for name, value in env.items()],
                }
            ]
        },
    }


def events(namespace, about):
    """The messages of the Events about objects of a kind."""
    found = get(namespace, "events")["items"]
    return [one["message"] for one in found if one["involvedObject"]["kind"] == about]


def asked(path):
    """What the gate of Flagger answers."""
    url = f"http://{ADDRESSES['flagger']}:8080{path}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def measurements(plan):
    """The measurements by a plan, the newest first."""
    return [one for one in asked("/v1/measurements")["measurements"] if one["plan"] == plan]


def say(text):
    print(text, flush=True)


# Argo Rollouts


def rollout(version, plan="shop", duration="10s", ill=False):
    """A Rollout whose step is that of the documentation."""
    strategy = fill(
        document("Argo Rollouts")[1], plan=("value: shop}", f"value: {plan}}}"), duration=("60s", duration)
    )
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\nspec:\n"
        f"  replicas: 2\n  selector: {{matchLabels: {{app: shop}}}}\n  template: {json.dumps(pods(version, ill))}\n"
        + textwrap.indent(strategy, "  ")
    )


def has_phase(phase, revision):
    def ask(said):
        now = get(ROLLOUTS, "rollout", "shop")
        status = now.get("status", {})
        said.append(f"{status.get('phase')}: {status.get('message')}")
        observed = status.get("observedGeneration") == str(now["metadata"]["generation"])
        of_this = now["metadata"].get("annotations", {}).get("rollout.argoproj.io/revision") == str(revision)
        return observed and of_this and status.get("phase") == phase and now

    return ask


def analysis(revision):
    def is_of_it(run):
        return run["metadata"]["annotations"]["rollout.argoproj.io/revision"] == str(revision)

    runs = [run for run in get(ROLLOUTS, "analysisruns")["items"] if is_of_it(run)]
    assert len(runs) == 1, f"one analysis of revision {revision}: {len(runs)}"
    return runs[0]["status"]


def measured(revision):
    """The phase of the analysis, and the value and the message of its only measurement."""
    status = analysis(revision)
    one = status["metricResults"][0]["measurements"][0]
    return status["phase"], one.get("value"), one.get("message")


def argo():
    kubeconfig = os.environ["KUBECONFIG"]
    ports = ("--metricsPort", "18090", "--healthzPort", "18091")
    scope = ("--kubeconfig", kubeconfig, "--namespaced", "-n", ROLLOUTS, "--leader-elect=false")
    start("argo-rollouts", ARGO, *scope, *ports, gate="argo")
    kubectl("-n", ROLLOUTS, "create", "secret", "generic", "lapse", f"--from-literal=token={TOKEN}")
    kubectl("-n", ROLLOUTS, "apply", "-f", "-", stdin=document("Argo Rollouts")[0])
    kubectl("-n", ROLLOUTS, "apply", "-f", "-", stdin=service("shop"))
    kubectl("-n", ROLLOUTS, "apply", "-f", "-", stdin=rollout("1"))
    url = address(ROLLOUTS, "shop")
    # No prober can see so short an outage.
    serve("argo", {"shop": plan(url), "unsure": plan(url, outage="1us")})
    until("the first revision", has_phase("Healthy", 1))
    argo_tries(url)


def argo_tries(url):
    """Four rollouts; `lapse run` follows the first two from beside."""
    say("argo: a healthy version")
    run, code = beside("healthy", url, rollout("2", duration="60s"), "--settle-limit", "5m")
    assert code == 0, f"lapse run of a healthy rollout: {code}\n{run['verdict']}"
    now = until("the healthy revision", has_phase("Healthy", 2))
    assert now["status"]["stableRS"] == now["status"]["currentPodHash"]
    assert measured(2) == ("Successful", '"pass"', None), measured(2)
    told = [event for event in run["events"] if event.get("object") == "rollout/shop"]
    kinds = [event["kind"] for event in told]
    assert kinds.index("workload-found") < kinds.index("rollout-started") < kinds.index("rollout-complete"), kinds
    steps = " ".join(event["text"] for event in told)
    assert "Rollout step 2/2 completed" in steps, steps
    created = [event for event in run["events"] if event["kind"] == "pod-created"]
    assert len(created) == 2, f"one canary, then one more: {created}"

    say("argo: a version that answers 503")
    run, code = beside("ill", url, rollout("3", ill=True), "--settle-limit", "60s")
    now = until("the rollout of an ill version to be aborted", has_phase("Degraded", 3))
    assert "RolloutAborted" in now["status"]["message"], now["status"]["message"]
    assert measured(3)[:2] == ("Failed", '"fail"'), measured(3)
    assert code == 1, f"lapse run of an aborted rollout: {code}\n{run['verdict']}"
    stuck = [event["text"] for event in run["events"] if event["kind"] == "rollout-stuck"]
    assert stuck and stuck[0].startswith("rollout shop has given up: RolloutAborted"), stuck

    say("argo: a measurement that supports no verdict")
    kubectl("-n", ROLLOUTS, "apply", "-f", "-", stdin=rollout("4", plan="unsure"))
    now = until("the rollout to pause", has_phase("Paused", 4))
    assert measured(4)[:2] == ("Inconclusive", '"inconclusive"'), measured(4)
    assert [one["reason"] for one in now["status"]["pauseConditions"]] == ["InconclusiveAnalysisRun"], now["status"]

    say("argo: a plan that there is not")
    kubectl("-n", ROLLOUTS, "apply", "-f", "-", stdin=rollout("5", plan="shpo"))
    until("an error of the metric", lambda said: "404" in (measured_or_none(5, said) or ""))
    log = (folder / "serve-argo.log").read_text()
    assert "refused with 404: there is no plan `shpo`" in log, log


def measured_or_none(revision, said):
    try:
        said.append(measured(revision)[2])
    except (AssertionError, KeyError, IndexError) as error:
        said.append(None if isinstance(error, (KeyError, IndexError)) else str(error))
        return None
    return said[-1]


def beside(name, url, manifest, *flags):
    """`lapse run` around the command that starts a rollout: its report, and its exit code."""
    path = folder / f"{name}.yaml"
    path.write_text(manifest)
    out = folder / f"run-{name}"
    words = [LAPSE, "run", url, "--quiet", "--rate", "100/s", "--max-outage", "3s", "--out", str(out), *flags]
    ended = subprocess.run(
        [*words, "--workload", "rollout/shop", "-n", ROLLOUTS, "--", "kubectl", "-n", ROLLOUTS, "apply", "-f", str(path)],
        capture_output=True,
        text=True,
    )
    report = out / "report.json"
    assert report.exists(), f"lapse run {name}: {ended.returncode}: {ended.stdout}{ended.stderr}"
    return json.loads(report.read_text()), ended.returncode


# Flagger


def deployment(version, ill=False):
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "shop"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "shop"}}, "template": pods(version, ill)},
        }
    )


def canary():
    """A blue/green Canary whose webhooks are all those of the documentation."""
    first, second = document("Flagger")[:2]
    webhooks = fill(first + second, token=('"..."', f'"{TOKEN}"'))
    return (
        "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: shop}\nspec:\n"
        "  provider: kubernetes\n  targetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}\n"
        "  service: {port: 80, targetPort: 8080}\n  analysis:\n    interval: 10s\n    threshold: 1\n    iterations: 2\n"
        + textwrap.indent(webhooks, "    ")
    )


def has_canary_phase(phase):
    def ask(said):
        status = get(CANARIES, "canary", "shop").get("status", {})
        said.append(f"{status.get('phase')}; {'; '.join(events(CANARIES, 'Canary')[-3:])}")
        return status.get("phase") == phase and status

    return ask


def flagger():
    kubeconfig = os.environ["KUBECONFIG"]
    scope = ("-kubeconfig", kubeconfig, "-namespace", CANARIES, "-mesh-provider", "kubernetes")
    start("flagger", FLAGGER, *scope, "-metrics-server", "http://127.0.0.1:1", "-port", "18092", gate="flagger")
    kubectl("-n", CANARIES, "apply", "-f", "-", stdin=deployment("1"))
    kubectl("-n", CANARIES, "apply", "-f", "-", stdin=canary())
    until("the canary to be initialized", has_canary_phase("Initialized"))
    documented = fill(
        document("Flagger")[2],
        url=("http://shop-canary.shop.svc/", address(CANARIES, "shop-canary")),
        budget=("300ms", "3s"),
        measure=("baseline: 0s", "baseline: 0s, rate: 100/s, settleLimit: 20s"),
    )
    serve("flagger", {"shop": plan(address(CANARIES, "shop")), "shop-canary": documented})
    flagger_tries()


def flagger_tries():
    """A healthy version, and one that answers 503."""
    say("flagger: a healthy version")
    kubectl("-n", CANARIES, "apply", "-f", "-", stdin=deployment("2"))
    until("the promotion to begin", has_canary_phase("Progressing"))
    until("the promotion", has_canary_phase("Succeeded"))
    until("the post-rollout hook", lambda said: not running(said))
    [live], [canary] = measurements("shop"), measurements("shop-canary")
    assert (live["verdict"], canary["verdict"]) == ("pass", "pass"), (live, canary)
    # Kubernetes combines Events of one object after the tenth; Flagger's log has all.
    log = (folder / "flagger.log").read_text()
    for wanted in ("Pre-rollout check begin", "Confirm-promotion check verdict-canary", "Post-rollout check verdict"):
        assert f"{wanted} passed" in log, f"{wanted} did not pass"
    report = asked(f"/v1/measurements/{live['id']}/report.json")
    told = [event for event in report["events"] if event["kind"] == "told"]
    texts = " ".join(event["text"] for event in told)
    for wanted in ("canary iteration 1/2", "canary iteration 2/2", "Copying shop.", "template spec to shop-primary."):
        assert wanted in texts, texts
    assert all(event.get("told_unix_ns") for event in told), told

    say("flagger: a version that answers 503")
    kubectl("-n", CANARIES, "apply", "-f", "-", stdin=deployment("3", ill=True))
    until("the rollback", has_canary_phase("Failed"))
    until("the post-rollout hook", lambda said: not running(said))
    live, canary = measurements("shop")[0], measurements("shop-canary")[0]
    assert canary["verdict"] == "fail" and live["verdict"] == "pass", (live, canary)
    shown = [one for one in events(CANARIES, "Canary") if "external check downtime-canary failed" in one]
    assert shown and "failed running: exceeded so far: " in shown[0], events(CANARIES, "Canary")
    say(f"  {shown[0].splitlines()[0]}")


def running(said):
    ids = [f"{one['plan']}: {one['sentence']}" for plan in ("shop", "shop-canary") for one in measurements(plan) if one["verdict"] == "running"]
    said.append(ids)
    return ids


# Both


def service(name):
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
        }
    )


def address(namespace, name):
    return f"http://{get(namespace, 'service', name)['spec']['clusterIP']}/"


def serve(gate, plans):
    """Starts `lapse serve` with these plans."""
    (folder / "token").write_text(TOKEN)
    words = [LAPSE, "serve", "--listen", f"{ADDRESSES[gate]}:8080", "--out", str(folder / gate), "--token-file", "token"]
    for name, plan in plans.items():
        (folder / f"{gate}-{name}.yaml").write_text(plan)
        words += ["--plan", f"{name}={gate}-{name}.yaml"]
    start(f"serve-{gate}", *words)
    until("lapse serve", lambda said: "listening" in (folder / f"serve-{gate}.log").read_text(), 60)


def plan(url, outage="3s"):
    return f"targets: {{shop: '{url}'}}\nmeasure: {{rate: 100/s}}\nbudgets: {{maxOutage: {outage}}}\n"


def main():
    # So that what was started and made is ended and deleted then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    definitions = [*sorted(Path(ARGO_MODULE, "manifests/crds").glob("*-crd.yaml")), Path(FLAGGER_MODULE, "artifacts/flagger/crd.yaml")]
    known = kubectl("get", "crd", "-o", "name")
    made = [path for path in definitions if re.search(r"^  name: (\S+\.(?:argoproj\.io|flagger\.app))$", path.read_text(), re.M).group(1) not in known]
    try:
        for path in definitions:
            kubectl("apply", "--server-side", "--force-conflicts", "-f", str(path))
        for namespace in (ROLLOUTS, CANARIES):
            kubectl("delete", "namespace", namespace, "--ignore-not-found")
            kubectl("create", "namespace", namespace)
        tries = {"argo": argo, "flagger": flagger}
        together({name: tries[name] for name in tries if not ONLY or name in ONLY})
        say(f"tests/controllers: Argo Rollouts {ARGO_VERSION} and Flagger {FLAGGER_VERSION} were gated as docs/SERVE.md says")
    except BaseException:
        for name, _ in processes:
            log = (folder / f"{name}.log").read_text().splitlines()
            say(f"--- {name}, the last lines of its log:\n" + "\n".join(log[-25:]))
        raise
    finally:
        for _, process in processes:
            process.send_signal(signal.SIGTERM)
        for _, process in processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        clean(made)


def together(tries):
    """Both controllers at once; the first failure is that of all."""
    failed = []

    def attempt(name, one):
        try:
            one()
        except BaseException as error:
            failed.append((name, error))

    threads = [threading.Thread(target=attempt, args=item, daemon=True) for item in tries.items()]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and not failed:
        time.sleep(0.2)
    for name, error in failed:
        raise AssertionError(f"{name}: {error}") from error


def clean(made):
    """Deletes what was made, but definitions that were there before."""
    # Without their controllers nothing takes the finalizers off.
    for namespace in (ROLLOUTS, CANARIES):
        kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false", check=False)
    for path in made:
        kubectl("delete", "--ignore-not-found", "--wait=false", "-f", str(path), check=False)
    if "KEEP" not in os.environ:
        subprocess.run(["rm", "-rf", str(folder)])


main()
