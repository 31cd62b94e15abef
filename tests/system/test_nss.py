"""Names and numbers as everybody sees them: getent, id, ls and sudo's groups over what musterd published."""
import os
import pathlib
import pwd
import re
import subprocess

import pytest

from endpoint import PASSWORD, RUN, STATE, WORK, make_key, run, run_as
from snapshot import Snapshot

UID, TEAM = 1912345678, 1912999999


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora", unix_uid=UID, unix_guid=UID, displayname="Dora Muster", shell="/bin/sh", sudo=True)
    endpoint.user("erik", displayname="Erik")
    endpoint.user("gone", state="SUSPENDED")
    endpoint.user("Upper.Case-1_x")
    endpoint.posix_group("team", TEAM, ["dora", "erik"])
    endpoint.posix_group("sudo", TEAM + 1, ["erik"])  # a name that carries rights: never served
    endpoint.publish()


def getent(database, *keys, **kwargs):
    return run("getent", database, *keys, **kwargs).stdout.splitlines()


def test_user():
    line = f"dora:x:{UID}:{UID}:Dora Muster:/home/dora:/bin/sh"
    assert getent("passwd", "dora") == [line] == getent("passwd", UID)
    assert getent("group", UID) == [f"dora:x:{UID}:"]


def test_group():
    assert getent("group", "team") == [f"team:x:{TEAM}:dora,erik"] == getent("group", TEAM)


def test_privileged_name_is_not_served():
    assert run("getent", "group", str(TEAM + 1), check=False).returncode == 2
    assert "erik" not in getent("group", "sudo")[0]


def test_groups_of_a_user():
    assert run("id", "dora").stdout.strip() == (
        f"uid={UID}(dora) gid={UID}(dora) groups={UID}(dora),{TEAM}(team),2147483640(muster-sudo)")
    assert run_as("dora", "id", "-Gn").stdout.split() == ["dora", "team", "muster-sudo"]


def test_suspended_user_keeps_the_name_of_files():
    assert pwd.getpwnam("gone").pw_passwd == "x"


def test_upper_case_is_another_name():
    assert getent("passwd", "Upper.Case-1_x")
    assert run("getent", "passwd", "DORA", check=False).returncode == 2
    assert run("getent", "passwd", "upper.case-1_x", check=False).returncode == 2


def test_no_shadow_entry():
    assert run("getent", "shadow", "dora", check=False).returncode == 2


def test_files_show_their_owner():
    path = pathlib.Path("/tmp/of-dora")
    path.touch()
    os.chown(path, UID, TEAM)
    assert re.search(r" dora team ", run("ls", "-l", path).stdout)
    path.unlink()


def test_enumeration():
    names = [line.split(":")[0] for line in getent("passwd")]
    assert names[0] == "root" and {"dora", "erik", "gone", "Upper.Case-1_x"} <= set(names)
    assert len(names) == len(set(names))
    groups = [line.split(":")[0] for line in getent("group")]
    assert {"dora", "team", "muster-sudo", "muster-sudo-nopasswd"} <= set(groups)
    assert "-- " not in groups and len(groups) == len(set(groups))


def test_unknown_names_are_unknown():
    for key in ("nobody-here", "dora:x", "../dora", "", "a" * 300, "1999999999", "4294967295"):
        assert run("getent", "passwd", key, check=False).returncode == 2, key


def test_new_generation_is_seen_at_once_by_a_new_process(endpoint):
    for shell in ("/bin/bash", "/bin/sh") * 3:
        endpoint.change("dora", shell=shell)
        assert getent("passwd", "dora")[0].endswith(shell)


def test_boot_before_the_agent():
    """/run is empty: what lies in /var/lib serves."""
    aside = RUN / "aside"
    (RUN / "nss.snapshot").rename(aside)
    try:
        assert getent("passwd", "dora")
        assert run("id", "-Gn", "dora").stdout.split() == ["dora", "team", "muster-sudo"]
    finally:
        aside.rename(RUN / "nss.snapshot")


def test_lookup_calls_nothing_but_its_file():
    """T-N6: no socket, no second file, nothing written, no descriptor that a child would inherit."""
    trace = run("strace", "-f", "-e", "trace=all", "getent", "-s", "muster", "passwd", "dora").stderr
    ours = [line for line in trace.splitlines() if "/muster/" in line]
    assert ours and all(line.startswith(("openat(", "newfstatat(")) for line in ours), ours
    assert all("O_NOFOLLOW|O_CLOEXEC" in line for line in ours if line.startswith("openat")), ours
    after = trace[trace.index("/run/muster/nss.snapshot"):]
    calls = {re.match(r"[a-z0-9_]+", line).group() for line in after.splitlines()[1:] if re.match(r"[a-z0-9_]+\(", line)}
    assert calls <= {"openat", "newfstatat", "fstat", "fstatfs", "pread64", "mmap", "close", "write", "exit_group"}, calls


def test_module_exports_and_needs():
    """N3; the rest of the modules' linkage is tests/symbols.sh."""
    module = next(pathlib.Path("/usr/lib").glob("*/libnss_muster.so.2"))
    needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", module).stdout)
    assert needed == ["libc.so.6"]
    exported = [line.split()[-1] for line in run("nm", "-D", "--defined-only", module).stdout.splitlines()]
    assert exported and all(name.startswith("_nss_muster_") for name in exported)


@pytest.mark.parametrize("folder", [RUN, STATE])
def test_second_reader(folder):
    """docs/snapshot-format.md is enough to read everything; and no secret is in the public file (S7)."""
    nss, pam = Snapshot(folder / "nss.snapshot"), Snapshot(folder / "pam.snapshot")
    assert (nss.generation, nss.confirmed_at) == (pam.generation, pam.confirmed_at)
    assert nss.users["dora"] | {"keys": 0} == {"uid": UID, "gid": UID, "gecos": "Dora Muster", "home": "/home/dora",
                                               "shell": "/bin/sh", "gids": [UID, TEAM, 2147483640], "keys": 0}
    assert nss.users["dora"]["keys"] == [" ".join(make_key(WORK / "user-key").split()[:2])]
    assert nss.users["gone"]["keys"] == []
    assert nss.groups["team"] == {"gid": TEAM, "members": ["dora", "erik"]}
    assert set(nss.users) == set(pam.accounts) == {"dora", "erik", "gone", "Upper.Case-1_x"}
    assert b"$5$" not in nss.data and b"$5$" in pam.data and PASSWORD.encode() not in pam.data


def test_modes():
    for folder in (RUN, STATE):
        assert (folder / "nss.snapshot").stat().st_mode & 0o7777 == 0o644
        assert (folder / "pam.snapshot").stat().st_mode & 0o7777 == 0o600


def test_unprivileged_process():
    for argv in (["id", "dora"], ["getent", "passwd", "erik"]):
        assert "Permission" not in run_as("alice", *argv).stderr


def test_closed_standard_descriptors():
    done = subprocess.run("getent passwd dora <&- 2>&-", shell=True, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0 and done.stdout.startswith("dora:x:")
