"""musterd, its workers and muster-fetch killed and frozen at any moment, while people log in and the directory changes (R4):
nothing is torn, no generation goes back, nobody gets in or is lost who should not be, and afterwards all works."""
import collections
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import stat
import threading
import time

import pytest

from agent import Agent, wait_for
from endpoint import ETC, LOCAL_PASSWORD, PASSWORD, RUN, STATE, TREE, WORK, run, scaled
from fetch import Authority, Server, reply
from snapshot import Snapshot

KILLS = scaled(20, 250)  # of each kind of directory
PAMT = WORK / "pamt-kill"
FILES = [folder / name for folder in (RUN, STATE) for name in ("pam.snapshot", "nss.snapshot")]
LONGEST_LOGIN_S = 20  # a frozen agent may take 2 s of it; the rest is for machines that are slow and loaded


def processes():
    """{pid: name} of all that lives."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            head, _, tail = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if tail.split()[0] != "Z":
            found[int(pid)] = head.partition("(")[2]
    return found


def ours():
    """The processes of muster by what they do; a worker of a daemon that was killed counts too."""
    found = collections.defaultdict(list)
    for pid, name in processes().items():
        if name == "musterd":
            try:
                argv = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found["worker" if b"--worker" in argv else "daemon"].append(pid)
        elif name == "muster-fetch":
            found["fetch"].append(pid)
    return found


def send(pid, number):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


class Crowd:
    """People who log in and look each other up all the time, and what went wrong with it."""

    def __init__(self):
        self.problems, self.done = [], threading.Event()
        self.phase = (0, False)  # number of the document that counts, and whether it suspends swing
        self.count = collections.Counter()
        self.highest = {}
        self.seen_suspended = None  # the phase in which swing was refused, or let in, as it says
        self.threads = [threading.Thread(target=self.work, args=(job,))
                        for job in (self.log_in, self.log_in, self.look_up, self.watch_files)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for t in self.threads:
            t.join(60)

    def least(self):
        """How often each of them was there at least."""
        return min(self.count[who] for who in ("dora", "emil", "susan", "swing", "alice", "getent"))

    def work(self, job):
        rng = random.Random(job.__name__)
        while not self.done.is_set():
            try:
                job(rng)
            except Exception as e:  # a thread's would be lost
                self.problems.append(f"{job.__name__}: {e!r}")
                return

    def expect(self, condition, *what):
        if not condition:
            self.problems.append(what)

    def log_in(self, rng):
        user, password = rng.choice([("dora", PASSWORD), ("emil", "wrong"), ("susan", PASSWORD), ("swing", PASSWORD),
                                     ("alice", LOCAL_PASSWORD)])
        phase, began = self.phase, time.monotonic()
        codes = pam(user, password)
        took = time.monotonic() - began
        self.count[user] += 1
        self.expect(took < LONGEST_LOGIN_S, user, took)
        let_in = codes == ["SUCCESS", "SUCCESS"]
        if user in ("dora", "alice"):
            self.expect(let_in, user, codes)
        elif user == "emil":
            self.expect(codes[0] != "SUCCESS", user, codes)
        elif user == "susan":
            self.expect("SUCCESS" not in codes, user, codes)
        elif self.phase == phase:
            self.note_swing(phase, let_in, codes)

    def note_swing(self, phase, let_in, codes):
        """While one document counts swing is what she was before, and then what it says, and never again the other."""
        if let_in != phase[1]:
            self.seen_suspended = phase
        else:
            self.expect(self.seen_suspended != phase, "swing, back to what she was", phase, codes)

    def look_up(self, _):
        fields = run("getent", "passwd", "dora").stdout.split(":")
        number = int(fields[4].split()[1])
        self.expect(number >= self.highest.get("gecos", 0) and fields[2] == "5001", fields)
        self.highest["gecos"] = number
        self.count["getent"] += 1

    def watch_files(self, _):
        for path in FILES:
            with open(path, "rb") as f:
                generation = int.from_bytes(f.read(32)[24:], "little")
            self.expect(generation >= self.highest.get(path, 0), path, generation, self.highest.get(path))
            self.highest[path] = generation
        time.sleep(0.003)


def pam(user, password):
    """The codes of authentication and account, in a program that has our module before Debian's."""
    done = run(PAMT, "mt-kill", user, "auth", "account", env={**os.environ, "PASSWORD": password}, cwd="/", check=False)
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith(("auth ", "account "))]


