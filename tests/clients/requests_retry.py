"""A test of requests' retry policy against a recorded outage: without retries users see failures, with them none."""

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

lapse, run = sys.argv[1:]
# From half a second before the outage to its end, and what follows: a service that is well.
command = [lapse, "replay", run, "--listen", "127.0.0.1:0", "--start", "asked", "--from", "6.3s", "--to", "9s"]
replay = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
try:
    url = next(found[1] for line in replay.stdout if (found := re.match(r"listening at (\S+),", line)))

    def failures(retries):
        """How many of 200 requests, each on a connection of its own, fail in the outage."""
        requests.post(url + "-/start").raise_for_status()
        session = requests.Session()
        session.mount("http://", HTTPAdapter(max_retries=retries))

        def ask(nth):
            time.sleep(nth * 0.01)
            try:
                session.get(url, headers={"connection": "close"}, timeout=(0.2, 1)).raise_for_status()
                return 0
            except requests.RequestException:
                return 1

        with ThreadPoolExecutor(200) as pool:
            return sum(pool.map(ask, range(200)))

    without = failures(Retry(0))
    # Only where the port is open again can a request start the replay again.
    next(line for line in replay.stdout if line.startswith("over"))
    # The pauses add up to more than the two seconds that the outage lasts.
    policy = Retry(total=8, backoff_factor=0.05, status_forcelist=[502, 503, 504])
    retried = failures(policy)
    print(f"requests: {without} of 200 requests failed without retries, {retried} with them")
    assert without >= 20, without
    assert retried == 0, retried
finally:
    replay.terminate()
assert replay.wait() == 0
