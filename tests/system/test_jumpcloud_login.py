"""One user is asked for when he logs in (JumpCloud): bad news counts at the next login, nobody waits long, nobody else is asked for."""
import contextlib
import os
import pathlib
import re
import time

import pytest

from agent import Agent, generation, wait_for
from endpoint import STATE, TREE, WORK, run
from test_kept import pss_kib

PAMT = WORK / "pamt-jumpcloud"
SERVICES = ("mt-jumpcloud", "cron")


@pytest.fixture(scope="module", autouse=True)
def services():
    """Account phases alone, as with a key; one of them in the name of cron."""
    WORK.mkdir(exist_ok=True)
    run("gcc", "-o", PAMT, TREE / "tests/system/pamt.c", "-lpam")
    before = {path: path.read_text() for path in [pathlib.Path("/etc/pam.d") / s for s in SERVICES] if path.exists()}
    for name in SERVICES:
        pathlib.Path("/etc/pam.d", name).write_text("account required pam_muster.so\n")
    yield
    for name in SERVICES:
        path = pathlib.Path("/etc/pam.d", name)
        path.write_text(before[path]) if path in before else path.unlink()


@pytest.fixture
def cloud(jumpcloud):
    for name in ("dora", "emil", "fred"):
        jumpcloud.add_user(name)
    jumpcloud.configure(poll_interval="1d", recheck_after="0s", recheck_timeout="5s")
    return jumpcloud


@contextlib.contextmanager
def living(cloud):
    with Agent() as agent:
        agent.wait_until_synced()
        yield agent
        assert agent.stop() == 0


def may(name, service="mt-jumpcloud"):
    done = run(PAMT, service, name, "account", cwd="/", env=os.environ, check=False)
    result, = re.findall(r"(?m)^account (\w+)", done.stdout)
    return result == "SUCCESS"


def test_every_answer(cloud):
    """Suspended, active again, locked, unbound, bound again: at once, and of the others nobody is touched."""
    def first(name):
        return cloud.endpoint.explain(name)

    with living(cloud) as agent:
        assert may("dora")
        for change, reason in [(lambda t: t.suspend("dora"), "suspended"), (lambda t: t.activate("dora"), "ok"),
                               (lambda t: t.lock("dora"), "locked"), (lambda t: t.unlock("dora"), "ok"),
                               (lambda t: t.unbind("dora"), "unbound"), (lambda t: t.bind("dora"), "ok"),
                               (lambda t: t.delete("dora"), "unbound")]:
            change(cloud.tenant)
            cloud.tenant.settle()
            before = generation()
            assert may("dora") == (reason == "ok"), (reason, agent.log())
            assert first("dora") == reason and generation() == before + 1
        assert first("emil") == first("fred") == "ok" and may("emil")
        assert agent.syncs() == 1
        assert cloud.status()["rejected"] == 0 and cloud.status()["accounts"] == 2


def test_what_is_scheduled_stays(cloud):
    """A login's answer does not say what is scheduled: that stands until the next sync."""
    cloud.tenant.schedule("dora", "SUSPENDED", "2040-01-01T00:00:00Z")
    cloud.tenant.settle()
    then = ("--at", "2040-01-02T00:00:00Z")
    with living(cloud) as agent:
        assert cloud.endpoint.explain("dora", *then) == "suspended"
        for change, allowed in ((cloud.tenant.lock, False), (cloud.tenant.unlock, True)):
            change("dora")
            cloud.tenant.settle()
            assert may("dora") == allowed
            assert cloud.endpoint.explain("dora", *then) == "suspended"
        assert agent.syncs() == 1


