"""Screen lockers as Debian has them, run by the directory user who locked her screen (issue 5, item 8).

xsecurelock's part that speaks PAM runs with the user's own rights: the agent decides, over the public socket. vlock is
setuid root and decides from the published files, agent or none. That one user cannot try another's password is in test_agent.py: no locker would ask.
"""
import concurrent.futures
import contextlib
import pathlib
import re
import signal
import subprocess

import pexpect
import pytest

from agent import Agent
from endpoint import LOCAL_PASSWORD, PASSWORD, TEXTS, run_as

AUTHPROTO = "/usr/libexec/xsecurelock/authproto_pam"
SERVICE = pathlib.Path("/etc/pam.d/xsecurelock")


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora")
    endpoint.user("erik")
    SERVICE.write_text("@include common-auth\n@include common-account\n")
    with endpoint.configured(end_sessions=""):  # or the locker would end, too
        endpoint.publish()
        yield
    SERVICE.unlink()


@pytest.fixture
def agent(endpoint):
    endpoint.user("dora")
    endpoint.publish()
    with Agent() as a:
        a.wait_until_synced()
        yield a


def frame(kind, text):
    return f"{kind} {len(text.encode())}\n{text}\n"


def unlock(user, password, service="xsecurelock"):
    """(does the screen open, what it showed): one try, answering one prompt; the second is cancelled."""
    done = run_as(user, AUTHPROTO, input=frame("p", password) + frame("x", ""), check=False, cwd="/",
                  env={"PATH": "/usr/bin", "XSECURELOCK_PAM_SERVICE": service})
    shown = re.findall(r"(?m)^([iePU]) \d+\n(.*)$", done.stdout)
    assert [text for kind, text in shown if kind == "P"], done
    return done.returncode == 0, [text for kind, text in shown if kind in "ie"]


def each(how, *tries):
    """Their results, in order; all at once, since most wait for the delay after a failure."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return [running.result() for running in [pool.submit(how, *t) for t in tries]]


def test_password(agent):
    right, wrong, local, local_wrong = each(unlock, ("dora", PASSWORD), ("erik", "wrong"), ("alice", LOCAL_PASSWORD),
                                            ("alice", "wrong"))
    assert right == local == (True, [])
    assert not wrong[0] and not local_wrong[0]


@pytest.mark.parametrize("service", ["xsecurelock", "common-auth"])
def test_suspended_while_away(endpoint, agent, service):
    """Also where the locker asks for authentication alone: Debian's package brings no service file, and uses common-auth."""
    assert unlock("dora", PASSWORD, service)[0]
    endpoint.change("dora", suspended=True)
    # Not dora's both at once: each takes its own connections, and the agent has four for a user.
    right, other = each(unlock, ("dora", PASSWORD, service), ("erik", PASSWORD, service))
    wrong = unlock("dora", "wrong", service)
    assert right == (False, [TEXTS["suspended"]])
    assert wrong == (False, [])
    assert other[0]


@contextlib.contextmanager
def no_agent(agent, how):
    agent.process.send_signal({"dead": signal.SIGKILL, "frozen": signal.SIGSTOP, "stopped": signal.SIGTERM}[how])
    if how != "frozen":
        agent.process.wait()
    yield
    agent.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("how", ["dead", "stopped", "frozen"])
def test_without_agent(agent, how):
    """Nobody else may read a verifier: the screen stays locked, the user reads why, and a local user does not notice."""
    with no_agent(agent, how):
        right, wrong, local = each(unlock, ("dora", PASSWORD), ("dora", "wrong"), ("alice", LOCAL_PASSWORD))
    for ok, shown in (right, wrong):
        assert not ok and any("musterd" in text for text in shown), shown
    assert local == (True, [])


# ---- vlock, setuid root

def vlock(user, *passwords):
    """(does it unlock, what the terminal showed): an empty password of ours is the end; it asks for root's in between."""
    pty = pexpect.spawn("setpriv", ["--reuid", user, "--init-groups", "--", "vlock"], encoding="utf-8", timeout=60)
    shown = ""
    try:
        for password in passwords:
            while pty.expect([r"\[ENTER\]", r"Password: $"]) == 0:
                shown += pty.before
                pty.sendline("")
            shown += pty.before + pty.after
            pty.sendline(password)
        if pty.expect([pexpect.EOF, r"\[ENTER\]", r"Password: $"]) == 0:
            pty.wait()
            return pty.exitstatus == 0, shown + pty.before
        return False, shown + pty.before
    finally:
        pty.close(force=True)


@pytest.mark.parametrize("living", [True, False])
def test_vlock(endpoint, agent, living):
    """It verifies as root, so it needs no agent."""
    if not living:
        agent.stop()
    right, wrong, (roots, shown), local = each(vlock, ("dora", PASSWORD), ("erik", "wrong"), ("erik", "wrong", LOCAL_PASSWORD),
                                               ("alice", LOCAL_PASSWORD))
    assert right[0] and local[0] and not wrong[0]
    assert roots and "root's Password" in shown
    endpoint.change("dora", suspended=True)
    (ok, shown), (by_root, _) = each(vlock, ("dora", PASSWORD), ("dora", PASSWORD, PASSWORD))
    assert not ok and not by_root and TEXTS["suspended"] in shown
