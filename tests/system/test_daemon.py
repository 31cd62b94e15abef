"""The living musterd: what wakes it, what it says, and what it survives."""
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time

import pytest

from agent import Agent, generation, wait_for
from endpoint import ETC, RUN, STATE, run, scaled

HOUR = "1h"  # a poll interval that no test waits for


@pytest.fixture(autouse=True)
def dora(endpoint):
    endpoint.reset()
    endpoint.user("dora", sudo=True)
    endpoint.user("erik")
    endpoint.write(endpoint.document)


@pytest.fixture
def quiet(endpoint):
    """No poll comes to a test's help."""
    with endpoint.configured(poll_interval=HOUR):
        yield


def timestamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


# ---- a life

def test_ready_and_stopped(endpoint, quiet):
    with Agent() as agent:
        agent.wait_until_synced()
        assert endpoint.explain("dora") == "ok"
        m = agent.metrics()
        assert (m["muster_online"], m["muster_accounts"], m["muster_rejected"]) == (1, 2, 0)
        assert m["muster_generation"] == generation() == 1
        assert abs(m["muster_last_sync_timestamp_seconds"] - time.time()) < 10
        assert (RUN / "metrics.prom").stat().st_mode & 0o7777 == 0o644
        assert agent.stop() == 0
        assert agent.hear()[-1] == "STOPPING=1"
        assert not any("WATCHDOG" in m for m in agent.said)
    assert run("id", "-un", "dora").stdout == "dora\n"
    assert endpoint.explain("dora") == "ok"


def test_logins_are_counted(endpoint, quiet):
    """What the agent answered, by service and reason, in the metrics of the next sync."""
    endpoint.user("susan", suspended=True)
    endpoint.write(endpoint.document)
    with endpoint.configured(recheck_timeout="10s"), Agent() as agent:
        agent.wait_until_synced()
        for _ in range(2):
            run("su", "-s", "/bin/true", "dora")
        assert run("su", "-s", "/bin/true", "susan", check=False).returncode
        endpoint.publish()
        wait_for(lambda: agent.metrics().get('muster_answers_total{service="su",reason="ok"}', 0) >= 2)
        assert agent.metrics()['muster_answers_total{service="su",reason="suspended"}'] >= 1
        assert agent.metrics()['muster_refreshes_total{result="ok"}'] >= 3


def test_ready_without_a_directory(endpoint, quiet):
    """After a boot /run has what /var/lib has before anybody is asked, and it is the same generation."""
    endpoint.publish()
    for path in RUN.glob("*.snapshot"):
        path.unlink()
    (RUN / "sync.status").unlink()
    (ETC / "directory.json").unlink()
    before = (STATE / "pam.snapshot").read_bytes()
    with Agent() as agent:
        assert (RUN / "pam.snapshot").read_bytes() == before
        wait_for(lambda: agent.syncs("failed"))
        assert agent.metrics()["muster_online"] == 0
        assert agent.metrics()["muster_accounts"] == 2
        assert "make it with 'musterctl directory add'" in agent.log()
    assert generation() == 1


def test_watchdog(endpoint, quiet):
    with Agent(environ={"WATCHDOG_USEC": "400000"}) as agent:
        begun = time.monotonic()
        time.sleep(1.5)
        wait_for(lambda: agent.hear().count("WATCHDOG=1") >= 5)
        assert agent.said.count("WATCHDOG=1") < 20 * (time.monotonic() - begun)
        agent.process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        heard = len(agent.hear())
        time.sleep(0.8)
        assert len(agent.hear()) == heard
        agent.process.send_signal(signal.SIGCONT)
    with Agent(environ={"WATCHDOG_USEC": "400000", "WATCHDOG_PID": "1"}) as agent:
        time.sleep(0.6)
        assert "WATCHDOG=1" not in agent.hear()


def test_only_one(endpoint, quiet):
    with Agent() as agent:
        done = run("musterd", check=False)
        assert done.returncode == 1 and "another musterd lives" in done.stderr
        assert agent.stop() == 0


def test_bad_configuration_at_start(endpoint):
    endpoint.conf.write_text("[accounts]\nallow_sudo = perhaps\n")
    done = run("musterd", check=False)
    assert done.returncode == 2
    assert f"{endpoint.conf}:2:" in done.stderr


# ---- what wakes it

def changes(agent, change):
    """CHANGE() leads to another generation: long before the poll, if that is far."""
    before = generation()
    change()
    wait_for(lambda: generation() > before, what=f"a generation after {before}: {agent.log()}")


