"""musterctl explain --at --offline, held against what happens when that time has come: the clock moves, nothing else does."""
import json
import os
import pathlib
import time

import pytest

from agent import Agent
from endpoint import ETC, PASSWORD, RUN, TREE, WORK, run
from fetch import Authority, serving
from slapd import NAME, ORG, TEMPLATE, Slapd
from test_web import Web

PAMT, SHIM, OFFSETS = WORK / "pamt-explain", WORK / "clock_shim.so", pathlib.Path("/etc/clock-shim")
DAY = 86400
LIMIT = 3
LEASE, PASSWORD_AGE = 7 * DAY, 5 * DAY
# Just before and after all that falls due, and far behind it.
TIMES = [0, *(due + by for due in (1 * DAY, 2 * DAY, 3 * DAY, PASSWORD_AGE, LEASE) for by in (-60, 60)), 30 * DAY]


def rfc3339(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def users(now):
    return {
        "good": {},
        "starter": {"state": "STAGED", "scheduled": [{"state": "ACTIVATED", "scheduledDate": rfc3339(now + DAY)}]},
        "leaver": {"scheduled": [{"state": "SUSPENDED", "scheduledDate": rfc3339(now + 2 * DAY)}]},
        "guest": {"state": "STAGED", "scheduled": [{"state": "ACTIVATED", "scheduledDate": rfc3339(now + DAY)},
                                                   {"state": "SUSPENDED", "scheduledDate": rfc3339(now + 3 * DAY)}]},
        "expiring": {"password_expiration_date": rfc3339(now + 3 * DAY)},
        "eternal": {"password_expiration_date": rfc3339(now + 3 * DAY), "password_never_expires": True},
        "suspended": {"suspended": True},
        "locked": {"account_locked": True},
        "guessed": {},  # by somebody who then stops: locked here for 15 minutes
    }


@pytest.fixture(scope="module", autouse=True)
def programs(endpoint):
    run("gcc", "-o", PAMT, TREE / "tests/system/pamt.c", "-lpam")
    run("gcc", "-shared", "-fPIC", "-o", SHIM, TREE / "tests/system/clock_shim.c")
    with open("/etc/pam.d/mt-explain", "w") as f:
        f.writelines(f"{kind} required pam_muster.so\n" for kind in ("auth", "account"))
    yield
    OFFSETS.unlink(missing_ok=True)
    os.unlink("/etc/pam.d/mt-explain")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "own")


@pytest.fixture(scope="module")
def slapd(authority, tmp_path_factory):
    cert, key = authority.issue("ldap", san=f"DNS:localhost,DNS:{NAME}")
    s = Slapd(tmp_path_factory.mktemp("slapd") / "slapd", cert, key)
    for name in users(0):
        s.add(name, PASSWORD)
    yield s.start()
    s.stop()


@pytest.fixture(scope="module", params=["hash", "ldap"])
def begin(request, endpoint, authority):
    """Everything was on line at this time, and nothing is from then on: no server, no agent."""
    endpoint.reset()
    (ETC / "ca.pem").write_text(authority.pem)
    (ETC / "token").write_text("s3cret-token\n")
    (ETC / "token").chmod(0o600)
    now = int(time.time())
    for name, fields in users(now).items():
        endpoint.user(name, **fields, **({"password": None} if request.param == "ldap" else {}))
    w = Web(endpoint, authority)
    with serving(lambda r: w.answer(r), *authority.issue("server")) as server:
        w.configure(server.url, poll_interval="1h", **({"org_id": ORG} if request.param == "ldap" else {}))
        text = f"[accounts]\nlease = {LEASE}\n[lockout]\nmax_attempts = {LIMIT}\nwindow = 1h\nlock_time = 15m\n"
        if request.param == "ldap":
            s = request.getfixturevalue("slapd")
            text += (f"[auth]\npassword = ldap\nldap_url = {s.tls}\nldap_ca_file = {ETC}/ca.pem\n"
                     f"ldap_bind_dn = {TEMPLATE}\noffline_password_max_age = {PASSWORD_AGE}\n")
        with open(endpoint.conf, "a") as f:
            f.write(text)
        w.sync()
        with Agent():
            for name in users(now):
                attempt(name, 0)  # with ldap a verifier stays behind, where the password is right
            for _ in range(LIMIT):
                attempt("guessed", 0, "wrong")
    if request.param == "ldap":
        s.stop()
    yield now
    if request.param == "ldap":
        s.start()


def attempt(user, after_s, password=PASSWORD):
    """(authentication, account phase) AFTER_S seconds from now, on a computer that was up all the time."""
    OFFSETS.write_text(f"{after_s} {after_s}\n")
    done = run(PAMT, "mt-explain", user, "auth", "account", cwd="/",
               env={**os.environ, "PASSWORD": password, "LD_PRELOAD": str(SHIM)})
    codes = dict(line.split() for line in done.stdout.splitlines() if not line.startswith("says"))
    return codes["auth"], codes["account"]


def explained(endpoint, user, after_s):
    done = endpoint.musterctl("explain", user, "--json", "--at", f"+{after_s}s", "--offline", f"{after_s}s", check=False)
    assert done.returncode in (0, 1)
    found = json.loads(done.stdout)
    assert found["allowed"] == (done.returncode == 0) == (found["reason"] == "ok")
    return found


def test_would_she_get_in(endpoint, begin):
    seen = set()
    (RUN / "tally").mkdir(exist_ok=True)
    for after_s in TIMES:
        for user in users(begin):
            left_s = max(after_s - (int(time.time()) - begin), 0)  # of what falls due, counted from the beginning
            found = explained(endpoint, user, left_s)
            auth, account = attempt(user, left_s)
            assert found["allowed"] == ((auth, account) == ("SUCCESS", "SUCCESS")), (user, after_s, found, auth, account)
            assert (found["reason_without_password"] == "ok") == (account == "SUCCESS"), (user, after_s, found, account)
            seen.add((user, found["reason"]))
    assert {reason for _, reason in seen} >= {"ok", "suspended", "staged", "locked", "password_expired", "stale"}
    assert seen >= {("leaver", "ok"), ("leaver", "suspended"), ("starter", "staged"), ("guest", "suspended"),
                    ("expiring", "password_expired"), ("guessed", "locked"), ("good", "stale")}
    if "password = ldap" in endpoint.conf.read_text():
        assert seen >= {("good", "unavailable"), ("expiring", "ok")}
