"""Who is refused has no session any more: everything of theirs ends, however it was started, and nothing of anybody else."""
import contextlib
import fcntl
import json
import os
import pathlib
import pwd
import re
import signal
import subprocess
import termios
import time

import pytest

from agent import Agent, wait_for
from endpoint import RUN, STATE, WORK, run, run_as

UNSET = 2**32 - 1
# The next one is there before this one is gone: whoever lists processes sees only those that have ended. It ends in a minute.
CHAIN = """
#include <signal.h>
#include <time.h>
#include <unistd.h>
int main(void)
{
	time_t end = time(0) + 60;

	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	while (time(0) < end) {
		if (fork() > 0)
			_exit(0);
		usleep(1000); /* process 1 has to keep up, or nobody else on this machine can fork */
	}
}
"""
LINGER = pathlib.Path("/var/lib/systemd/linger")


@pytest.fixture(autouse=True)
def users(endpoint):
    endpoint.reset()
    endpoint.user("dora", sudo=True, passwordless_sudo=True)
    endpoint.user("erik", sudo=True, passwordless_sudo=True)
    endpoint.publish()


@pytest.fixture(autouse=True)
def nothing_left(users):
    """What a test has started ends with it."""
    before = set(processes())
    yield
    for pid in set(processes()) - before:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def uid_of(name):
    return pwd.getpwnam(name).pw_uid


def processes():
    return [int(path.name) for path in pathlib.Path("/proc").glob("[0-9]*")]


def details(pid):
    """(real uid, who logged in, command line) of a living process, else None."""
    folder = pathlib.Path(f"/proc/{pid}")
    try:
        status = (folder / "status").read_text()
        if re.search(r"(?m)^State:\t[ZX]", status):
            return None
        uid = int(re.search(r"(?m)^Uid:\t(\d+)", status).group(1))
        return uid, int((folder / "loginuid").read_text()), (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return None


def of(name):
    """{pid: command line} of NAME's, by uid and by login."""
    uid = uid_of(name)
    return {pid: d[2] for pid in processes() if (d := details(pid)) and uid in d[:2]}


def lives(process):
    pid = process if isinstance(process, int) else process.pid
    return details(pid) is not None


def start(*argv, login=None, **kwargs):
    """A process in the background, of LOGIN's session, as if started by one of her shells."""
    def enter():
        if login is not None:
            pathlib.Path("/proc/self/loginuid").write_text(str(uid_of(login)))
    return subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=enter, **kwargs)


