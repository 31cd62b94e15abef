"""Access rules, [access] in muster.conf, through the programs they are about: keys, root's su and the environment do not get past them."""
import contextlib
import datetime
import json
import os
import pathlib
import subprocess
import threading
import time
import zoneinfo

import pytest

from agent import Agent, wait_for
from endpoint import PASSWORD, TREE, WORK, run, run_as
from test_cron import DONE, jobs_done
from test_web import own, web  # noqa: F401 fixtures

PAMT, SHIM, OFFSETS = WORK / "pamt-access", WORK / "clock_shim.so", pathlib.Path("/etc/clock-shim")
SERVICES = [pathlib.Path("/etc/pam.d", name) for name in ("mt-access", "mt-other", "systemd-user")]
LOCALTIME = pathlib.Path("/etc/localtime")
ZONES = pathlib.Path("/usr/share/zoneinfo")
DAY = 86400


@pytest.fixture(scope="module", autouse=True)
def services():
    """Our module alone, under names that rules can tell apart."""
    WORK.mkdir(exist_ok=True)
    run("gcc", "-o", PAMT, TREE / "tests/system/pamt.c", "-lpam")
    run("gcc", "-shared", "-fPIC", "-o", SHIM, TREE / "tests/system/clock_shim.c")
    before = {path: path.read_text() if path.exists() else None for path in SERVICES}
    for path in SERVICES:
        path.write_text("".join(f"{kind} required pam_muster.so\n" for kind in ("auth", "account")))
    yield
    for path, text in before.items():
        path.write_text(text) if text else path.unlink()
    OFFSETS.unlink(missing_ok=True)


@pytest.fixture
def users(endpoint):
    """dora, who is in a group; emil, who is in none. Both may use sudo."""
    endpoint.reset()
    for name in ("dora", "emil"):
        endpoint.user(name, sudo=True, passwordless_sudo=True)
    endpoint.group("Ops on call", ["dora"])
    endpoint.publish()
    return endpoint


@contextlib.contextmanager
def rules(endpoint, *lines, sync=True):
    """With these rules, and where the first of them stands."""
    before = endpoint.conf.read_text()
    endpoint.conf.write_text(before + "\n[access]\n" + "".join(f"{line}\n" for line in lines))
    if sync:
        run("musterd", "--once")
    try:
        yield before.count("\n") + 3
    finally:
        endpoint.conf.write_text(before)
        if sync:
            run("musterd", "--once")


@contextlib.contextmanager
def local_time(zone):
    """/etc/localtime as timedatectl sets it."""
    before = os.readlink(LOCALTIME) if LOCALTIME.is_symlink() else None
    set_zone(zone)
    try:
        yield
    finally:
        LOCALTIME.unlink(missing_ok=True)
        if before:
            LOCALTIME.symlink_to(before)


def set_zone(zone):
    new = LOCALTIME.with_name("localtime.new")
    new.symlink_to(ZONES / zone)
    new.rename(LOCALTIME)


def account(user, service="mt-access", as_user=None, **environ):
    """(code, words) of the account phase."""
    prefix = ["setpriv", "--reuid", as_user, "--clear-groups", "--"] if as_user else []
    lines = run(*prefix, PAMT, service, user, "account", env={**os.environ, **environ}, cwd="/").stdout.splitlines()
    return lines[-1].split()[1], [line[len("says "):] for line in lines if line.startswith("says ")]


def becomes(user, *argv, **environ):
    """What root's su says: his name, or why not."""
    done = run("su", user, "-c", "id -un", check=False, cwd="/", env={**os.environ, **environ})
    return done.stdout.strip() if done.returncode == 0 else done.stderr


def explained(endpoint, user, *argv):
    return json.loads(endpoint.musterctl("explain", user, "--json", *argv, check=False).stdout)


