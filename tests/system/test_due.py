"""What falls due does so at its time with no network, and with no living process either."""
import json
import pathlib
import time

import pytest

from agent import Agent, generation, wait_for
from endpoint import ETC, PASSWORD, RUN, TEXTS, run
from fetch import Authority, serving
from test_web import Web

SOON_S = 8  # until what is scheduled falls due; all of the setting up fits in
USERS = ("dora", "starter", "leaver", "expiring")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "own")


def schedule(endpoint):
    """Users for whom something falls due soon; that time."""
    due = int(time.time()) + SOON_S
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due))
    endpoint.user("dora")
    endpoint.user("starter", state="STAGED", scheduled=[{"state": "ACTIVATED", "scheduledDate": at}])
    endpoint.user("leaver", scheduled=[{"state": "SUSPENDED", "scheduledDate": at}])
    endpoint.user("expiring", password_expiration_date=at)
    return due


@pytest.fixture
def web(endpoint, authority):
    endpoint.reset()
    (ETC / "ca.pem").write_text(authority.pem)
    (ETC / "token").write_text("s3cret-token\n")
    (ETC / "token").chmod(0o600)
    w = Web(endpoint, authority)
    w.identity = authority.issue("server")
    yield w


def who_gets_in(sshd, endpoint):
    """{(name, method)} of all who do, by key and by password."""
    return {(name, method) for name in USERS for method, ways in (("key", {"key": endpoint.key}), ("password", {"password": PASSWORD}))
            if sshd.login(name, **ways).ok}


AFTER = {(name, "password") for name in ("dora", "starter")} | {("dora", "key")}


def have_keys():
    return {name for name in USERS if run("musterctl", "ssh-keys", name).stdout}


def wait_until(due):
    time.sleep(max(due + 1 - time.time(), 0))


def test_without_a_living_process(endpoint, sshd, web):
    """Nobody publishes anew, and the account phase refuses whom published keys would still let in."""
    due = schedule(endpoint)
    with serving(lambda r: web.answer(r), *web.identity) as server:
        web.configure(server.url)
        web.sync()
    assert have_keys() == {"dora", "leaver", "expiring"}
    before = generation()
    wait_until(due)
    assert who_gets_in(sshd, endpoint) == AFTER
    login = sshd.login("leaver", key=endpoint.key)
    assert TEXTS["suspended"] in login.told, login
    assert have_keys() == {"dora", "leaver", "expiring"} and generation() == before


def test_off_line(endpoint, sshd, web):
    """musterd publishes in time, as old as it was: keys go, and the one who begins has his."""
    with serving(lambda r: web.answer(r), *web.identity) as server:
        web.configure(server.url, poll_interval="1h")
        due = schedule(endpoint)
        web.sync()
        confirmed = web.status()["last_sync"]
    with Agent():  # which learns from what is published that something will fall due
        wait_until(due)
        wait_for(lambda: have_keys() == {"dora", "starter"}, 60, "the keys of who may log in now")
        assert who_gets_in(sshd, endpoint) == AFTER | {("starter", "key")}
        status = web.status()
        assert not status["online"] and status["last_sync"] == confirmed and status["generation"] == generation()
        before = generation()
        assert run("musterd", "--once", check=False).returncode == 1
        assert generation() == before  # once is enough
    found = json.loads(endpoint.musterctl("explain", "dora", "--json").stdout)
    assert found["data_age_s"] >= SOON_S - 2  # no lease was won by it


def test_back_on_line(endpoint, web):
    """What was published alone is no reason to miss the next change."""
    due = schedule(endpoint)
    with serving(lambda r: web.answer(r), *web.identity) as server:
        web.configure(server.url)
        web.sync()
        web.answer = lambda request: b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
        wait_until(due)
        assert "what fell due, without the directory" in web.sync(code=1)
        assert have_keys() == {"dora", "starter"}
        web.answer = web.document
        endpoint.user("dora", suspended=True)
        web.sync()
        assert have_keys() == {"starter"}
    assert endpoint.explain("dora") == "suspended" and endpoint.explain("leaver") == "suspended"


def test_fell_due_while_nobody_lived(endpoint, web):
    due = schedule(endpoint)
    with serving(lambda r: web.answer(r), *web.identity) as server:
        web.configure(server.url, poll_interval="1h")
        web.sync()
    wait_until(due)
    for path in (RUN / "sync.status", *RUN.glob("*.snapshot")):
        path.unlink()  # as a reboot does
    with Agent():
        wait_for(lambda: have_keys() == {"dora", "starter"}, 60, "the keys of who may log in now")


def test_while_the_directory_is_asked(endpoint, web):
    """A sync that began before does not know of it: another one follows at once."""
    with serving(lambda r: web.answer(r), *web.identity) as server:
        web.configure(server.url, poll_interval="1h")
        due = schedule(endpoint)
        web.sync()
        with Agent():
            asked = []
            web.answer = lambda request: (asked.append(1), wait_until(due), web.document(request))[2]
            shells = pathlib.Path("/etc/shells")
            shells.write_text(shells.read_text())
            wait_for(lambda: asked, SOON_S, "the sync")
            assert time.time() < due
            wait_for(lambda: have_keys() == {"dora", "starter"}, 30, "the keys of who may log in now")


def test_confirmed_before_a_boot(endpoint, web):
    """What is published anew off line is as old as its last confirmation, and not as when it changed last."""
    with serving(lambda r: web.answer(r), *web.identity) as server:
        web.configure(server.url)
        endpoint.conf.write_text(endpoint.conf.read_text() + "[accounts]\nlease = 24s\n")
        due = schedule(endpoint)
        web.sync()
        time.sleep(5)
        web.sync()
        confirmed = web.status()["last_sync"]
    for path in (RUN / "sync.status", *RUN.glob("*.snapshot")):
        path.unlink()  # as a reboot does
    wait_until(due)
    assert "what fell due, without the directory" in web.sync(code=1)
    assert web.status()["last_sync"] == confirmed