@contextlib.contextmanager
def changed_conf(endpoint, agent, **settings):
    """Keys of muster.conf are changed, which musterd sees by itself, and what comes of it is published."""
    before = generation()
    with endpoint.configured(**settings):
        agent.reload()
        wait_for(lambda: generation() > before, what=f"a generation after {before}: {agent.log()}")
        yield


def test_edit_is_seen(endpoint, quiet):
    def suspend():
        endpoint.document["users"][0]["state"] = "SUSPENDED"
        endpoint.write(endpoint.document)

    def write_in_place():
        text = (ETC / "directory.json").read_text()
        (ETC / "directory.json").write_text(text.replace("SUSPENDED", "STAGED"))

    with Agent() as agent:
        agent.wait_until_synced()
        changes(agent, suspend)
        assert endpoint.explain("dora") == "suspended"
        changes(agent, write_in_place)
        assert endpoint.explain("dora") == "staged"


def test_local_edit_is_seen(endpoint, quiet):
    """A local user of the same name wins as soon as there is one."""
    passwd = pathlib.Path("/etc/passwd")
    before = passwd.read_text()
    with Agent() as agent:
        agent.wait_until_synced()
        try:
            changes(agent, lambda: passwd.write_text(before + "dora:x:4711:4711::/:/bin/sh\n"))
            wait_for(lambda: agent.metrics()["muster_rejected"] == 1)
            assert "left_out kind=user name=dora " in agent.log()
        finally:
            passwd.write_text(before)


def test_poll(endpoint):
    """What no event tells of is found by the poll: here, that published files are gone."""
    with endpoint.configured(poll_interval="1s"), Agent() as agent:
        agent.wait_until_synced()
        (RUN / "nss.snapshot").unlink()
        wait_for((RUN / "nss.snapshot").exists)


def test_poll_without_news(endpoint):
    """It costs no copy of the snapshots, and yet the data are known to be new."""
    with endpoint.configured(poll_interval="1s"), Agent() as agent:
        agent.wait_until_synced()
        before = (RUN / "pam.snapshot").stat()
        begun = time.monotonic()
        agent.wait_until_synced(agent.syncs() + 4)
        after = (RUN / "pam.snapshot").stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
        age_s = json.loads(endpoint.musterctl("status", "--json").stdout)["data_age_s"]
        assert age_s < time.monotonic() - begun - 1  # they are younger than what was there before, by whole seconds


def test_schedule_falls_due(endpoint, quiet):
    due = int(time.time()) + 8
    endpoint.user("dora", scheduled=[{"state": "SUSPENDED", "scheduledDate": timestamp(due)}])
    endpoint.write(endpoint.document)
    with Agent() as agent:
        agent.wait_until_synced()
        assert endpoint.musterctl("ssh-keys", "dora").stdout
        wait_for(lambda: generation() == 2)
        assert 0 <= time.time() - due < 15
        assert endpoint.musterctl("ssh-keys", "dora").stdout == ""


def test_sync_by_hand_counts(endpoint, quiet):
    with Agent() as agent:
        agent.wait_until_synced()
        endpoint.musterctl("directory", "suspend", "erik")
        wait_for(lambda: agent.metrics()["muster_generation"] == generation() == 2)


# ---- configuration

def test_reload(endpoint, quiet):
    with Agent() as agent:
        agent.wait_until_synced()
        assert run("id", "-nG", "dora").stdout.split() == ["dora", "muster-sudo"]
        good = endpoint.conf.read_text()
        with endpoint.configured(allow_sudo="perhaps"):
            agent.reload()
            line = good.split("\n").index("#allow_sudo = yes") + 1
            wait_for(lambda: f"{endpoint.conf}:{line}: [accounts] allow_sudo = 'perhaps'" in agent.log())
            assert "the configuration before stays in force" in agent.log()
            # and syncs go on with the old one, though the file is bad now
            changes(agent, lambda: (endpoint.user("frida"), endpoint.write(endpoint.document)))
            assert run("id", "-nG", "dora").stdout.split() == ["dora", "muster-sudo"]
        with changed_conf(endpoint, agent, allow_sudo="no"):
            assert run("id", "-nG", "dora").stdout.split() == ["dora"]
        def reloads():
            return len([m for m in agent.hear() if m.startswith("RELOADING=1\nMONOTONIC_USEC=")])
        assert reloads() >= 2
        wait_for(lambda: agent.said.count("READY=1") == reloads() + 1)


