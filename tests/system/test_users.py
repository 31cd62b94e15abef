"""musterctl users: the questions of docs/queries.md and musterctl(1), as table, CSV and JSON, and who may ask them."""
import csv
import datetime
import io
import json
import re
import shlex

import jsonschema
import pytest

from endpoint import FAR_AHEAD, LONG_AGO, NEVER_PASSES, TREE, run_as

SCHEMA = json.loads((TREE / "docs/schema/users.schema.json").read_text())
MANY = [f"group-with-a-rather-long-name{i:02}" for i in range(50)]


def later(**span):
    return (datetime.datetime.utcnow() + datetime.timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora", unix_uid=5001, displayname="Dora Brandt", email="dora@example.com", sudo=True,
                  created=LONG_AGO, mfa={"configured": True}, totp_enabled=True, totp_secret="JBSWY3DPEHPK3PXP" * 2,
                  password_expiration_date=later(days=10))
    endpoint.user("erik", displayname='=1+1; "Erik"', sudo=True, passwordless_sudo=True, created=later(days=-2),
                  password_never_expires=True, password_expiration_date=later(days=10))
    endpoint.user("frida", email="frida@elsewhere.net", enable_user_portal_multifactor=True,
                  mfa={"exclusion": True, "exclusionUntil": FAR_AHEAD},
                  scheduled=[{"state": "SUSPENDED", "scheduledDate": later(days=3)}], password_expiration_date=FAR_AHEAD)
    endpoint.user("gone", mfa={"exclusion": True, "exclusionUntil": LONG_AGO}, ssh_keys=[])
    for name, (fields, _) in NEVER_PASSES.items():
        endpoint.user(name, **fields)
    endpoint.posix_group("devs", 6000, ["dora", "suspended"])
    for i, name in enumerate(MANY):
        endpoint.posix_group(name, 6100 + i, ["erik"])
    endpoint.group("rights alone", ["gone"], sudo={"enabled": False})
    endpoint.publish()


def who(endpoint, query):
    return [u["name"] for u in listed(endpoint, "--where", query)]


def listed(endpoint, *argv):
    users = json.loads(endpoint.musterctl("users", "--json", *argv).stdout)
    jsonschema.validate(users, SCHEMA)
    return users


@pytest.mark.parametrize("query, names", [
    ("state = SUSPENDED", {"suspended", "flagged", "leaver"}),
    ("not mfa and not groups", {"frida", "gone", *NEVER_PASSES} - {"suspended"}),
    ("mfa", {"dora"}),
    ("mfa_excluded", {"frida"}),
    ("mfa_required and not mfa", {"frida"}),
    ("mfa_required and mfa", {"dora"}),
    ("not groups", {"frida", "gone", *NEVER_PASSES} - {"suspended"}),
    ("groups = devs", {"dora", "suspended"}),
    ("groups ~ NAME49", {"erik"}),
    ("password_expires_at >= now and password_expires_at < +30d", {"dora"}),
    ("password_expires_at < now", {"outdated"}),
    ("password_never_expires", {"erik"}),
    ("password_expired", {"expired", "outdated"}),
    ("sudo", {"dora", "erik"}),
    ("sudo = nopasswd", {"erik"}),
    ("sudo and not mfa", {"erik"}),
    ("created_at > -7d", {"erik"}),
    ("scheduled_state = SUSPENDED and scheduled_at < +14d", {"frida"}),
    ("locked", {"locked"}),
    ("not activated", {"pending"}),
    ("verdict = ok", {"dora", "erik", "frida", "gone"}),
    ("verdict = ok and ssh_keys = 0", {"gone"}),
    ("email != '' and not email ~ @EXAMPLE.com", {"frida"}),
    ("displayname = '=1+1; \"Erik\"'", {"erik"}),
    ("uid = 5001", {"dora"}),
    ("uid > 5001 and uid < 5001", set()),
])
def test_questions(endpoint, query, names):
    assert set(who(endpoint, query)) == names


