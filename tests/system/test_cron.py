"""cron: jobs of directory users run while the account is good, and stop with it."""
import pathlib
import subprocess
import time

import pytest

from agent import wait_for
from endpoint import NEVER_PASSES, run

DONE = pathlib.Path("/tmp/cron-done")


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora")
    for name, (fields, _) in NEVER_PASSES.items():
        endpoint.user(name, **fields)
    endpoint.publish()
    DONE.mkdir(exist_ok=True)
    DONE.chmod(0o1777)
    for name in ["dora", "alice", *NEVER_PASSES]:
        run("crontab", "-u", name, "-", input=f"@reboot id -un >{DONE}/{name}\n")
    yield
    for name in ["dora", "alice", *NEVER_PASSES]:
        run("crontab", "-u", name, "-r")


def jobs_done(awaited):
    """Who got to run a job, when those AWAITED did: cron takes its start for a reboot when the mark of that is gone."""
    def done():
        return {path.name for path in DONE.iterdir() if path.read_text().strip() == path.name}

    for old in DONE.iterdir():
        old.unlink()
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    cron = subprocess.Popen(["cron", "-f"])
    try:
        wait_for(lambda: done() >= awaited, what=f"the jobs of {awaited}")
        time.sleep(1)  # all begin together
        return done()
    finally:
        cron.terminate()
        cron.wait()
        pathlib.Path("/run/crond.pid").unlink(missing_ok=True)


def test_jobs_of_good_accounts_alone():
    assert jobs_done({"dora", "alice"}) == {"dora", "alice"}


def test_suspension_stops_the_jobs(endpoint):
    endpoint.change("dora", state="SUSPENDED")
    assert jobs_done({"alice"}) == {"alice"}
    endpoint.change("dora", state="ACTIVATED")
    assert jobs_done({"dora", "alice"}) == {"dora", "alice"}