@pytest.fixture(scope="module", autouse=True)
def service(endpoint):
    run("gcc", "-o", PAMT, TREE / "tests/system/pamt.c", "-lpam")
    stack = pathlib.Path("/etc/pam.d/mt-kill")
    stack.write_text("@include common-auth\n@include common-account\n")
    yield
    stack.unlink()


@pytest.fixture
def world(endpoint):
    endpoint.reset()
    endpoint.user("dora", unix_uid=5001, displayname="Dora 0", sudo=True)
    endpoint.user("emil")
    endpoint.user("susan", suspended=True)
    endpoint.user("swing")
    endpoint.publish()
    return endpoint


def document(world, number, suspended):
    for user in world.document["users"]:
        if user["username"] == "dora":
            user["displayname"] = f"Dora {number}"
        elif user["username"] == "swing":
            user["suspended"] = suspended


class File:
    """The embedded directory: an edit is seen by itself."""

    def __init__(self, world):
        self.world = world

    def change(self):
        self.world.write(self.world.document)


class Web:
    """A server that knows the document now: each login asks it."""

    def __init__(self, world):
        self.world = world
        self.change()

    def change(self):
        self.body = json.dumps(self.world.document)

    def obey(self, own):
        (ETC / "ca.pem").write_text(own.pem)
        (ETC / "token").write_text("token\n")
        (ETC / "token").chmod(0o600)
        server = Server(lambda _: reply(self.body), *own.issue("server"))
        self.world.conf.write_text(f"[directory]\nurl = {server.url}\nca_file = {ETC}/ca.pem\nbearer_file = {ETC}/token\n"
                                   "poll_interval = 1s\nrecheck_after = 0s\nrecheck_timeout = 500ms\n")
        run("musterd", "--once")
        return server


@pytest.fixture(params=["file", "https"])
def directory(request, world, tmp_path):
    if request.param == "file":
        yield File(world)
        return
    web = Web(world)
    server = web.obey(Authority(tmp_path / "own"))
    yield web
    server.close()


def strike(rng):
    """One of ours ends, or stands still for a while. Whether there was one."""
    kind = rng.choice(["daemon", "worker", "worker", "fetch", "fetch", "all"])
    end = time.monotonic() + 0.4
    while time.monotonic() < end and not (kind == "all" or ours()[kind]):
        time.sleep(0.001)
    time.sleep(rng.random() * 0.03)
    found = ours()
    victims = sum(found.values(), []) if kind == "all" else found[kind]
    if rng.random() < 0.8:
        return sum([send(pid, signal.SIGKILL) for pid in victims])
    struck = [pid for pid in victims if send(pid, signal.SIGSTOP)]
    time.sleep(rng.random() * 0.5)
    for pid in struck:
        send(pid, signal.SIGCONT)
    return len(struck)


def whole():
    for path in FILES:
        Snapshot(path)


class Supervised:
    """musterd under a service manager: started again when it died."""

    def __init__(self):
        self.agent = Agent().__enter__()

    def revive(self):
        if self.agent.process.poll() is not None:
            self.agent.__exit__()
            self.agent = Agent(ready=False).__enter__()

    def stop(self):
        self.agent.stop()

    def end(self):
        self.agent.__exit__()

    def wait_for(self, condition, what):
        def holds():
            self.revive()
            return condition()
        try:
            wait_for(holds, 60, what)
        except AssertionError:
            states = {pid: (kind, run("ps", "-o", "stat=,wchan=", "-p", pid, check=False).stdout)
                      for kind, pids in ours().items() for pid in pids}
            raise AssertionError(f"{what} did not happen: {states}\n{self.agent.log()}") from None


def settled(musterd, crowd, number, suspended):
    """The document counts, for names and for logins, and all files are of one generation."""
    expected = "ACCT_EXPIRED" if suspended else "SUCCESS"
    for what, holds in (
            (f"swing: {expected}", lambda: pam("swing", PASSWORD)[1:] == [expected]),
            (f"Dora {number}", lambda: f":Dora {number}:" in run("getent", "passwd", "dora").stdout),
            ("one generation", lambda: len({Snapshot(path).generation for path in FILES}) == 1)):
        musterd.wait_for(lambda: holds() or crowd.problems, what)