def test_edit_of_configuration_counts(endpoint, quiet):
    """Or a musterd --once by hand would obey the new one, and the next poll the old one again."""
    with Agent() as agent:
        agent.wait_until_synced()
        text = endpoint.conf.read_text().replace("#allow_sudo = yes", "allow_sudo = no")
        changes(agent, lambda: endpoint.conf.write_text(text))
        assert run("id", "-nG", "dora").stdout.split() == ["dora"]


def test_second_edit_while_the_first_is_read(endpoint, quiet):
    """After it was read, and before the file is watched again."""
    late = ["strace", "-o", "/dev/null", "-e", "trace=inotify_rm_watch", "-e", "inject=inotify_rm_watch:delay_enter=1000000:when=1"]
    with Agent() as agent:
        agent.wait_until_synced()
        with subprocess.Popen([*late, "-p", str(agent.pid)], stderr=subprocess.PIPE) as strace, \
             contextlib.ExitStack() as until:
            until.callback(strace.terminate)
            strace.stderr.readline()  # it is attached
            with endpoint.configured(warn_days=9):
                time.sleep(0.5)
                with endpoint.configured(allow_sudo="perhaps"):
                    wait_for(lambda: "conf: read again" in agent.log())
                    wait_for(lambda: "allow_sudo = 'perhaps'" in agent.log())
                    time.sleep(0.3)
                    assert agent.log().count("stays in force") == 1


def test_paths_need_a_restart(endpoint, quiet):
    with Agent() as agent:
        agent.wait_until_synced()
        with endpoint.configured(runtime_dir="/run/elsewhere"):
            agent.reload()
            wait_for(lambda: "[paths] changes need a restart" in agent.log())
        assert not pathlib.Path("/run/elsewhere").exists()


# ---- what it survives

@contextlib.contextmanager
def fetch_that(endpoint, script):
    """muster-fetch is a shell script, until the block ends."""
    path = pathlib.Path("/usr/local/libexec/fetch-test")
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    with endpoint.configured(fetch=path):
        yield path
    path.unlink()


def cures(endpoint, agent):
    """The next sync is good, and changes what it should."""
    endpoint.user("gerd")
    changes(agent, lambda: endpoint.write(endpoint.document))
    assert run("id", "-un", "gerd").stdout == "gerd\n"


@pytest.mark.parametrize("script, said", [
    ("exit 3", "muster-fetch ended before the sync did"),
    ("kill -9 $$", "muster-fetch died of signal 9"),
    ("head -c 100000 /dev/zero >&3", "muster-fetch broke the protocol"),
])
def test_fetch_fails(endpoint, quiet, script, said):
    with fetch_that(endpoint, script) as path, Agent() as agent:
        wait_for(lambda: said in agent.log(), what=f"{said}: {agent.log()}")
        wait_for(lambda: agent.syncs("failed"))
        path.write_text('#!/bin/sh\nexec /usr/libexec/muster/muster-fetch\n')
        cures(endpoint, agent)


def test_worker_is_killed(endpoint, quiet):
    with fetch_that(endpoint, "exec sleep 1000") as path, Agent() as agent:
        worker = wait_for(lambda: agent.worker("sync"))
        time.sleep(0.2)
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: agent.syncs("died") == 1)
        assert "the sync died of signal 9; what was published stays" in agent.log()
        path.write_text('#!/bin/sh\nexec /usr/libexec/muster/muster-fetch\n')
        cures(endpoint, agent)
        wait_for(lambda: agent.children() == {})


def test_stopped_with_a_worker(endpoint, quiet):
    with fetch_that(endpoint, "exec sleep 1000"), Agent() as agent:
        worker = wait_for(lambda: agent.worker("sync"))
        time.sleep(0.2)
        assert agent.stop() == 0
        assert not pathlib.Path(f"/proc/{worker}").exists()


def test_bad_document_is_told_of_once(endpoint):
    with endpoint.configured(poll_interval="1s"), Agent() as agent:
        agent.wait_until_synced()
        endpoint.write("{")
        wait_for(lambda: agent.syncs("failed") >= 3)
        assert len(re.findall(r"(?m)^sync: .*line 1, column 2", agent.log())) == 1
        assert endpoint.explain("dora") == "ok"
        endpoint.write(endpoint.document)
        wait_for(lambda: re.search("good again after [0-9]+ that failed", agent.log()))
        assert agent.metrics()["muster_online"] == 1


