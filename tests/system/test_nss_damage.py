"""Damaged snapshots under the programs that root needs (R6): nothing dies, local users are served, nobody becomes unknown."""
import os
import random

import pytest

import nss_tools
from endpoint import RUN, STATE, run

USER, UID = "user000001", "1900000001"
NOT_FOUND = 2  # getent's


@pytest.fixture(scope="module", autouse=True)
def good(endpoint):
    nss_tools.publish(20, shared=5, big=20)
    data = (RUN / "nss.snapshot").read_bytes()
    nss_tools.withdraw()
    return data


def put(data):
    """Where it is mapped, and where it is read."""
    for folder in (RUN, STATE):
        path = folder / "nss.snapshot"
        path.write_bytes(data)
        path.chmod(0o644)


def ask_local():
    assert "uid=0(root)" in run("id", "root").stdout
    assert "(alice)" in run("id", "alice").stdout
    assert "root" in run("ls", "-ld", "/").stdout
    assert run("su", "-c", "id -un", "alice").stdout.strip() == "alice"
    assert run("sudo", "-n", "id", "-un").stdout.strip() == "root"
    assert run("getent", "passwd", "root").stdout.startswith("root:x:0:0:")


def ask_directory(right=False):
    """The right answer or none. Which none, getent does not say: tests/unit/test_nss_damage.c looks at that."""
    for key in (USER, UID):
        done = run("getent", "passwd", key, check=False)
        assert done.returncode in (0, NOT_FOUND) and done.stderr == ""
        assert done.stdout in ("", f"{USER}:x:{UID}:{UID}:User 1 of generation 1:/home/{USER}:/bin/bash\n")
        assert not right or done.returncode == 0
    assert run("id", USER, check=False).returncode in (0, 1)
    assert run("getent", "passwd", check=False).returncode in (0, 1)
    assert run("getent", "group", check=False).returncode in (0, 1)


def test_undamaged(good):
    put(good)
    ask_local()
    ask_directory(right=True)


@pytest.mark.parametrize("part", range(8))
def test_truncated_at_every_512_bytes(good, part):
    for n in range(512 * part, len(good), 512 * 8):
        put(good[:n])
        ask_directory()
    ask_local()


def test_random(good):
    rng = random.Random(1)
    for begin in (0, 16, 512, len(good) // 2):
        put(good[:begin] + rng.randbytes(len(good) - begin))
        ask_local()
        ask_directory()


def test_one_flipped_bit(good):
    """Every byte is flipped in tests/unit/test_nss_damage.c; here some are, under real programs."""
    rng = random.Random(2)
    for at in rng.sample(range(len(good)), 40):
        put(good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1:])
        ask_directory()
    ask_local()


def each_path():
    return [folder / "nss.snapshot" for folder in (RUN, STATE)]


def nothing_served():
    ask_local()
    assert run("getent", "passwd", USER, check=False, timeout=5).returncode == NOT_FOUND


def test_wrong_owner(good):
    for uid, gid in ((1000, 0), (65534, 65534)):
        put(good)
        for path in each_path():
            os.chown(path, uid, gid)
        nothing_served()
    for path in each_path():
        os.chown(path, 0, 1000)
    ask_directory(right=True)  # the group may not write: harmless


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o777])
def test_wrong_mode(good, mode):
    put(good)
    for path in each_path():
        path.chmod(mode)
    nothing_served()


@pytest.mark.parametrize("kind", ["fifo", "folder", "link", "zero", "device", "missing"])
def test_wrong_kind(good, kind):
    put(good)
    for path in each_path():
        aside = path.with_name("aside")
        path.rename(aside)
        if kind == "fifo":
            os.mkfifo(path, 0o644)
        elif kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to(aside)
        elif kind == "zero":
            path.symlink_to("/dev/zero")
        elif kind == "device":
            run("mknod", path, "c", "1", "5")
    try:
        nothing_served()
    finally:
        for path in each_path():
            path.rmdir() if kind == "folder" else path.unlink(missing_ok=True)
            path.with_name("aside").unlink()


def test_bad_one_in_run_good_one_in_var(good):
    put(good)
    (RUN / "nss.snapshot").write_bytes(good[:1000])
    ask_directory(right=True)
    (RUN / "nss.snapshot").unlink()
    ask_directory(right=True)


def test_module_file_missing(good):
    """Half-way through an upgrade."""
    module = run("sh", "-c", "ls /usr/lib/*/libnss_muster.so.2").stdout.strip()
    put(good)
    os.rename(module, module + ".aside")
    try:
        nothing_served()
    finally:
        os.rename(module + ".aside", module)
    ask_directory(right=True)
