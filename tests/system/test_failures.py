"""Every row of docs/failures.md: while the fault lasts, all the ways in are tried with the real programs, and afterwards too.

dora is good, with sudo. susan was suspended before, by a date that has passed. rita is suspended in the directory while the
fault lasts."""
import concurrent.futures
import contextlib
import importlib.util
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import time

import pytest

from agent import Agent, wait_for
from endpoint import ETC, LOCAL_PASSWORD, LONG_AGO, PASSWORD, RUN, STATE, TREE, WORK, run
from fetch import Authority, Server, reply
from snapshot import Snapshot
from test_cron import DONE, jobs_done

HOST = "directory.example"
SNAPSHOTS = [folder / name for folder in (RUN, STATE) for name in ("pam.snapshot", "nss.snapshot")]
ALL = {"password", "key", "sudo", "cron", "getpwnam", "root"}
LONGEST_S = 10  # a login: 2 s at most are the agent's or the directory's, the rest is for a slow and loaded machine


class OldAuthority(Authority):
    """It was there before a clock that is an hour late."""

    def openssl(self, *argv):
        done = run("faketime", "2 days ago", "openssl", *argv, cwd=self.path)
        assert done.returncode == 0, done.stderr


def timed(how):
    began = time.monotonic()
    return how(), time.monotonic() - began


class World:
    """An endpoint that obeys a document on a web server, its agent, its sshd, and dora's open session."""

    def __init__(self, endpoint, sshd, own, rogue):
        self.endpoint, self.sshd, self.own = endpoint, sshd, own
        self.identity = own.issue("server", san=f"DNS:{HOST}")
        self.rogue = rogue.issue("server", san=f"DNS:{HOST}")
        self.answer = self.document
        endpoint.reset()
        (ETC / "ca.pem").write_text(own.pem)
        (ETC / "token").write_text("token\n")
        (ETC / "token").chmod(0o600)
        for name in ("dora", "susan", "rita"):
            endpoint.user(name)
        endpoint.user("dora", unix_uid=5001, sudo=True, passwordless_sudo=True)
        endpoint.user("susan", scheduled=[{"state": "SUSPENDED", "scheduledDate": LONG_AGO}])
        self.server = Server(lambda request: self.answer(request), *self.identity)
        endpoint.conf.write_text(
            f"[directory]\nurl = https://{HOST}:{self.server.port}/d.json\nca_file = {ETC}/ca.pem\n"
            f"bearer_file = {ETC}/token\npoll_interval = 1s\nrecheck_after = 0s\n")
        run("musterd", "--once")
        for name in ("dora", "susan", "alice"):
            run("crontab", "-u", name, "-", input=f"@reboot id -un >{DONE}/{name}\n")
        self.session = sshd.session("dora", endpoint.key)
        self.agent = Agent().__enter__()

    def close(self):
        self.agent.__exit__()
        self.session.close()
        self.server.close()

    def document(self, _):
        return reply(json.dumps(self.endpoint.document))

    def serve_with(self, identity):
        self.server.close()
        port = self.server.port
        self.server = Server(lambda request: self.answer(request), *identity, port=port)

    def restart(self, **kwargs):
        """For what changes under the agent's feet: another clock, another file system."""
        if self.agent.process.poll() is None:
            self.agent.stop()
        self.agent.__exit__()
        self.agent = Agent(**kwargs).__enter__()

    def suspend(self, name, suspended=True):
        for user in self.endpoint.document["users"]:
            if user["username"] == name:
                user["suspended"] = suspended

    def try_all(self, cron_runs):
        """The ways in that work for dora, and for root; and those that work for susan. All at once."""
        ssh, key = self.sshd.login, self.endpoint.key
        tries = {
            "password": lambda: ssh("dora", password=PASSWORD).ok,
            "key": lambda: ssh("dora", key=key).ok,
            "sudo": lambda: self.session.run("sudo -n id -u") == ("0", 0),
            "getpwnam": lambda: run("getent", "passwd", "dora", check=False).stdout.split(":")[2:3] == ["5001"],
            "root": lambda: ssh("root", password=LOCAL_PASSWORD).ok and ssh("alice", key=self.endpoint.local_key).ok,
            "susan's password": lambda: ssh("susan", password=PASSWORD).ok,
            "susan's key": lambda: ssh("susan", key=key).ok,
            "susan by su": lambda: run("su", "susan", "-c", "true", check=False).returncode == 0,
            "cron": lambda: jobs_done({"alice", "dora"} if cron_runs else {"alice"}),
        }
        with concurrent.futures.ThreadPoolExecutor(len(tries)) as pool:
            running = {name: pool.submit(timed, how) for name, how in tries.items()}
            results = {name: future.result() for name, future in running.items()}
        jobs, _ = results.pop("cron")
        ways = {name for name, (works, _) in results.items() if works}
        assert max(took for _, took in results.values()) < LONGEST_S, results
        assert "alice" in jobs
        return ways | ({"cron"} if "dora" in jobs else set()) | ({"susan's job"} if "susan" in jobs else set())

    def is_refused(self, name):
        return run("su", name, "-c", "true", check=False).returncode != 0


