"""The muster-fetch that a living musterd keeps between its polls: one connection, few bytes, and thrown away at any doubt."""
import contextlib
import functools
import os
import pathlib
import re
import signal
import subprocess
import time

from agent import Agent, wait_for
from endpoint import ETC, WORK, run
from fetch import reply
from test_nginx import nginx
from test_web import TOKEN, own, resolves, web  # noqa: F401: fixtures

POLL = {"poll_interval": "1s"}


def fetch_of(agent):
    """The pid of its muster-fetch; None: it has none, or more than one."""
    found = []
    for pid in agent.children():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "muster-fetch\n":
                found.append(pid)
    return found[0] if len(found) == 1 else None


def pss_kib(pid):
    return int(re.search(r"(?m)^Pss: +(\d+) kB", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()).group(1))


def further(agent, syncs, result="ok"):
    """Wait for so many more syncs."""
    before = agent.syncs(result)
    wait_for(lambda: agent.syncs(result) >= before + syncs, 30, f"{syncs} more that are {result}: {agent.log()}")


def traffic(server):
    """(requests, bytes on the wire) of one moment between two polls."""
    while True:
        requests, wire = len(server.requests), server.bytes_on_wire()
        if requests == len(server.requests):
            return requests, wire


def test_one_connection(web):
    web.configure(web.server.url, **POLL)
    with Agent() as agent:
        agent.wait_until_synced()
        fetch = wait_for(lambda: fetch_of(agent))
        polls, wire = traffic(web.server)
        further(agent, 4)
        polls_then, wire_then = traffic(web.server)
        assert 200 < (wire_then - wire) / (polls_then - polls) <= 500
        assert "If-None-Match" in web.server.requests[-1]
        assert web.server.connections == 1 and fetch_of(agent) == fetch
        web.endpoint.user("fred")
        wait_for(lambda: resolves("fred"))
        assert web.server.connections == 1 and fetch_of(agent) == fetch
        assert agent.stop() == 0
        wait_for(lambda: not pathlib.Path(f"/proc/{fetch}").exists())  # its own end: it sees that musterd has gone


def test_nginx_counts(web, own, tmp_path):
    with nginx(tmp_path, own) as server:
        server.write(web.body())
        web.configure(server.url, **POLL)
        with Agent() as agent:
            agent.wait_until_synced(5)
        log = server.log()
    assert [line[3] for line in log] == list(range(1, len(log) + 1))  # one connection
    assert [line[0] for line in log[1:]] == [304] * (len(log) - 1)
    assert all(line[1] + line[2] < 450 for line in log[1:])


def test_by_hand_it_ends(web):
    web.sync()
    assert run("pgrep", "-x", "muster-fetch", check=False).stdout == ""


def test_idle(web):
    """Between two polls it does nothing, also after a large document, and takes little memory."""
    for i in range(5000):
        web.endpoint.document["users"].append({"id": f"{i:024x}", "username": f"user{i}", "state": "ACTIVATED"})
    web.configure(web.server.url, poll_interval="1d")
    with Agent() as agent:
        agent.wait_until_synced()
        fetch = wait_for(lambda: fetch_of(agent))
        trace = WORK / "fetch.strace"
        strace = subprocess.Popen(["strace", "-o", trace, "-p", str(fetch)], stderr=subprocess.PIPE)
        strace.stderr.readline()  # it is attached
        time.sleep(3)
        strace.terminate()
        strace.wait()
        strace.stderr.close()
        calls = [l for l in trace.read_text().split("\n") if l and not re.search("restart_syscall|<detached|poll|^strace:", l)]
        assert calls == []
        assert pss_kib(fetch) < 10 * 1024


def gecos(name):
    return run("getent", "passwd", name).stdout.split(":")[4]


