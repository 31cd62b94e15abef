"""R18: installed, half configured, upgraded, downgraded, removed, purged. At each step root and alice get in, and their sessions
go on; of the directory's users dora gets in where muster is whole, and nobody else, ever."""
import concurrent.futures
import contextlib
import os
import pathlib
import re

import pytest

from agent import wait_for
from booted import Ssh
from endpoint import ETC, LOCAL_PASSWORD, PASSWORD, STATE, TREE, run
from packaged import NAMES, NEW, SAMPLE, Debian, left_behind, newer_packages, packages, switched

SHADOW = pathlib.Path("/etc/shadow")
NSSWITCH = pathlib.Path("/etc/nsswitch.conf")
SSHD = pathlib.Path("/etc/ssh/sshd_config.d")
FAKES = pathlib.Path("/var/tmp/fakes")  # a folder of programs that stand in for others in maintainer scripts
FAKES_FIRST = f"{FAKES}:{os.environ['PATH']}"


class Steps:
    def __init__(self, endpoint, machine):
        self.endpoint, self.machine, self.ssh = endpoint, machine, Ssh()
        self.before = left_behind(), switched()
        self.written = (TREE / "conf/muster.conf").read_text() + "# the administrator's, or cloud-init's\n"
        self.root = machine.session("root", endpoint.local_key)
        self.alice = machine.session("alice", endpoint.local_key)
        endpoint.user("dora")
        endpoint.user("sven", state="SUSPENDED")

    def publish(self):
        """The embedded directory, as root writes it; there is no agent on half of the steps."""
        ETC.mkdir(exist_ok=True)
        self.endpoint.write(self.endpoint.document)

    def holds(self, dora, written=True):
        """What must be so after each step; does DORA get in? Is muster.conf as somebody wrote it before the installation?"""
        assert not written or self.endpoint.conf.read_text() == self.written
        key, local_key = self.endpoint.key, self.endpoint.local_key
        asked = {  # -> what it should print
            ("root", None, local_key): "root", ("alice", LOCAL_PASSWORD, None): "alice",
            ("dora", None, key): "dora" if dora else "", ("dora", PASSWORD, None): "dora" if dora else "",
            ("sven", None, key): "", ("sven", PASSWORD, None): "", ("nobody-at-all", None, key): ""}
        with concurrent.futures.ThreadPoolExecutor(len(asked) + 2) as pool:  # who is refused waits for it
            logins = list(pool.map(lambda who: self.ssh.login(*who), asked))
            su = list(pool.map(lambda name: self.machine.run("su", name, "-c", "id -un", check=False).stdout,
                               ("alice", "dora", "sven")))
        assert [login.output for login in logins] == list(asked.values()), logins
        assert su == ["alice\n", "dora\n" if dora else "", ""]
        for session, name in ((self.root, "root"), (self.alice, "alice")):
            assert session.run("id -un") == (name, 0)
        assert self.root.run("sudo -u alice id -un") == ("alice", 0)

    def state(self, package):
        return self.machine.run("dpkg-query", "-f", "${db:Status-Status} ${Version}", "-W", package, check=False).stdout

    def key_command(self):
        """What sshd asks for public keys, as it is configured now."""
        return re.search("(?m)^authorizedkeyscommand (.*)", self.machine.run("sshd", "-T").stdout).group(1)

    def fake(self, program, script):
        """PROGRAM, and no other, is SCRIPT where FAKES_FIRST is the path."""
        FAKES.mkdir(exist_ok=True)
        for old in FAKES.iterdir():
            old.unlink()
        (FAKES / program).write_text(f"#!/bin/sh\n{script}\n")
        (FAKES / program).chmod(0o755)

    def interrupted(self, program, *argv):
        """dpkg is killed when a maintainer script calls PROGRAM."""
        self.fake(program, """pid=$$
while [ "$(cat /proc/$pid/comm)" != dpkg ]; do pid=$(awk '{print $4}' /proc/$pid/stat); done
kill -KILL $pid""")
        done = self.machine.dpkg(*argv, path=FAKES_FIRST, check=False)
        assert done.returncode == -9 or "KILL" in done.stderr, done


@pytest.fixture(scope="module")
def steps(endpoint):
    with Debian() as machine:
        yield Steps(endpoint, machine)


def test_unpacked(steps):
    steps.holds(False, written=False)
    ETC.mkdir()
    steps.endpoint.conf.write_text(steps.written)
    steps.machine.dpkg("--unpack", *packages())
    steps.publish()
    assert steps.state("libpam-muster").startswith("unpacked ")
    steps.holds(False)


