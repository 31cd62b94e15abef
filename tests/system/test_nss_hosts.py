"""Lookups in unusual processes (R14-R17): of 32 bits, with many threads, without memory, descriptors, mmap, or a root."""
import pathlib
import pwd
import re
import time

import pytest

import nss_tools
from booted import ROOT
from endpoint import RUN, STATE, WORK, run

USERS = 300
BITS = [64] + [32] * nss_tools.HAS_32_BIT


@pytest.fixture(autouse=True, params=[RUN, STATE], ids=["mapped", "pread"])
def folder(endpoint, request):
    nss_tools.publish(USERS, shared=20, big=USERS, folder=request.param)
    yield request.param
    nss_tools.withdraw()


@pytest.fixture(params=BITS)
def bits(request):
    return request.param


def test_everything(bits):
    nss_tools.ask("all", USERS, bits=bits)


def test_group_of_50000(bits, folder):
    nss_tools.publish(10, big=50000, folder=folder)
    nss_tools.ask("big", 10, 50000, bits=bits)


def test_threads(bits):
    nss_tools.ask("threads", USERS, 2, bits=bits)


def test_forks_from_threads(bits):
    nss_tools.ask("forks", USERS, bits=bits)


def test_descriptors_are_the_hosts(bits):
    nss_tools.ask("descriptors", USERS, bits=bits)


def test_16_mib_of_address_space(bits):
    nss_tools.ask("memory", USERS, bits=bits)


def test_16_mib_for_a_file_that_does_not_fit(bits, folder):
    nss_tools.publish(70000, folder=folder)
    assert (folder / "nss.snapshot").stat().st_size > 16 << 20
    nss_tools.ask("memory", 1000, bits=bits)


def test_mmap_denied(bits):
    nss_tools.ask("seccomp", USERS, bits=bits)


def test_empty_root(bits):
    empty = WORK / "empty"
    empty.mkdir(exist_ok=True)
    nss_tools.ask("chroot", USERS, empty, bits=bits)


def test_no_descriptor_left(bits, folder):
    if folder == RUN:  # without a mapping each lookup needs one
        nss_tools.ask("nofile", USERS, bits=bits)


def test_hostile_root():
    """T-N9: a root folder that a user filled: his snapshot is not root's, so it is not read."""
    root = WORK / "hostile"
    (root / "etc").mkdir(parents=True, exist_ok=True)
    (root / "etc/nsswitch.conf").write_text("passwd: muster\n")
    module, = pathlib.Path("/usr/lib").glob("*/libnss_muster.so.2")
    loaded = re.findall(r"(/\S+\.so\S*)", run("ldd", "/usr/bin/getent").stdout)
    for path in ("/usr/bin/getent", module, *loaded):
        run("install", "-D", path, f"{root}{path}")
    published = root / "run/muster"
    published.mkdir(parents=True, exist_ok=True)
    nss_tools.publish(USERS, folder=published)
    assert run("chroot", root, "/usr/bin/getent", "passwd", "user000001").stdout.startswith("user000001:")
    run("chown", "alice:", published / "nss.snapshot")
    assert run("chroot", root, "/usr/bin/getent", "passwd", "user000001", check=False).returncode == 2


def in_user_namespace(*argv, check=True):
    """Alice's, as in toolbox, bwrap or a unit with PrivateUsers: root has no uid there."""
    alice = pwd.getpwnam("alice")
    return run("unshare", "--mount", "nsenter", "--mount=/proc/self/ns/mnt",  # which is to leave the chroot
               "sh", "-c", f'cd {ROOT} && pivot_root . mnt && umount -l /mnt && exec "$@"', "sh",
               "setpriv", "--reuid", alice.pw_uid, "--regid", alice.pw_gid, "--clear-groups",
               "unshare", "--user", "--map-current-user", *argv, check=check)


def test_user_namespace(folder):
    assert in_user_namespace("stat", "-c", "%u", folder / "nss.snapshot").stdout == "65534\n"
    assert in_user_namespace("getent", "passwd", "user000001").stdout.startswith("user000001:")
    assert in_user_namespace("getent", "initgroups", "user000001").stdout.startswith("user000001 ")


def test_nobodys_file(folder):
    """Where every uid is its own, it is what it says."""
    run("chown", "65534", folder / "nss.snapshot")
    assert run("getent", "passwd", "user000001", check=False).returncode == 2
    run("chown", "alice", folder / "nss.snapshot")
    assert in_user_namespace("getent", "passwd", "user000001", check=False).returncode == 2


def test_warm_lookup_makes_no_call(folder):
    """But one stat(2) a second."""
    if folder != RUN:
        return
    begin = time.monotonic()
    done = run("strace", "-f", nss_tools.probe(), "warm", USERS, 5000)
    seconds = time.monotonic() - begin
    calls = done.stderr[done.stderr.index('"begin'):done.stderr.index('"ok')].splitlines()[1:]
    calls = [c for c in calls if "(1, " not in c]  # on standard output
    assert len(calls) <= seconds + 1 and all("newfstatat" in c and "nss.snapshot" in c for c in calls), calls[:9]