def test_keys_do_not_pass_them(users, sshd):
    with rules(users, "ops = allow services=sshd groups=Ops on call", "others = deny services=SSHD") as line:
        assert sshd.login("dora", key=users.key).output == "dora"
        by_key = sshd.login("emil", key=users.key)
        by_password = sshd.login("emil", password=PASSWORD)
        for login in (by_key, by_password):
            assert not login.ok and "Not allowed for sshd." in login.told, login
        assert sshd.login("emil", password="wrong").told == ""
        assert sshd.login("alice", key=users.local_key).ok and sshd.login("root", key=users.local_key).ok
        assert becomes("emil") == "emil"
        found = explained(users, "emil", "--service", "sshd")
        assert not found["allowed"] and found["reason"] == found["reason_without_password"] == "service"
        assert found["access_rule"] == {"name": "others", "allow": False, "file": str(users.conf), "line": line + 1}
        assert explained(users, "dora", "--service", "sshd")["access_rule"]["name"] == "ops"
        assert explained(users, "emil")["allowed"] and explained(users, "emil")["access_rule"] is None
        text = users.musterctl("explain", "emil", "--service", "sshd", check=False).stdout
        assert f"access rule 'others' in /etc/muster/muster.conf:{line + 1} denies it" in text
        assert "Not allowed for sshd." in text
        # who is listed is listed by what is known of the account itself
        assert {u["name"]: u["verdict"] for u in json.loads(users.musterctl("users", "--json").stdout)}["emil"] == "ok"
    assert sshd.login("emil", key=users.key).ok


def test_su_and_sudo(users):
    """Rules for the one mean "su -" and "sudo -i", too."""
    with rules(users, "emil = deny users=emil services=su,sudo"):
        assert "Not allowed for su." in becomes("emil")
        assert "Not allowed for su-l." in run("su", "-", "emil", "-c", "id", check=False).stderr
        for argv in (["-n", "id", "-u"], ["-n", "-i", "id", "-u"]):
            assert run_as("dora", "sudo", *argv, cwd="/").stdout.strip() == "0"
            denied = run_as("emil", "sudo", *argv, check=False, cwd="/")
            assert denied.returncode and not denied.stdout and "account management error" in denied.stderr, denied
    assert run_as("emil", "sudo", "-n", "id", "-u", cwd="/").stdout.strip() == "0"


def test_jobs(users):
    DONE.mkdir(exist_ok=True)
    DONE.chmod(0o1777)
    for name in ("dora", "emil"):
        run("crontab", "-u", name, "-", input=f"@reboot id -un >{DONE}/{name}\n")
    try:
        with rules(users, "jobs = deny services=cron users=emil"):
            assert jobs_done({"dora"}) == {"dora"}
    finally:
        for name in ("dora", "emil"):
            run("crontab", "-u", name, "-r")


def test_everything_but(users):
    """What belongs to a session that was let in is shut by its name alone."""
    with rules(users, "one = allow services=mt-access", "others = deny"):
        assert account("emil") == ("SUCCESS", [])
        assert account("emil", "mt-other") == ("PERM_DENIED", ["Not allowed for mt-other."])
        assert account("emil", "systemd-user")[0] == "SUCCESS"
        assert explained(users, "emil")["reason"] == "service"  # of a service that no rule names
    with rules(users, "one = deny services=systemd-user"):
        assert account("emil", "systemd-user")[0] == "PERM_DENIED"
        assert account("emil")[0] == "SUCCESS"


