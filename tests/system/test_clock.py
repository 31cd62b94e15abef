"""Trusted time (R11): clocks set back or ahead, ours or the server's, open nothing and break nothing for good."""
import json
import re

import pytest

from endpoint import ETC, STATE, run
from fetch import Authority, serving
from test_web import Web

YEAR_2020, YEAR_2099 = "2020-01-01 00:00:00", "2099-06-01 00:00:00"


@pytest.fixture
def local(endpoint):
    """An endpoint with a document in a file."""
    endpoint.reset()
    endpoint.user("dora")
    endpoint.user("emil", scheduled=[{"state": "SUSPENDED", "scheduledDate": "2050-01-01T00:00:00Z"}])
    endpoint.user("fred", password_expiration_date="2026-01-01T00:00:00Z")
    endpoint.publish()
    return endpoint


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "own")


@pytest.fixture
def web(endpoint, own):
    endpoint.reset()
    (ETC / "ca.pem").write_text(own.pem)
    (ETC / "token").write_text("s3cret-token\n")
    (ETC / "token").chmod(0o600)
    endpoint.user("dora", password_expiration_date="2050-01-01T00:00:00Z")
    w = Web(endpoint, own)
    with serving(lambda request: w.answer(request), *own.issue("server")) as server:
        w.configure(server.url)
        yield w


def at(time, *argv, check=True):
    """Run it with the wall clock at TIME. What it starts with an empty environment has the real one."""
    return run("faketime", "-f", "@" + time, *argv, check=check,
               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})


def explain_at(time, name):
    return json.loads(at(time, "musterctl", "explain", name, "--json", check=False).stdout)["reason"]


def keys(name):
    return run("musterctl", "ssh-keys", name, check=False).stdout


def http_date(year):
    return f"Date: Thu, 01 Jan {year} 00:00:00 GMT"


def test_set_back(local):
    for year in (YEAR_2020, "1970-01-02 00:00:00"):
        assert explain_at(year, "fred") == "password_expired"
        assert explain_at(year, "dora") == "ok"
    at(YEAR_2020, "musterd", "--once")
    assert explain_at(YEAR_2020, "fred") == "password_expired"


def test_set_back_without_the_mark_in_its_own_file(local):
    (STATE / "clock").unlink()
    assert explain_at(YEAR_2020, "fred") == "password_expired"


def test_set_ahead(local):
    """While it lasts what would be due is due; afterwards nothing of it is left."""
    assert explain_at(YEAR_2099, "emil") == "suspended" and keys("emil")
    local.forget("dora")
    local.write(local.document)
    at(YEAR_2099, "musterd", "--once")
    assert not keys("emil")
    assert local.explain("emil") == "ok", "the clock is right again"
    run("musterd", "--once")
    assert keys("emil") and local.explain("emil") == "ok"
    assert local.explain("dora") == "unbound"
    with local.configured(tombstone="1h"):
        run("faketime", "-f", "+2h", "musterd", "--once")
        assert run("getent", "passwd", "dora", check=False).returncode == 2, "she left, by whatever clock"


def test_server_ahead_and_healed(web):
    web.etag = False  # else it would not say its time again
    web.headers = [http_date(2099)]
    web.sync()
    assert web.endpoint.explain("dora") == "password_expired"
    web.headers = []
    web.endpoint.user("emil")
    web.sync()
    assert web.endpoint.explain("dora") == "password_expired", "nobody has said that it is earlier"
    now = run("date", "-u", "+Date: %a, %d %b %Y %H:%M:%S GMT", env={"LC_ALL": "C"}).stdout.strip()
    web.headers = [now]
    assert re.search(r"clock of https://\S+ was wrong: trusted time goes back by 2\d{9} s", web.sync())
    assert web.endpoint.explain("dora") == "ok"
    assert web.endpoint.explain("dora", "--offline", "15d") == "stale", "confirmed today, not in 2099"


def test_server_alone_cannot_set_back(web):
    web.sync()
    web.headers = [http_date(2020)]
    web.endpoint.user("fred", password_expiration_date="2026-01-01T00:00:00Z")
    web.sync()
    assert explain_at(YEAR_2020, "fred") == "password_expired"


def test_mark_rises_off_line(web):
    """Power off, clock set back in the firmware, power on: what passed while it ran is not given back."""
    web.sync()
    web.answer = lambda request: None
    before = (STATE / "clock").read_bytes()
    web.sync(code=1)
    assert (STATE / "clock").read_bytes() == before, "not at each attempt"
    run("faketime", "-f", "+20m", "musterd", "--once", check=False)
    assert (STATE / "clock").read_bytes() != before


@pytest.mark.parametrize("fault", ["empty", "rubbish", "writable", "link"])
def test_damaged_file(local, fault):
    """What is published counts, and the next sync mends the file."""
    clock = STATE / "clock"
    if fault == "link":
        clock.rename(STATE / "other")
        clock.symlink_to(STATE / "other")
    elif fault == "writable":
        clock.chmod(0o666)
    else:
        clock.write_bytes(b"" if fault == "empty" else b"C" * 100)
    assert explain_at(YEAR_2020, "fred") == "password_expired" and local.explain("dora") == "ok"
    run("musterd", "--once")
    assert clock.is_file() and not clock.is_symlink() and clock.stat().st_mode & 0o777 == 0o600