@pytest.fixture(scope="module")
def world(endpoint, sshd, tmp_path_factory):
    run("gcc", "-shared", "-fPIC", "-o", WORK / "clock_shim.so", TREE / "tests/system/clock_shim.c")
    hosts = pathlib.Path("/etc/hosts")
    kept = hosts.read_text()
    hosts.write_text(f"{kept}127.0.0.1 {HOST}\n")
    DONE.mkdir(exist_ok=True)
    DONE.chmod(0o1777)
    pki = tmp_path_factory.mktemp("pki")
    w = World(endpoint, sshd, OldAuthority(pki / "own"), OldAuthority(pki / "rogue"))
    yield w
    w.close()
    hosts.write_text(kept)
    for name in ("dora", "susan", "alice"):
        run("crontab", "-u", name, "-r", check=False)


# ---- the faults: each begins, and what comes after its yield ends it

@contextlib.contextmanager
def lasting(fault):
    """It ends whatever happened meanwhile."""
    next(fault)
    try:
        yield
    finally:
        next(fault, None)


def unreachable(w):
    w.server.close()
    yield
    w.serve_with(w.identity)


def dns(w):
    """Every question is taken, none answered."""
    hosts, resolv = pathlib.Path("/etc/hosts"), pathlib.Path("/etc/resolv.conf")
    kept = hosts.read_text(), resolv.read_text() if resolv.exists() else ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 53))
        hosts.write_text(kept[0].replace(f"127.0.0.1 {HOST}\n", ""))
        resolv.write_text("nameserver 127.0.0.1\n")
        w.restart()  # a connection that lives needs no name, and a muster-fetch that lives has it
        yield
        hosts.write_text(kept[0])
        resolv.write_text(kept[1])


def answers(*args, **kwargs):
    def fault(w):
        w.answer = lambda _: reply(*args, **kwargs)
        yield
        w.answer = w.document
    return fault


def silent(w):
    """Connected, and nothing comes."""
    w.answer = lambda _: time.sleep(3600)
    yield
    w.answer = w.document


def intercepted(w):
    """Another authority vouches for the same name, with a document that lets susan in."""
    w.serve_with(w.rogue)
    w.answer = lambda _: reply(json.dumps(w.endpoint.document).replace("scheduled", "ignored"))
    yield
    assert w.server.requests == []  # not a byte of a credential
    w.answer = w.document
    w.serve_with(w.identity)


def clock(wall_s, boot_s=0):
    def fault(w):
        preload = pathlib.Path("/etc/ld.so.preload")
        pathlib.Path("/etc/clock-shim").write_text(f"{wall_s} {boot_s}\n")
        preload.write_text(f"{WORK}/clock_shim.so\n")
        if not boot_s:
            w.restart()
        yield
        preload.unlink()
        if not boot_s:
            w.restart()
    return fault


def since_1970():
    return 1 - int(time.time())


def until_2099():
    return 73 * 365 * 86400


def fill(folder):
    with contextlib.suppress(OSError), open(folder / "filler", "ab", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


@contextlib.contextmanager
def filled(folder):
    fill(folder)
    try:
        yield
    finally:
        (folder / "filler").unlink()


@contextlib.contextmanager
def mounted(folder):
    """A small file system of its own, with what was there; the agent lives on it."""
    kept = WORK / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept, ignore=lambda d, names: [n for n in names if n.endswith(".sock")])
    run("mount", "-t", "tmpfs", "-o", "size=2m,mode=0755", "tmpfs", folder)
    try:
        run("cp", "-a", f"{kept}/.", folder)
        yield
    finally:
        run("umount", "--lazy", folder)


def disk_full(w):
    with mounted(STATE):
        w.restart()
        with filled(STATE):
            yield
    w.restart()


def var_read_only(w):
    with mounted(STATE):
        run("mount", "-o", "remount,ro", STATE)
        w.restart()
        yield
    w.restart()


def run_full(w):
    """To the last byte, also when the snapshots have made room there by being read from /var/lib; no try was counted yet."""
    with mounted(RUN):
        w.restart()
        for tally in (RUN / "tally").iterdir():
            tally.unlink()
        with filled(RUN):
            w.suspend("rita")
            wait_for(lambda: not SNAPSHOTS[0].exists(), 30, f"the old files to go: {w.agent.log()}")
            fill(RUN)
            yield
    w.restart()


def cache_damaged(_):
    for name in ("cache.mdb", "ledger.mdb"):
        path = STATE / name
        data = bytearray(path.read_bytes())
        for at in range(8192, len(data), 4096):
            data[at:at + 64] = os.urandom(64)
        path.write_bytes(data)
    yield


def dead(w):
    w.agent.process.kill()
    w.agent.process.wait()
    yield
    w.restart()


def frozen(w):
    w.agent.process.send_signal(signal.SIGSTOP)
    yield
    w.agent.process.send_signal(signal.SIGCONT)


