"""On a machine with systemd: sessions are logind's, services systemd's, and what is ended is gone for both."""
import json
import pathlib
import pwd
import re
import shutil

import pytest

from agent import wait_for
from booted import Machine
from endpoint import PASSWORD, STATE, TREE, password_hash, run
from totp import code


SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
# What polkit 127 confines the helper to that asks PAM; /run by name, since systemd leaves it writable where it protects /sys, too.
HELPER = """[Service]
Type=oneshot
ExecStart=/usr/local/bin/pamt polkit-1 tina auth account
Environment="PASSWORD={}"
DeviceAllow=/dev/null rw
DevicePolicy=strict
LimitMEMLOCK=0
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateNetwork=yes
PrivateTmp=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectKernelTunables=yes
ProtectSystem=strict
ReadOnlyPaths=/run
ProtectClock=yes
ProtectHostname=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077
"""
# What systemd does for a user who has gone runs in her slice, and is not hers.
SLOW = pathlib.Path("/etc/systemd/system/user-runtime-dir@.service.d/slow.conf")


@pytest.fixture(scope="module")
def machine(endpoint):
    endpoint.user("dora", sudo=True, passwordless_sudo=True)
    endpoint.user("erik", sudo=True, passwordless_sudo=True)
    endpoint.user("tina", totp_secret=SECRET)
    endpoint.publish()
    SLOW.parent.mkdir(parents=True)
    SLOW.write_text("[Service]\nExecStop=\nExecStop=sleep 3\nExecStop=/lib/systemd/systemd-user-runtime-dir stop %i\n")
    with Machine() as m:
        m.run("systemctl", "start", "musterd")
        yield m
    shutil.rmtree(SLOW.parent)


def sessions(machine):
    """{user: number of sessions} as logind sees it."""
    users = [s["user"] for s in json.loads(machine.run("loginctl", "list-sessions", "--output=json").stdout)]
    return {user: users.count(user) for user in users}


def commands(machine):
    return machine.run("ps", "-eo", "args").stdout


def cron(machine):
    """The process that systemd has for cron; None while there is none, or it is not up."""
    said = dict(line.split("=") for line in machine.run("systemctl", "show", "-p", "MainPID,ActiveState", "cron").stdout.split())
    return said["MainPID"] if said["ActiveState"] == "active" else None


def fill(machine, session):
    """What she leaves running: in her session, as root, in her own service manager, lingering, as somebody else's uid."""
    for command in ("setsid sleep 2001", "sudo -n setsid sleep 2002", "tmux new-session -d 'sleep 2003'",
                    "systemd-run --user sleep 2004", "loginctl enable-linger", "sudo -n systemd-run --scope sleep 2005",
                    # root in a namespace that she made, and of no login
                    "setpriv --no-new-privs unshare --user --map-root-user sleep 2006", "sudo -n systemctl restart cron",
                    "sh -c 'trap \"\" TERM HUP; exec sleep 2007'"):
        assert session.run("{ %s </dev/null >/dev/null 2>&1 & }" % command)[1] == 0
    wait_for(lambda: all(f"sleep {n}" in commands(machine) for n in range(2001, 2008)), 30,
             f"all of her processes: {commands(machine)}")


def test_access_rules_spare_the_session(endpoint, machine):
    """Everything but sshd is denied; what is part of the session that sshd was let into, her service manager, is not shut with the rest."""
    before = endpoint.conf.read_text()
    endpoint.conf.write_text(before + "\n[access]\none = allow services=sshd\nothers = deny\n")
    try:
        machine.run("musterd", "--once")
        session = machine.session("erik", endpoint.key)
        wait_for(lambda: session.run("systemctl --user is-active default.target") == ("active", 0), 30)
        assert session.run("sudo -n true")[1] != 0
        session.close()
        wait_for(lambda: sessions(machine) == {}, 30)
    finally:
        endpoint.conf.write_text(before)
        machine.run("musterd", "--once")


