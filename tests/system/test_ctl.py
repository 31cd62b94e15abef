"""musterctl on an endpoint: what it shows to whom, and that what it edits is published."""
import concurrent.futures
import json
import os
import re

import pytest

from endpoint import ETC, FAR_AHEAD, LONG_AGO, NEVER_PASSES, PASSWORD, RUN, STATE, make_key, password_hash, run


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora", unix_uid=5001, displayname="Dora Brandt", sudo=True)
    endpoint.user("erik", passwordless_sudo=True, sudo=True)
    endpoint.user("frida", scheduled=[{"state": "SUSPENDED", "scheduledDate": FAR_AHEAD}],
                  password_expiration_date=FAR_AHEAD)
    for name, (fields, _) in NEVER_PASSES.items():
        endpoint.user(name, **fields)
    endpoint.user("rejected", unix_uid="5002")
    endpoint.posix_group("devs", 6000, ["dora", "suspended"])
    endpoint.publish()


@pytest.fixture
def own(endpoint):
    """Whatever a test does to the directory and the configuration is undone."""
    conf = endpoint.conf.read_bytes()
    yield endpoint
    endpoint.conf.write_bytes(conf)
    endpoint.document["serial"] = json.loads((ETC / "directory.json").read_text()).get("serial", 0) + 1
    endpoint.publish()


def as_nobody(*argv, check=True):
    return run("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--", *argv, check=check)


def table(text):
    lines = text.rstrip("\n").split("\n")
    return [line.split() for line in lines]


def users(endpoint):
    return {u["name"]: u for u in json.loads(endpoint.musterctl("users", "--json").stdout)}


def test_help_everywhere(endpoint):
    """Every command explains itself, and refuses what it does not know, with the same exit code."""
    todo, seen = [[]], 0
    while todo:
        command = todo.pop()
        text = endpoint.musterctl(*command, "--help").stdout
        assert text.startswith("usage: musterctl"), command
        for line in text.partition("Commands:\n")[2].split("\n\n")[0].split("\n"):
            if line.strip():
                todo.append(command + [line.split()[0]])
        done = endpoint.musterctl(*command, "--nonsense", check=False)
        assert done.returncode == 2 and "--help' shows the usage" in done.stderr, command
        seen += 1
    assert seen > 20
    assert endpoint.musterctl("--version").stdout.startswith("musterctl ")
    assert endpoint.musterctl(check=False).returncode == 2


def test_status(endpoint):
    status = json.loads(endpoint.musterctl("status", "--json").stdout)
    assert status["accounts"] == 3 + len(NEVER_PASSES) and status["groups"] == 1 and status["rejected"] == 1
    assert status["online"] is True and 0 <= status["data_age_s"] < 60 and status["last_error"] == ""
    assert status["directory"] == "file:///etc/muster/directory.json"
    assert [(r["name"], r["reason"]) for r in status["rejects"] if r["kind"] == "user"] == [("rejected", "uid_type")]
    text = endpoint.musterctl("status").stdout
    assert f"generation:   {status['generation']}," in text and "on line" in text and "user rejected: uid_type" in text


def test_status_of_a_failed_sync(own):
    generation = own.generation()
    own.write("{")
    assert run("musterd", "--once", check=False).returncode
    status = json.loads(own.musterctl("status", "--json").stdout)
    assert status["generation"] == generation and "line 1" in status["last_error"] and status["errors"]
    assert "line 1" in own.musterctl("status").stdout
    for folder in (RUN, STATE):
        for path in folder.glob("*.snapshot"):
            path.unlink()
    done = own.musterctl("status", check=False)
    assert done.returncode == 2 and "nothing has been published" in done.stderr and "line 1" in done.stderr
    own.write(own.document)


def test_users(endpoint):
    listed = users(endpoint)
    assert "rejected" not in listed
    for name, (_, reason) in NEVER_PASSES.items():
        assert listed[name]["verdict"] == reason, name
    assert listed["dora"]["verdict"] == "ok" and listed["dora"]["state"] == "ACTIVATED"
    assert listed["dora"]["groups"] == ["devs"] and listed["dora"]["sudo"] == "yes" and listed["dora"]["uid"] == 5001
    assert listed["erik"]["sudo"] == "nopasswd" and listed["frida"]["sudo"] == "no"
    assert listed["leaver"]["state"] == "SUSPENDED"  # the scheduled change is due
    header, *rows = table(endpoint.musterctl("users").stdout)
    assert header == ["NAME", "UID", "STATE", "VERDICT", "GROUPS", "SUDO"]
    assert ["dora", "5001", "ACTIVATED", "ok", "devs", "yes"] in rows and len(rows) == len(listed)
    csv = endpoint.musterctl("users", "--csv").stdout
    assert "dora,5001,ACTIVATED,ok,devs,yes\n" in csv
    assert "\x1b" not in csv
    mails = endpoint.musterctl("users", "--csv", "--columns", "email").stdout.splitlines()
    assert len(mails) == 1 + len(listed) and '""' in mails


