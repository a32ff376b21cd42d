"""A test of requests' retry policy against a recorded outage: without retries users see failures, with them none."""

import re
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

lapse, run = sys.argv[1:]
# From half a second before the outage to two seconds after it, in which the last attempts come.
command = [lapse, "replay", run, "--listen", "127.0.0.1:0", "--start", "asked", "--from", "6.3s", "--to", "11s"]
command += ["--expect", "user-failures=0,succeeded>=200,amplification<=1.5"]


def failures(retries):
    """How many of 200 requests, each on a connection of its own, fail in the outage; and the gate's exit code."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as replay:
        try:
            url = next(found[1] for line in replay.stdout if (found := re.match(r"listening at (\S+),", line)))
            requests.post(url + "-/start").raise_for_status()
            session = requests.Session()
            session.mount("http://", HTTPAdapter(max_retries=retries))

            def ask(nth):
                time.sleep(nth * 0.01)
                # All attempts at one request have its key.
                headers = {"connection": "close", "idempotency-key": str(uuid.uuid4())}
                try:
                    session.get(url, headers=headers, timeout=(0.2, 1)).raise_for_status()
                    return 0
                except requests.RequestException:
                    return 1

            with ThreadPoolExecutor(200) as pool:
                failed = sum(pool.map(ask, range(200)))
            # The gate judges a replay that was played to its end.
            next(line for line in replay.stdout if line.startswith("over"))
        finally:
            replay.terminate()
        print(replay.stdout.read(), end="")
        return failed, replay.wait()


without = failures(Retry(0))
# The pauses add up to more than the two seconds that the outage lasts.
retried = failures(Retry(total=8, backoff_factor=0.05, status_forcelist=[502, 503, 504]))
print(f"requests: {without[0]} of 200 requests failed without retries, {retried[0]} with them")
assert without[0] >= 20 and without[1] == 1, without
assert retried == (0, 0), retried
