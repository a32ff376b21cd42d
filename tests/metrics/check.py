"""Holds what Prometheus and an OpenTelemetry collector have of a run against its report.json."""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

BOUNDED = {
    "equivalent_downtime": ("equivalent",),
    "longest_disruption": ("disruptions", "longest"),
    "longest_outage": ("longest",),
    "down": ("down",),
    "impaired": ("impaired",),
    "slow": ("slow",),
}
BOUNDS = {"lower": "at_least_ns", "estimate": "estimate_ns", "upper": "at_most_ns"}


def expected(report):
    """The samples that report.json stands for: (name, labels) with their values."""
    run = report["run"]["name"]
    samples = {}

    def add(name, value, **labels):
        samples[name, frozenset({"run": run, **labels}.items())] = value

    for target in report["targets"]:
        for name, path in BOUNDED.items():
            figure = target["totals"]
            for key in path:
                figure = figure[key]
            for bound, key in BOUNDS.items():
                if figure[key] is not None:
                    add(f"lapse.{name}", figure[key] / 1e9, target=target["name"], bound=bound)
        add("lapse.blind", target["totals"]["blind_ns"] / 1e9, target=target["name"])
        for lane in target["lanes"]:
            of_lane = {"target": target["name"], "lane": lane["name"]}
            for label, count in lane["classes"].items():
                add("lapse.probes", count, **of_lane, **{"class": label})
            add("lapse.outages", len(lane["outages"]), **of_lane)
            add("lapse.disruptions", len(lane["disruptions"]), **of_lane)
    for verdict in ["pass", "fail", "inconclusive", "command-failed", "interrupted"]:
        add("lapse.verdict", int(verdict == report["verdict"]["result"]), verdict=verdict)
    add("lapse.exit_code", report["verdict"]["exit_code"], result=report["verdict"]["result"])
    return samples


def resolved(report):
    return sum(lane["resolved"] for target in report["targets"] for lane in target["lanes"])


def compare(actual, report, who):
    wanted = expected(report)
    for key, value in wanted.items():
        assert key in actual, f"{who} has no {key}"
        assert abs(actual[key] - value) < 1e-9, f"{who} has {key} {actual[key]}, and not {value}"
    print(f"{who}: {len(wanted)} samples are those of report.json")


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def wait_until(what, is_so):
    for _ in range(600):
        try:
            if is_so():
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"tests/metrics: {what} within a minute")


def answers(port):
    try:
        get(f"http://127.0.0.1:{port}/")
    except urllib.error.HTTPError:
        pass
    return True


def fetch(port, path):
    """Keeps what is exposed while requests fail."""

    def failing():
        text = get(f"http://127.0.0.1:{port}/metrics")
        Path(path).write_text(text)
        return "error_type" in text

    wait_until("no request failed", failing)


def check_prometheus(port, report):
    def query(text):
        answer = get(f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': text})}")
        return json.loads(answer)["data"]["result"]

    def query_at(text, ago):
        parameters = urllib.parse.urlencode({"query": text, "time": time.time() - ago})
        return json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?{parameters}"))["data"]["result"]

    units = {"probes": "_total", "outages": "", "disruptions": "", "verdict": "", "exit_code": ""}
    actual = {}
    for name in {name for name, _ in expected(report)}:
        exposed = name.replace(".", "_") + units.get(name.removeprefix("lapse."), "_seconds")
        # A run that is over is stale; what counts is its last sample.
        for sample in query(f"last_over_time({exposed}[10m])"):
            labels = {key: value for key, value in sample["metric"].items() if key not in ("job", "instance", "__name__")}
            actual[name, frozenset(labels.items())] = float(sample["value"][1])
    compare(actual, report, "Prometheus")
    answered = query("sum(last_over_time(http_client_request_duration_seconds_count[10m]))")
    assert float(answered[0]["value"][1]) == resolved(report), answered
    grown = query("count_over_time(lapse_probes_total{class='ok',lane='new'}[10m])")
    assert float(grown[0]["value"][1]) > 5, "Prometheus has scraped it while it went on"
    dashboard = json.loads((Path(__file__).parents[2] / "dashboards" / "lapse.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    variables = {"$__rate_interval": "5s", "$__range": "10m", "$run": ".*", "$trial": ".*", "$target": ".*"}
    for text in queries + [one["expr"] for one in dashboard["annotations"]["list"] if "expr" in one]:
        for variable, value in variables.items():
            text = text.replace(variable, value)
        # A run that is over is stale, so what the dashboard shows of its course is asked for as of a while ago.
        found = query(text) or any(query_at(text, ago) for ago in range(1, 30))
        assert found, f"the dashboard finds nothing by {text}"
    print(f"the dashboard: {len(queries)} queries find something")


def attributes(one):
    return {each["key"]: next(iter(each["value"].values())) for each in one.get("attributes", [])}


def check_collector(path, report):
    actual, answered, spans, exports = {}, 0, [], 0
    for line in Path(path).read_text().splitlines():
        received = json.loads(line)
        for resource in received.get("resourceMetrics", []) + received.get("resourceSpans", []):
            of = attributes(resource["resource"])
            assert (of["service.name"], of["team"]) == ("wine-store", "wine cellar"), of
            assert of["service.instance.id"] == "run", of
        for resource in received.get("resourceSpans", []):
            spans += resource["scopeSpans"][0]["spans"]
        for resource in received.get("resourceMetrics", []):
            exports += 1
            answered = 0
            for metric in resource["scopeMetrics"][0]["metrics"]:
                [data] = [metric[kind] for kind in ("sum", "gauge", "histogram") if kind in metric]
                assert "aggregationTemporality" not in data or data["aggregationTemporality"] == 2, metric
                for point in data.get("dataPoints", []):
                    if "bucketCounts" in point:
                        answered += int(point["count"]) if metric["name"].startswith("http.") else 0
                        assert sum(map(int, point["bucketCounts"])) == int(point["count"]), point
                        continue
                    value = float(point.get("asDouble", point.get("asInt", 0)))
                    actual[metric["name"], frozenset(attributes(point).items())] = value
    compare(actual, report, "the collector")
    assert answered == resolved(report), answered
    assert exports > 2, "the collector has received metrics while the run went on"
    [root] = [span for span in spans if span["name"] == "lapse run"]
    length = int(root["endTimeUnixNano"]) - int(root["startTimeUnixNano"])
    assert length == report["run"]["length_ns"], length
    found = [span for span in spans if span["name"] == "disruption" and span["parentSpanId"] == root["spanId"]]
    wanted = [one for target in report["targets"] for one in target["disruptions"]]
    assert len(found) == len(wanted) > 0, (len(found), len(wanted))
    for span, one in zip(found, wanted):
        assert int(attributes(span)["lapse.failed"]) == one["failed"], (span, one)
        length = int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])
        assert length == one["length"]["estimate_ns"], (span, one)
    names = {event["name"] for span in found for event in span.get("events", [])}
    assert "pod-deleting" in names, names
    print(f"the collector: {len(spans)} spans, of them {len(found)} disruptions, with {', '.join(sorted(names))}")


match sys.argv[1:]:
    case ["await", *ports]:
        for port in ports:
            wait_until(f"nothing answers at port {port}", lambda port=port: answers(port))
    case ["fetch", port, path]:
        fetch(port, path)
    case ["prometheus", port, report]:
        check_prometheus(port, json.loads(Path(report).read_text()))
    case ["collector", path, report]:
        check_collector(path, json.loads(Path(report).read_text()))
    case other:
        sys.exit(f"tests/metrics: what is {other}?")