def test_groups(endpoint):
    groups = {g["name"]: g for g in json.loads(endpoint.musterctl("groups", "--json").stdout)}
    assert groups["devs"] == {"name": "devs", "gid": 6000, "members": ["dora", "suspended"]}
    assert ["devs", "6000", "dora", "suspended"] in table(endpoint.musterctl("groups").stdout)
    assert "devs,6000,dora suspended\n" in endpoint.musterctl("groups", "--csv").stdout


@pytest.mark.parametrize("name", NEVER_PASSES)
def test_explain_refused(endpoint, name):
    done = endpoint.musterctl("explain", name, "--service", "sshd", "--json", check=False)
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["user"] == name and told["allowed"] is False and told["service"] == "sshd"
    assert told["reason"] == NEVER_PASSES[name][1] and told["generation"] == endpoint.generation()
    text = endpoint.musterctl("explain", name, check=False).stdout
    assert f"{name}: refused: {told['reason']}\n" in text and told["why"] in text and "is told" in text


def test_explain_allowed(endpoint):
    told = json.loads(endpoint.musterctl("explain", "frida", "--json").stdout)
    assert told["allowed"] is True and told["reason"] == "ok"
    assert told["scheduled"] == [{"state": "SUSPENDED", "at": FAR_AHEAD}]
    assert told["password_expires_at"] == FAR_AHEAD
    assert "scheduled    SUSPENDED at 2099" in endpoint.musterctl("explain", "frida").stdout


def test_explain_knows_that_there_is_no_password(own, tmp_path):
    key = {"ssh_keys": [{"name": "k", "public_key": make_key(own.key)}], "allow_public_key": True}
    directory_import(own, tmp_path / "users", {"results": [
        {"_id": digit * 24, "username": name, "state": "ACTIVATED", "activated": True, **fields}
        for digit, name, fields in (("6", "carl", {}), ("7", "keys", key))]})
    explained = json.loads(own.musterctl("explain", "carl", "--json", check=False).stdout)
    assert explained["reason"] == "unavailable" and explained["reason_without_password"] == "ok"
    assert "has no password_hash" in own.musterctl("explain", "carl", check=False).stdout
    assert users(own)["carl"]["verdict"] == "unavailable" and users(own)["keys"]["verdict"] == "ok"
    assert own.explain("keys") == own.explain("keys", "--service", "sshd") == "ok"
    assert own.explain("keys", "--service", "su") == "unavailable"


def test_explain_at(endpoint):
    assert endpoint.explain("frida", "--at", "2098-12-31") == "ok"
    assert endpoint.explain("frida", "--at", FAR_AHEAD) == "suspended"
    told = json.loads(endpoint.musterctl("explain", "frida", "--json", "--at", "+30d").stdout)
    assert told["reason"] == "ok" and told["data_age_s"] < 60  # syncs go on
    for wrong in (("--at", "soon"), ("--offline", "x"), ("--offline", "-1")):
        assert endpoint.musterctl("explain", "frida", *wrong, check=False).returncode == 2


def test_explain_offline(endpoint):
    """A document in a file is the directory itself: its data has no age that refuses."""
    told = json.loads(endpoint.musterctl("explain", "frida", "--json", "--offline", "400d").stdout)
    assert told["data_age_s"] == 400 * 86400 and told["allowed"] is True


def test_explain_others(endpoint):
    for name, words in (("root", "local user"), ("alice", "local user"), ("rejected", "uid_type"),
                        ("nobody-of-us", "no user of this name"), ("\x1b[31m", "no user of this name")):
        done = endpoint.musterctl("explain", name, check=False)
        assert done.returncode == 1 and "unknown_user" in done.stdout and words in done.stdout
        assert "\x1b" not in done.stdout