def test_hours(users):
    """Held against another implementation of local time, over a week and over both changes of the clocks; whatever TZ says."""
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    now = int(time.time()) // 60 * 60 + 30  # a run's own seconds lead over no minute
    shifts = [t for t in range(now // 3600 * 3600 + 7200, now + 400 * DAY, 3600)
              if datetime.datetime.fromtimestamp(t, berlin).utcoffset() != datetime.datetime.fromtimestamp(t - 1, berlin).utcoffset()][:2]
    times = [now + after for after in range(60, 7 * DAY, 5 * 3600)] + [t + by for t in shifts for by in (-30, 30)]
    environ = {"TZ": "America/New_York", "TZDIR": "/nowhere"}
    seen = set()
    with local_time("Europe/Berlin"), \
         rules(users, "office = allow services=mt-access hours=Mo-Fr 08:00-18:00, Sa 22:00-Su 02:30", "else = deny services=mt-access"):
        for t in times:
            local = datetime.datetime.fromtimestamp(t, berlin)
            minute = local.hour * 60 + local.minute
            allowed = (local.weekday() < 5 and 480 <= minute < 1080 or local.weekday() == 5 and minute >= 1320
                       or local.weekday() == 6 and minute < 150)
            after_s = t - int(time.time())
            OFFSETS.write_text(f"{after_s} {after_s}\n")
            code, said = account("emil", LD_PRELOAD=str(SHIM), **environ)
            assert (code, said) == (("SUCCESS", []) if allowed else ("PERM_DENIED", ["Not allowed for mt-access at this time."])), local
            found = explained(users, "emil", "--service", "mt-access", "--at", f"+{after_s}s")
            assert found["reason"] == ("ok" if allowed else "hours"), local
            seen.add((allowed, local.weekday()))
        assert "local time" in users.musterctl("explain", "emil", env={**os.environ, **environ}).stdout
    assert len(seen) > 8


def test_zone_of_the_endpoint(users):
    """An hour around now by /etc/localtime, which a living agent keeps up with; su's caller has no say in it."""
    there = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=5)))
    begin, end = (f"{(there.hour + by) % 24:02}:{there.minute:02}" for by in (-1, 1))
    with local_time("Etc/GMT-5"), rules(users, f"now = allow services=su hours={begin}-{end}", "else = deny services=su"), \
         Agent() as agent:
        agent.wait_until_synced()
        for zone in ("UTC", "Etc/GMT-5", ":/nowhere"):
            assert becomes("emil", TZ=zone) == "emil"
        set_zone("Etc/GMT+5")
        wait_for(lambda: "Not allowed for su at this time." in becomes("emil", TZ="Etc/GMT-5"), 15)
        set_zone("Etc/GMT-5")
        wait_for(lambda: becomes("emil", TZ="Etc/GMT+5") == "emil", 15)


def test_an_edit_counts(users):
    """With a living agent at once, for root's programs and for what asks the agent; a mistake leaves in force what was."""
    before = users.conf.read_text()
    with Agent() as agent:
        agent.wait_until_synced()
        assert account("emil", as_user="emil") == ("SUCCESS", [])
        users.conf.write_text(before + "[access]\nno = deny users=emil services=mt-access\n")
        begin = time.monotonic()
        wait_for(lambda: account("emil")[0] == "PERM_DENIED", 15)
        print(f"in force after {time.monotonic() - begin:.2f} s")
        assert account("emil", as_user="emil")[0] == "PERM_DENIED"
        assert account("dora", as_user="dora")[0] == "SUCCESS"
        users.conf.write_text(before + "[access]\nno = deny user=dora services=mt-access\n")
        line = before.count("\n") + 2
        wait_for(lambda: f"{users.conf}:{line}: [access] no has 'user' where" in agent.log(), 15)
        assert account("emil")[0] == "PERM_DENIED" and account("dora")[0] == "SUCCESS"
        users.conf.write_text(before)
        wait_for(lambda: account("emil")[0] == "SUCCESS", 15)
    assert json.loads(users.musterctl("status", "--json").stdout)["revocation"] is None


def test_an_edit_does_not_wait_for_the_directory(web):  # noqa: F811
    """Neither as long as the server has asked for, nor for a sync that it keeps waiting, which is given up without a word."""
    web.configure(web.server.url, poll_interval="2s")
    web.sync()
    web.answer = lambda _: b"HTTP/1.1 503 Busy\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n"
    silent, go_on = threading.Event(), threading.Event()

    def keep_waiting(request):
        silent.set()
        go_on.wait(30)
        return web.document(request)

    with Agent() as agent:
        wait_for(lambda: agent.syncs("failed") == 1, 20)
        web.answer = keep_waiting
        try:
            with rules(web.endpoint, "no = deny users=emil services=mt-access", sync=False):
                wait_for(lambda: account("emil")[0] == "PERM_DENIED", 10)
                assert silent.wait(10)
            wait_for(lambda: agent.log().count("conf: read again") == 2, 10)
        finally:
            go_on.set()
        wait_for(lambda: account("emil")[0] == "SUCCESS", 10)
        wait_for(lambda: "good again after 1 that failed" in agent.log(), 10)
        assert agent.syncs("failed") == 1 and agent.syncs("died") == 0 and "daemon: the sync" not in agent.log()


