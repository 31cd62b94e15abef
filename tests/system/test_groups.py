"""[groups]: local groups that groups of the directory carry, as id, getent, su, sshd, sudo and musterctl see them."""
import contextlib
import grp
import json
import pathlib
import re

import pytest

from agent import Agent, wait_for
from endpoint import RUN, STATE, run, run_as
from snapshot import Snapshot

GROUP, NSSWITCH = pathlib.Path("/etc/group"), pathlib.Path("/etc/nsswitch.conf")
SUDOERS = pathlib.Path("/etc/sudoers.d/zz-test")
LINE = "Ops on call = plugtest, testdock\n"
PLUG, DOCK = 910, 911


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    run("groupadd", "--gid", DOCK, "testdock")
    run("groupadd", "--gid", PLUG, "plugtest")
    run("usermod", "-aG", "plugtest", "alice")
    endpoint.user("dora")
    endpoint.user("erik")
    yield
    run("groupdel", "testdock")
    run("groupdel", "plugtest")


@pytest.fixture(autouse=True)
def granted(endpoint):
    """dora is in both, erik in none."""
    endpoint.group("Ops on call", ["dora"])
    endpoint.group("plugtest", ["erik"])  # a name is not enough
    endpoint.posix_group("testdock", DOCK, ["erik"])  # nor is asking for it
    with configured(endpoint, LINE):
        endpoint.publish()
        yield
    endpoint.document["groups"] = []
    endpoint.publish()


@contextlib.contextmanager
def configured(endpoint, lines):
    before = endpoint.conf.read_text()
    endpoint.conf.write_text(before + "[groups]\n" + lines)
    try:
        yield
    finally:
        endpoint.conf.write_text(before)


@contextlib.contextmanager
def nsswitch(line):
    before = NSSWITCH.read_text()
    NSSWITCH.write_text(re.sub(r"(?m)^group:.*", f"group: {line}", before))
    try:
        yield
    finally:
        NSSWITCH.write_text(before)


@pytest.fixture(params=["files [SUCCESS=merge] systemd [SUCCESS=merge] muster", "files [SUCCESS=merge] muster systemd"])
def merged(request):
    with nsswitch(request.param):
        yield


def groups_of(user):
    return run("id", "-Gn", user).stdout.split()


def listed(key):
    return run("getent", "group", key).stdout.strip()


def test_id_and_getent_agree(merged):
    assert groups_of("dora") == ["dora", "plugtest", "testdock"] == run_as("dora", "id", "-Gn").stdout.split()
    assert listed("plugtest") == "plugtest:x:910:alice,dora" == listed(910)
    assert listed("testdock") == f"testdock:x:{DOCK}:dora" == listed(DOCK)
    assert run("su", "dora", "-c", "id -Gn").stdout.split() == ["dora", "plugtest", "testdock"]
    assert groups_of("erik") == ["erik"] and groups_of("alice") == ["alice", "plugtest"]
    assert listed("sudo") and listed("root") == "root:x:0:"  # what files alone has is as it was
    assert run("getent", "group", "nobody-here", check=False).returncode == 2


@pytest.mark.parametrize("line", ["files muster", "files systemd muster"])
def test_without_merge(line):
    """Who is in which group is right; only the lists are /etc/group's alone."""
    with nsswitch(line):
        assert groups_of("dora") == ["dora", "plugtest", "testdock"] == run_as("dora", "id", "-Gn").stdout.split()
        assert listed("plugtest") == "plugtest:x:910:alice"


def test_initgroups_line(merged):
    with nsswitch("files [SUCCESS=merge] muster\ninitgroups: files [SUCCESS=continue] muster"):
        assert groups_of("dora") == ["dora", "plugtest", "testdock"]


def test_enumeration_has_each_once(merged):
    names = [g.gr_name for g in grp.getgrall()]
    assert names.count("plugtest") == names.count("testdock") == 1


def test_ssh_session(endpoint, sshd):
    assert sshd.login("dora", key=endpoint.key, command="id -Gn").output.split() == ["dora", "plugtest", "testdock"]
    assert sshd.login("erik", key=endpoint.key, command="id -Gn").output.split() == ["erik"]


def test_removal_acts_at_the_next_generation(endpoint, merged):
    endpoint.group("Ops on call", ["erik"])
    endpoint.publish()
    assert (groups_of("dora"), groups_of("erik")) == (["dora"], ["erik", "plugtest", "testdock"])
    assert listed("plugtest") == "plugtest:x:910:alice,erik"
    endpoint.change("erik", state="SUSPENDED")  # still in it, as in all groups, and let in by nobody
    assert run("su", "erik", "-c", "true", check=False).returncode
    endpoint.forget("erik")
    endpoint.publish()
    assert groups_of("erik") == ["erik"] and listed("plugtest") == "plugtest:x:910:alice"
    endpoint.user("erik")


def test_configuration_and_local_groups_count_at_once(endpoint, merged):
    before = GROUP.read_text()
    with Agent():
        try:
            GROUP.write_text(before.replace(f"testdock:x:{DOCK}:", "testdock:x:912:"))
            wait_for(lambda: run("id", "-G", "dora").stdout.split()[1:] == ["910", "912"])
            GROUP.write_text(re.sub("(?m)^testdock:.*\n", "", before))
            wait_for(lambda: groups_of("dora") == ["dora", "plugtest"])
            assert run("getent", "group", str(DOCK), check=False).returncode == 2
        finally:
            GROUP.write_text(before)
        wait_for(lambda: "testdock" in groups_of("dora"))
        endpoint.conf.write_text(endpoint.conf.read_text().replace(LINE, "Ops on call = testdock\n"))
        wait_for(lambda: groups_of("dora") == ["dora", "testdock"])