def as_user(name, *argv):
    """Of NAME's, and of no login: as a job would run."""
    user = pwd.getpwnam(name)
    return start("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *argv)


def last_pid():
    return int(pathlib.Path("/proc/loadavg").read_text().split()[4])


def runs_on(name):
    """Is a program with that NAME there, which forks and ends all the time? Pids are used up by it, and it is seen now and then."""
    before = last_pid()
    time.sleep(0.5)
    if abs(last_pid() - before) < 50:
        return False
    return any((d := details(pid)) and name in d[2] for _ in range(200) for pid in processes())


def gone(name):
    return not of(name)


def status(endpoint):
    return json.loads(endpoint.musterctl("status", "--json").stdout)


def fill(session, name):
    """All that people leave running; their shell stays."""
    for command in ("setsid sleep 1001", "sudo -n setsid sleep 1002", "nohup sleep 1003"):
        assert session.run("{ %s </dev/null >/dev/null 2>&1 & }" % command)[1] == 0
    assert session.run(f"tmux -L {name} new-session -d 'sleep 1004'")[1] == 0
    assert session.run(f"sudo -n tmux -L root-{name} new-session -d 'sleep 1005'")[1] == 0
    wait_for(lambda: all(f"sleep {number}" in " ".join(of(name).values()) for number in range(1001, 1006)),
             what=f"all of {name}'s processes")


def test_all_of_hers_and_nothing_else(endpoint, sshd):
    """Shells of root, terminal multiplexers and daemons end with the session they came from; others' stay."""
    hers, in_sudo = (sshd.session("dora", endpoint.key) for _ in range(2))
    others = [sshd.session("erik", endpoint.key), sshd.session("alice", endpoint.local_key),
              sshd.session("root", endpoint.local_key)]
    fill(hers, "dora")
    fill(others[0], "erik")
    in_sudo.pty.sendline("sudo -n -i")
    in_sudo.pty.expect(r"root@\S+# $")
    erik, listener = of("erik"), sshd.process
    done = endpoint.change("dora", state="SUSPENDED")
    assert gone("dora"), of("dora")
    assert re.search(r"sessions: ended user=dora uid=%d reason=suspended processes=\d+ sessions=2 killed=no ms=\d+\n"
                     % uid_of("dora"), done.stderr)
    for session in (hers, in_sudo):
        session.pty.expect_exact("This account is suspended. Your sessions on this computer end now.")
        assert session.pty.expect(["closed by remote host", "closed."]) >= 0
    assert set(erik) <= set(of("erik"))
    for session in others:
        assert session.run("echo still here") == ("still here", 0)
        session.close()
    assert lives(listener) and sshd.login("erik", key=endpoint.key).ok


@pytest.mark.parametrize("how, reason", [
    ({"state": "SUSPENDED"}, "suspended"), ({"suspended": True}, "suspended"),
    ({"password_expired": True}, "password_expired"), (None, "unbound")])
def test_what_ends_them(endpoint, how, reason):
    process = as_user("dora", "sleep", "1000")
    if how:
        done = endpoint.change("dora", **how)
    else:
        endpoint.forget("dora")
        done = endpoint.publish()
    assert not lives(process)
    assert f"reason={reason} processes=1 sessions=1" in done.stderr


@pytest.mark.parametrize("how", [
    {"account_locked": True}, {"password_expiration_date": "2020-01-01T00:00:00Z"},
    {"password_expired": True, "password_expiration_date": "2020-01-01T00:00:00Z"}, {"state": "STAGED"},
    {"username": "dora", "unix_uid": 1}])
def test_what_does_not(endpoint, how):
    """A lock, unless it is configured; an expiry that came by date; and who has to be left out here."""
    process = as_user("dora", "sleep", "1000")
    endpoint.change("dora", **how)
    assert lives(process)


def test_locked_when_configured(endpoint):
    process = as_user("dora", "sleep", "1000")
    with endpoint.configured(end_sessions="locked"):
        endpoint.change("dora", state="SUSPENDED")
        assert lives(process)
        endpoint.change("dora", account_locked=True)
        assert not lives(process)


def test_jobs(endpoint):
    """What cron and at have started for her ends, too."""
    for name in ("dora", "erik"):
        run_as(name, "at", "now", input="sleep 1006\n", cwd="/tmp", env={"PATH": "/usr/bin:/bin"})
        run("crontab", "-u", name, "-", input="@reboot sleep 1007\n")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    daemons = [start("atd", "-f", "-b", "1"), start("cron", "-f")]
    try:
        for name in ("dora", "erik"):
            wait_for(lambda: {"sleep 1006 ", "sleep 1007 "} <= set(of(name).values()), 60, f"{name}'s jobs")
        endpoint.change("dora", state="SUSPENDED")
        assert gone("dora")
        assert {"sleep 1006 ", "sleep 1007 "} <= set(of("erik").values())
        assert all(map(lives, daemons))
    finally:
        for daemon in daemons:
            daemon.kill()
            daemon.wait()
        for name in ("dora", "erik"):
            run("crontab", "-u", name, "-r")
        pathlib.Path("/run/crond.pid").unlink(missing_ok=True)


def test_lingering_stops(endpoint):
    LINGER.mkdir(parents=True, exist_ok=True)
    for name in ("dora", "erik", "alice"):
        (LINGER / name).touch()
    done = endpoint.change("dora", state="SUSPENDED")
    assert sorted(path.name for path in LINGER.iterdir()) == ["alice", "erik"]
    assert f"lingering_stopped user=dora uid={uid_of('dora')} reason=suspended" in done.stderr


def test_the_stubborn(endpoint):
    """Neither ignored signals, nor being stopped, nor forking without end keeps a process."""
    stubborn = as_user("dora", "sh", "-c", "trap '' TERM HUP; while :; do sleep 1000; done")
    stopped = as_user("dora", "sleep", "1000")
    stopped.send_signal(signal.SIGSTOP)
    WORK.chmod(0o755)
    run("gcc", "-x", "c", "-o", WORK / "chain", "-", input=CHAIN)
    chain, *_ = [as_user("dora", WORK / "chain") for _ in range(12)]  # so many that some are always seen
    time.sleep(1)
    assert lives(stubborn) and not lives(chain) and runs_on("chain")
    done = endpoint.change("dora", state="SUSPENDED")
    assert gone("dora"), of("dora")
    assert "killed=yes" in done.stderr
    assert not runs_on("chain") and gone("dora")


def test_nothing_but_a_chain(endpoint):
    run("gcc", "-x", "c", "-o", WORK / "chain", "-", input=CHAIN)
    WORK.chmod(0o755)
    for _ in range(3):
        as_user("dora", WORK / "chain")
        wait_for(lambda: runs_on("chain"), what="the chain")
        endpoint.change("dora", state="SUSPENDED")
        for _ in range(20):  # it may not be seen at first: then the next sync ends it
            run("musterd", "--once")
        assert not runs_on("chain")
        endpoint.change("dora", state="ACTIVATED")


def test_services_of_the_machine_stay(endpoint):
    """What an administrator restarted by hand carries his login; a file that only root writes says that it is a service."""
    run_files = [RUN.parent / "served.pid", RUN.parent / "forged.pid"]
    service = start("sh", "-c", "sleep 1000; :", login="dora")
    worker = wait_for(lambda: [p for p in of("dora") if p != service.pid], what="its child")[0]
    forged = start("sleep", "1000", login="dora")
    run_files[0].write_text(f"{service.pid}\n")
    run_files[1].write_text(f"{forged.pid}\n")
    os.chown(run_files[1], uid_of("dora"), 0)
    try:
        endpoint.change("dora", state="SUSPENDED")
        assert lives(service) and lives(worker)
        assert not lives(forged)
        run_files[0].unlink()
        endpoint.publish()
        assert not lives(service) and not lives(worker)
    finally:
        for path in run_files:
            path.unlink(missing_ok=True)


def test_containers_of_the_machine_stay(endpoint):
    """A container's users may have the same numbers: it is root's, and nobody's login."""
    inside = start("unshare", "--pid", "--fork", "--kill-child", "setpriv", f"--reuid={uid_of('dora')}",
                   "--clear-groups", "sleep", "1008")
    wait_for(lambda: "sleep 1008 " in of("dora").values(), what="the container")
    endpoint.change("dora", state="SUSPENDED")
    assert "sleep 1008 " in of("dora").values() and lives(inside)


def test_in_a_container_that_she_started(endpoint):
    """Whatever is in there carries the login that it was started from, and none of that is a login there."""
    script = f"""mount -t proc proc /proc
        setsid sleep 1009 & service=$!
        setpriv --reuid={uid_of("dora")} --clear-groups setsid sleep 1010 & hers=$!
        musterd --once
        for pid in $service $hers; do grep -q '^State:.[RS]' /proc/$pid/status && echo stays || echo gone; done"""

    def enter():
        pathlib.Path("/proc/self/loginuid").write_text(str(uid_of("dora")))
    endpoint.document["users"][0]["state"] = "SUSPENDED"
    endpoint.write(endpoint.document)
    done = run("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", script, preexec_fn=enter)
    assert done.stdout.split() == ["stays", "gone"]


def test_other_uids_of_hers(endpoint):
    """A set-user-id program of hers that somebody else runs is somebody else's; what she runs is hers."""
    program = WORK / "sleep-as-dora"
    WORK.chmod(0o755)
    program.write_bytes(pathlib.Path("/usr/bin/sleep").read_bytes())
    os.chown(program, uid_of("dora"), 0)
    program.chmod(0o4755)
    others = as_user("erik", program, "1000")
    hers = start("sleep", "1000", login="dora")  # as root
    endpoint.change("dora", state="SUSPENDED")
    assert lives(others) and not lives(hers)


def test_who_became_local(endpoint):
    """Whom /etc/passwd has by now is none of ours, whatever was published before."""
    uid, process = uid_of("dora"), as_user("dora", "sleep", "1000")
    with endpoint.configured(end_grace="1h"), Agent():  # a living one waits, so that nobody is ended by the command
        endpoint.change("dora", state="SUSPENDED")
    passwd = pathlib.Path("/etc/passwd")
    before = passwd.read_text()
    try:
        passwd.write_text(f"{before}local:x:{uid}:100::/:/bin/sh\n")
        run("musterd", "--once", "--publish-only")
        assert lives(process)
        passwd.write_text(before)
        run("musterd", "--once", "--publish-only")
        assert not lives(process)
    finally:
        passwd.write_text(before)


def test_who_suspends_herself(endpoint, sshd):
    """The command is of the session that it ends, and does not stop half way."""
    session = sshd.session("dora", endpoint.key)
    fill(session, "dora")
    session.pty.sendline("sudo -n musterctl directory suspend dora")
    wait_for(lambda: gone("dora"), 30, "her end")
    assert endpoint.explain("dora") == "suspended"


def test_grace(endpoint, sshd):
    """Users are told, nobody else is, and whoever is allowed again in time keeps the session."""
    sessions = {name: sshd.session(name, endpoint.key) for name in ("dora", "erik")}
    LINGER.mkdir(parents=True, exist_ok=True)
    (LINGER / "dora").touch()
    with endpoint.configured(end_grace="20s"), Agent() as agent:
        endpoint.change("dora", state="SUSPENDED")
        sessions["dora"].pty.expect_exact("This account is suspended. Your sessions on this computer end in 20 seconds.")
        assert not sshd.login("dora", key=endpoint.key).ok
        endpoint.change("dora", state="ACTIVATED")
        sessions["dora"].pty.expect_exact("Your sessions on this computer go on.")
        assert re.search(r"told user=dora uid=\d+ reason=suspended processes=\d+ sessions=1 grace_s=20\n", agent.log())
        wait_for(lambda: "sessions: kept user=dora" in agent.log())
        assert sessions["dora"].run("echo here") == ("here", 0)
        assert (LINGER / "dora").exists()
    with endpoint.configured(end_grace="8s"), Agent() as agent:
        endpoint.change("dora", state="SUSPENDED")
        sessions["dora"].pty.expect_exact("end in 8 seconds.")
        assert not gone("dora")
        wait_for(lambda: gone("dora"), 30)
        wait_for(lambda: "sessions: ended user=dora" in agent.log())
    assert not (LINGER / "dora").exists()
    assert sessions["erik"].run("echo here") == ("here", 0)
    sessions["erik"].close()


@pytest.mark.parametrize("owner, told", [("dora", True), ("erik", False), ("root", False)])
def test_told_on_her_own_terminals(endpoint, owner, told):
    """A terminal of somebody else's says nothing, though a process of hers is on it."""
    master, slave = os.openpty()
    os.fchown(slave, uid_of(owner), 5)
    os.fchmod(slave, 0o620)

    def enter():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        pathlib.Path("/proc/self/loginuid").write_text(str(uid_of("dora")))
    process = subprocess.Popen(["sleep", "1000"], preexec_fn=enter)
    endpoint.change("dora", state="SUSPENDED")
    assert not lives(process)
    os.set_blocking(master, False)
    try:
        text = os.read(master, 1000)
    except OSError:
        text = b""
    assert (b"This account is suspended. Your sessions on this computer end now." in text) == told
    for fd in (master, slave):
        os.close(fd)


def test_forgotten_at_once(endpoint):
    """Removed, and forgotten before a sync has seen that: one does it, and ends what the other would not know of any more."""
    LINGER.mkdir(parents=True, exist_ok=True)
    (LINGER / "dora").touch()
    process, shell = as_user("dora", "sleep", "1000"), start("sleep", "1000", login="dora")
    endpoint.forget("dora")
    endpoint.write(endpoint.document)
    endpoint.musterctl("forget", "dora")
    assert not lives(process) and not lives(shell) and not (LINGER / "dora").exists()
    assert run("getent", "passwd", "dora", check=False).returncode == 2


def test_not_forgotten_in_the_grace(endpoint):
    """What is published of her is all that her sessions are found by, also by a musterd that begins anew."""
    process = as_user("dora", "sleep", "1000")
    with endpoint.configured(end_grace="3s"), Agent() as agent:
        endpoint.forget("dora")
        endpoint.publish()
        wait_for(lambda: "told user=dora" in agent.log())
        done = endpoint.musterctl("forget", "dora", check=False)
        assert done.returncode == 2 and "'dora': its sessions are being ended: say it again" in done.stderr
        wait_for(lambda: "ended user=dora" in agent.log())
        assert not lives(process) and "kept" not in agent.log()


def test_grace_without_a_living_musterd(endpoint):
    """The command waits it out itself; it is each look that may not take for ever, not all of them together."""
    process = as_user("dora", "sleep", "1000")
    with endpoint.configured(end_grace="2s"):
        begin = time.monotonic()
        endpoint.document["users"][0]["state"] = "SUSPENDED"
        endpoint.write(endpoint.document)
        looks = run("strace", "-e", "trace=alarm", "musterd", "--once").stderr.count("alarm(60)")
    assert time.monotonic() - begin >= 2 and not lives(process)
    assert looks >= 3


def test_a_look_that_takes_too_long(endpoint):
    process = as_user("dora", "sleep", "1000")
    with endpoint.configured(end_grace="1h"), Agent() as agent:
        endpoint.change("dora", state="SUSPENDED")
        wait_for(lambda: "told user=dora" in agent.log())
        os.kill(agent.worker("sessions"), signal.SIGALRM)
        wait_for(lambda: "sessions: their end took too long; it is tried again" in agent.log())
    assert lives(process)


def test_living(endpoint):
    """The living musterd sees an edit, and what it has missed."""
    process = as_user("dora", "sleep", "1000")
    with Agent() as agent:
        user, = (u for u in endpoint.document["users"] if u["username"] == "dora")
        user["state"] = "SUSPENDED"
        endpoint.write(endpoint.document)
        wait_for(lambda: not lives(process), 30)
        wait_for(lambda: "sessions: ended user=dora" in agent.log())
        late = as_user("dora", "sleep", "1000")  # a login that was on its way
        wait_for(lambda: not lives(late), 30)
        assert agent.stop() == 0
    missed = as_user("dora", "sleep", "1000")
    with Agent():
        wait_for(lambda: not lives(missed), 30)


def test_schedule(endpoint):
    """A suspension that was planned ends sessions in its second, though nothing new is to be heard."""
    process = as_user("dora", "sleep", "1000")
    with Agent() as agent:
        begin = time.monotonic()
        endpoint.musterctl("directory", "schedule", "dora", "suspend", "+4s")
        wait_for(lambda: not lives(process), 30)
        assert 3 <= time.monotonic() - begin < 20, agent.log()


def test_changed_in_between(endpoint):
    """What is configured while musterd waits counts at once."""
    process = as_user("dora", "sleep", "1000")
    with endpoint.configured(end_grace="1h"), Agent() as agent:
        endpoint.change("dora", state="SUSPENDED")
        wait_for(lambda: "told user=dora" in agent.log())
        with endpoint.configured(end_sessions="unbound"):
            agent.reload()
            wait_for(lambda: "conf: read again" in agent.log())
            wait_for(lambda: agent.worker("sessions") is None, 30)
        assert lives(process)


def test_killed_in_between(endpoint):
    """Musterd dies while it waits: the next one goes on from what is published."""
    process = as_user("dora", "sleep", "1000")
    with endpoint.configured(end_grace="1h"), Agent() as agent:
        endpoint.change("dora", state="SUSPENDED")
        wait_for(lambda: "told user=dora" in agent.log())
        agent.process.kill()
        agent.process.wait()
    assert lives(process)
    with Agent():
        wait_for(lambda: not lives(process), 30)


def test_how_long_it_took(endpoint):
    assert status(endpoint)["revocation"] is None
    process = as_user("dora", "sleep", "1000")
    endpoint.change("dora", state="SUSPENDED")
    assert not lives(process)
    told = status(endpoint)["revocation"]
    assert told["users"] == 1 and told["generation"] == endpoint.generation()
    assert 0 <= told["published_ms"] <= told["ended_ms"] < 30000
    assert told["ended_users"] == 1 and told["ended_processes"] == 1 and told["left"] == 0
    assert re.search(r"(?m)^revocation: +1 user, .*: published after [0-9.]+ s, no session left after [0-9.]+ s$",
                     endpoint.musterctl("status").stdout)


def test_elsewhere(endpoint):
    """With other [paths] it is not this machine's logins that musterd publishes for."""
    process = as_user("dora", "sleep", "1000")
    endpoint.change("dora", state="ACTIVATED")
    with endpoint.configured(runtime_dir=WORK / "run", state_dir=WORK / "state"):
        endpoint.change("dora", state="SUSPENDED")
    assert lives(process)


def test_an_edit_counts_for_whoever_is_told(endpoint):
    """It lets erik off, while the one still runs that has ended dora."""
    hers, his = as_user("dora", "sleep", "1000"), as_user("erik", "sleep", "1000")
    with endpoint.configured(end_grace="8s"), Agent() as agent:
        endpoint.change("dora", state="SUSPENDED")
        wait_for(lambda: "told user=dora" in agent.log())
        time.sleep(4)
        endpoint.change("erik", state="SUSPENDED")
        wait_for(lambda: "told user=erik" in agent.log())
        told = time.monotonic()
        wait_for(lambda: "ended user=dora" in agent.log(), 30)
        with endpoint.configured(end_sessions="unbound"):
            agent.reload()
            wait_for(lambda: "conf: read again" in agent.log())
            time.sleep(max(0, told + 10 - time.monotonic()))
            assert lives(his), agent.log()
