"""muster-fetch behind a socket, as systemd starts it: musterd starts nothing and has no network; and the units themselves."""
import contextlib
import os
import pathlib
import pwd
import re
import socket
import subprocess
import threading

import pytest

from agent import Agent, wait_for
from endpoint import RUN, TREE, run
from fetch import FETCH
from test_web import own, resolves, web  # noqa: F401: fixtures

SOCKET = RUN / "private/fetch.sock"
UNITS = pathlib.Path("/usr/lib/systemd/system")
# What musterd.service has: without CAP_SETGID nobody becomes the user muster.
CONFINED = ["setpriv", "--bounding-set", "-all,+kill,+setuid", "--inh-caps", "-all", "--"]


class Manager:
    """Stands in for muster-fetch.socket: Accept=yes, each connection the descriptor 3 of a process of the user muster."""

    def __init__(self, program=FETCH):
        self.program, self.processes = program, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(SOCKET))
        SOCKET.chmod(0o600)
        self.listener.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self.listener.accept()
                with conn:
                    self.processes.append(subprocess.Popen(
                        [self.program], user="muster", group="muster", extra_groups=[], close_fds=False,
                        env={"LISTEN_FDS": "1", "PATH": "/usr/bin"}, preexec_fn=lambda: os.dup2(conn.fileno(), 3)))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def manager():
    SOCKET.parent.mkdir(mode=0o700, exist_ok=True)
    m = Manager()
    yield m
    m.close()
    SOCKET.unlink(missing_ok=True)
    for p in m.processes:
        assert p.wait(60) == 0, "muster-fetch ends when musterd hangs up"


def once(check=True, **kwargs):
    return run(*CONFINED, "musterd", "--once", check=check, **kwargs)


def test_a_file(web, manager):
    web.configure("file:///etc/muster/directory.json", ca_file=None, bearer_file=None)
    web.endpoint.write(web.endpoint.document)
    once()
    assert web.endpoint.explain("dora") == "ok" and len(manager.processes) == 1


def test_a_server(web, manager):
    once()
    assert once().stderr == ""
    assert web.endpoint.explain("dora") == "ok" and len(manager.processes) == 2
    assert "If-None-Match" in web.server.requests[-1]


def test_without_it_nobody_is_reached(web):
    """The proof that the confinement above is one."""
    done = once(check=False)
    assert done.returncode == 1 and "muster-fetch" in done.stderr and not resolves("dora")


def test_kept(web, manager):
    """One connection for all polls, and another process when it died."""
    web.configure(web.server.url, poll_interval="1s")
    with Agent(wrap=CONFINED) as agent:
        agent.wait_until_synced(3)
        assert len(manager.processes) == 1 and web.server.connections == 1
        status = pathlib.Path(f"/proc/{manager.processes[0].pid}/status").read_text()
        uid = pwd.getpwnam("muster").pw_uid
        assert re.search(rf"(?m)^Uid:\t{uid}\t{uid}\t{uid}\t{uid}$", status)
        wait_for(lambda: agent.children() == {})
        manager.processes.pop().kill()
        before = agent.syncs()
        wait_for(lambda: agent.syncs() > before + 2, 20)
        assert agent.syncs("failed") == 0 and len(manager.processes) == 1
        assert agent.stop() == 0


def failed(text):
    done = run("musterd", "--once", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"sync: cannot connect to muster-fetch at {SOCKET}: {text};"), done.stderr


def test_faults(web, manager):
    web.sync()
    os.chown(SOCKET, pwd.getpwnam("muster").pw_uid, -1)
    failed("Operation not permitted")
    os.chown(SOCKET, 0, -1)
    SOCKET.chmod(0o666)
    failed("Operation not permitted")
    SOCKET.chmod(0o600)
    web.sync()
    manager.close()
    failed("Connection refused")
    SOCKET.unlink()
    SOCKET.write_text("")
    failed("Operation not permitted")
    SOCKET.unlink()
    web.sync()  # it starts its own
    manager.__init__()


def test_somebody_else_listens(web):
    """A socket of root's on which another user listens."""
    listener = ("import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o600);"
                "os.setuid(65534); s.listen(1); print('up', flush=True); s.accept()")
    SOCKET.parent.mkdir(mode=0o700, exist_ok=True)
    with subprocess.Popen(["/usr/bin/python3", "-c", listener, SOCKET], stdout=subprocess.PIPE) as p:
        p.stdout.readline()
        failed("Operation not permitted")
        p.kill()
    SOCKET.unlink()


@pytest.mark.parametrize("unit, most", [("musterd.service", 15), ("muster-fetch@.service", 20), ("muster-setup-rollback.service", 20)])
def test_exposure(unit, most):
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={most}", "--no-pager", UNITS / unit, check=False)
    assert done.returncode == 0, done.stdout[-600:]


def test_drop_in(tmp_path):
    """polkit's helper may write where pam_muster writes: there, and by words that systemd knows."""
    helper = tmp_path / "polkit-agent-helper@.service"
    helper.write_text("[Service]\nExecStart=true\n")
    drop_in = UNITS / (helper.name + ".d/muster.conf")
    done = run("systemd-analyze", "verify", helper, check=False, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:{UNITS}:"})
    assert done.stderr == "" and done.returncode == 0
    paths = re.findall(r'define MUSTER_(?:RUNTIME|STATE)_DIR "(.*)"', (TREE / "common/paths.h").read_text())
    assert re.findall("(?m)^ReadWritePaths=(.*)", drop_in.read_text()) == [" ".join("-" + p for p in paths)] and len(paths) == 2


def test_units_are_understood():
    done = run("systemd-analyze", "verify", *(UNITS / u for u in ("musterd.service", "muster-fetch.socket",
                                                                 "muster-fetch@.service", "muster-setup-rollback.service")), check=False)
    assert [l for l in done.stderr.splitlines() if "'man " not in l] == [] and "@" not in "".join(
        re.findall("(?m)^ExecStart=.*", "".join(p.read_text() for p in UNITS.glob("muster*.service"))))