def test_half_configured(steps):
    """Killed before the PAM module is switched on: the directory's users are known, and refused."""
    steps.interrupted("pam-auth-update", "--configure", *NAMES)
    assert steps.state("libpam-muster").startswith("half-configured ") and steps.state("musterd").startswith("installed ")
    wait_for(lambda: steps.machine.resolves("dora"), 30)
    steps.holds(False)
    steps.machine.dpkg("--configure", "--pending")
    steps.holds(True)


def test_upgrade(steps):
    """Unpacked, killed in mid-configuration, whole: with a session of hers all the time."""
    dora = steps.machine.session("dora", steps.endpoint.key)
    steps.machine.dpkg("--unpack", *newer_packages())
    steps.holds(True)
    steps.interrupted("systemd-sysusers", "--configure", *NAMES)
    assert steps.state("musterd") == f"half-configured {NEW}"
    steps.holds(True)
    steps.machine.dpkg("--configure", "--pending")
    steps.holds(True)
    assert dora.run("id -un") == ("dora", 0)
    dora.close()


def test_downgrade(steps):
    steps.machine.install(packages())
    assert steps.state("musterd") != f"installed {NEW}"
    steps.holds(True)


@contextlib.contextmanager
def adopted(steps):
    """carl, a local user whom the directory has taken over; the value is /etc/shadow before."""
    run("useradd", "--create-home", "--shell", "/bin/bash", "carl")
    try:
        run("chpasswd", input=f"carl:{LOCAL_PASSWORD}\n")
        shadow = SHADOW.read_text()
        steps.endpoint.user("carl")
        steps.publish()
        with steps.endpoint.configured(adopt="carl"):
            wait_for(lambda: "carl" in steps.machine.run("musterctl", "adopt", check=False).stdout, 30)
            wait_for(lambda: steps.machine.run("musterctl", "adopt", "--apply", check=False).returncode == 0, 30)
            assert steps.ssh.login("carl", PASSWORD).ok and not steps.ssh.login("carl", LOCAL_PASSWORD).ok
            yield shadow
    finally:
        steps.endpoint.forget("carl")
        steps.publish()
        run("userdel", "--force", "carl")  # his service manager may still be at its end


EDITS = {  # what pam-auth-update leaves alone -> the file, and how it is edited
    "ours": ("common-account", lambda text: re.sub(r"(?m)^# and here are more.*\n", r"\g<0># changed by hand\n", text)),
    "of the adopted": ("common-auth", lambda text: re.sub(r"\[(.*)(\].*pam_muster\.so.* adopt)", r"[\1 abort=die\2", text)),
    "alone": ("locker", lambda text: "auth required pam_muster.so adopt\n")}


def test_pam_was_edited(steps):
    """A file of PAM's that names the module was edited by hand: then the module stays, and muster with it, and whom it has."""
    with adopted(steps) as shadow:
        locked = SHADOW.read_text()
        assert locked != shadow
        steps.endpoint.user("carl", state="SUSPENDED")
        steps.publish()
        wait_for(lambda: not steps.ssh.login("carl", PASSWORD).ok, 30)
        for name, edit in EDITS.values():
            path = pathlib.Path("/etc/pam.d", name)
            before = path.read_text() if path.exists() else None
            try:
                path.write_text(edit(before or ""))
                assert path.read_text() != before
                done = steps.machine.apt("remove", "libpam-muster", check=False)
                assert done.returncode and "since these name pam_muster.so: /etc/pam.d/" in done.stderr + done.stdout, done
                assert str(path) in done.stderr + done.stdout, done
                assert SHADOW.read_text() == locked and (ETC / "adopted").exists()
            finally:
                path.unlink() if before is None else path.write_text(before)
            steps.machine.dpkg("--configure", "--pending")
            assert steps.state("libpam-muster").startswith("installed ")
        assert steps.ssh.login("dora", key=steps.endpoint.key).ok and not steps.ssh.login("carl", LOCAL_PASSWORD).ok
        steps.fake("musterctl", "exit 2")
        done = steps.machine.dpkg("--remove", "libpam-muster", path=FAKES_FIRST, check=False)
        assert done.returncode and "not all local users could be given back" in done.stderr, done
        assert SHADOW.read_text() == locked
        steps.machine.run("musterctl", "adopt", "--restore")
        assert SHADOW.read_text() == shadow


