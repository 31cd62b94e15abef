"""A directory is asked without the lock: nobody waits for a slow one, and an older answer never takes the place of a newer one."""
import contextlib
import pathlib
import subprocess
import threading
import time

from agent import wait_for
from endpoint import run
from test_web import own, resolves, web  # noqa: F401: fixtures


class Sync:
    """A `musterd --once` in flight. Each of its questions is answered as things were when it came, once release() is called;
    whoever syncs between hold() and release() is answered at once."""

    def __init__(self, web):
        self.web, self.asked, self.go, self.slow = web, 0, threading.Semaphore(0), True
        web.answer = self.answer
        self.process = subprocess.Popen(["musterd", "--once"], stderr=subprocess.PIPE, text=True)
        self.wait_until_asked(1)

    def answer(self, request):
        said = self.web.document(request)
        if self.slow:
            self.asked += 1
            assert self.go.acquire(timeout=60)
        return said

    def wait_until_asked(self, times):
        wait_for(lambda: self.asked == times, 30)

    @contextlib.contextmanager
    def others(self):
        """Syncs in here are not ours, and are answered at once."""
        self.slow = False
        yield
        self.slow = True

    def end(self, code=0):
        _, said = self.process.communicate(timeout=60)
        assert self.process.returncode == code, said
        return said


def test_nobody_waits(web):
    web.sync()
    sync = Sync(web)
    began = time.monotonic()
    with sync.others():
        assert web.sync() == ""
        run("musterd", "--once", "--publish-only")
    assert time.monotonic() - began < 10
    assert sync.process.poll() is None
    sync.go.release()
    assert sync.end() == "" and sync.asked == 1  # nothing had changed


def test_the_newer_answer_stays(web):
    web.sync()
    web.endpoint.user("fred")
    sync = Sync(web)
    with sync.others():
        web.endpoint.user("dora", suspended=True)
        web.sync()
    sync.go.release()  # dora is active in this one
    sync.wait_until_asked(2)
    assert web.endpoint.explain("dora") == "suspended"
    sync.go.release()
    sync.end()
    assert web.endpoint.explain("dora") == "suspended" and resolves("fred")


def test_without_a_cache(web):
    """Where nothing can be kept, the published generation tells."""
    web.sync()
    with unwritable_cache():
        sync = Sync(web)
        with sync.others():
            web.endpoint.user("dora", suspended=True)
            web.sync(code=1)
        sync.go.release()
        sync.wait_until_asked(2)
        sync.go.release()
        sync.end(1)
        assert web.endpoint.explain("dora") == "suspended"


@contextlib.contextmanager
def unwritable_cache():
    path = pathlib.Path("/var/lib/muster/cache.mdb")
    path.unlink()
    path.mkdir()
    try:
        yield
    finally:
        path.rmdir()


def test_local_users_change(web):
    """What this host has of its own goes first, also when it came while the directory was asked."""
    sync = Sync(web)
    passwd = pathlib.Path("/etc/passwd")
    before = passwd.read_text()
    try:
        passwd.write_text(before + "dora:x:4321:4321::/:/bin/sh\n")
        sync.go.release()
        sync.wait_until_asked(2)
        sync.go.release()
        assert "name_local" in sync.end()
    finally:
        passwd.write_text(before)


def test_always_too_late(web):
    web.sync()
    sync = Sync(web)
    for i in range(3):
        sync.wait_until_asked(i + 1)
        with sync.others():
            web.endpoint.user(f"user{i}")
            web.sync()
        sync.go.release()
    assert "others have synced each time while the directory was asked; what was published stays" in sync.end(1)
    assert resolves("user2")


def test_set_aside_meanwhile(web):
    """Another one finds the cache damaged, and makes a new one: that is the one that counts."""
    web.sync()
    sync = Sync(web)
    with sync.others():
        cache = pathlib.Path("/var/lib/muster/cache.mdb")
        size = cache.stat().st_size
        cache.write_bytes(b"\xa5" * size)
        web.endpoint.user("fred")
        web.sync()
    sync.go.release()
    sync.wait_until_asked(2)
    sync.go.release()
    assert sync.end() == "" and resolves("fred")
    with sync.others():
        assert web.sync() == ""