def test_failed_attempts_count_and_unlock_forgets_them(own, sshd):
    with own.configured(max_attempts=3):
        own.publish()
    for _ in range(3):
        assert not sshd.login("dora", "wrong").ok
    told = json.loads(own.musterctl("explain", "dora", "--json", check=False).stdout)
    assert told["reason"] == "locked" and told["reason_without_password"] == "ok" and told["failures"] == 3
    assert "wrong passwords here" in told["why"]
    assert own.explain("dora", "--at", "+1h") == "ok"  # the lock ends by itself
    assert users(own)["dora"]["verdict"] == "locked"
    assert own.musterctl("directory", "unlock", "dora").stdout.startswith("dora: not locked")
    assert own.explain("dora") == "ok"


def test_not_root(endpoint):
    listed = table(as_nobody("musterctl", "users").stdout)
    assert ["dora", "5001", "-", "-", "devs", "yes"] in listed
    done = as_nobody("musterctl", "users", "--json")
    assert {u["verdict"] for u in json.loads(done.stdout)} == {None} and "root only" in done.stderr
    assert as_nobody("musterctl", "groups").stdout == endpoint.musterctl("groups").stdout
    done = as_nobody("musterctl", "status")
    assert f"generation:   {endpoint.generation()}," in done.stdout and "root only" in done.stderr
    done = as_nobody("musterctl", "explain", "dora", check=False)
    assert done.returncode == 2 and "root only" in done.stderr and not done.stdout
    done = as_nobody("musterctl", "directory", "suspend", "dora", check=False)
    assert done.returncode == 2 and "run it as root" in done.stderr
    assert as_nobody("musterctl", "directory", "export", check=False).returncode == 2


def test_ssh_keys(endpoint):
    key = " ".join(make_key(endpoint.key).split()[:2])
    assert as_nobody("musterctl", "ssh-keys", "dora").stdout == key + "\n"
    for name in ("root", "alice", "daemon", "nobody-of-us", "rejected", "", "../dora", "dora\n", *NEVER_PASSES):
        done = as_nobody("musterctl", "ssh-keys", name)
        assert done.returncode == 0 and done.stdout == "" and done.stderr == "", name


@pytest.mark.parametrize("damage", ["missing", "truncated", "garbage", "writable"])
def test_damaged_snapshots(own, damage):
    for folder in (RUN, STATE):
        for kind in ("nss", "pam"):
            path = folder / f"{kind}.snapshot"
            if damage == "missing":
                path.unlink()
            elif damage == "truncated":
                os.truncate(path, 100)
            elif damage == "garbage":
                path.write_bytes(os.urandom(path.stat().st_size))
            else:
                path.chmod(0o666)
    for command in (("status",), ("users",), ("groups",), ("explain", "dora"), ("status", "--json")):
        done = own.musterctl(*command, check=False)
        assert done.returncode == 2 and not done.stdout, command
        assert "musterd --once" in done.stderr, command
    done = as_nobody("musterctl", "ssh-keys", "dora", check=False)
    assert done.returncode == 2 and not done.stdout
    assert as_nobody("musterctl", "ssh-keys", "root").returncode == 0


def test_an_edit_is_published_at_once(own):
    before = own.generation()
    own.musterctl("directory", "suspend", "dora")
    assert own.generation() == before + 1 and own.explain("dora") == "suspended"
    own.musterctl("directory", "suspend", "dora")
    assert own.generation() == before + 1  # nothing to change, nothing to publish
    own.musterctl("directory", "activate", "dora")
    assert own.explain("dora") == "ok"
    own.musterctl("directory", "add", "karl", "--uid", 5009)
    own.musterctl("directory", "passwd", "karl", "--stdin", input=PASSWORD + "\n")
    assert run("getent", "passwd", "karl").stdout.startswith("karl:x:5009:") and own.explain("karl") == "ok"
    own.musterctl("directory", "delete", "karl")
    assert own.explain("karl") == "unbound"
    # Who comes back under this name is another person, and crontabs, mail and groups go by name.
    done = own.musterctl("directory", "add", "karl", check=False)
    assert done.returncode == 1 and "left out on this computer: name_recycled" in done.stderr


