"""[lockout] report = yes: a lock of this computer becomes one of the directory, once, in order, over outages and restarts."""
import json
import os
import re

import pytest

from agent import Agent, wait_for
from directory.certs import Authority
from endpoint import PASSWORD, RUN, STATE, TREE, WORK, run
from jumpcloud import Jumpcloud
from slapd import NAME, ORG, SUFFIX, Slapd

PAMT = WORK / "pamt-report"
USERS = ("dora", "erik", "fred")
LIMIT = 3
REPORTS = STATE / "reports"
USERS_PATH = "/api/systemusers/"


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("ldap")
    authority = Authority(tmp / "ca")
    cert, key = authority.issue("ldap", san=f"DNS:localhost,DNS:{NAME}")
    s = Slapd(tmp / "slapd", cert, key)
    s.ca = tmp / "ca.pem"
    s.ca.write_text(authority.pem)
    for name in USERS:
        s.add(name, PASSWORD)
    yield s.start()
    s.stop()


@pytest.fixture(scope="module", autouse=True)
def service(endpoint):
    run("gcc", "-o", PAMT, TREE / "tests/system/pamt.c", "-lpam")
    with open("/etc/pam.d/mt-report", "w") as f:
        f.writelines(f"{kind} required pam_muster.so\n" for kind in ("auth", "account"))
    yield
    os.unlink("/etc/pam.d/mt-report")


@pytest.fixture
def cloud(endpoint, slapd):
    endpoint.reset()
    with Jumpcloud(endpoint) as c:
        c.text = (f"[auth]\npassword = ldap\nldap_url = {slapd.tls}\nldap_ca_file = {slapd.ca}\n"
                  f"ldap_bind_dn = uid=%u,ou=Users,o={ORG},{SUFFIX}\n"
                  "[lockout]\nlock_time = 0\n")
        report(c)
        c.tenant.set_policy(enableMaxLoginAttempts=True, maxLoginAttempts=LIMIT)
        for name in USERS:
            c.add_user(name)
        c.sync()
        yield c


def report(cloud, word="yes", poll_interval="1h"):
    cloud.configure(text=f"{cloud.text}report = {word}\n", poll_interval=poll_interval, recheck_after="0s")


def attempt(user, password=PASSWORD):
    done = run(PAMT, "mt-report", user, "auth", env={**os.environ, "PASSWORD": password}, cwd="/")
    return done.stdout.split()[-1]


def lock(*users):
    """By wrong passwords; the agent is asked to verify them."""
    with Agent():
        for user in users:
            for _ in range(LIMIT):
                assert attempt(user, "wrong") == "AUTH_ERR"


def reported(cloud):
    """Who was locked by a PUT that was answered well, in order."""
    names = {cloud.tenant.user_id(name): name for name in cloud.tenant.user_names}
    return [names[e["path"].rpartition("/")[2]] for e in cloud.journal.find(USERS_PATH, "PUT") if e["status"] == 200]


def locked_there(cloud, user):
    return cloud.tenant.users[cloud.tenant.user_id(user)].get("account_locked", False)


def locked_here(endpoint, user):
    """As the directory says: keys are refused, too."""
    return json.loads(endpoint.musterctl("explain", user, "--json", check=False).stdout)["reason_without_password"] == "locked"


def queue():
    """[(uid, state)]"""
    lines = REPORTS.read_text().splitlines() if REPORTS.exists() else ["muster-reports/1"]
    assert lines[0] == "muster-reports/1"
    return [(int(l.split()[1]), l.split()[4]) for l in lines[1:]]


def outage(cloud):
    return cloud.faults.order("status", path="/api/", times=None, status=503)


def test_once(endpoint, cloud):
    lock("dora")
    cloud.sync()
    assert reported(cloud) == ["dora"] and locked_there(cloud, "dora")
    assert not locked_there(cloud, "erik")
    for _ in range(3):
        cloud.sync()
    assert reported(cloud) == ["dora"]
    assert endpoint.explain("dora") == "locked"
    assert REPORTS.stat().st_mode & 0o777 == 0o600


def test_off_by_default(cloud):
    cloud.configure(text=cloud.text)
    lock("dora")
    cloud.sync()
    assert reported(cloud) == [] and not REPORTS.exists()


