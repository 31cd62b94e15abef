"""at: a job that was queued while the account was good does not run once it is not."""
import pathlib
import subprocess
import time

import pytest

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
    end = time.monotonic() + 30
    while time.monotonic() < end and not {p.name for p in DONE.iterdir()} >= {"dora", "alice"}:
        time.sleep(0.1)
    time.sleep(2)  # all were due, so that the others' turn was in the same round
    assert {p.name for p in DONE.iterdir() if p.read_text().strip() == p.name} == {"dora", "alice"}
