"""Hostile and broken replies of JumpCloud (R9, R10): the last good generation stays, one clear line says why, and the
next good reply is taken without anybody's help."""
import pathlib
import time

import pytest

from directory import Double
from directory.certs import Certificates
from directory.records import LEAK
from endpoint import run
from jumpcloud import Jumpcloud, published
from test_jumpcloud_fetch import HOSTILE

LOCAL = {line.split(":")[0] for line in pathlib.Path("/etc/passwd").read_text().splitlines()}

BOUND, USERS = "/api/v2/systems/", "/api/search/systemusers"
SEEN_FROM_MUSTER = ("503", "429", "401", "html", "{}", "deep", "truncated", "no HTTP", "one is there twice")


@pytest.fixture(scope="module")
def synced(endpoint):
    with Jumpcloud(endpoint) as jumpcloud:
        for name in ("dora", "emil", "fred"):
            jumpcloud.add_user(name)
        jumpcloud.tenant.suspend("dora")
        jumpcloud.sync()
        yield jumpcloud


def refused(jumpcloud):
    """One line, and nothing that is published changes."""
    before = published()
    said = jumpcloud.sync(code=1)
    assert said.count("\n") == 1 and said.endswith("; what was published stays\n"), said
    assert jumpcloud.double.url in said and LEAK not in said and published() == before
    return said


def news(jumpcloud):
    """Somebody is suspended, and another one no longer. Returns how it should end."""
    dora, fred = ("dora", "fred") if jumpcloud.endpoint.explain("dora") == "ok" else ("fred", "dora")
    jumpcloud.tenant.suspend(dora)
    jumpcloud.tenant.activate(fred)
    return {dora: "suspended", fred: "ok", "emil": "ok"}


def recovers(jumpcloud, expected):
    """The news that were missed come with the next sync."""
    jumpcloud.faults.clear()
    jumpcloud.sync()
    assert jumpcloud.status()["online"]
    assert {name: jumpcloud.endpoint.explain(name) for name in expected} == expected


@pytest.mark.parametrize("name", SEEN_FROM_MUSTER)
@pytest.mark.parametrize("path", [BOUND, USERS], ids=["bound", "records"])
def test_hostile_reply(synced, path, name):
    """All of them: test_jumpcloud_fetch.py."""
    kind, arguments, _, _ = HOSTILE[name]
    expected = news(synced)
    synced.faults.order(kind, path=path, times=None, **arguments)
    refused(synced)
    recovers(synced, expected)


def test_silent(synced):
    synced.faults.order("silent", path=BOUND, times=None)
    began = time.monotonic()
    refused(synced)
    assert time.monotonic() - began < 60
    synced.faults.clear()


@pytest.mark.parametrize("certificate", [c for c in Certificates.FAULTS if c != "stall"])
def test_tls(synced, certificate):
    expected, before = news(synced), synced.journal.count()
    synced.double.present(certificate)
    refused(synced)
    assert not synced.status()["online"] and synced.journal.count() == before  # no key left us
    synced.double.present("good")
    recovers(synced, expected)


def test_redirect_is_not_followed(synced):
    """The key would go along."""
    with Double() as elsewhere:
        synced.faults.order("redirect", location=elsewhere.url + "/api/", times=None)
        refused(synced)
        assert elsewhere.journal.count() == 0
    synced.faults.clear()


@pytest.mark.parametrize("field, value, reason", [
    ("unix_uid", "5000", "ok"), ("unix_uid", 0, "ok"), ("unix_uid", -1, "ok"), ("unix_uid", 1 << 32, "ok"),
    ("unix_uid", 5000.5, "ok"), ("unix_uid", True, "ok"), ("unix_uid", None, "ok"), ("unix_guid", 27, "ok"),
    ("username", "root", None), ("username", "a:b", None), ("username", 5, None), ("username", None, None),
    ("username", "x\u0000", None), ("username", "x" * 2000, None), ("systemUsername", "daemon", None),
    ("state", "PAUSED", None), ("state", 5, None), ("suspended", "yes", None), ("account_locked", "true", None),
    ("password_expired", 1, None), ("password_expiration_date", "soon", None), ("displayname", "x:y\nz", "ok"),
    ("ssh_keys", [{"public_key": "command=\"id\" ssh-ed25519 AAAA"}], "ok"), ("ssh_keys", "x", "ok"),
])
def test_a_field_of_one_user_makes_no_sense(synced, field, value, reason):
    """He may be left out or refused, never let in by it with an id that is not his; the others are as they were."""
    uid = synced.add_user("zoe", **{field: value} if field != "username" else {})
    synced.tenant.users[uid][field] = value
    try:
        synced.sync()
        assert synced.endpoint.explain("emil") == "ok"
        if reason is None:
            assert synced.endpoint.explain("zoe") != "ok"
        for line in run("getent", "passwd").stdout.splitlines():
            name, _, uid_text, gid_text = line.split(":")[:4]
            assert int(uid_text) >= 1000 and int(gid_text) >= 1000 or name in LOCAL, line
    finally:
        synced.tenant.users[uid]["username"] = "zoe"
        synced.tenant.delete(uid)
        synced.sync("--accept-removals")


# A directory that changes while it is read

@pytest.fixture
def crowd(jumpcloud):
    """More than one page of bound users."""
    jumpcloud.tenant.add_users(250, bound=True)
    return jumpcloud


def accounts(jumpcloud):
    return jumpcloud.status()["accounts"]


def test_page_changes_all_the_time(crowd):
    """Given up for this time, and not tried for ever."""
    crowd.sync()
    crowd.faults.order("total", path=BOUND, times=None)
    before = crowd.journal.count()
    refused(crowd)
    assert crowd.journal.count() - before < 30


def test_nobody_is_bound_any_more(crowd):
    """An empty list is not believed at once, and bad news in it are."""
    crowd.sync()
    path = f"{BOUND}{crowd.tenant.system}/users"
    crowd.faults.order("edit", path=path, times=None, change=lambda data: [])
    crowd.faults.order("header", path=path, times=None, name="x-total-count", value="0")
    assert "--accept-removals" in crowd.sync(code=1)
    assert crowd.endpoint.explain("user3", password=False) == "ok"


def test_records_that_are_not_shown_are_told_of(crowd):
    """Who may not be read stays as he was, and an administrator hears of it."""
    crowd.sync()
    crowd.faults.order("edit", path="/api/search/systemusers", times=None, change=lambda data: {**data, "results": []})
    crowd.faults.order("status", path="/api/systemusers/", times=None, status=403)
    said = crowd.sync()
    assert "does not show the records of 250 users" in said and accounts(crowd) == 250
    assert crowd.endpoint.explain("user3", password=False) == "ok"
    assert any("250 users" in error for error in crowd.status()["errors"])
