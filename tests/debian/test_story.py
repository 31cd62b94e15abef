"""The life of one endpoint: a Debian with systemd, sshd, sudo and cron on which muster comes from its packages, obeys a document
on a web server, is rebooted off line, upgraded under open sessions, and purged.

It is one story: each test goes on where the one before ended. Then nobody but a local user may be served, and nothing is left."""
import contextlib
import json
import pathlib
import re
import shutil
import threading
import time

import pytest

from agent import wait_for
from booted import Ssh
from endpoint import ETC, LOCAL_PASSWORD, PASSWORD, STATE, run
from fetch import serving
from jumpcloud import Jumpcloud
from packaged import NAMES, NEW, Debian, left_behind, newer_packages, packages, switched
from test_web import TOKEN, Web, own  # noqa: F401: fixture

LINGER = pathlib.Path("/var/lib/systemd/linger")
JOBS = pathlib.Path("/var/spool/jobs")
SOCKET = "/run/muster/private/fetch.sock"


class Story:
    """The machine, which may be booted again, and the directory, which may be out of reach."""

    def __init__(self, endpoint, own):
        self.began = time.time()
        self.endpoint = endpoint
        self.own = own
        self.web = Web(endpoint, own)
        self.ssh = Ssh()
        self.on_line = contextlib.ExitStack()
        self.booted = contextlib.ExitStack()
        self.before = left_behind(), switched()
        for name, fields in {"dora": {"sudo": True}, "erik": {"sudo": True, "passwordless_sudo": True}, "frida": {},
                             "sven": {"state": "SUSPENDED"}}.items():
            endpoint.user(name, **fields)

    def boot(self):
        self.machine = self.booted.enter_context(Debian())

    def reboot(self):
        self.booted.close()
        self.boot()

    def serve(self):
        """From now on the directory can be reached, at the same address."""
        port = self.web.server.port if hasattr(self.web, "server") else 0
        self.web.server = self.on_line.enter_context(
            serving(lambda request: self.web.answer(request), *self.own.issue("server"), port=port))

    def user(self, name, **fields):
        """Change a user in the directory."""
        user, = [u for u in self.endpoint.document["users"] if u["username"] == name]
        user.update(fields)

    def login(self, name, command="id -un"):
        return self.ssh.login(name, key=self.endpoint.key, command=command)

    def works(self):
        """Promises 1 and 2: those get in who should, by key and by password, and nobody else."""
        assert self.login("dora").output == "dora"
        assert self.ssh.login("frida", PASSWORD).output == "frida"
        sven = self.login("sven")
        assert not sven.ok and self.machine.resolves("sven"), sven
        assert not self.ssh.login("sven", PASSWORD).ok
        self.local_users_work()

    def local_users_work(self):
        for name in ("root", "alice"):
            assert self.ssh.login(name, key=self.endpoint.local_key).output == name
        assert self.ssh.login("alice", LOCAL_PASSWORD).output == "alice"
        assert self.machine.run("su", "alice", "-c", "id -un").stdout == "alice\n"
        assert self.machine.run("sudo", "-u", "alice", "id", "-un").stdout == "alice\n"

    def journal(self, *units):
        return self.machine.run("journalctl", f"--since=@{self.began}", "-o", "cat", *(f"--unit={u}" for u in units)).stdout

    def sessions(self):
        found = json.loads(self.machine.run("loginctl", "list-sessions", "--output=json").stdout)
        return [s["user"] for s in found]


@pytest.fixture(scope="module")
def story(endpoint, own):
    s = Story(endpoint, own)
    with s.booted, s.on_line:
        s.serve()
        s.boot()
        yield s


@pytest.fixture
def machine(story):
    return story.machine


def test_installed(story, machine):
    """Nothing happens until a directory is set: nobody new, nothing published, no unit that failed."""
    story.root = machine.session("root", story.endpoint.local_key)
    machine.install(packages())
    assert machine.show("musterd", "ActiveState") == machine.show("muster-fetch.socket", "ActiveState") == "active"
    assert not list(STATE.glob("*.snapshot")) and "snapshot" not in machine.run("ls", "/run/muster").stdout
    assert not machine.resolves("dora") and not story.login("dora").ok
    assert "0 loaded units" in machine.run("systemctl", "list-units", "--failed").stdout
    assert story.root.run("id -un") == ("root", 0)
    story.local_users_work()
    machine.run("pam-auth-update", "--enable", "mkhomedir")