def test_sudo_sees_it_at_once(endpoint, sshd, merged):
    """In a session that is open: %:group asks each time; %group goes by what the session was given when it began."""
    SUDOERS.write_text("%:plugtest ALL = NOPASSWD: /usr/bin/id\n%testdock ALL = NOPASSWD: /usr/bin/pwd\n")
    SUDOERS.chmod(0o440)
    asking, remembering = "sudo -n id -u", "cd / && sudo -n pwd"
    endpoint.group("Ops on call", ["erik"])
    endpoint.publish()
    session = sshd.session("dora", endpoint.key)
    try:
        assert session.run(asking)[1] == 1 == session.run(remembering)[1]
        endpoint.group("Ops on call", ["dora"])
        endpoint.publish()
        assert session.run(asking) == ("0", 0)
        assert session.run(remembering)[1] == 1
        assert sshd.login("dora", key=endpoint.key, command=remembering).output == "/"
        endpoint.group("Ops on call", ["erik"])
        endpoint.publish()
        assert session.run(asking)[1] == 1
    finally:
        session.close()
        SUDOERS.unlink()


def test_what_may_not_be_given_is_told(endpoint, merged):
    """Root's group by another name, and one that is not there: an alarm, and nothing else."""
    before = GROUP.read_text()
    GROUP.write_text(before + "toor:x:0:\n")
    try:
        with configured(endpoint, LINE + "Others = toor, no-such, testdock\n"):
            endpoint.conf.write_text(endpoint.conf.read_text().replace("[groups]\n" + LINE, "", 1))
            endpoint.group("Others", ["dora"])
            said = endpoint.publish().stderr
            assert "left_out kind=local_group name=toor " in said and "gid_root" in said and "kind=local_group name=no-such " in said
            assert run("id", "-G", "dora").stdout.split()[1:] == [str(PLUG), str(DOCK)]
            assert listed("root") == "root:x:0:"
            assert "group_missing" in endpoint.musterctl("status").stdout
    finally:
        GROUP.write_text(before)
    with configured(endpoint, "Others = root\n"):
        done = endpoint.publish(check=False)
        assert done.returncode and "nobody of the directory can be in root" in done.stderr
    assert groups_of("dora") == ["dora", "plugtest", "testdock"]


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_local_groups_do_not_depend_on_us(endpoint, merged, damage):
    for folder in (RUN, STATE):
        path = folder / "nss.snapshot"
        data = path.read_bytes()
        path.unlink()
        if damage == "damaged":
            path.write_bytes(bytes(b ^ 255 for b in data))
    try:
        assert listed("root") == "root:x:0:" and listed("plugtest") == "plugtest:x:910:alice" == listed(910)
        assert groups_of("alice") == ["alice", "plugtest"] and "plugtest" in [g.gr_name for g in grp.getgrall()]
    finally:
        for folder in (RUN, STATE):
            (folder / "nss.snapshot").unlink(missing_ok=True)
        endpoint.publish()


def test_setup_writes_the_line(endpoint):
    with nsswitch("files systemd"):
        endpoint.musterctl("setup")
        assert groups_of("dora") == ["dora", "plugtest", "testdock"] and listed("plugtest") == "plugtest:x:910:alice,dora"


def test_musterctl_shows_them(endpoint):
    groups = {g["name"]: g for g in json.loads(endpoint.musterctl("groups", "--json").stdout)}
    assert groups["plugtest"] == {"name": "plugtest", "gid": 910, "members": ["dora"], "local": True}
    users = {u["name"]: u for u in json.loads(endpoint.musterctl("users", "--json").stdout)}
    assert users["dora"]["groups"] == ["plugtest", "testdock"] and users["erik"]["groups"] == []


def test_doctor(endpoint):
    def found():
        findings = json.loads(endpoint.musterctl("doctor", "--json", check=False).stdout)
        return {f["check"]: f for f in findings if f["check"].startswith("groups.")}

    with configured(endpoint, "Other people = docker\n"):
        endpoint.conf.write_text(endpoint.conf.read_text().replace("[groups]\n" + LINE, "", 1))
        endpoint.publish()
        with nsswitch("files [SUCCESS=merge] systemd muster"):
            seen = found()
    assert seen["groups.merge"]["status"] == "warning" and seen["groups.merge"]["line"]
    assert seen["groups.rights"]["status"] == "note" and "docker" in seen["groups.rights"]["detail"]
    assert seen["groups.directory"]["status"] == "note" and "Other people" in seen["groups.directory"]["detail"]
    endpoint.publish()
    with nsswitch("files [SUCCESS=merge] systemd [SUCCESS=merge] muster"):
        assert {name: f["status"] for name, f in found().items()} == {"groups.merge": "ok"}


def test_second_reader():
    s = Snapshot(RUN / "nss.snapshot")
    assert s.local_groups == {"plugtest": {"gid": 910, "members": ["dora"]}, "testdock": {"gid": DOCK, "members": ["dora"]}}
    assert s.local_gids == {s.users["dora"]["uid"]: [PLUG, DOCK]}