def test_documented_questions(endpoint):
    """Whatever the page and the manual show is a query, and is answered."""
    page = re.findall(r"`(--[^`]*)`", (TREE / "docs/queries.md").read_text())
    asked = [shlex.split(options) for options in page if options.startswith(("--where ", "--columns "))]
    manual = (TREE / "man/musterctl.1").read_text()
    asked += [shlex.split(line)[2:] for line in re.findall(r"^musterctl users .*", manual, re.M)]
    assert len(asked) > 20
    for options in asked:
        assert not endpoint.musterctl("users", *options).stderr, options


def test_csv(endpoint):
    """What RFC 4180 quotes is quoted, nothing is cut off, and a program gets what the directory says."""
    done = endpoint.musterctl("users", "--csv", "--columns",
                              "name,displayname,groups,password_expires_at,locked_at,mfa", "--where", "sudo")
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(done.stdout), strict=True)}
    assert '\nerik,"=1+1; ""Erik""",' in done.stdout and "\r" not in done.stdout
    assert rows["erik"]["displayname"] == '=1+1; "Erik"' and set(rows["erik"]["groups"].split()) == set(MANY)
    assert rows["erik"]["password_expires_at"] == "" and rows["dora"]["locked_at"] == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", rows["dora"]["password_expires_at"])
    assert [rows[name]["mfa"] for name in ("dora", "erik")] == ["yes", "no"]


def test_json(endpoint):
    users = {u["name"]: u for u in listed(endpoint)}
    dora, erik, frida = users["dora"], users["erik"], users["frida"]
    assert dora["email"] == "dora@example.com" and dora["created_at"] == LONG_AGO and dora["mfa"] is True
    assert dora["state"] == "ACTIVATED" and dora["scheduled_at"] is None and dora["ssh_keys"] == 1
    assert set(erik["groups"]) == set(MANY) and erik["password_expires_at"] is None and erik["sudo"] == "nopasswd"
    assert frida["mfa_excluded_until"] == FAR_AHEAD and frida["scheduled_state"] == "SUSPENDED"
    assert users["locked"]["locked_at"] == LONG_AGO and users["leaver"]["state"] == "SUSPENDED"
    assert listed(endpoint, "--where", "name = nobody-of-ours") == []
    with pytest.raises(jsonschema.ValidationError):  # the schema does say something
        jsonschema.validate([{**dora, "sudo": "maybe"}], SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([{k: v for k, v in dora.items() if k != "mfa"}], SCHEMA)


def test_table(endpoint):
    done = endpoint.musterctl("users", "--columns", "name,password_expires_at", "--where", "name = erik or name = gone")
    header, *rows = [line.split() for line in done.stdout.splitlines()]
    assert header == ["NAME", "PASSWORD_EXPIRES_AT"] and sorted(rows) == [["erik", "never"], ["gone", "never"]]


def test_mistakes(endpoint):
    for options, words in [
            (["--where", "stat = SUSPENDED"], "--where, character 1: 'stat': no such field\nhint: the fields are name uid"),
            (["--where", "state = SUSPENDED and"], "--where, character 22: the name of a field"),
            (["--where", "created_at = 2026-11-01"], "character 12: '=': dates are compared with <"),
            (["--columns", "name,sate"], "--columns: 'sate': no such field\nhint: the fields are"),
            (["--columns", ""], "--columns: '': no such field"),
            (["--json", "--csv"], "--json has all fields"), (["--json", "--columns", "name"], "--json has all fields")]:
        done = endpoint.musterctl("users", *options, check=False)
        assert done.returncode == 2 and not done.stdout and words in done.stderr, (options, done.stderr)


def test_not_root(endpoint):
    """What NSS tells everybody can be asked by everybody; anything else is an error, never an empty answer."""
    def ask(*argv):
        return run_as("nobody", "musterctl", "users", *argv, check=False)
    assert [u["name"] for u in json.loads(ask("--json", "--where", "sudo and groups = devs").stdout)] == ["dora"]
    users = json.loads(ask("--json").stdout)
    jsonschema.validate(users, SCHEMA)
    assert all(u["state"] is None and u["email"] is None and u["mfa"] is None for u in users)
    for options in (["--where", "name = dora or not mfa"], ["--columns", "name,email"], ["--json", "--where", "state = STAGED"]):
        done = ask(*options)
        assert done.returncode == 2 and not done.stdout and "is shown to root only" in done.stderr, options
