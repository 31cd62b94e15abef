"""What is taken away is gone at the next publish, wherever the user comes in, also on a machine in a bad way."""
import contextlib
import shutil

import pytest

from endpoint import PASSWORD, RUN, STATE, TEXTS, run


@pytest.fixture(autouse=True)
def dora(endpoint):
    endpoint.reset()
    endpoint.user("dora", sudo=True, passwordless_sudo=True)
    endpoint.user("erik")
    endpoint.publish()


def ways_in(endpoint, sshd, user):
    """The ways that let USER in."""
    return {way for way, ok in {
        "password": sshd.login(user, password=PASSWORD).ok,
        "keyboard-interactive": sshd.login(user, password=PASSWORD, method="keyboard-interactive").ok,
        "key": sshd.login(user, key=endpoint.key).ok,
        "su": run("su", user, "-c", "true", check=False).returncode == 0,
    }.items() if ok}


ALL = {"password", "keyboard-interactive", "key", "su"}


def test_suspended_by_one_command(endpoint, sshd):
    assert ways_in(endpoint, sshd, "dora") == ALL
    with endpoint.configured(end_sessions=""):  # so that there is one to try sudo in
        session = sshd.session("dora", endpoint.key)
        assert session.run("sudo -n id -u") == ("0", 0)
        endpoint.musterctl("directory", "suspend", "dora")
        assert ways_in(endpoint, sshd, "dora") == set()
        assert session.run("sudo -n id -u")[1] != 0
    run("musterd", "--once")
    assert "This account is suspended." in session.ended()
    assert endpoint.explain("dora") == "suspended"
    assert ways_in(endpoint, sshd, "erik") == ALL
    endpoint.musterctl("directory", "activate", "dora")
    assert ways_in(endpoint, sshd, "dora") == ALL


def test_deleted(endpoint, sshd):
    """Files keep their owner's name, and nobody gets in under it."""
    endpoint.forget("dora")
    endpoint.publish()
    assert run("id", "-un", "dora").stdout.strip() == "dora"
    assert ways_in(endpoint, sshd, "dora") == set()
    assert endpoint.explain("dora") == "unbound"
    assert endpoint.musterctl("ssh-keys", "dora").stdout == ""
    assert ways_in(endpoint, sshd, "erik") == ALL


def test_schedule_needs_no_sync(endpoint, sshd):
    """A suspension that was planned comes true by the clock alone."""
    endpoint.musterctl("directory", "schedule", "dora", "suspend", "+6s")
    assert endpoint.explain("dora") == "ok"
    assert sshd.login("dora", key=endpoint.key).ok
    run("sleep", "6")
    assert sshd.login("dora", password=PASSWORD).told == TEXTS["suspended"]
    assert ways_in(endpoint, sshd, "dora") == set()


def test_reboot_keeps_it(endpoint, sshd):
    """/run is empty after a boot; what was revoked stays so before muster runs again."""
    endpoint.change("dora", state="SUSPENDED")
    shutil.rmtree(RUN)
    run("systemd-tmpfiles", "--create", "muster.conf")
    assert ways_in(endpoint, sshd, "dora") == set()
    assert ways_in(endpoint, sshd, "erik") == ALL


@contextlib.contextmanager
def mounted_state():
    """/var/lib/muster as a mount of its own, with what was in it."""
    kept = STATE.with_name("muster.kept")
    shutil.copytree(STATE, kept, copy_function=shutil.copy2)
    run("mount", "-t", "tmpfs", "-o", "size=4m,mode=0755", "tmpfs", STATE)
    try:
        shutil.copytree(kept, STATE, dirs_exist_ok=True)
        yield
    finally:
        run("umount", STATE)
        shutil.rmtree(kept)


def test_full_disk_stops_no_revocation(endpoint, sshd):
    with mounted_state():
        with open(STATE / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))
        endpoint.change("dora", check=False, state="SUSPENDED")
        assert ways_in(endpoint, sshd, "dora") == set()
        assert ways_in(endpoint, sshd, "erik") == ALL


def test_read_only_var_stops_no_revocation(endpoint, sshd):
    with mounted_state():
        run("mount", "-o", "remount,ro", STATE)
        endpoint.change("dora", check=False, state="SUSPENDED")
        assert ways_in(endpoint, sshd, "dora") == set()
        assert ways_in(endpoint, sshd, "erik") == ALL


def test_broken_document_changes_nothing(endpoint, sshd):
    endpoint.change("dora", state="SUSPENDED")
    before = endpoint.generation()
    endpoint.write(b'{"format": "muster-directory/1", "users": [')
    assert run("musterd", "--once", check=False).returncode != 0
    assert endpoint.generation() == before
    assert ways_in(endpoint, sshd, "dora") == set()
    assert ways_in(endpoint, sshd, "erik") == ALL