def never_started(w):
    """As after a boot: /run is empty."""
    w.agent.stop()
    shutil.rmtree(RUN)
    run("systemd-tmpfiles", "--create", "muster.conf")
    yield
    w.restart()


def no_snapshots(w):
    w.agent.stop()
    for path in SNAPSHOTS:
        path.unlink()
    yield
    w.restart()


def no_memory(w):
    """The agent, and every worker that it starts, gets not one page more."""
    run("prlimit", f"--as={4 << 20}:", "--pid", w.agent.pid)
    yield
    w.restart()


LANDS = True  # a revocation, while the fault lasts
FAULTS = {  # name in docs/failures.md -> the fault, what works for dora and root, whether the directory is still heard
    "unreachable": (unreachable, ALL, False),
    "dns": (dns, ALL, False),
    "silent": (silent, ALL, False),
    "401": (answers("", "401 Unauthorized"), ALL, False),
    "429": (answers("", "429 Too Many Requests", ["Retry-After: 60"]), ALL, False),
    "503": (answers("", "503 Service Unavailable"), ALL, False),
    "intercepted": (intercepted, ALL, False),
    "hostile": (answers('{"format": "muster-directory/1", "users": [{"id": '), ALL, False),
    "1970": (clock(since_1970()), ALL, False),
    "2099": (clock(until_2099()), {"getpwnam", "root"}, False),
    "hour back": (clock(-3600), ALL, LANDS),
    "disk full": (disk_full, ALL, LANDS),
    "var read-only": (var_read_only, ALL, LANDS),
    "run full": (run_full, ALL - {"password"}, LANDS),
    "cache damaged": (cache_damaged, ALL, LANDS),
    "agent dead": (dead, ALL, False),
    "agent frozen": (frozen, ALL, False),
    "agent never started": (never_started, ALL, False),
    "snapshots missing": (no_snapshots, {"root"}, False),
    "no memory": (no_memory, ALL, False),
    "resume": (clock(8 * 3600, 8 * 3600), ALL, LANDS),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(world, name):
    fault, works, lands = FAULTS[name]
    w = world
    try:
        with lasting(fault(w)):
            w.suspend("rita")
            assert w.try_all("cron" in works) == works
            if lands:
                wait_for(lambda: w.is_refused("rita"), 30, f"rita's suspension: {w.agent.log()}")
            elif works == ALL:
                assert not w.is_refused("rita")  # nobody could know
        w.endpoint.musterctl("sync", check=False)
        wait_for(lambda: w.is_refused("rita"), 60, f"rita's suspension: {w.agent.log()}")
    finally:
        w.suspend("rita", False)
        w.endpoint.musterctl("sync", check=False)
    wait_for(lambda: not w.is_refused("rita"), 60, f"rita's activation: {w.agent.log()}")
    assert w.sshd.login("dora", password=PASSWORD).ok


@pytest.mark.parametrize("what", ["snapshots", "everything"])
def test_yesterday(world, what):
    """An old state is put back, from before rita's suspension (R22): it holds until the directory is asked, and no longer."""
    w, old = world, WORK / "yesterday"
    shutil.rmtree(old, ignore_errors=True)
    run("cp", "-a", STATE, old)
    generation = Snapshot(SNAPSHOTS[0]).generation
    w.suspend("rita")
    w.endpoint.musterctl("sync")
    assert w.is_refused("rita") and Snapshot(SNAPSHOTS[0]).generation > generation
    if what == "everything":
        w.agent.stop()
        run("cp", "-a", f"{old}/.", STATE)
    for path in SNAPSHOTS:
        shutil.copy2(old / path.name, path.with_name("yesterday"))
        path.with_name("yesterday").replace(path)
    if what == "everything":
        assert not w.is_refused("rita")
        w.restart()
    wait_for(lambda: w.is_refused("rita"), 30, f"rita's suspension: {w.agent.log()}")
    w.suspend("rita", False)
    w.endpoint.musterctl("sync")
    assert not w.is_refused("rita")


def test_paper():
    """docs/failures.md has these rows, and says of each way in what is tried here."""
    columns = ["password", "key", "sudo", "cron", "getpwnam", "root"]
    table = (TREE / "docs/failures.md").read_text().partition("## What proves it")[0]
    rows = re.findall(r"(?m)^\| `([^`]+)`[^|]*\|(.*)\|$", table)
    assert [name for name, _ in rows] == list(FAULTS)
    for name, cells in rows:
        works = {c for c, cell in zip(columns, cells.split("|")) if cell.strip().startswith("yes")}
        assert works == FAULTS[name][1], name


def test_mutants_fit():
    """tests/mutants.py, which takes an hour, would find the code that it breaks: each piece is there, once."""
    spec = importlib.util.spec_from_file_location("mutants", TREE / "tests/mutants.py")
    mutants = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mutants)
    assert not [name for name, (file, code, *_) in mutants.MUTANTS.items() if (TREE / file).read_text().count(code) != 1]
