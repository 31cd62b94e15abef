"""Users of JumpCloud in each state, alone and combined: what musterctl explain says, and what happens at the shell."""
import itertools

import pytest

from directory.records import ABSENT
from endpoint import FAR_AHEAD, LONG_AGO, TEXTS, run
from jumpcloud import Jumpcloud

STATES = {"sta": "STAGED", "act": "ACTIVATED", "sus": "SUSPENDED", "abs": ABSENT}  # the last: replies before mid-2021
FLAGS = ("suspended", "activated", "account_locked", "password_expired")


def combinations():
    """{name: fields} of every state with every flag, on and off."""
    for (short, state), values in itertools.product(STATES.items(), itertools.product((False, True), repeat=4)):
        flags = dict(zip(FLAGS, values))
        name = short + "".join("-" + flag[0 if flag != "account_locked" else 8] for flag, on in flags.items() if on)
        yield name, {"state": state, **flags}


COMBINED = dict(combinations())
ALONE = {  # name: (fields, reason)
    "good": ({}, "ok"),
    "recorded": ({"activated": False, "password_date": ABSENT, "password_expiration_date": ABSENT}, "password_pending"),
    "outdated": ({"password_expiration_date": LONG_AGO}, "password_expired"),
    "ahead": ({"password_expiration_date": FAR_AHEAD}, "ok"),
    "never": ({"password_expiration_date": LONG_AGO, "password_never_expires": True}, "ok"),
    "nulls": ({"account_locked_date": None, "password_expiration_date": None, "password_date": None,
               "employeeIdentifier": None, "delegatedAuthority": None, "systemUsername": None, "ssh_keys": None}, "ok"),
    "bare": ({k: ABSENT for k in ("account_locked_date", "password_date", "systemUsername", "attributes", "mfa",
                                  "ssh_keys", "public_key", "displayname", "sudo", "passwordless_sudo")}, "ok"),
    "onlyid": ({"_id": ABSENT}, "ok"),
    "only_id": ({"id": ABSENT}, "ok"),
    "mfa": ({"mfa": {"configured": True, "exclusion": True, "exclusionUntil": FAR_AHEAD}, "totp_enabled": True}, "ok"),
    "authority": ({"delegatedAuthority": {"id": "5cdc80416e59bc2c5bbe63ef", "name": "ActiveDirectory"}}, "ok"),
    "stranger": ({"passwordAuthority": {"name": "Scim"}, "x": {"y": [1, {"z": None}]}, "memberof": ["a"]}, "ok"),
}

def reason(fields):
    """DESIGN.md, section 6, written down once more."""
    state = fields["state"]
    for code, holds in {
        "suspended": state == "SUSPENDED" or fields["suspended"],
        "staged": state == "STAGED",
        "locked": fields["account_locked"],
        "password_pending": not fields["activated"],
        "password_expired": fields["password_expired"],
    }.items():
        if holds:
            return code
    return "ok"


REASONS = {**{name: reason(fields) for name, fields in COMBINED.items()}, **{name: r for name, (_, r) in ALONE.items()}}


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    with Jumpcloud(endpoint) as d:
        for name, fields in {**COMBINED, **{name: f for name, (f, _) in ALONE.items()}}.items():
            d.add_user(name, **fields)
        d.tenant.add_user("stranger2")  # of the organisation, and not bound
        d.sync()
        yield d


def test_explain(endpoint):
    keyless = {"nulls": "unavailable", "bare": "unavailable"}  # and no password reaches this computer without LDAP
    assert {name: endpoint.explain(name) for name in REASONS} == {**REASONS, **keyless}
    assert len(set(REASONS.values())) == 6 and len(REASONS) == 64 + len(ALONE)


def test_all_have_names(directory):
    """Files keep their owners' names, whatever their state is; who is not bound has none."""
    known = {line.split(":")[0]: line.split(":")[2] for line in run("getent", "passwd", *REASONS).stdout.splitlines()}
    assert known == {name: str(directory.tenant.users[directory.tenant.user_id(name)]["unix_uid"]) for name in REASONS}
    assert run("getent", "passwd", "stranger2", check=False).returncode == 2


@pytest.mark.parametrize("name", REASONS)
def test_at_the_shell(endpoint, sshd, name):
    """su by root and ssh by key: the account phase alone."""
    ok = REASONS[name] == "ok"
    su = run("su", name, "-c", "id -un", check=False)
    assert (su.returncode == 0, su.stdout.strip()) == (ok, name if ok else "")
    assert ok or TEXTS[REASONS[name]] in su.stderr
    if name in ("bare", "nulls") or "-" in name.removeprefix("act"):
        return  # no keys; and of the combinations one each is enough
    assert sshd.login(name, key=endpoint.key).ok == ok