def test_it_sticks(cloud):
    """What a refresh has said outlives other refreshes, the daemon, and is confirmed by a whole sync."""
    with living(cloud):
        cloud.tenant.suspend("dora")
        assert not may("dora")
        cloud.tenant.suspend("fred")
        assert may("emil") and not may("fred")
        assert cloud.endpoint.explain("dora") == "suspended"
    cloud.sync()
    assert cloud.endpoint.explain("dora") == cloud.endpoint.explain("fred") == "suspended"
    cloud.tenant.activate("dora")
    cloud.sync()
    assert cloud.endpoint.explain("dora") == "ok"


def test_no_news_is_cheap(cloud):
    with living(cloud) as agent:
        assert may("dora")
        files = {p: p.stat().st_mtime_ns for p in STATE.iterdir() if p.name not in ("cache.mdb-lock", "ledger.mdb-lock")}
        before = generation()
        assert cloud.requests_of(lambda: [may("dora") for _ in range(5)]) <= 10
        assert generation() == before
        assert files == {p: p.stat().st_mtime_ns for p in files}
        assert agent.syncs() == 1
        fetches = [p for p in agent.children() if pathlib.Path(f"/proc/{p}/comm").read_text() == "muster-fetch\n"]
        assert len(fetches) == 2 and all(pss_kib(p) < 10 * 1024 for p in fetches)  # for syncs, and for logins


def test_recent_is_not_asked_again(cloud):
    cloud.configure(poll_interval="1d", recheck_after="1h")
    with living(cloud):
        assert cloud.requests_of(lambda: may("dora")) == 0


def test_jobs_do_not_wait(cloud):
    cloud.configure(poll_interval="1d", recheck_after="0s", recheck_timeout="5s")
    with living(cloud) as agent:
        time.sleep(0.1)
        cloud.tenant.suspend("dora")
        assert may("dora", "cron")  # a minute has not passed since the sync
        assert agent.syncs() == 1 and cloud.endpoint.explain("dora") == "ok"


@pytest.mark.parametrize("fault, arguments", [
    ("status", {"status": 503, "retry_after": 120}), ("status", {"status": 429, "retry_after": 120}), ("html", {}),
    ("truncated", {}), ("hang_up", {}),
])
def test_off_line(cloud, fault, arguments):
    """The last state decides, and after the first nobody waits or asks."""
    with living(cloud) as agent:
        cloud.tenant.suspend("dora")
        assert not may("dora")
        cloud.faults.order(fault, times=1000, **arguments)
        assert may("emil") and not may("dora")
        began = time.monotonic()
        asked = cloud.journal.count()
        assert may("fred") and not may("dora")
        assert time.monotonic() - began < 5
        if "retry_after" in arguments:
            time.sleep(6)
            assert cloud.journal.count() == asked  # as it was told
        assert not cloud.status()["online"]
        assert agent.metrics()["muster_online"] == 0
        cloud.faults.clear()


def test_slow(cloud):
    """A login waits as long as it may; what comes later counts all the same."""
    cloud.configure(poll_interval="1d", recheck_after="0s", recheck_timeout="2s")
    with living(cloud):
        cloud.tenant.suspend("dora")
        cloud.faults.order("late", times=2, delay_s=7)
        began = time.monotonic()
        assert may("dora")
        assert time.monotonic() - began < 6
        began = time.monotonic()
        assert may("emil")  # nobody else waits
        assert time.monotonic() - began < 2
        wait_for(lambda: cloud.endpoint.explain("dora") == "suspended", 15)


def test_beside_a_sync(cloud):
    """A sync that began before, and ends after, does not take back what a login has found out."""
    with living(cloud) as agent:
        slow = cloud.faults.order("late", "/api/search/systemusers", times=1, delay_s=6)
        with open("/etc/passwd", "a"):
            pass  # closed after writing: a reason to sync
        wait_for(lambda: slow.hits == 1, 20)
        cloud.tenant.suspend("dora")
        began = time.monotonic()
        assert not may("dora")
        assert slow.hits == 1 and agent.syncs() == 1 and time.monotonic() - began < 4
        wait_for(lambda: agent.syncs() == 2, 30)
        assert cloud.endpoint.explain("dora") == "suspended" and may("emil")