@contextlib.contextmanager
def mounted(*argv, at):
    run("mount", *argv, at)
    try:
        yield
    finally:
        run("umount", "--lazy", at)


def test_state_dir_read_only(endpoint):
    """Worse news lands all the same, and the journal is told once, not at each poll."""
    endpoint.publish()
    with endpoint.configured(poll_interval="1s"), mounted("--bind", STATE, at=STATE):
        run("mount", "-o", "remount,ro,bind", STATE)
        with Agent() as agent:
            agent.wait_until_synced()
            changes(agent, lambda: (endpoint.user("dora", state="SUSPENDED"),
                                    endpoint.write(endpoint.document)))
            assert endpoint.explain("dora") == "suspended"
            agent.wait_until_synced(agent.syncs() + 1)
            lines = agent.log().count("\n")
            agent.wait_until_synced(agent.syncs() + 2)
            errors = [l for l in agent.log().split("\n")[lines:] if "Read-only" in l]
            assert errors == []
            assert agent.metrics()["muster_online"] == 1


def test_run_is_full(endpoint, quiet):
    """What does not fit into /run is read from /var/lib."""
    endpoint.publish()
    with mounted("-t", "tmpfs", "-o", "mode=0755,size=64k", "tmpfs", at=RUN):
        (RUN / "tally").mkdir(mode=0o700)
        with Agent() as agent:
            agent.wait_until_synced()
            with contextlib.suppress(OSError), open(RUN / "fill", "wb") as fill:
                while True:
                    fill.write(b"x" * 4096)
                    fill.flush()
            endpoint.user("dora", state="SUSPENDED")
            endpoint.write(endpoint.document)
            wait_for(lambda: endpoint.explain("dora") == "suspended", what=agent.log())
            assert "No space left on device" in agent.log()
            (RUN / "fill").unlink()
            cures(endpoint, agent)
            assert (RUN / "pam.snapshot").exists()


def test_cache_is_cut(endpoint, quiet):
    with Agent() as agent:
        agent.wait_until_synced()
        os.truncate(STATE / "cache.mdb", 5000)
        cures(endpoint, agent)
        assert agent.process.poll() is None
        os.truncate(STATE / "ledger.mdb", 0)
        endpoint.user("hans")
        changes(agent, lambda: endpoint.write(endpoint.document))
    assert endpoint.explain("dora") == "ok"


def test_restart_storm(endpoint, quiet):
    """Started and killed at any moment (R4, R19): what is published is whole, and never older than it was."""
    rand = random.Random(3)
    highest = 0
    rounds = scaled(25, 300)
    for i in range(rounds):
        endpoint.user("dora", displayname=f"Dora {i}")
        endpoint.write(endpoint.document)
        with Agent(ready=False) as agent:
            time.sleep(rand.random() * 0.15)
            agent.process.send_signal(rand.choice([signal.SIGKILL, signal.SIGTERM]))
            agent.process.wait(timeout=60)
        now = generation()
        assert now >= highest
        highest = now
    with Agent() as agent:
        agent.wait_until_synced()
        assert run("getent", "passwd", "dora").stdout.split(":")[4] == f"Dora {rounds - 1}"
        wait_for(lambda: agent.children() == {})


def test_nothing_leaks(endpoint, quiet):
    with Agent() as agent:
        agent.wait_until_synced()
        before, own = agent.descriptors(), agent.own_kib()
        for i in range(200):
            endpoint.user("dora", displayname=f"Dora {i}")
            changes(agent, lambda: endpoint.write(endpoint.document))
            if i % 20 == 0:
                with changed_conf(endpoint, agent, warn_days=8 + i):
                    pass
        wait_for(lambda: agent.log().count("conf: read again") >= 19, what=agent.log())
        wait_for(lambda: agent.children() == {})
        assert agent.descriptors() == before
        assert agent.own_kib() <= own + 128
        assert agent.syncs() >= 200 and agent.syncs("failed") == agent.syncs("died") == 0


def test_sleeps(endpoint, quiet):
    """Between two polls it does nothing at all."""
    with Agent() as agent:
        agent.wait_until_synced()
        time.sleep(0.3)
        # it looks for sessions to end a second time, soon after the start
        assert any(agent.calls(lambda: time.sleep(4)) == [] for _ in range(3))
        assert agent.calls(lambda: cures(endpoint, agent)) != []
