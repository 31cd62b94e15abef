"""Homes and shells: templates, shells of groups, what is not there, and homes as pam_mkhomedir makes them."""
import contextlib
import json
import os
import pathlib
import pwd
import shutil

import pytest

from agent import Agent, wait_for
from endpoint import run

HOMES, OTHER = pathlib.Path("/srv/homes"), pathlib.Path("/opt/other-shell")
SHELLS, DEFS = pathlib.Path("/etc/shells"), pathlib.Path("/etc/login.defs")
SKEL = pathlib.Path("/etc/skel")
UID = 1912000001


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    shutil.copy("/bin/sh", OTHER)
    endpoint.user("dora", unix_uid=UID)
    endpoint.user("erik")
    endpoint.user("lib", home="/home/lib", shell=str(OTHER))
    endpoint.group("Contractors", ["erik"])
    endpoint.group("Developers", ["dora", "erik", "lib"])
    endpoint.publish()
    yield
    OTHER.unlink(missing_ok=True)
    shutil.rmtree(HOMES, ignore_errors=True)


@contextlib.contextmanager
def shells(endpoint, *lines):
    before = endpoint.conf.read_text()
    endpoint.conf.write_text(before + "[shells]\n" + "".join(line + "\n" for line in lines))
    try:
        endpoint.publish()
        yield
    finally:
        endpoint.conf.write_text(before)
        endpoint.publish()


@contextlib.contextmanager
def edited(path, text):
    before = path.read_text()
    path.write_text(text)
    try:
        yield
    finally:
        path.write_text(before)


def shell_of(user):
    return run("getent", "passwd", user).stdout.strip().split(":")[6]


def test_home_is_made_by_the_template(endpoint, sshd):
    with endpoint.configured(home=f"{HOMES}/%l/%u.%U"):
        endpoint.publish()
        home = HOMES / f"d/dora.{UID}"
        assert run("getent", "passwd", "dora").stdout.split(":")[5] == str(home)
        assert run("getent", "passwd", "lib").stdout.split(":")[5] == "/home/lib"  # the record's own
        assert sshd.login("dora", key=endpoint.key, command="pwd").output == str(home)
        assert (home.stat().st_uid, home.stat().st_gid) == (UID, pwd.getpwnam("dora").pw_gid)
        assert (home / ".profile").stat().st_uid == UID
        with edited(DEFS, DEFS.read_text() + "HOME_MODE 0700\n"):
            assert sshd.login("erik", key=endpoint.key, command="stat -c %a .").output == "700"
    endpoint.publish()


def test_a_name_that_makes_no_home(endpoint):
    with endpoint.configured(home="/var/%u"):
        endpoint.user("log")
        said = endpoint.publish().stderr
        assert "kind=user name=log " in said and "home_invalid" in said
        assert run("getent", "passwd", "log", check=False).returncode == 2
        assert run("getent", "passwd", "dora").stdout.split(":")[5] == "/var/dora"
    endpoint.forget("log")
    endpoint.publish()


def test_shells_of_groups(endpoint, sshd):
    with shells(endpoint, "Contractors = /bin/rbash", f"Developers = {OTHER}"):
        assert [shell_of(u) for u in ("dora", "erik", "lib")] == [str(OTHER), "/bin/rbash", str(OTHER)]
        assert sshd.login("erik", key=endpoint.key, command="cd /").raw.count("restricted") == 1
        endpoint.change("erik", shell="/bin/dash")  # his own, which is listed
        assert shell_of("erik") == "/bin/dash"
        endpoint.change("erik", shell=str(OTHER))  # and which is not
        assert shell_of("erik") == "/bin/rbash"
        endpoint.change("erik", shell="")
    assert [shell_of(u) for u in ("dora", "erik", "lib")] == ["/bin/bash"] * 3


def test_a_shell_that_is_not_there(endpoint):
    """It gives way to the next, is told of, and is back as soon as it is there again."""
    with shells(endpoint, f"Developers = {OTHER}"), edited(SHELLS, SHELLS.read_text() + f"{OTHER}\n"):
        aside = OTHER.rename("/opt/aside")
        assert "shell_missing" in endpoint.publish().stderr
        assert [shell_of(u) for u in ("dora", "lib")] == ["/bin/bash"] * 2
        rejects = [f for f in doctor(endpoint) if f["check"] == "users.rejected" and "[shells] Developers" in f["detail"]]
        assert [f["status"] for f in rejects] == ["warning"]
        with endpoint.configured(shell="/opt/no-such-shell"):
            assert "name=[accounts]_shell " in endpoint.publish().stderr
            assert shell_of("dora") == "/bin/sh" == shell_of("erik")
        aside.rename(OTHER)
        endpoint.publish()
        assert [shell_of(u) for u in ("dora", "lib")] == [str(OTHER)] * 2
        OTHER.chmod(0o644)
        endpoint.publish()
        assert [shell_of(u) for u in ("dora", "lib")] == ["/bin/bash"] * 2
        OTHER.chmod(0o755)


def test_the_living_agent_takes_an_edit(endpoint):
    with Agent():
        with shells(endpoint, "Developers = /bin/dash"):
            wait_for(lambda: shell_of("dora") == "/bin/dash")
        wait_for(lambda: shell_of("dora") == "/bin/bash")


def doctor(endpoint):
    return json.loads(endpoint.musterctl("doctor", "--json", check=False).stdout)


def found(endpoint, check):
    return [(f["status"], f["file"]) for f in doctor(endpoint) if f["check"] == check]


def test_doctor(endpoint):
    home = pathlib.Path("/home/dora")
    assert found(endpoint, "home.skeleton") == [("ok", str(SKEL))]
    assert found(endpoint, "home.parent") == [("ok", "/home")]
    (SKEL / ".trap").touch()
    (SKEL / ".trap").chmod(0o666)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()  # root's
    os.chmod("/home", 0o777)
    try:
        assert found(endpoint, "home.skeleton") == [("warning", str(SKEL))]
        assert found(endpoint, "home.parent") == [("warning", "/home")]
        assert found(endpoint, "home.owner") == [("warning", str(home))]
        os.chown(home, UID, UID)
        assert found(endpoint, "home.owner") == [("ok", None)]
    finally:
        (SKEL / ".trap").unlink()
        os.chmod("/home", 0o755)
        shutil.rmtree(home)
    with endpoint.configured(home="/no-such-folder/%u"):
        assert found(endpoint, "home.parent") == [("note", "/no-such-folder")]