def test_an_unknown_name_takes_as_long(cloud):
    """Who waits for the directory, and who does not, would tell a stranger which names there are."""
    with living(cloud):
        cloud.faults.order("late", times=None, delay_s=0.4)
        assert may("dora")
        requests = cloud.journal.count()
        began = time.monotonic()
        assert not may("nobody-of-us")
        assert time.monotonic() - began >= 0.4 and cloud.journal.count() == requests


def test_a_whole_sync_is_needed(cloud):
    """Without a cache an answer for one is not enough: the login waits for all."""
    with living(cloud) as agent:
        cloud.tenant.suspend("dora")
        (STATE / "cache.mdb").unlink()
        assert not may("dora")
        wait_for(lambda: agent.syncs() == 2)
        assert cloud.endpoint.explain("emil") == "ok"


def test_after_many_have_joined(cloud):
    """The login that makes the files again, of what the cache has, has all of them in it."""
    with living(cloud) as agent:
        for prefix in ("old", "new"):
            cloud.tenant.add_users(100, prefix, bound=True)
            cloud.sync()
        cloud.tenant.lock("dora")
        assert not may("dora")
        assert cloud.status()["accounts"] == 203 and may("old7") and may("new93"), agent.log()


def test_bound_again_is_in_his_groups(cloud):
    """An answer for one has no groups: of whom the cache does not know them, all are asked for."""
    t = cloud.tenant
    t.add_group("Contractors", ["dora"], bound=True)
    t.unbind("dora")
    cloud.configure(poll_interval="1d", recheck_after="0s", recheck_timeout="5s",
                    text="[access]\ncontractors = deny groups=Contractors\n")
    with living(cloud):
        assert not may("dora") and may("fred")
        t.remove_member("Contractors", "dora")
        cloud.sync()
        assert cloud.endpoint.explain("dora") == "unbound"
        t.add_member("Contractors", "dora")
        t.settle()
        assert not may("dora")


def test_one_unreadable_record(cloud):
    """The directory is there all the same: others are asked about."""
    with living(cloud) as agent:
        fault = cloud.faults.order("status", path=f"/api/systemusers/{cloud.tenant.user_id('emil')}", status=403, times=None)
        assert may("emil") and fault.hits
        cloud.tenant.suspend("dora")
        assert not may("dora"), agent.log()


def test_many_at_once(cloud):
    names = [f"user{i}" for i in range(40)]
    cloud.tenant.add_users(40, bound=True)
    cloud.configure(poll_interval="1d", recheck_after="0s", recheck_timeout="10s")
    with living(cloud) as agent:
        for name in names[::2]:
            cloud.tenant.suspend(name)
        begun = [(name, os.popen(f"{PAMT} mt-jumpcloud {name} account 2>/dev/null")) for name in names]
        told = {name: "SUCCESS" in pipe.read() for name, pipe in begun}
        assert told == {name: i % 2 == 1 for i, name in enumerate(names)}, agent.log()
        assert agent.syncs() == 1


def test_left_out_here(cloud):
    """His groups are known: he is asked about alone."""
    shadow = pathlib.Path("/etc/shadow")
    before = shadow.read_text()
    cloud.tenant.add_group("Contractors", ["fred"], bound=True)
    cloud.configure(poll_interval="1d", recheck_after="0s", recheck_timeout="5s",
                    text="[access]\ncontractors = deny groups=Contractors\n")
    try:
        with living(cloud) as agent:
            assert may("dora")
            shadow.write_text(f"{before}dora:$6$abc$abc:19000:0:99999:7:::\n")
            wait_for(lambda: cloud.endpoint.explain("dora") != "ok", 30)
            n = agent.syncs()
            for _ in range(3):
                assert not may("dora")
            assert agent.syncs() == n, agent.log()
    finally:
        shadow.write_text(before)