def test_unknown_group(users):
    """Who is in it cannot be known: nobody is let in by it, and nobody gets past it. That is told wherever one looks."""
    with rules(users, "gone = deny services=mt-access groups=Gone", "ops = allow services=mt-other groups=Gone,Ops on call",
               "no = deny services=mt-other") as line:
        assert account("dora")[0] == account("emil")[0] == "PERM_DENIED"
        assert account("dora", "mt-other")[0] == "SUCCESS" and account("emil", "mt-other")[0] == "PERM_DENIED"
        assert "fits everybody" in explained(users, "dora", "--service", "mt-access")["why"]
        status = json.loads(users.musterctl("status", "--json").stdout)
        assert [(r["name"], r["reason"]) for r in status["rejects"]] == [("Gone", "group_unknown")] * 2
        assert status["access_rules"] == 3 and status["rejected"] == 0
        found = [f for f in json.loads(users.musterctl("doctor", "--json", check=False).stdout)
                 if f["check"] == "data.access"]
        assert [(f["status"], f["line"]) for f in found] == [("fault", line), ("fault", line + 1)]
        users.group("Gone", ["emil"])
        users.publish()
        assert account("dora")[0] == account("emil", "mt-other")[0] == "SUCCESS"
        assert account("emil")[0] == "PERM_DENIED"


def test_broken_time_zone(users):
    """No rule lets in by hours that nobody knows, and those that deny do."""
    with local_time("Etc/UTC"):
        LOCALTIME.unlink(missing_ok=True)
        LOCALTIME.write_text("Europe/Berlin\n")
        with rules(users, "all = allow services=mt-other hours=00:00-24:00", "no = deny services=mt-other",
                   "never = deny services=mt-access hours=Mo 00:00-00:01", sync=False):
            assert "localtime" in run("musterd", "--once", check=False).stderr
            assert account("dora")[0] == account("dora", "mt-other")[0] == "PERM_DENIED"
            LOCALTIME.unlink()  # is UTC
            run("musterd", "--once")
            assert account("dora", "mt-other")[0] == "SUCCESS"
    run("musterd", "--once")


def test_without_the_directory(web):  # noqa: F811
    """Rules are this endpoint's own: they do not wait for a server that is away."""
    web.sync()
    assert account("emil")[0] == account("dora")[0] == "SUCCESS"
    web.answer = lambda request: b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    with rules(web.endpoint, "no = deny users=emil services=mt-access", sync=False):
        assert "other access rules, without the directory" in web.sync(code=1)
        assert account("emil")[0] == "PERM_DENIED" and account("dora")[0] == "SUCCESS"
        assert "other access rules" not in web.sync(code=1)
    web.answer = web.document
    web.sync()
    assert account("emil")[0] == "SUCCESS"
    # nor for one that takes its time
    said = threading.Event()

    def late(request):
        said.wait(30)
        return web.document(request)

    web.answer = late
    with rules(web.endpoint, "no = deny users=emil services=mt-access", sync=False):
        syncing = subprocess.Popen(["musterd", "--once"], stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: account("emil")[0] == "PERM_DENIED", 15)
            assert syncing.poll() is None
        finally:
            said.set()
            assert syncing.wait(30) == 0


def test_without_the_directory_on_a_host_that_changed(web):  # noqa: F811
    """Whatever else is other than at the last sync."""
    web.sync()
    web.answer = lambda request: b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    passwd = pathlib.Path("/etc/passwd")
    before = passwd.read_text()
    try:
        passwd.write_text(before + "joe:x:4321:100::/:/bin/sh\n")
        with rules(web.endpoint, "no = deny users=emil services=mt-access", sync=False):
            assert "other access rules, without the directory" in web.sync(code=1)
            assert account("emil")[0] == "PERM_DENIED" and account("dora")[0] == "SUCCESS"
    finally:
        passwd.write_text(before)