@pytest.mark.timeout(scaled(300, 7200))
def test_killed_at_any_moment(directory):
    """R4."""
    seed = int(os.environ.get("MUSTER_SEED", time.time_ns() % 2**32))
    print(f"MUSTER_SEED={seed}")  # shown when it fails
    rng, struck, number = random.Random(seed), 0, 0
    musterd = Supervised()
    try:
        with Crowd() as crowd:
            while (struck < KILLS or crowd.least() <= 3) and not crowd.problems:
                number += 1
                suspended = rng.random() < 0.5
                document(directory.world, number, suspended)
                crowd.phase = (number, suspended)
                directory.change()
                for _ in range(rng.choice([1, 1, 2, 4])):
                    struck += strike(rng)
                    whole()
                    time.sleep(rng.random() * 0.02)
                    musterd.revive()
                settled(musterd, crowd, number, suspended)
        assert not crowd.problems, crowd.problems
        musterd.stop()
    finally:
        musterd.end()
    wait_for(lambda: not any(ours().values()), 20, "the end of all that is ours")
    assert not list(RUN.glob("*.new")) + list(STATE.glob("*.damaged"))


@contextlib.contextmanager
def state_on_disk(folder):
    """/var/lib/muster on an ext4 of its own that delays what it can; the image holds what has reached the disk."""
    image = folder / "disk"
    with open(image, "wb") as f:
        f.truncate(48 << 20)
    run("mkfs.ext4", "-q", "-E", "lazy_itable_init=1,nodiscard", image)
    for number in range(64):
        with contextlib.suppress(FileExistsError):
            os.mknod(f"/dev/loop{number}", 0o600 | stat.S_IFBLK, os.makedev(7, number))
    with contextlib.suppress(FileExistsError):
        os.mknod("/dev/loop-control", 0o600 | stat.S_IFCHR, os.makedev(10, 237))
    if run("mount", "-o", "loop,noauto_da_alloc,commit=300", image, STATE, check=False).returncode:
        pytest.skip("no loop devices here")
    try:
        yield image
    finally:
        run("umount", "--lazy", STATE)


def freeze():
    """All of ours, so that a copy is of one moment."""
    stopped = set()
    while True:
        new = {pid for pids in ours().values() for pid in pids} - stopped
        if not new:
            return stopped
        stopped |= {pid for pid in new if send(pid, signal.SIGSTOP)}


def copy_of_one_moment(image, copy):
    """An fsync(2) goes on in a stopped process, and the kernel writes back what it likes: good is a copy during which nobody wrote."""
    for _ in range(100):
        before = image.stat().st_mtime_ns
        time.sleep(0.01)
        run("cp", "--sparse=always", image, copy)
        if image.stat().st_mtime_ns == before:
            return
    raise AssertionError("the disk is never at rest")


def boots(world, copy, folder):
    """What a new musterd makes of the disk that was left: the users as they were, in a generation not before."""
    Snapshot(copy / "nss.snapshot")
    generation = Snapshot(copy / "pam.snapshot").generation
    runtime = folder / "run"
    runtime.mkdir()
    conf = folder / "muster.conf"
    conf.write_text(f"[paths]\nstate_dir = {copy}\nruntime_dir = {runtime}\n")
    done = run("musterd", "--once", "--config", conf)
    assert "damaged" not in done.stderr and "lost" not in done.stderr, done.stderr
    after = Snapshot(runtime / "nss.snapshot")
    assert after.generation >= generation and after.users["dora"]["uid"] == 5001
    shutil.rmtree(runtime)


@pytest.mark.timeout(scaled(300, 7200))
def test_power_cut(world, tmp_path):
    """R3: at any moment of a sync the disk holds an old or a new state, whole, though nothing is written before it must."""
    rng = random.Random(5)
    with state_on_disk(tmp_path) as image:
        world.publish()
        cut = tmp_path / "cut"
        (tmp_path / "mnt").mkdir()
        with Agent() as agent:
            agent.wait_until_synced()
            for number in range(1, scaled(20, 200)):
                document(world, number, bool(number % 2))
                world.write(world.document)
                time.sleep(0.1 + rng.random() * 0.15)  # it waits for 100 ms, in case there is more
                stopped = freeze()
                copy_of_one_moment(image, cut)
                for pid in stopped:
                    send(pid, signal.SIGCONT)
                run("mount", "-o", "loop", cut, tmp_path / "mnt")
                try:
                    boots(world, tmp_path / "mnt", tmp_path)
                finally:
                    run("umount", tmp_path / "mnt")
