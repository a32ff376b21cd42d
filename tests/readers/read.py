"""Checks the reports of one run against its report.json, and further JUnit reports against their schema."""

import json
import sys
from pathlib import Path

import duckdb
import pandas
from junitparser import JUnitXml
from lxml import etree
from prometheus_client.openmetrics.parser import text_string_to_metric_families

folder = Path(sys.argv[1])
report = json.loads((folder / "json").read_text())
target = report["targets"][0]

schemas = sorted(folder.glob("schema/*/tests/vendor/jenkins/xunit-plugin/*/junit-10.xsd"))
assert schemas, "the package no longer contains the schema"
for path in [folder / "junit", *sys.argv[2:]]:
    for schema in schemas:
        etree.XMLSchema(etree.parse(schema)).assertValid(etree.parse(path))

suites = JUnitXml.fromfile(str(folder / "junit"))
cases = [case for suite in suites for case in suite]
faults = [case for case in cases if case.result]
assert cases and suites.tests == len(cases), (suites.tests, len(cases))
assert bool(faults) == (report["verdict"]["exit_code"] != 0), (faults, report["verdict"])

families = {family.name: family for family in text_string_to_metric_families((folder / "openmetrics").read_text())}
samples = {sample.labels["bound"]: sample.value for sample in families["lapse_equivalent_downtime_seconds"].samples}
truth = target["totals"]["equivalent"]
for bound, key in [("estimate", "estimate_ns"), ("lower", "at_least_ns"), ("upper", "at_most_ns")]:
    assert abs(samples[bound] - truth[key] / 1e9) < 1e-9, (bound, samples, truth)
probes = sum(sample.value for sample in families["lapse_probes"].samples)
assert probes == sum(lane["offered"] for lane in target["lanes"]), probes


def table(name):
    if name.startswith("parquet"):
        return f"read_parquet('{folder / name}')"
    return f"read_csv('{folder / name}', header = true)"


kept = report["failures"]["kept"]
for form in ("csv", "parquet"):
    failed, due = duckdb.sql(f"select sum(failed), sum(due) from {table(form)}").fetchone()
    truth = (target["totals"]["failed"], sum(lane["offered"] for lane in target["lanes"]))
    assert (failed, due) == truth, (form, failed, due)
    slowest = f"select count(*), max(done_ns - sent_ns) from {table(f'{form}-failures')}"
    rows, longest = duckdb.sql(slowest).fetchone()
    assert rows == len(kept) and longest == max(one["done_ns"] - one["sent_ns"] for one in kept), (form, rows, longest)
    named = f"select count(distinct object) from {table(f'{form}-events')} where object like 'pod/%'"
    pods = duckdb.sql(named).fetchone()[0]
    objects = {event["object"] for event in report["events"]}
    assert pods == len({name for name in objects if (name or "").startswith("pod/")}), (form, pods)

frame = pandas.read_parquet(folder / "parquet-failures")
began = pandas.Timestamp(report["run"]["started_at"])
offsets = (frame["time"] - began).dt.total_seconds()
assert str(frame["time"].dtype) == "datetime64[ns, UTC]", frame.dtypes
assert ((offsets - frame["sent_ns"] / 1e9).abs() < 0.001).all(), offsets
assert list(frame["sent_ns"]) == [one["sent_ns"] for one in kept]
assert frame["status"].isna().tolist() == [one["status"] is None for one in kept]
print(f"JUnit: {len(sys.argv) - 1} reports are valid by Jenkins' schema; junitparser: {len(cases)} cases; prometheus_client: {len(families)} families; duckdb: {due} slots, {rows} failures;")
print(f"pandas: {len(frame)} failures, {frame['class'].nunique()} classes")
