"""The living musterd, as a service manager would run it: readiness, watchdog and reload by NOTIFY_SOCKET."""
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from endpoint import RUN, WORK


def wait_for(condition, timeout=60, what="it"):
    """Until CONDITION() is true; what it returned, and fails after TIMEOUT seconds: many, since the machine may be busy."""
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"{what} did not happen within {timeout} s"
        time.sleep(0.02)


class Agent:
    """`with Agent() as agent:` is one life of musterd."""

    def __init__(self, *argv, environ=(), wrap=(), ready=True):
        WORK.mkdir(exist_ok=True)
        self.argv = [*wrap, "musterd", *argv]
        self.environ, self.ready = dict(environ), ready
        self.said = []  # what the manager heard

    def __enter__(self):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind("")  # the kernel gives it an abstract name
        name = "@" + self.notify.getsockname()[1:].decode()
        self.log_path = WORK / "musterd.log"
        (RUN / "metrics.prom").unlink(missing_ok=True)  # another life's: its syncs are not this one's
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, "NOTIFY_SOCKET": name, **self.environ})
        self.pid = self.process.pid
        if self.ready:
            self.wait_until_ready()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.notify.close()

    def hear(self):
        """What the manager has heard so far, each message one string."""
        while True:
            try:
                self.said.append(self.notify.recv(4096, socket.MSG_DONTWAIT).decode())
            except BlockingIOError:
                return self.said

    def wait_until_ready(self):
        def ready():
            assert self.process.poll() is None, self.log()
            return "READY=1" in self.hear()
        wait_for(ready, what="READY=1")

    def wait_until_synced(self, syncs=1):
        """The first syncs are over."""
        wait_for(lambda: self.syncs() >= syncs, what=f"sync {syncs}: {self.log()}")

    def log(self):
        return self.log_path.read_text()

    def metrics(self):
        """metrics.prom as a dictionary; empty when there is none."""
        try:
            text = (RUN / "metrics.prom").read_text()
        except FileNotFoundError:
            return {}
        assert text.endswith("# EOF\n")
        return {name: int(value) for name, value in re.findall(r"(?m)^(muster_\S+) (\d+)$", text)}

    def syncs(self, result="ok"):
        return self.metrics().get(f'muster_syncs_total{{result="{result}"}}', 0)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def children(self):
        """{pid: state} of its children, but for the one that looks for sessions to end: that comes and goes by itself."""
        ender = self.worker("sessions")
        return {pid: state for pid, state in self.all_children().items() if pid != ender}

    def worker(self, task):
        """The pid of its worker with that TASK, "" for any; None: there is none."""
        for pid in self.all_children():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if f"--worker={task}".encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        return None

    def all_children(self):
        found = {}
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == self.pid:
                found[int(stat.parent.name)] = fields[0]
        return found

    def descriptors(self):
        return sorted(os.readlink(f) for f in pathlib.Path(f"/proc/{self.pid}/fd").iterdir())

    def own_kib(self):
        """Memory of its own: the rest of its PSS depends on who else uses the same libraries."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1))

    def pss_kib(self):
        return int(re.search(r"(?m)^Pss: +(\d+) kB", pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()).group(1))

    def calls(self, during):
        """The system calls that it makes in all its threads while DURING() runs."""
        trace = WORK / "musterd.strace"
        strace = subprocess.Popen(["strace", "-f", "-o", trace, "-p", str(self.pid)], stderr=subprocess.PIPE)
        strace.stderr.readline()  # it is attached
        during()
        time.sleep(0.3)
        wait_for(lambda: self.worker("") is None, 30)  # strace hangs when it has to leave in the midst of a vfork
        strace.terminate()
        strace.wait()
        strace.stderr.close()
        # those that a thread already slept in do not count
        return [l for l in trace.read_text().split("\n")
                if l and not re.search(r"restart_syscall\(|<detached|<unfinished|^strace: ", l)]


def generation():
    """Of what is published; 0 when nothing is. Without starting a program, to be quick."""
    for path in (RUN / "nss.snapshot", pathlib.Path("/var/lib/muster/nss.snapshot")):
        try:
            return int.from_bytes(path.read_bytes()[24:32], "little")
        except FileNotFoundError:
            continue
    return 0