def test_enrolled(story, machine):
    """A configuration and a token: the directory's users are there, through the socket, and doctor finds nothing."""
    (ETC / "ca.pem").write_text(story.own.pem)
    (ETC / "token").touch(mode=0o600)
    (ETC / "token").write_text(TOKEN + "\n")
    story.web.configure(story.web.server.url, poll_interval="1s")
    wait_for(lambda: machine.resolves("dora"), 30)
    doctor = machine.run("musterctl", "doctor", check=False)
    assert doctor.returncode == 0, doctor.stdout
    story.works()
    networks = {pid: machine.run("readlink", f"/proc/{pid}/ns/net").stdout for pid in
                (1, machine.show("musterd", "MainPID"))}
    assert len(set(networks.values())) == 2
    assert story.web.server.connections == 1, "one muster-fetch is kept"


def test_no_core_dumps(machine):
    """Neither of those that see secrets leaves one, nor can be looked into by its own user."""
    fetch, = [line.split()[0] for line in machine.run("pgrep", "-a", "muster-fetch").stdout.splitlines()]
    for pid in (machine.show("musterd", "MainPID"), fetch):
        assert re.search(r"(?m)^Max core file size +0 +0 ", machine.run("cat", f"/proc/{pid}/limits").stdout)
        assert machine.run("stat", "-c", "%U", f"/proc/{pid}/environ").stdout == "root\n", "not dumpable"


def test_a_day_at_work(story, machine):
    """Home, sudo, her own service manager, lingering, cron."""
    with contextlib.closing(machine.session("dora", story.endpoint.key)) as dora:
        assert dora.run("pwd; stat -c %U .") == ("/home/dora\ndora", 0)
        wait_for(lambda: story.sessions().count("dora") == 1)  # logins before may be on their way out
        assert dora.run("sudo id -un", PASSWORD)[0].endswith("root")
        assert dora.run("systemd-run --user --wait --quiet true") == ("", 0)
        assert dora.run("loginctl enable-linger") == ("", 0) and (LINGER / "dora").exists()
    assert story.login("erik", "sudo -n id -un").output == "root"
    with contextlib.closing(machine.session("frida", story.endpoint.key)) as frida:
        assert frida.run("sudo id -un", PASSWORD)[1] == 1
    machine.run("crontab", "-u", "dora", "-", input=f"@reboot id -un >{JOBS}/dora\n")
    machine.run("crontab", "-u", "sven", "-", input=f"@reboot id -un >{JOBS}/sven\n")
    JOBS.mkdir(exist_ok=True)
    JOBS.chmod(0o1777)


def pkexec(story, user, name, password):
    """Whom polkit takes for administrators when USER wants to be root, and who he is after NAME's PASSWORD.

    pkttyagent asks, in another session of his: the agent in pkexec itself does not work for anybody (polkit's issue 17)."""
    with contextlib.ExitStack() as stack:
        shell, agent = (stack.enter_context(contextlib.closing(story.machine.session(user, story.endpoint.key))) for _ in "12")
        pid = shell.run("echo $$")[0]
        agent.pty.sendline(f"pkttyagent --process {pid}")
        wait_for(lambda: f"unix-process:{pid}:" in story.journal("polkit"), 30)
        shell.pty.sendline("pkexec --disable-internal-agent id -un; echo status:$?")
        several = agent.pty.expect(["Password: ", r"Choose identity [^:]*: "])
        administrators = re.findall(r"(?:\d\. +|Authenticating as: )(\w+)\r\n", agent.pty.before)
        if several:
            agent.pty.sendline(str(administrators.index(name) + 1))
            agent.pty.expect("Password: ")
        agent.pty.sendline(password)
        shell.pty.expect(r"(root|authorized)\b[^$]*status:\d")
        return administrators, shell.pty.match.group(1)


def test_administrators(story, machine):
    """polkit asks the directory's members of sudo, as it asks Debian's, and no others; who they are is asked each time."""
    machine.run("gpasswd", "-a", "alice", "sudo")
    assert pkexec(story, "dora", "dora", PASSWORD) == (["alice", "dora", "erik"], "root")
    assert pkexec(story, "frida", "alice", PASSWORD) == (["alice", "dora", "erik"], "authorized")
    story.user("dora", sudo=False)
    wait_for(lambda: "dora" not in machine.run("getent", "group", "muster-sudo", check=False).stdout, 30)
    assert pkexec(story, "dora", "erik", "guessed") == (["alice", "erik"], "authorized")
    machine.run("gpasswd", "-d", "alice", "sudo")
    story.user("dora", sudo=True)
    wait_for(lambda: "dora" in machine.run("getent", "group", "muster-sudo", check=False).stdout, 30)


