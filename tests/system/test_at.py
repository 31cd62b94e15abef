"""at: a job that was queued while the account was good does not run once it is not."""
import pathlib
import subprocess
import time

import pytest

from agent import wait_for
from endpoint import NEVER_PASSES, run, run_as

DONE = pathlib.Path("/tmp/at-done")


@pytest.fixture(scope="module", autouse=True)
def atd(endpoint):
    for name in NEVER_PASSES:
        endpoint.user(name)
    endpoint.user("dora")
    endpoint.publish()
    DONE.mkdir(exist_ok=True)
    DONE.chmod(0o1777)
    for name in ["dora", "alice", *NEVER_PASSES]:
        run_as(name, "at", "now", input=f"id -un >{DONE}/{name}\n", cwd="/tmp", env={"PATH": "/usr/bin:/bin"})
    for name, (fields, _) in NEVER_PASSES.items():
        endpoint.user(name, **fields)
    endpoint.publish()
    daemon = subprocess.Popen(["atd", "-f", "-b", "1"])
    yield
    daemon.terminate()
    daemon.wait()


def test_jobs_of_good_accounts_alone():
    def done():
        return {path.name for path in DONE.iterdir() if path.read_text().strip() == path.name}

    wait_for(lambda: done() >= {"dora", "alice"}, what="the jobs of dora and alice")
    time.sleep(2)  # all were due, so that the others' turn was in the same round
    assert done() == {"dora", "alice"}
