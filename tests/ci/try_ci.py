"""The steps of action.yml, the GitLab component and the Jenkins pipeline, executed as their runners do.

try_ci.py LAPSE FOLDER: with the binary to test, and an empty folder to work in.
"""

import hashlib, http.server, os, pathlib, re, shutil, subprocess, sys, tarfile, threading, time, unittest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAPSE, FOLDER = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
SUMMARY_LIMIT, ANNOTATION_LIMIT = 1 << 20, 10
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


PLAN = """\
targets: {{shop: "{url}"}}
measure: {{rate: 200/s, lanes: [reused], duration: 4s}}
budgets: {{resolution: 2s}}
profiles:
  lenient: {{budgets: {{maxFailed: 100%}}}}
"""


class Shop(http.server.BaseHTTPRequestHandler):
    """A service that is down again and again for 10 of 40 ms, from 1.2 s after its first request."""

    protocol_version = "HTTP/1.1"
    outages = 0
    began = None

    def do_GET(self):
        down = False
        if self.outages:
            type(self).began = type(self).began or time.monotonic()
            since = time.monotonic() - type(self).began - 1.2
            down = 0 <= since < self.outages * 0.04 and since % 0.04 < 0.01
        self.send_response(503 if down else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Files(http.server.SimpleHTTPRequestHandler):
    """A folder of releases."""

    def __init__(self, *args):
        super().__init__(*args, directory=FOLDER / "releases")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        """Clients of a prober's kind reset connections: no news."""

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def shop(outages=0):
    handler = type("AShop", (Shop,), {"outages": outages})
    return Server(("127.0.0.1", 0), handler)


class Job:
    """A job of GitHub Actions: a folder, the files that a runner names, and what its steps printed."""

    def __init__(self, name):
        self.folder = FOLDER / name
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "work space").mkdir(parents=True)
        self.outputs, self.printed, self.kept = {}, "", None

    def write(self, file, text):
        """Writes a file of the repository that the job has checked out."""
        path = self.folder / "work space" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def use(self, **inputs):
        """Executes the steps of the action with these inputs, and returns the exit code of the job."""
        known = {name: each.get("default", "") for name, each in ACTION["inputs"].items()}
        self.inputs = known | {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(self.inputs) == set(known), "an input that the action does not have"
        failed = 0
        path = os.environ["PATH"]
        for step in ACTION["runs"]["steps"]:
            always = "always()" in step.get("if", "")
            if failed and not always:
                continue
            if "uses" in step:
                self.kept = self.value(step["with"]["path"]) if self.inputs["artifact"] and self.outputs.get("folder") else None
                continue
            output, paths = self.folder / "output", self.folder / "path"
            for file in (output, paths):
                file.write_text("")
            named = {key: self.value(text) for key, text in step["env"].items()}
            runner = {
                "GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": output, "GITHUB_PATH": paths, "GITHUB_ACTION_PATH": ROOT,
                "GITHUB_STEP_SUMMARY": self.folder / "summary", "RUNNER_TEMP": self.folder, "PATH": path, "HOME": self.folder,
            }
            script = self.folder / "script"
            script.write_text(step["run"])
            ended = subprocess.run(["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script], text=True, timeout=120,
                                   env={key: str(value) for key, value in (runner | named).items()},
                                   cwd=self.folder / "work space", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.printed += ended.stdout
            failed = failed or ended.returncode
            path = ":".join([*reversed(paths.read_text().split("\n")[:-1]), path])
            if "id" in step:
                self.outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return failed

    def value(self, text):
        """What an expression of a step comes to. Whatever else a runner knows is refused."""
        def known(match):
            word = match[1].strip()
            if word.startswith("inputs."):
                return self.inputs[word.removeprefix("inputs.")]
            return {"github.action_repository": "owner/lapse", "steps.measure.outputs.folder": self.outputs.get("folder", "")}[word]
        return re.sub(r"\$\{\{(.*?)\}\}", known, text)

    def annotations(self):
        return re.findall(r"^::(?:error|warning|notice)\b", self.printed, re.MULTILINE)

    def summary(self):
        return (self.folder / "summary").read_text() if (self.folder / "summary").exists() else ""


class Action(unittest.TestCase):
    def test_expressions_stand_in_env_and_nowhere_in_a_script(self):
        for step in ACTION["runs"]["steps"]:
            self.assertNotIn("${{", step.get("run", ""))

    def test_a_healthy_run_passes_with_outputs_a_summary_and_the_run_kept(self):
        job = Job("healthy")
        with shop() as url:
            code = job.use(lapse=str(LAPSE), url=url, command="sleep 0.5", flags="--rate=100/s\n\n--baseline=500ms\r\n--settle=500ms\n--resolution=2s")
        self.assertEqual((code, job.outputs["verdict"], job.outputs["exit-code"]), (0, "pass", "0"), job.printed)
        self.assertEqual(float(job.outputs["downtime"]), 0)
        self.assertTrue(pathlib.Path(job.outputs["report"]).is_file())
        self.assertEqual(job.kept, job.outputs["folder"])
        self.assertIn("pass", job.summary().lower())
        self.assertTrue(set(map(outputs_of, ACTION["outputs"].values())) <= set(job.outputs), job.outputs)

    def test_two_hundred_outages_stay_within_the_limits_of_github(self):
        job = Job("outages")
        with shop(outages=200) as url:
            code = job.use(lapse=str(LAPSE), url=f"a={url}\nb={url}", duration="10s", max_outage="1ms", max_failed="1%",
                           flags="--rate=400/s\n--gate=10ms")
        self.assertEqual((code, job.outputs["verdict"]), (1, "fail"), job.printed)
        self.assertTrue(0 < len(job.annotations()) <= ANNOTATION_LIMIT, job.annotations())
        self.assertTrue(0 < len(job.summary().encode()) < SUMMARY_LIMIT)
        lower, downtime, upper = (float(job.outputs[name]) for name in ("downtime-at-least", "downtime", "downtime-at-most"))
        self.assertTrue(0 < lower <= downtime <= upper, job.outputs)
        self.assertTrue((pathlib.Path(job.kept) / "report.html").is_file(), "the artifact of a failed run")

    def test_what_an_input_says_is_never_executed_but_for_the_command(self):
        for nth, hostile in enumerate(["$(touch pwned)", "`touch pwned`", "'; touch pwned; '", '"; touch pwned; "', "x\n$(touch pwned)"]):
            for name in ("url", "plan", "profile", "duration", "max-outage", "max-downtime", "max-failed", "flags", "lapse", "version", "checksum"):
                job = Job(f"hostile-{nth}")
                inputs = {"lapse": str(LAPSE), "url": "http://127.0.0.1:9/", "duration": "100ms"}
                if name in ("version", "checksum"):
                    inputs["lapse"] = ""
                code = job.use(**{**inputs, name.replace("-", "_"): hostile})
                self.assertNotEqual(code, 0, (name, hostile))
                self.assertEqual(list(job.folder.rglob("pwned")), [], (name, hostile))

    def test_a_plan_of_the_repository_says_what_is_probed_and_what_is_allowed(self):
        for name, inputs, expected in [
            ("alone", {"plan": "deploy/lapse.yaml"}, (1, "fail")),
            ("profile", {"plan": "deploy/lapse.yaml", "profile": "lenient"}, (0, "pass")),
            ("default", {"profile": "lenient"}, (0, "pass")),
            ("budget", {"plan": "deploy/lapse.yaml", "profile": "lenient", "max_failed": "1%"}, (1, "fail")),
        ]:
            with shop(outages=200) as url:
                job = Job(f"plan-{name}")
                job.write("lapse.yaml" if name == "default" else "deploy/lapse.yaml", PLAN.format(url=url))
                code = job.use(lapse=str(LAPSE), **inputs)
                self.assertEqual((code, job.outputs["verdict"]), expected, job.printed)
                self.assertIn("shop", job.summary())

    def test_a_url_prevails_over_the_targets_of_a_plan(self):
        job = Job("plan-and-url")
        job.write("lapse.yaml", PLAN.format(url="http://shop.invalid/"))
        with shop() as url:
            code = job.use(lapse=str(LAPSE), plan="lapse.yaml", url=url)
        self.assertEqual((code, job.outputs["verdict"]), (0, "pass"), job.printed)

    def test_a_step_with_neither_a_url_nor_a_plan_says_what_to_give(self):
        job = Job("nothing")
        self.assertEqual(job.use(lapse=str(LAPSE), duration="1s"), 2)
        self.assertIn("::error title=lapse::there is nothing to probe: give a URL as `url`, or a plan as `plan`", job.printed)
        job = Job("no-plan")
        self.assertEqual(job.use(lapse=str(LAPSE), plan="deploy/lapse.yaml"), 2)
        self.assertIn("cannot read the plan deploy/lapse.yaml", job.printed)

    def test_flags_in_the_place_of_a_url_do_not_pass(self):
        for url in ("--version", "--help", "-h"):
            self.assertNotEqual(Job("flag").use(lapse=str(LAPSE), url=url), 0, url)

    def test_an_inconclusive_run_fails_the_step_unless_told_otherwise(self):
        for told, expected in (("true", 3), ("false", 0)):
            job = Job("inconclusive")
            with shop() as url:
                code = job.use(lapse=str(LAPSE), url=url, duration="1s", max_outage="10ms", flags="--rate=1/s\n--lanes=new",
                               fail_on_inconclusive=told)
            self.assertEqual((code, job.outputs["verdict"]), (expected, "inconclusive"), job.printed)

    def test_a_command_that_fails_fails_the_step_with_its_own_code(self):
        job = Job("command")
        with shop() as url:
            code = job.use(lapse=str(LAPSE), url=url, command="false | cat\ntouch reached", flags="--baseline=200ms\n--settle=200ms")
        self.assertEqual(code, 4, job.printed)
        self.assertEqual(list(job.folder.rglob("reached")), [], "a failure within a pipe ends the command")


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.version = ACTION["inputs"]["version"]["default"]
        name = f"lapse-{cls.version}-{os.uname().machine}-unknown-linux-musl"
        releases = FOLDER / "releases"
        shutil.rmtree(releases, ignore_errors=True)
        releases.mkdir()
        cls.archive = releases / f"{name}.tar.gz"
        with tarfile.open(cls.archive, "w:gz", compresslevel=1) as archive:
            archive.add(LAPSE, f"{name}/lapse")
        cls.checksum = hashlib.sha256(cls.archive.read_bytes()).hexdigest()

    def setUp(self):
        self.publish(self.checksum)

    def publish(self, checksum):
        self.archive.with_name(self.archive.name + ".sha256").write_text(f"{checksum}  {self.archive.name}\n")

    def use(self, **inputs):
        self.job = Job("install")
        with Server(("127.0.0.1", 0), Files) as releases, shop() as url:
            return self.job.use(url=url, duration="300ms", releases=releases, flags="--resolution=2s", **inputs)

    def test_the_version_is_that_of_the_source(self):
        self.assertIn(f'version = "{self.version}"', (ROOT / "Cargo.toml").read_text())

    def test_a_release_is_installed_if_it_has_its_checksum(self):
        self.assertEqual(self.use(), 0, self.job.printed)
        self.assertEqual(self.use(checksum=self.checksum), 0, self.job.printed)

    def test_another_checksum_is_refused_wherever_it_comes_from(self):
        self.assertNotEqual(self.use(checksum="0" * 64), 0)
        self.assertIn("it is not what was published", self.job.printed)
        self.publish("0" * 64)
        self.assertNotEqual(self.use(), 0)
        self.assertIsNone(self.job.kept)

    def test_a_release_that_is_not_there_is_named(self):
        self.assertNotEqual(self.use(version="9.9.9"), 0)
        self.assertIn("9.9.9", self.job.printed)


class Documented(unittest.TestCase):
    """The examples of docs/CI.md and the vendors' schemas."""

    def blocks(self, language):
        return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs/CI.md").read_text(), re.MULTILINE | re.DOTALL)

    def holds(self, schema, text, name):
        file = FOLDER / name
        file.write_text(text)
        checked = subprocess.run(["check-jsonschema", "--builtin-schema", schema, file], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_yaml_is_what_the_vendors_schemas_allow(self):
        workflow, planned, include = self.blocks("yaml")
        self.holds("vendor.github-actions", (ROOT / "action.yml").read_text(), "action.yml")
        self.holds("vendor.github-workflows", workflow, "workflow.yml")
        self.holds("vendor.github-workflows", planned, "planned.yml")
        self.holds("vendor.gitlab-ci", include, "include.yml")
        self.holds("vendor.gitlab-ci", gitlab({"url": "http://127.0.0.1/", "image": "lapse"}), "job.yml")
        for text in (workflow, planned):
            used = yaml.safe_load(text)["jobs"]["deploy"]["steps"][1]["with"]
            self.assertTrue(set(used) <= set(ACTION["inputs"]))

    def test_every_input_and_output_is_documented(self):
        text = (ROOT / "docs/CI.md").read_text()
        for name in [*ACTION["inputs"], *ACTION["outputs"]]:
            self.assertIn(f"`{name}`", text)

    def test_the_gitlab_job_reports_and_its_exit_code_is_that_of_the_run(self):
        for outages, by_plan, expected in ((0, False, 0), (200, False, 1), (200, True, 1)):
            folder = FOLDER / "gitlab"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with shop(outages) as url:
                named = {"plan": "shop.yaml", "profile": "ci"} if by_plan else {"url": url}
                (folder / "shop.yaml").write_text(f"targets: {{shop: '{url}'}}\nprofiles: {{ci: {{measure: {{lanes: [new]}}}}}}\n")
                inputs = named | {"image": "lapse", "command": "sleep 1.5", "flags": "--rate=200/s\n\n--baseline=1s\n--settle=300ms\n--settle-limit=1s\n--resolution=2s\n"}
                job = yaml.safe_load(gitlab(inputs))["lapse"]
                for script in ("script", "after_script"):
                    ended = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", "\n".join(job[script])], cwd=folder,
                                           env=os.environ | job["variables"] | {"PATH": f"{LAPSE.parent}:{os.environ['PATH']}"},
                                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
                    if script == "script":
                        self.assertEqual(ended.returncode, expected, ended.stdout)
                    else:
                        self.assertEqual(ended.returncode, 0, ended.stdout)
            for file in [job["artifacts"]["reports"][kind] for kind in ("junit", "metrics")]:
                self.assertTrue((folder / file).stat().st_size > 0, file)

    def test_the_pipeline_of_jenkins_runs_a_command_that_lapse_takes(self):
        script = re.search(r"'''(.*?)'''", self.blocks("groovy")[0], re.DOTALL)[1]
        with shop() as url:
            script = script.replace("https://shop.example.com/health", url).replace("helm upgrade shop ./chart --wait", "true")
            folder = FOLDER / "jenkins"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            ended = subprocess.run(["sh", "-xe", "-c", script], cwd=folder, capture_output=True, text=True, timeout=120,
                                   env=os.environ | {"PATH": f"{LAPSE.parent}:{os.environ['PATH']}"})
        self.assertIn(ended.returncode, (0, 3), ended.stderr)
        self.assertTrue((folder / "lapse.xml").is_file() and (folder / "lapse/run/report.html").is_file())


def outputs_of(output):
    return re.search(r"outputs\.([a-z-]+)", output["value"])[1]


def gitlab(inputs):
    """The job of the component with these inputs, as GitLab puts them in."""
    spec, job = (ROOT / "templates/lapse.yml").read_text().split("\n---\n")
    known = {name: (each or {}).get("default") for name, each in yaml.safe_load(spec)["spec"]["inputs"].items()} | inputs
    def put(node):
        if isinstance(node, dict):
            return {put(key): put(value) for key, value in node.items()}
        if isinstance(node, list):
            return list(map(put, node))
        if isinstance(node, str):
            return re.sub(r"\$\[\[ inputs\.(\w+)(?: \| expand_vars)? \]\]", lambda match: known[match[1]], node)
        return node
    return yaml.safe_dump(put(yaml.safe_load(job)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