def test_suspended(story, machine):
    """Her sessions, her services and her lingering end, for logind, too: in the confines of the unit."""
    uid = machine.run("id", "-u", "dora").stdout.strip()
    dora, frida = (machine.session(name, story.endpoint.key) for name in ("dora", "frida"))
    assert dora.run("setsid sleep 3001 & sudo -n true; systemd-run --user --quiet sleep 3002")[1] == 0
    assert (LINGER / "dora").exists()
    story.user("dora", state="SUSPENDED")
    assert "This account is suspended." in dora.ended()
    wait_for(lambda: "dora" not in story.sessions() and "sleep 300" not in machine.run("ps", "-eo", "args").stdout, 30)
    wait_for(lambda: machine.show(f"user@{uid}", "ActiveState") == "inactive" and not (LINGER / "dora").exists(), 60)
    assert not story.login("dora").ok and "This account is suspended." in story.ssh.login("dora", PASSWORD).told
    assert frida.run("id -un") == ("frida", 0) and story.root.run("id -un") == ("root", 0)
    frida.close()
    log = story.journal("musterd")
    assert re.search(rf"sessions: ended user=dora uid={uid} ", log) and "cannot" not in log, log
    story.user("dora", state="ACTIVATED")
    wait_for(lambda: story.login("dora").ok, 30)


def test_socket_never_gives_up(machine):
    """More connections than it serves, and more in two seconds than systemd puts up with by default."""
    flood = f"""
import socket
held = [socket.socket(socket.AF_UNIX) for _ in range(600)]
for s in held:
    s.connect("{SOCKET}")
while held.pop().recv(1): pass"""
    machine.run("python3", "-c", flood)
    assert machine.show("muster-fetch.socket", "ActiveState") == "active"
    wait_for(lambda: machine.run("musterctl", "sync", check=False).returncode == 0, 30)


def test_dies(story, machine):
    """Killed again and again it is back; meanwhile the files answer."""
    for _ in range(3):
        pid = machine.show("musterd", "MainPID")
        machine.run("kill", "-KILL", pid)
        assert machine.resolves("dora") and story.login("dora").ok and not story.login("sven").ok
        wait_for(lambda: machine.show("musterd", "MainPID") not in ("0", pid) and
                 machine.show("musterd", "ActiveState") == "active", 60)
    assert machine.show("musterd", "StartLimitIntervalUSec") == "0"
    good = (ETC / "muster.conf").read_text()
    (ETC / "muster.conf").write_text("[directory]\nno such key\n")
    assert machine.run("systemctl", "restart", "musterd", check=False).returncode
    story.works()
    (ETC / "muster.conf").write_text(good)
    wait_for(lambda: machine.show("musterd", "ActiveState") == "active", 60)
    assert machine.show("muster-fetch.socket", "TriggerLimitIntervalUSec") == "0"


def test_stopped(story, machine):
    machine.run("systemctl", "stop", "musterd", "muster-fetch.socket")
    wait_for(lambda: machine.run("pgrep", "-f", "muster", check=False).stdout == "", 30, "the end of muster-fetch, too")
    story.works()
    assert story.login("erik", "sudo -n id -un").output == "root"
    machine.run("systemctl", "start", "musterd")
    wait_for(lambda: machine.show("muster-fetch.socket", "ActiveState") == "active", 30)


def boot_order(machine):
    """Ready when others begin to look for users, and behind no network."""
    ready, reached = (int(machine.show(unit, "ActiveEnterTimestampMonotonic")) for unit in
                      ("musterd.service", "nss-user-lookup.target"))
    assert 0 < ready <= reached
    before = machine.run("systemctl", "list-dependencies", "--after", "--all", "--plain", "musterd.service").stdout
    assert "muster-fetch.socket" in before and not re.search(r"network.*\.(target|service)", before)


def lingers(machine, name):
    uid = machine.run("id", "-u", name).stdout.strip()
    return machine.show(f"user@{uid}", "ActiveState") == "active"