def test_not_published(own):
    before = own.generation()
    own.musterctl("directory", "suspend", "dora", "--no-publish")
    assert own.generation() == before and own.explain("dora") == "ok"
    # Saying it again publishes what was left, though there is nothing to change.
    assert "nothing to change" in own.musterctl("directory", "suspend", "dora").stdout
    assert own.explain("dora") == "suspended"
    with own.configured(fetch="/bin/false"):
        done = own.musterctl("directory", "activate", "dora", check=False)
    assert done.returncode == 2 and "saved, but not published: " in done.stderr
    assert "muster-fetch ended" in done.stderr and "'musterd --once' tries again" in done.stderr
    assert own.explain("dora") == "suspended"
    own.musterctl("directory", "activate", "dora")
    assert own.explain("dora") == "ok"


def test_an_old_copy_is_not_edited(own):
    """A backup that was put back: whoever was suspended since is active in it, and musterd holds it."""
    path = ETC / "directory.json"
    own.musterctl("directory", "set", "dora", "--displayname", "Dora")
    copy = path.read_text()
    own.musterctl("directory", "suspend", "erik")
    own.write(copy)
    for words in (["suspend", "dora"], ["activate", "dora"]):
        done = own.musterctl("directory", *words, check=False)
        assert done.returncode == 2 and "an old copy?" in done.stderr and not done.stdout, done
        assert path.read_text() == copy and own.explain("erik") == "suspended" and own.explain("dora") == "ok"
    serial = re.search('set "serial" in it to ([0-9]+)', done.stderr)[1]
    own.write({**json.loads(copy), "serial": int(serial)})
    own.musterctl("directory", "suspend", "dora")
    assert own.explain("dora") == "suspended" and own.explain("erik") == "ok"


def test_what_is_left_out_here_is_told(own):
    for args, reason in ((("add", "alice"), "is a local user or group"), (("add", "daemon"), "daemon"),
                         (("add", "gustav", "--uid", 1000), "belongs to a local user")):
        done = own.musterctl("directory", *args, check=False)
        assert done.returncode == 1 and reason in done.stderr
    with open("/etc/subuid") as f:
        first = int(f.readline().split(":")[1])
    done = own.musterctl("directory", "add", "gustav", "--uid", first + 7)
    assert "uid_subordinate" in done.stderr and "not taken as it is" in done.stderr
    own.musterctl("directory", "add", "hedda", "--uid", 50001)
    with own.configured(id_max=50000):
        done = own.musterctl("directory", "set", "hedda", "--email", "h@x", check=False)
    assert done.returncode == 1 and "left out on this computer" in done.stderr


def test_a_remote_directory_is_not_edited_here(own):
    with own.configured(url="https://directory.example.com/x.json"):
        done = own.musterctl("directory", "suspend", "dora", check=False)
    assert done.returncode == 2 and "--file" in done.stderr


def test_bad_configuration_is_told(own):
    own.conf.write_text("[directory]\nulr = x\n")
    done = own.musterctl("directory", "suspend", "dora", check=False)
    assert done.returncode == 2 and "muster.conf:2:" in done.stderr


def test_default_states(own):
    source = ETC / "import.csv"
    source.write_text("username\njonas\n")
    with own.configured(default_state_manual="STAGED", default_state_import="ACTIVATED"):
        own.musterctl("directory", "add", "ingrid")
        own.musterctl("directory", "import", source)
    source.unlink()
    assert users(own)["ingrid"]["state"] == "STAGED" and users(own)["jonas"]["state"] == "ACTIVATED"


def directory_import(endpoint, path, text, **kwargs):
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return endpoint.musterctl("directory", "import", path, **kwargs)


def test_what_is_imported_is_newer_than_what_fell_due(own, tmp_path):
    for name, before, due in (("starter", "STAGED", "ACTIVATED"), ("goer", "ACTIVATED", "SUSPENDED")):
        directory_import(own, tmp_path / "users", [{"username": name, "state": before, "password_hash": password_hash(PASSWORD),
                                                    "scheduled": [{"state": due, "scheduledDate": LONG_AGO}]}])
    assert own.explain("starter") == "ok" and own.explain("goer") == "suspended"
    # CSV has no schedule: what is in force goes out, and comes back as it was.
    directory_import(own, tmp_path / "users", own.musterctl("directory", "export", "--csv").stdout, check=False)
    assert own.explain("starter") == "ok" and own.explain("goer") == "suspended"
    directory_import(own, tmp_path / "users", "username,state\nstarter,SUSPENDED\n")
    assert own.explain("starter") == "suspended"


