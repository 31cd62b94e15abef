"""The living agent beside a login, healthy, dead, frozen and lying (R8): it makes what is decided fresh, it can refuse, and it can neither let in nor hold up."""
import contextlib
import os
import pwd
import signal
import socket
import statistics
import struct
import subprocess
import threading
import time

import pytest

from endpoint import LOCAL_PASSWORD, PASSWORD, RUN, TREE, WORK, run, scaled

PAMT = WORK / "pamt-agent"
SOCKET = RUN / "private/agent.sock"
PUBLIC = RUN / "public.sock"
CHECK, PASSWORD_FRAME, WORKING, ANSWER = 64, 65, 96, 97
REASON_OK, REASON_SUSPENDED = 0x0A4C5E3D, 2
RIGHT = 0x51B3C96E


class Agent:
    """musterd, as root runs it."""

    def __init__(self):
        self.process = subprocess.Popen(["musterd"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not (SOCKET.exists() and PUBLIC.exists()):
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(sig)
        self.process.wait(20)


@pytest.fixture(scope="module", autouse=True)
def world(endpoint):
    """Service mt-agent: our module alone, as a gate before everything."""
    run("gcc", "-o", PAMT, TREE / "tests/system/pamt.c", "-lpam")
    with open("/etc/pam.d/mt-agent", "w") as f:
        f.writelines(f"{kind} required pam_muster.so\n" for kind in ("auth", "account", "password", "session"))
    with open("/etc/pam.d/mt-local", "w") as f:
        f.writelines(f"@include common-{kind}\n" for kind in ("auth", "account"))
    endpoint.user("dora")
    endpoint.user("emil")
    endpoint.user("susan", suspended=True)
    with endpoint.configured(recheck_timeout="10s"):
        endpoint.publish()
        yield
    for name in ("mt-agent", "mt-local"):
        os.unlink(f"/etc/pam.d/{name}")


@pytest.fixture
def agent(endpoint):
    endpoint.publish()
    a = Agent()
    yield a
    a.stop()


def pamt(user, *steps, password=PASSWORD, as_user=None, service="mt-agent"):
    """The codes of the steps, by step, and how long it took without libpam's delay after a failure."""
    prefix = ["setpriv", "--reuid", as_user, "--clear-groups", "--"] if as_user else []
    begin = time.monotonic()
    done = run(*prefix, PAMT, service, user, *steps, env={**os.environ, "PASSWORD": password}, cwd="/")
    lines = [l.split(" ", 1) for l in done.stdout.splitlines()]
    return {step: rest for step, rest in lines if step != "says"}, time.monotonic() - begin


def soon(codes, seconds, *args, **kwargs):
    """pamt() gives CODES each time, and one time of three within SECONDS: the machine may be busy otherwise."""
    took = []
    while not took or min(took) >= seconds:
        assert len(took) < 3, took
        got, lasted = pamt(*args, **kwargs)
        assert got == codes
        took.append(lasted)


def test_fresh(endpoint, agent):
    """What the directory says now counts now, not at the next poll."""
    assert pamt("dora", "auth", "account")[0] == {"auth": "SUCCESS", "account": "SUCCESS"}
    try:
        endpoint.user("dora", suspended=True)
        endpoint.write(endpoint.document)
        assert pamt("dora", "account")[0] == {"account": "ACCT_EXPIRED"}
    finally:
        endpoint.user("dora")
        endpoint.write(endpoint.document)
    assert pamt("dora", "auth", "account")[0] == {"auth": "SUCCESS", "account": "SUCCESS"}


def test_dead(endpoint):
    """Killed, or never started: the files decide, without a delay."""
    a = Agent()
    a.stop(signal.SIGKILL)
    assert SOCKET.exists()
    for user, code in (("dora", "SUCCESS"), ("susan", "ACCT_EXPIRED")):
        soon({"account": code}, 1, user, "account")
    assert pamt("dora", "auth")[0] == {"auth": "SUCCESS"}


def test_frozen(agent):
    """At most two seconds a login, whatever it asks twice; local users do not notice."""
    agent.process.send_signal(signal.SIGSTOP)
    soon({"auth": "SUCCESS", "account": "SUCCESS"}, 2, "dora", "auth", "account")
    assert pamt("susan", "account")[0] == {"account": "ACCT_EXPIRED"}
    soon({"auth": "SUCCESS", "account": "SUCCESS"}, 1, "alice", "auth", "account", password=LOCAL_PASSWORD, service="mt-local")


def test_backlog_full(agent):
    """Root's own door, stuffed: nobody waits for a place."""
    agent.process.send_signal(signal.SIGSTOP)
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            s = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            if s.connect_ex(str(SOCKET)):
                break
        soon({"account": "SUCCESS"}, 1, "dora", "account")


@contextlib.contextmanager
def double(reply):
    """In the agent's place: REPLY(request's nonce) gives the bytes of each connection."""
    SOCKET.parent.mkdir(mode=0o700, exist_ok=True)
    SOCKET.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(SOCKET))
    listener.listen(8)

    def serve():
        while True:
            try:
                peer = listener.accept()[0]
            except OSError:
                return
            with peer, contextlib.suppress(OSError):
                data = peer.recv(65536)
                for piece in reply(data[16:32]):
                    peer.sendall(piece)
                    time.sleep(0.001)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(20)
        SOCKET.unlink(missing_ok=True)


def frame(kind, payload=b""):
    return struct.pack("<IHHI", len(payload), kind, 0, 0) + payload


def answer(nonce, user=b"dora", reason=REASON_OK, password=0, uid=0):
    return frame(ANSWER, struct.pack("<I", 1) + nonce + struct.pack("<IIIQqI", uid, reason, password, 1, 0, 1) +
                 user + b"\0")


LIES = {
    "garbage": lambda nonce: [os.urandom(512)],
    "nothing": lambda nonce: [],
    "half a frame": lambda nonce: [answer(nonce)[:20]],
    "a giant": lambda nonce: [struct.pack("<IHHI", 1 << 31, ANSWER, 0, 0)],
    "flood": lambda nonce: [frame(WORKING)] * 2000,
    "other nonce": lambda nonce: [answer(bytes(16), reason=REASON_SUSPENDED)],
    "other user": lambda nonce: [answer(nonce, user=b"dorA", reason=REASON_SUSPENDED)],
    "unknown reason": lambda nonce: [answer(nonce, reason=4711)],
    "another type": lambda nonce: [frame(34, b"\0\0\0\0ok\0")],
}


@pytest.mark.parametrize("lie", LIES)
def test_lies(endpoint, lie):
    """What is no fitting answer is none: the files decide."""
    with double(LIES[lie]):
        assert pamt("dora", "auth", "account")[0] == {"auth": "SUCCESS", "account": "SUCCESS"}
        assert pamt("susan", "account")[0] == {"account": "ACCT_EXPIRED"}


def test_drips(endpoint):
    """A byte a second: given up within the deadline."""
    with double(lambda nonce: (time.sleep(1) or bytes([b]) for b in answer(nonce)[:6])):
        soon({"auth": "SUCCESS", "account": "SUCCESS"}, 4, "dora", "auth", "account")


def test_only_stricter(endpoint):
    """It can refuse whom the files let in, and cannot let in whom they refuse."""
    with double(lambda nonce: [frame(WORKING), answer(nonce, reason=REASON_SUSPENDED)]):
        assert pamt("dora", "account")[0] == {"account": "ACCT_EXPIRED"}
        assert pamt("dora", "auth")[0] == {"auth": "AUTH_ERR"}
    with double(lambda nonce: [answer(nonce, user=b"susan", password=RIGHT)]):
        assert pamt("susan", "account")[0] == {"account": "ACCT_EXPIRED"}
        assert pamt("susan", "auth", password="wrong")[0] == {"auth": "AUTH_ERR"}
    with double(lambda nonce: [answer(nonce, password=RIGHT)]):
        assert pamt("dora", "auth", password="wrong")[0] == {"auth": "AUTH_ERR"}


def test_public(agent):
    """A screen locker: the user's own processes ask the agent, about that user alone."""
    assert pamt("dora", "auth", "account", as_user="dora")[0] == {"auth": "SUCCESS", "account": "SUCCESS"}
    assert pamt("dora", "auth", as_user="dora", password="wrong")[0] == {"auth": "AUTH_ERR"}
    assert pamt("emil", "auth", as_user="dora")[0] == {"auth": "AUTHINFO_UNAVAIL"}
    assert pamt("emil", "account", as_user="nobody")[0] == {"account": "AUTHINFO_UNAVAIL"}
    assert pamt("susan", "auth", as_user="susan")[0] == {"auth": "AUTH_ERR"}
    assert pamt("susan", "account", as_user="susan")[0] == {"account": "ACCT_EXPIRED"}


def test_public_without_agent(endpoint):
    assert pamt("dora", "auth", as_user="dora")[0] == {"auth": "AUTHINFO_UNAVAIL"}
    assert pamt("dora", "account", as_user="dora")[0] == {"account": "AUTHINFO_UNAVAIL"}


def test_private_is_roots(agent):
    """The directory keeps others out; who got hold of the socket is sent away."""
    done = run("setpriv", "--reuid", "dora", "--clear-groups", "--", "ls", str(SOCKET), check=False)
    assert done.returncode != 0
    assert oct(SOCKET.parent.stat().st_mode & 0o777) == "0o700"


def test_idle_crowd(agent):
    """One user with many silent connections: over its quota it is sent away, others are served."""
    crowd = subprocess.Popen(["setpriv", "--reuid", "emil", "--clear-groups", "--", "/usr/bin/python3", "-c",
                              "import socket, time\n"
                              "c = [socket.socket(socket.AF_UNIX) for _ in range(200)]\n"
                              f"[s.connect('{PUBLIC}') for s in c]\n"
                              "print(sum(s.recv(1) == b'' for s in c[4:]), flush=True)\n"
                              "time.sleep(60)"], stdout=subprocess.PIPE, text=True)
    try:
        assert crowd.stdout.readline() == "196\n"
        soon({"auth": "SUCCESS"}, 2, "dora", "auth", as_user="dora")
        soon({"account": "SUCCESS"}, 2, "dora", "account")
    finally:
        crowd.kill()
        crowd.wait()
        crowd.stdout.close()


def test_strangers_take_no_place(agent):
    """A local user may have 65536 uids for her containers: whom there is nothing to say to has no place that others could miss."""
    crowd = ("import os, socket\n"
             "c = [socket.socket(socket.AF_UNIX) for _ in range(64)]\n"
             "for i, s in enumerate(c):\n"
             " os.seteuid(200000 + i % 16)\n"
             f" s.connect('{PUBLIC}')\n"
             " os.seteuid(0)\n"
             "print(sum(s.recv(1) == b'' for s in c))\n")
    assert run("timeout", "4", "python3", "-c", crowd).stdout == "64\n"


def test_guessing_storm(agent):
    """R21: as many tries as the machine gives, for some seconds; root's login stays under a second, memory bounded."""
    stop = time.monotonic() + scaled(6, 120)
    uid = pwd.getpwnam("emil").pw_uid
    request = frame(PASSWORD_FRAME, struct.pack("<I", 1) + bytes(16) + struct.pack("<II", 1, 0) +
                    b"emil\0wrong\0locker\0\0\0")
    code = ("import socket, time\n"
            f"while time.monotonic() < {stop}:\n"
            " s = socket.socket(socket.AF_UNIX)\n"
            f" s.connect('{PUBLIC}')\n"
            " try:\n"
            f"  s.sendall({request!r})\n"
            "  while s.recv(4096): pass\n"
            " except OSError: pass\n"
            " s.close()\n")
    storm = [subprocess.Popen(["setpriv", "--reuid", str(uid), "--clear-groups", "--", "/usr/bin/python3", "-c", code])
             for _ in range(6)]
    waits, peak = [], 0
    try:
        while time.monotonic() < stop - 1:
            codes, took = pamt("alice", "auth", "account", password=LOCAL_PASSWORD, service="mt-local")
            assert codes == {"auth": "SUCCESS", "account": "SUCCESS"}
            waits.append(took)
            codes, took = pamt("dora", "auth", "account")
            assert codes == {"auth": "SUCCESS", "account": "SUCCESS"}
            with open(f"/proc/{agent.process.pid}/status") as f:
                rss, = [int(l.split()[1]) for l in f if l.startswith("VmRSS")]
            peak = max(peak, rss)
    finally:
        for p in storm:
            p.wait(30)
    assert statistics.median(waits) < 1 and max(waits) < 5, waits  # the machine may be busy otherwise
    assert peak < 64 * 1024
