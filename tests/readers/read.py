"""Reads the reports of one run, and holds them against its report.json."""

import json
import sys
from pathlib import Path

import duckdb
from junitparser import JUnitXml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

folder = Path(sys.argv[1])
report = json.loads((folder / "json").read_text())
target = report["targets"][0]

suites = JUnitXml.fromfile(str(folder / "junit"))
cases = [case for suite in suites for case in suite]
faults = [case for case in cases if case.result]
assert cases and suites.tests == len(cases), (suites.tests, len(cases))
assert bool(faults) == (report["verdict"]["exit_code"] != 0), (faults, report["verdict"])

families = {family.name: family for family in text_string_to_metric_families((folder / "openmetrics").read_text())}
samples = {sample.labels["bound"]: sample.value for sample in families["lapse_equivalent_downtime_seconds"].samples}
truth = target["totals"]["equivalent"]
for bound in ("estimate", "at_least", "at_most"):
    assert abs(samples[bound] - truth[f"{bound}_ns"] / 1e9) < 1e-9, (bound, samples, truth)
probes = sum(sample.value for sample in families["lapse_probes"].samples)
assert probes == sum(lane["offered"] for lane in target["lanes"]), probes


def table(name):
    return f"read_csv('{folder / name}', header = true)"


failed, due = duckdb.sql(f"select sum(failed), sum(due) from {table('csv')}").fetchone()
assert (failed, due) == (target["totals"]["failed"], sum(lane["offered"] for lane in target["lanes"])), (failed, due)
rows, longest = duckdb.sql(f"select count(*), max(done_ns - sent_ns) from {table('csv-failures')}").fetchone()
kept = report["failures"]["kept"]
assert rows == len(kept) and longest == max(one["done_ns"] - one["sent_ns"] for one in kept), (rows, longest)
pods = duckdb.sql(f"select count(distinct object) from {table('csv-events')} where object like 'pod/%'").fetchone()[0]
assert pods == len({event["object"] for event in report["events"] if (event["object"] or "").startswith("pod/")}), pods
print(f"junitparser: {len(cases)} cases; prometheus_client: {len(families)} families; duckdb: {due} slots, {rows} failures")