def test_shadow_is_read_in_the_sandbox(machine):
    """The unit has no capability to read what is not root's own: it sees a line that was left over, and that it is gone, at once."""
    shadow = pathlib.Path("/etc/shadow")
    before = shadow.read_text()

    def reason():
        return json.loads(machine.run("musterctl", "explain", "erik", "--json", check=False).stdout)["reason"]
    assert reason() == "ok"
    try:
        shadow.write_text(f"{before}erik:{password_hash('old local one')}:19000:0:99999:7:::\n")
        wait_for(lambda: reason() != "ok", 30)
        assert "reason=shadow_left" in machine.run("journalctl", "-u", "musterd", "-o", "cat").stdout
    finally:
        shadow.write_text(before)
    wait_for(lambda: reason() == "ok", 30)


def test_polkit_in_its_sandbox(machine):
    """There, too, tries are counted and codes used up, and by that users let in."""
    unit, pamt = pathlib.Path("/etc/systemd/system/polkit-agent-helper@.service"), pathlib.Path("/usr/local/bin/pamt")
    run("gcc", "-o", pamt, TREE / "tests/system/pamt.c", "-lpam")

    def asked(instance, password):
        unit.write_text(HELPER.format(password))
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", f"polkit-agent-helper@{instance}")
        machine.run("journalctl", "--sync")
        lines = machine.run("journalctl", "-t", "pamt", "-u", f"polkit-agent-helper@{instance}", "-o", "cat").stdout.splitlines()
        counted = json.loads(machine.run("musterctl", "explain", "tina", "--json", check=False).stdout)["failures"]
        return [l for l in lines if l.startswith(("auth ", "account "))][-2:], counted
    try:
        assert asked("wrong", "guessed") == (["auth AUTH_ERR", "account SUCCESS"], 1)
        joined = f"{PASSWORD},{code(SECRET)}"
        assert asked("right", joined) == (["auth SUCCESS", "account SUCCESS"], 0)
        assert [p for p in (STATE / "totp").glob("*/*") if p.is_file()]  # and after a reboot
        assert asked("again", joined) == (["auth AUTH_ERR", "account SUCCESS"], 1)
    finally:
        unit.unlink()
        pamt.unlink()
        machine.run("systemctl", "daemon-reload")


def test_ended_for_logind_too(endpoint, machine):
    uid = pwd.getpwnam("dora").pw_uid
    hers, his, local = (machine.session(*who) for who in (("dora", endpoint.key), ("erik", endpoint.key),
                                                          ("alice", endpoint.local_key)))
    wait_for(lambda: sessions(machine) == {"dora": 1, "erik": 1, "alice": 1}, 30)
    before = cron(machine)
    fill(machine, hers)
    restarted = wait_for(lambda: cron(machine) not in (before, None) and cron(machine))
    wait_for(pathlib.Path("/var/lib/systemd/linger/dora").exists)
    user, = (u for u in endpoint.document["users"] if u["username"] == "dora")
    user["state"] = "SUSPENDED"
    endpoint.write(endpoint.document)
    assert "This account is suspended." in hers.ended()
    wait_for(lambda: "sleep 200" not in commands(machine), 30, "the end of her processes")
    wait_for(lambda: sessions(machine) == {"erik": 1, "alice": 1}, 30)
    assert not pathlib.Path("/var/lib/systemd/linger/dora").exists()
    wait_for(lambda: machine.run("systemctl", "is-active", f"user@{uid}", check=False).stdout == "inactive\n", 60)
    wait_for(lambda: machine.run("ls", "/run/user").stdout.split() and
             str(uid) not in machine.run("ls", "/run/user").stdout.split(), 60)
    assert cron(machine) == restarted
    for session in (his, local):
        assert session.run("echo still here") == ("still here", 0)
        session.close()
    log = machine.run("journalctl", "-u", "musterd", "-o", "cat").stdout
    assert re.search(rf"sessions: ended user=dora uid={uid} reason=suspended processes=\d+ sessions=\d+ killed=yes", log)
    assert "cannot" not in log and "left user" not in log
    assert "0 loaded units" in machine.run("systemctl", "list-units", "--failed").stdout