def test_it_knows_who_is_as_he_was(web):
    """Of a document only what has changed is parsed again; and any change counts, also one that is as long as what was there."""
    for i in range(200):
        web.endpoint.document["users"].append({"id": f"{i:024x}", "username": f"user{i}", "state": "ACTIVATED", "activated": True,
                                               "displayname": f"Number {i:03}"})
    web.configure(web.server.url, **POLL)
    with Agent() as agent:
        agent.wait_until_synced()
        users = web.endpoint.document["users"]
        first = len(users) - 200
        for change in ("Before 100", "Beyond 100", "Behind 100"):
            users[first + 100]["displayname"] = change
            wait_for(lambda: gecos("user100") == change)
            assert gecos("user99") == "Number 099" and gecos("user101") == "Number 101"
        users[first + 150]["suspended"] = True
        wait_for(lambda: "suspended" in run("musterctl", "explain", "user150", check=False).stdout)
        users.append(dict(users[first + 10], username="another"))  # the same id twice: nobody can say who is meant
        explain = functools.partial(web.endpoint.explain, password=False)
        wait_for(lambda: explain("user10") != "ok")
        assert explain("user11") == "ok"
        users.pop()
        wait_for(lambda: explain("user10") == "ok")
        assert pss_kib(fetch_of(agent)) < 10 * 1024


def test_it_dies_when_idle(web):
    """The next poll has another one, and nobody is worried."""
    web.configure(web.server.url, **POLL)
    with Agent() as agent:
        agent.wait_until_synced()
        fetch = wait_for(lambda: fetch_of(agent))
        os.kill(fetch, signal.SIGKILL)
        wait_for(lambda: "muster-fetch died of signal 9" in agent.log())
        further(agent, 3)
        assert fetch_of(agent) not in (None, fetch) and web.server.connections == 2


def test_it_is_frozen(web):
    """A worker that waits in vain costs its sync; and the frozen one is gone for good."""
    web.configure(web.server.url, poll_interval="1d")
    with Agent() as agent:
        agent.wait_until_synced()
        fetch = wait_for(lambda: fetch_of(agent))
        os.kill(fetch, signal.SIGSTOP)
        web.endpoint.user("fred")
        with open("/etc/passwd", "a"):
            pass  # closed after writing: a reason to sync
        wait_for(lambda: agent.syncs("failed") == 1, 60)
        wait_for(lambda: not pathlib.Path(f"/proc/{fetch}").exists())
        wait_for(lambda: resolves("fred"), 30)


def test_a_failure_ends_it(web):
    web.configure(web.server.url, **POLL)
    with Agent() as agent:
        agent.wait_until_synced()
        fetch = wait_for(lambda: fetch_of(agent))
        web.answer = lambda _: reply("", "503 Busy")
        further(agent, 1, "failed")
        web.answer = web.document
        further(agent, 2)
        assert fetch_of(agent) != fetch and web.server.connections >= 2


def test_new_token(web):
    """Credentials are read at each poll: a new one needs no reload, and its connection is a new one."""
    web.configure(web.server.url, **POLL)
    with Agent() as agent:
        agent.wait_until_synced()
        fetch = wait_for(lambda: fetch_of(agent))
        (ETC / "token").write_text("another")
        wait_for(lambda: "Authorization: Bearer another\r\n" in web.server.requests[-1])
        assert web.server.connections == 2 and fetch_of(agent) == fetch
        (ETC / "token").write_text(TOKEN)
        wait_for(lambda: f"Authorization: Bearer {TOKEN}\r\n" in web.server.requests[-1])
        assert agent.syncs("failed") == 0


def test_new_configuration(web):
    web.configure(web.server.url, **POLL)
    with Agent() as agent:
        agent.wait_until_synced()
        fetch = wait_for(lambda: fetch_of(agent))
        web.configure(web.server.url + "?more", **POLL)
        wait_for(lambda: "GET /directory.json?more " in web.server.requests[-1])
        wait_for(lambda: fetch_of(agent) not in (None, fetch) and not pathlib.Path(f"/proc/{fetch}").exists())
        web.endpoint.write(web.endpoint.document)
        web.configure("file:///etc/muster/directory.json")
        wait_for(lambda: agent.children() == {})