@pytest.mark.parametrize("name", ["libnss-muster", "libpam-muster"])
def test_one_is_missing(steps, name):
    """nsswitch.conf names no module that is gone, in a line for initgroups neither, which musterctl setup extends where there is one."""
    before = NSSWITCH.read_text()
    NSSWITCH.write_text(before + "initgroups: files [SUCCESS=continue] muster # for sss\n")
    try:
        steps.machine.apt("remove", name)
        assert steps.machine.resolves("dora") == (name != "libnss-muster")
        left = [line for line in NSSWITCH.read_text().splitlines() if "muster" in line]
        assert len(left) == (0 if name == "libnss-muster" else 3)
        assert "initgroups: files [SUCCESS=continue]" in NSSWITCH.read_text()
    finally:
        NSSWITCH.write_text(re.sub("(?m)^initgroups:.*\n", "", NSSWITCH.read_text()))
    steps.holds(False)
    steps.machine.install(packages())


def test_adopted(steps):
    """A local user whom the directory has taken over is given back when the package goes."""
    with adopted(steps) as shadow:
        steps.machine.apt("remove", *NAMES)
        assert SHADOW.read_text() == shadow and switched() == steps.before[1] and steps.key_command() == "none"
        assert steps.ssh.login("carl", LOCAL_PASSWORD).ok and not steps.ssh.login("carl", PASSWORD).ok
    steps.machine.install(packages())
    wait_for(lambda: steps.machine.resolves("dora"), 30)


def test_removed(steps):
    """What is left are the configuration and the state, and neither NSS nor PAM names it."""
    dora = steps.machine.session("dora", steps.endpoint.key)
    steps.machine.apt("remove", *NAMES)
    assert switched() == steps.before[1]
    steps.holds(False)
    assert dora.run("echo here") == ("here", 0), "open sessions go on"
    dora.close()
    steps.machine.install(packages())
    wait_for(lambda: steps.machine.resolves("dora"), 30)
    steps.holds(True)


def test_purged(steps):
    steps.machine.apt("purge", *NAMES)
    assert (left_behind(), switched()) == steps.before
    steps.holds(False, written=False)


def test_rolled_out(steps):
    """As docs/operations.md has it: installed and configured nothing is open yet, upgraded neither; then it is, host by host."""
    units = "musterd", "muster-fetch.socket"
    steps.machine.run("systemctl", "mask", *units)
    steps.machine.install(packages())
    assert steps.endpoint.conf.read_text() == SAMPLE.read_text()
    steps.publish()
    steps.machine.install(newer_packages())
    assert {steps.machine.show(unit, "ActiveState") for unit in units} == {"inactive"} and not list(STATE.glob("*.snapshot"))
    steps.holds(False, written=False)
    steps.machine.run("musterd", "--once")
    assert steps.machine.resolves("dora") and steps.ssh.login("dora", key=steps.endpoint.key).ok
    steps.machine.run("systemctl", "unmask", *units)
    steps.machine.run("systemctl", "enable", "--now", "muster-fetch.socket", "musterd")
    assert {steps.machine.show(unit, "ActiveState") for unit in units} == {"active"}
    assert steps.machine.run("musterctl", "doctor").returncode == 0
    steps.holds(True, written=False)
    steps.machine.apt("purge", *NAMES)
    assert (left_behind(), switched()) == steps.before


def test_another_key_command(steps):
    """Of others (OS Login, SSSD): it goes on being asked, till the administrator says so; nor does an upgrade change that."""
    other, ours = SSHD / "50-other.conf", SSHD / "muster.conf"
    other.write_text("authorizedkeyscommand=/usr/bin/other %u\nAuthorizedKeysCommandUser nobody\n")
    try:
        done = steps.machine.install(packages())
        assert not ours.exists() and f"cp /usr/share/musterd/sshd.conf {ours}" in done.stderr + done.stdout
        assert steps.key_command() == "/usr/bin/other %u"
        steps.fake("sshd", "exit 255")  # it cannot say what it asks: an image is made
        again = ("env", "DPKG_MAINTSCRIPT_PACKAGE=musterd", "/var/lib/dpkg/info/musterd.postinst", "configure", "")
        done = steps.machine.dpkg_run(*again, path=FAKES_FIRST)
        assert not ours.exists() and "systemctl reload ssh" in done.stderr
    finally:
        other.unlink()
    steps.machine.install(newer_packages())
    assert not ours.exists() and steps.key_command() == "none"
    other.write_text("#AuthorizedKeysCommand /usr/bin/other\nAuthorizedKeysCommand none\n")
    steps.machine.dpkg_run(*again, path=FAKES_FIRST)
    other.unlink()
    assert steps.key_command() == "/usr/bin/musterctl ssh-keys %u"
    assert not ours.is_symlink(), "with a link to what is gone sshd does not start"
    steps.machine.apt("purge", *NAMES)
    assert (left_behind(), switched()) == steps.before