def test_by_the_living_agent(endpoint, cloud):
    """Nobody has to do anything for it."""
    report(cloud, poll_interval="1s")
    with Agent():
        for _ in range(LIMIT):
            assert attempt("dora", "wrong") == "AUTH_ERR"
        wait_for(lambda: reported(cloud) == ["dora"], 60, "the report")
        wait_for(lambda: locked_here(endpoint, "dora"), 60, "the directory's lock")
        cloud.tenant.unlock("dora")
        wait_for(lambda: attempt("dora") == "SUCCESS", 60, "the unlock")
        assert reported(cloud) == ["dora"]


def test_unlocked_there_and_locked_again(cloud):
    lock("dora")
    cloud.sync()
    cloud.sync()
    cloud.tenant.unlock("dora")
    cloud.sync()
    with Agent():
        assert attempt("dora") == "SUCCESS"
    lock("dora")
    cloud.sync()
    assert reported(cloud) == ["dora", "dora"] and locked_there(cloud, "dora")


def test_over_an_outage_in_order(cloud):
    fault = outage(cloud)
    lock("erik", "dora")
    lock("fred")
    cloud.sync(code=1)
    assert [state for _, state in queue()] == ["waiting"] * 3
    cloud.faults.clear()
    assert fault.hits
    cloud.sync()
    assert reported(cloud) == ["erik", "dora", "fred"]
    cloud.sync()
    assert len(reported(cloud)) == 3


def test_over_a_reboot(cloud):
    outage(cloud)
    lock("erik", "dora")
    cloud.sync(code=1)
    REPORTS.write_text(re.sub(r"[0-9a-f-]{36}", "11111111-2222-3333-4444-555555555555", REPORTS.read_text()))
    for path in (RUN / "tally").iterdir():
        path.unlink()
    cloud.faults.clear()
    cloud.sync()
    assert reported(cloud) == ["erik", "dora"]
    cloud.sync()
    assert queue() == []  # of the boot before nothing comes again


def test_died_before_it_was_written_down(cloud):
    """The directory says itself that it knows."""
    lock("dora")
    cloud.sync()
    REPORTS.write_text(REPORTS.read_text().replace("sent", "waiting"))
    cloud.sync()
    assert reported(cloud) == ["dora"] and queue()[0][1] == "sent"


def test_lifted_here_before_it_was_told(endpoint, cloud):
    outage(cloud)
    lock("dora", "erik")
    cloud.sync(code=1)
    endpoint.musterctl("unlock", "dora")
    cloud.faults.clear()
    cloud.sync()
    assert reported(cloud) == ["erik"]


@pytest.mark.parametrize("fault", [
    {"kind": "status", "status": 500}, {"kind": "status", "status": 429}, {"kind": "status", "status": 403},
    {"kind": "hang_up"}, {"kind": "truncated"}, {"kind": "html"}, {"kind": "body", "text": "{}"},
    {"kind": "field", "name": "account_locked", "value": False},
])
def test_refused_or_garbled(cloud, fault):
    """It stays, and an administrator reads why; what comes next time counts."""
    report(cloud, "no")
    lock("dora")
    report(cloud)
    cloud.faults.order(path=USERS_PATH, method="PUT", **fault)
    said = cloud.sync(code=1)
    assert "the directory cannot be told to lock" in said and cloud.tenant.user_id("dora") in said
    assert queue()[0][1] == "waiting"
    cloud.tenant.unlock("dora")  # the double did it, and lied in its reply
    cloud.sync()
    assert locked_there(cloud, "dora") and queue()[0][1] == "sent"


def test_one_that_cannot_be_told_holds_up_nobody(cloud):
    report(cloud, "no")
    lock("erik", "dora", "fred")
    report(cloud)
    for user, status in (("erik", 400), ("dora", 404)):
        cloud.faults.order("status", path=USERS_PATH + cloud.tenant.user_id(user), method="PUT", times=None, status=status)
    cloud.sync(code=1)
    assert reported(cloud) == ["fred"]
    assert [state for _, state in queue()] == ["sent", "waiting", "waiting"]  # she is bound: the 404 is not believed
    cloud.faults.clear()
    cloud.sync()
    assert [state for _, state in queue()] == ["sent"] * 3


def test_damaged_queue(cloud):
    lock("dora")
    REPORTS.write_text("rubbish\n")
    assert "locks that waited to be reported are lost" in cloud.sync(code=1)
    assert reported(cloud) == ["dora"]