def test_an_import_gives_a_new_person_nothing_of_the_old_one(own, tmp_path):
    dora = users(own)["dora"]
    done = directory_import(own, tmp_path / "users", [{"id": "b" * 24, "username": "dora"}], check=False)
    assert done.returncode == 1 and dora["id"] in done.stderr and "b" * 24 in done.stderr
    directory_import(own, tmp_path / "users", [
        {"_id": dora["id"], "username": "dora.old", "state": "SUSPENDED"},
        {"_id": "b" * 24, "username": "dora", "state": "ACTIVATED", "activated": True}], check=False)
    text = (ETC / "directory.json").read_text()
    old, new = ({u["username"]: u for u in json.loads(text)["users"]}[name] for name in ("dora.old", "dora"))
    assert old["id"] == dora["id"] and old["state"] == "SUSPENDED" and old["password_hash"] and old["sudo"] is True
    assert "password_hash" not in new and "sudo" not in new


def test_unbound_is_unbound(own):
    """As the endpoint sees it: members of a group, and a computer that two names stand for."""
    ctl = own.musterctl
    ctl("directory", "group", "add", "staff")
    ctl("directory", "group", "members", "staff", "--add", "erik")
    ctl("directory", "unbind", "--group", "staff")
    assert own.explain("erik") == "unbound" and own.explain("dora") == "ok"
    with own.configured(system_id="5f0c6e2a9d1b4c00012345aa"):
        ctl("directory", "bind", "frida")
        ctl("directory", "unbind", "frida")
        assert own.explain("frida") == "unbound" and own.explain("dora") == "ok"


def test_a_reader_that_goes_keeps_no_suspension_back(own):
    names = ["dora", *(f"u{i:031}" for i in range(200))]  # more than stdout's buffer holds
    own.musterctl("directory", "add", *names[1:])
    run("bash", "-c", "{ sleep .3; env --default-signal=PIPE musterctl directory suspend " + " ".join(names) + "; } | true")
    assert own.explain("dora") == "suspended"


def test_its_own_directory_by_another_path(own):
    own.musterctl("directory", "suspend", "dora", "--file", "directory.json", cwd=ETC)
    assert own.explain("dora") == "suspended"
    own.musterctl("directory", "activate", "dora", "--file", ETC / "../muster/directory.json")
    assert own.explain("dora") == "ok"


def test_many_edit_and_publish_at_once(own):
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda i: own.musterctl("directory", "add", f"new{i}"), range(10)))
    assert {f"new{i}" for i in range(10)} <= set(users(own))


def test_output_cut_short_is_an_error(endpoint):
    done = run("sh", "-c", "musterctl users >/dev/full", check=False)
    assert done.returncode == 2 and "cannot write" in done.stderr


def test_login_with_a_changed_password(own, sshd):
    own.musterctl("directory", "passwd", "dora", "--stdin", input="another one\n")
    assert sshd.login("dora", "another one").ok and not sshd.login("dora", PASSWORD).ok
    own.musterctl("directory", "expire", "dora")
    assert not sshd.login("dora", "another one").ok and not sshd.login("dora", key=own.key).ok


def test_accept_and_forget(endpoint):
    """A name that comes back belongs to nobody until an administrator says so; a tombstone ends when one says so."""
    ctl = endpoint.musterctl
    ctl("directory", "add", "carla", "--no-publish")
    ctl("sync")
    ctl("directory", "delete", "carla")
    assert ctl("directory", "add", "carla", check=False).returncode == 1
    assert "name_recycled" in ctl("status").stdout
    assert "musterctl accept carla" in ctl("explain", "carla", check=False).stdout
    ctl("accept", "carla")
    assert "name_recycled" not in ctl("status").stdout
    assert endpoint.explain("carla") == "password_pending"
    assert ctl("forget", "carla", check=False).returncode == 2
    ctl("directory", "delete", "carla")
    assert run("getent", "passwd", "carla").stdout
    ctl("forget", "carla")
    assert run("getent", "passwd", "carla", check=False).returncode == 2


def test_sync_says_when_nothing_changed(endpoint):
    endpoint.musterctl("sync")
    assert endpoint.musterctl("sync").stdout == f"nothing changed: generation {endpoint.generation()}\n"


def test_unlock_forgets_the_tries_here(endpoint):
    endpoint.musterctl("directory", "add", "tilda")
    uid = run("id", "-u", "tilda").stdout.strip()
    tally = RUN / "tally" / uid
    tally.write_bytes(b"")
    tally.chmod(0o600)
    endpoint.musterctl("unlock", "tilda")
    assert not tally.exists()
    assert endpoint.musterctl("unlock", "nobody-there", check=False).returncode == 1