def test_rebooted_off_line(story):
    """The first one that asks is answered; cron knows who may, and the service manager of users."""
    story.on_line.close()
    for job in JOBS.iterdir():
        job.unlink()
    for name in ("frida", "sven"):
        (LINGER / name).touch()
    story.reboot()
    boot_order(story.machine)
    wait_for(lambda: lingers(story.machine, "frida"), 30)
    story.works()
    assert not lingers(story.machine, "sven") and not (LINGER / "sven").exists()
    wait_for(lambda: (JOBS / "dora").exists() and (JOBS / "dora").read_text() == "dora\n")
    assert not (JOBS / "sven").exists()


def test_rebooted_without_the_agent(story):
    story.machine.run("systemctl", "mask", "musterd", "muster-fetch.socket")
    story.reboot()
    assert story.machine.show("musterd", "ActiveState") == "inactive"
    wait_for(lambda: lingers(story.machine, "frida"), 30)
    story.works()
    assert story.login("erik", "sudo -n id -un").output == "root"
    story.machine.run("systemctl", "unmask", "musterd", "muster-fetch.socket")


def test_first_boot(story):
    """Of an image: logind has not yet made its folder when musterd begins, and lingering is stopped all the same."""
    story.serve()
    shutil.rmtree(LINGER)
    story.reboot()
    story.works()
    assert story.login("frida", "loginctl enable-linger").ok and (LINGER / "frida").exists()
    story.user("frida", state="SUSPENDED")
    wait_for(lambda: not (LINGER / "frida").exists(), 30, story.journal("musterd"))
    story.user("frida", state="ACTIVATED")
    wait_for(lambda: story.login("frida").ok, 30)


def test_upgraded_in_mid_session(story, machine):
    """All the time those get in who should, and those alone; sessions go on, and the new agent ends those of old."""
    story.root = machine.session("root", story.endpoint.local_key)
    erik = machine.session("erik", story.endpoint.key)
    agent = machine.show("musterd", "MainPID")
    sshd = "Received SIGHUP; restarting"
    restarts = story.journal("ssh").count(sshd)
    upgrade = threading.Thread(target=machine.install, args=(newer_packages(),))
    upgrade.start()
    rounds = 0
    while upgrade.is_alive() or rounds < 2:
        assert story.login("dora").ok and not story.login("sven").ok and machine.resolves("frida")
        assert erik.run("sudo -n id -un") == ("root", 0) and story.root.run("id -un") == ("root", 0)
        rounds += 1
    upgrade.join()
    assert story.journal("ssh").count(sshd) == restarts, "one that begins anew refuses connections for a moment"
    assert NEW in machine.run("dpkg-query", "-W", "musterd").stdout
    assert machine.show("musterd", "MainPID") not in ("0", agent) and machine.show("musterd", "ActiveState") == "active"
    assert machine.run("musterctl", "doctor", check=False).returncode == 0
    story.user("erik", state="SUSPENDED")
    assert "This account is suspended." in erik.ended()
    story.works()


def test_jumpcloud(story, machine):
    """Enrolled anew, in JumpCloud: the next login knows what was changed there."""
    with Jumpcloud(story.endpoint) as jumpcloud:
        gerd = jumpcloud.add_user("gerd")
        jumpcloud.configure(poll_interval="1h", recheck_after="0", recheck_timeout="10s")
        wait_for(lambda: machine.resolves("gerd"), 30)
        assert story.login("gerd").output == "gerd"
        jumpcloud.tenant.suspend(gerd)
        assert "This account is suspended." in story.login("gerd").told


def test_purged(story, machine):
    """As if it had never been there; but for two system users, homes and what the administrator wrote."""
    for path in ("ca.pem", "token", "api.key", "client.secret", "directory-ca.pem"):
        (ETC / path).unlink()
    machine.apt("purge", *NAMES)
    assert left_behind() == story.before[0]
    run("pam-auth-update", "--disable", "mkhomedir")
    assert switched() == story.before[1]
    assert not machine.resolves("frida") and not story.login("frida").ok and not story.ssh.login("frida", PASSWORD).ok
    assert story.root.run("id -un") == ("root", 0)
    story.local_users_work()
    assert pathlib.Path("/home/dora").is_dir()
    story.reboot()
    story.local_users_work()
    assert "0 loaded units" in story.machine.run("systemctl", "list-units", "--failed").stdout
