"""musterctl doctor: silent on a healthy endpoint, and for each thing that is broken the one finding that names it."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from agent import Agent, wait_for
from endpoint import ETC, LONG_AGO, RUN, STATE, TREE, run

PAMD = pathlib.Path("/etc/pam.d")
NSSWITCH = pathlib.Path("/etc/nsswitch.conf")
ACCOUNT, AUTH = PAMD / "common-account", PAMD / "common-auth"
MODULES = next(pathlib.Path("/usr/lib").glob("*/security/pam_muster.so")).parent
NSS_MODULE = MODULES.parent / "libnss_muster.so.2"
SSHD = pathlib.Path("/etc/ssh/sshd_config.d/muster.conf")
SUDOERS = pathlib.Path("/etc/sudoers.d/muster")
CLOCK = pathlib.Path("/proc/sys/kernel/random/boot_id")
NOBODY = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"]


@pytest.fixture(scope="module", autouse=True)
def healthy(endpoint):
    run("ssh-keygen", "-A")
    endpoint.user("dora", unix_uid=5001, sudo=True)
    endpoint.user("erik", unix_uid=5002)
    endpoint.publish()
    shutil.rmtree("/run/systemd/system", ignore_errors=True)
    for name in ("dora", "erik"):  # made for other tests' users of these names
        shutil.rmtree(f"/home/{name}", ignore_errors=True)


def doctor(*argv):
    done = run(*argv, "musterctl", "doctor", "--json", check=False)
    assert done.returncode in (0, 1) and done.stderr == "", done
    findings = json.loads(done.stdout)
    for f in findings:
        assert set(f) == {"check", "status", "detail", "remedy", "file", "line"}, f
        assert f["status"] == "ok" or f["remedy"], f
    assert done.returncode == any(f["status"] == "fault" for f in findings)
    return findings


def bad(findings):
    """What is wrong, but for the agent that does not live."""
    return [f for f in findings if f["status"] != "ok" and not f["check"].startswith("agent.")]


@contextlib.contextmanager
def kept(path):
    """PATH as it was, whatever is done to it."""
    aside = pathlib.Path("/tmp/doctor-kept")
    shutil.rmtree(aside, ignore_errors=True)
    aside.unlink(missing_ok=True)
    run("cp", "-a", path, aside)
    try:
        yield
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        run("cp", "-aT", "--remove-destination", aside, path)


@contextlib.contextmanager
def edited(path, pattern, to):
    path = pathlib.Path(path)
    with kept(path):
        text, n = re.subn(pattern, to, path.read_text(), flags=re.M)
        assert n, f"{path} has no {pattern}"
        path.write_text(text)
        yield


@contextlib.contextmanager
def added(path, text):
    path = pathlib.Path(path)
    was_there = path.exists()
    with kept(path) if was_there else contextlib.nullcontext():
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a") as f:
            f.write(text)
        yield
    if not was_there:
        path.unlink()


@contextlib.contextmanager
def gone(path):
    path = pathlib.Path(path)
    with kept(path):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        yield


@contextlib.contextmanager
def mode(path, number, owner=0):
    with kept(pathlib.Path(path)):
        os.chmod(path, number)
        os.chown(path, owner, -1)
        yield


@contextlib.contextmanager
def listening(path):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
        s.listen()
        yield
    path.unlink()


@contextlib.contextmanager
def mounted(where, *options, files=None):
    """A file system over WHERE, with a copy of what was there or with FILES."""
    where = pathlib.Path(where)
    run("cp", "-a", where, "/tmp/doctor-below") if files is None else None
    run("mount", "-t", "tmpfs", *options, "tmpfs", where)
    try:
        if files is None:
            run("cp", "-aT", "/tmp/doctor-below", where)
        for name, text in (files or {}).items():
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_text(text)
        yield where
    finally:
        run("umount", where)
        shutil.rmtree("/tmp/doctor-below", ignore_errors=True)


@contextlib.contextmanager
def filled(where):
    """A disk that is nearly full."""
    with mounted(where, "-o", "size=1536k,mode=0755"):
        yield


@contextlib.contextmanager
def read_only(where):
    with mounted(where, "-o", "mode=0755"):
        run("mount", "-o", "remount,ro", where)
        yield


SETUP = {
    # nsswitch.conf and the module
    "nss: not named": (lambda: edited(NSSWITCH, r"^(passwd:.*) muster", r"\1"), "nss.passwd", "fault", "do not exist"),
    "nss: group not named": (lambda: edited(NSSWITCH, r"^(group:.*) muster", r"\1"), "nss.group", "fault", "'group'"),
    "nss: before files": (lambda: edited(NSSWITCH, r"^passwd:.*", "passwd: muster files"), "nss.passwd", "fault", "before files"),
    "nss: without files": (lambda: edited(NSSWITCH, r"^group:.*", "group: systemd muster"), "nss.group", "fault", "local users"),
    "nss: not reached": (lambda: edited(NSSWITCH, r"^passwd:.*", "passwd: files [NOTFOUND=return] muster"), "nss.passwd",
                         "fault", "files ends the lookup"),
    "nss: asked twice": (lambda: edited(NSSWITCH, r"^group:.*", "group: files [success=continue] muster"), "nss.group", "fault",
                         "again"),
    "nss: nonsense": (lambda: edited(NSSWITCH, r"^passwd:.*", "passwd: files [what muster"), "nss.passwd", "fault", "understood"),
    "nss: initgroups": (lambda: added(NSSWITCH, "initgroups: files\n"), "nss.initgroups", "fault", "none of their groups"),
    "nss: sudoers": (lambda: added(NSSWITCH, "sudoers: sss\n"), "nss.sudoers", "fault", "does not read /etc/sudoers"),
    "nss: sudoers cut": (lambda: added(NSSWITCH, "sudoers: sss [NOTFOUND=return] files\n"), "nss.sudoers", "warning", "sss"),
    "nss: shadow": (lambda: edited(NSSWITCH, r"^shadow:.*", "shadow: files muster"), "nss.shadow", "warning", "on purpose"),
    "nss: others": (lambda: edited(NSSWITCH, r"^passwd:.*", "passwd: files sss muster"), "nss.others", "note", "'sss'"),
    "nss: no module": (lambda: gone(NSS_MODULE), "nss.module", "fault", "cannot load"),
    "nss: no file": (lambda: gone(NSSWITCH), "nss.passwd", "fault", "cannot be read"),
    # PAM
    "pam: no module": (lambda: gone(MODULES / "pam_muster.so"), "pam.module", "fault", "cannot be loaded"),
    "pam: ignored": (lambda: edited(ACCOUNT, r"default=die(.*pam_muster.so)( gate)?",
                                    lambda m: f"default={'ignore' if m[2] else 1}{m[1]}{m[2] or ''}"), "pam.account", "fault",
                     "sshd lets in whom muster refuses"),
    "pam: sufficient after unix": (lambda: edited(ACCOUNT, r"^account\s.*pam_unix.so.*", "account sufficient pam_unix.so broken_shadow"),
                                   "pam.account", "fault", "jumped over"),
    "pam: permit": (lambda: edited(PAMD / "su", r"^@include common-account", "account required pam_permit.so"), "pam.account", "fault",
                    "su lets in whom muster refuses: pam_muster is not asked"),
    "pam: local users out": (lambda: edited(ACCOUNT, r"^account\s+\[success=1 default=ignore\]\s+pam_localuser.so.*\n"
                                            r"account\s+\[.*\]\s+(pam_muster.so gate)", r"account required \1"), "pam.account", "fault",
                             "locks local users out"),
    "pam: without the file": (lambda: edited(ACCOUNT, r"^account.*pam_localuser.so.*\n", ""), "pam.account", "fault",
                              "if pam_muster.so were missing"),
    "pam: open without it": (lambda: edited(ACCOUNT, r"(module_unknown=ignore )?default=die(.*pam_muster.so)( gate)?",
                                            lambda m: f"module_unknown={'ignore' if m[3] else 1} default=die{m[2]}{m[3] or ''}"),
                             "pam.account", "fault", "let everybody in if"),
    "pam: not asked": (lambda: edited(PAMD / "cron", r"^@include common-account", "account required pam_unix.so"), "pam.account", "note",
                       "not asked by cron"),
    "pam: no account line": (lambda: edited(PAMD / "other", r"^@include common-account", ""), "pam.account", "warning",
                             "other has no account line"),
    "pam: liked by another": (lambda: edited(PAMD / "login", r"^@include common-account",
                                             "account sufficient pam_succeed_if.so uid > 0\n@include common-account"), "pam.account",
                              "warning", "whom pam_succeed_if accepts"),
    "pam: jumped over": (lambda: edited(PAMD / "login", r"^@include common-account",
                                        "account [success=1 default=ignore] pam_succeed_if.so uid > 0\n"
                                        "account [success=ok user_unknown=ignore default=die] pam_muster.so\n"
                                        "account required pam_permit.so"), "pam.account", "warning", "whom pam_succeed_if accepts"),
    "pam: closed": (lambda: edited(PAMD / "sudo", r"^@include common-account", "@include common-account\naccount required pam_deny.so"),
                    "pam.account", "fault", "sudo locks local users out"),
    "pam: any password": (lambda: edited(AUTH, r"^auth\s+requisite\s+pam_deny.so", "auth optional pam_permit.so"), "pam.auth", "fault",
                          "lets users in whom muster does not let in"),
    "pam: no password": (lambda: edited(AUTH, r"^auth\s+\[.*\]\s+(pam_muster.so.*)", r"auth optional \1"), "pam.auth", "warning",
                         "right or not"),
    "pam: nonsense": (lambda: added(PAMD / "sshd", "account perhaps pam_muster.so\n"), "pam.account", "fault", "control values"),
    "pam: loop": (lambda: added(PAMD / "sshd", "@include sshd\n"), "pam.account", "fault", "include each other"),
    "pam: switched off": (lambda: edited(ACCOUNT, r"^account.*pam_muster.so.*\n", ""), "pam.account", "fault", "not asked by atd"),
    "pam: no homes": (lambda: edited(PAMD / "common-session", r"^.*pam_mkhomedir.*\n", ""), "pam.home", "note", "home"),
    # sshd and sudo
    "sshd: UsePAM no": (lambda: edited("/etc/ssh/sshd_config", r"^UsePAM yes", "UsePAM no"), "sshd.pam", "fault", "suspended users get in"),
    "sshd: no key command": (lambda: gone(SSHD), "sshd.keys", "warning", "is 'none'"),
    "sshd: other key user": (lambda: edited(SSHD, r"User muster-keys", "User nobody"), "sshd.keys", "warning", "'nobody'"),
    "sshd: key command of others": (lambda: mode("/usr/bin/musterctl", 0o777), "sshd.keys", "fault", "than root can change"),
    "sshd: not started": (lambda: gone("/run/sshd"), "sshd", "warning", "were not looked at"),
    "sshd: nonsense": (lambda: added(SSHD, "Nonsense 1\n"), "sshd", "warning", "Nonsense"),
    "sudo: another's": (lambda: gone(pathlib.Path("/usr/bin/cvtsudoers")), "sudo", "note", "is not seen"),
    "sudo: other plug-in": (lambda: added("/etc/sudoers.d/zz", 'Defaults group_plugin="group_file.so /etc/sudo-group"\n'), "sudo.plugin",
                            "fault", "group_plugin is group_file.so"),
    "sudo: file gone": (lambda: gone(SUDOERS), "sudo.plugin", "fault", "not set"),
    "sudo: rules gone": (lambda: edited(SUDOERS, r"^%:muster-sudo-.*", ""), "sudo.rules", "fault", "no rule"),
    "sudo: nonsense": (lambda: added("/etc/sudoers.d/zz", "nonsense nonsense\n"), "sudo", "warning", "/etc/sudoers.d/zz:1"),
    # caches
    "nscd": (lambda: listening("/run/nscd/socket"), "cache.nscd", "warning", "nscd"),
    "sssd": (lambda: listening("/var/lib/sss/pipes/nss"), "cache.sssd", "note", "sssd"),
    "homed": (lambda: listening("/run/systemd/userdb/io.systemd.Home"), "cache.homed", "note", "homed"),
    # files
    "conf: unknown key": (lambda: added(ETC / "muster.conf", "[accounts]\nlaese = 3\n"), "conf", "fault", "laese"),
    "conf: writable": (lambda: mode(ETC / "muster.conf", 0o666), "conf", "fault", "muster.conf"),
    "conf: elsewhere": (lambda: edited(ETC / "muster.conf", r"^#state_dir =.*", "state_dir = /tmp"), "conf.paths", "fault", "nobody reads"),
    "fetch gone": (lambda: gone("/usr/libexec/muster/muster-fetch"), "fetch", "fault", "no directory can be read"),
    "tally gone": (lambda: gone(RUN / "tally"), "files", "fault", "cannot be counted"),
    "tally open": (lambda: mode(RUN / "tally", 0o755), "files", "fault", "nobody but root may open it"),
    "runtime of others": (lambda: mode(RUN, 0o777), "files", "fault", "nobody but root may change it"),
    "runtime closed": (lambda: mode(RUN, 0o700), "files", "fault", "everybody"),
    "state of others": (lambda: mode(STATE, 0o755, 12345), "files", "fault", "uid 12345"),
    "cache open": (lambda: mode(STATE / "cache.mdb", 0o644), "files", "fault", "0644"),
    "no user muster": (lambda: edited("/etc/passwd", r"^muster:.*\n", ""), "users.system", "fault", "no user 'muster'"),
    "no user muster-keys": (lambda: edited("/etc/passwd", r"^muster-keys:.*\n", ""), "users.system", "fault", "'muster-keys'"),
    "muster is root": (lambda: edited("/etc/passwd", r"^muster:x:\d+", "muster:x:0"), "users.system", "fault", "is root"),
    # what is published
    "snapshot gone": (lambda: gone(RUN / "nss.snapshot"), "data.published", "fault", "nothing is published"),
    "snapshot not kept": (lambda: gone(STATE / "pam.snapshot"), "data.published", "warning", "nothing is published"),
    "snapshot readable": (lambda: mode(RUN / "pam.snapshot", 0o644), "data.published", "fault", "owner, mode"),
    "snapshot damaged": (lambda: edited_bytes(RUN / "pam.snapshot"), "data.published", "fault", "damaged"),
    # users
    "same uid": (lambda: added("/etc/passwd", "twin:x:5001:5001::/:/bin/sh\n"), "users.conflict", "fault", "dora (5001)"),
    "same name": (lambda: added("/etc/passwd", "Erik:x:999:999::/:/bin/sh\n"), "users.conflict", "fault", "erik (5002)"),
    "same gid": (lambda: added("/etc/group", "twins:x:5001:\n"), "users.conflict", "fault", "group dora"),
    "subordinate": (lambda: added("/etc/subuid", "alice:5000:10\n"), "users.conflict", "fault", "/etc/subuid"),
    # the machine
    "disk full": (lambda: filled(STATE), "disk", "fault", "are free"),
    "runtime full": (lambda: filled(RUN), "disk", "fault", "are free"),
    "read-only": (lambda: read_only(STATE), "disk", "fault", "read-only"),
    "apparmor": (lambda: mounted("/sys/kernel/security", files={"apparmor/profiles": "/usr/bin/man (enforce)\n/usr/sbin/sshd (enforce)\n"
                                                                "/usr/sbin/cron (complain)\n"}), "apparmor", "warning", "/usr/sbin/sshd"),
}


@contextlib.contextmanager
def edited_bytes(path):
    with kept(path):
        data = bytearray(path.read_bytes())
        data[-200] ^= 1
        path.write_bytes(data)
        yield


def test_healthy(endpoint):
    """Root sees nothing wrong, others only what they cannot see; the text says the same."""
    with Agent() as agent:
        agent.wait_until_synced()
        findings = doctor()
        assert [f for f in findings if f["status"] != "ok"] == []
        checks = {f["check"] for f in findings}
        assert checks >= {"conf", "files", "nss.passwd", "nss.answer", "pam.account", "sshd.pam", "sudo.rules", "agent.root",
                          "data.published", "data.sync", "clock", "users.conflict", "disk"}
        text = run("musterctl", "doctor").stdout
        assert text.endswith("\n0 faults, 0 warnings\n") and text.count("\n") == len(findings) + 2
        for f in findings:
            assert re.search(rf"(?m)^ok +{f['check']} ", text)
        findings = doctor(*NOBODY)
        assert {f["status"] for f in findings} == {"ok", "note"}
        assert all("only root may" in f["detail"] for f in findings if f["status"] == "note")


@pytest.mark.parametrize("name", SETUP)
def test_broken(endpoint, name):
    broken, check, status, detail = SETUP[name]
    before = bad(doctor())
    assert before == []
    with broken():
        after = bad(doctor())
        found = [f for f in after if f["check"] == check and f["status"] == status and detail in f["detail"]]
        assert found, after
        if found[0]["file"]:
            text = run("musterctl", "doctor", check=False).stdout
            line = f":{found[0]['line']}" if found[0]["line"] else ""
            assert f"{found[0]['file']}{line}: " in text
        assert run(*NOBODY, "musterctl", "doctor", check=False).returncode in (0, 1)
    assert bad(doctor()) == []


@pytest.mark.parametrize("name", ["lightdm-greeter", "sddm-greeter"])
def test_greeter(endpoint, name):
    """It starts the program that asks who is there, as a user of the display manager's own; nobody logs in by it."""
    with added(PAMD / name, "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_unix.so\n"):
        assert bad(doctor()) == []


def test_folder_in_pam_d(endpoint):
    (PAMD / "old").mkdir()
    assert bad(doctor()) == []
    (PAMD / "old").rmdir()


@pytest.mark.parametrize("name", ["pam: switched off", "nss: not named", "disk full"])
def test_exit_code(endpoint, name):
    with SETUP[name][0]():
        done = run("musterctl", "doctor", check=False)
        assert done.returncode == 1 and "\nFAULT " in "\n" + done.stdout and re.search(r"\n[1-9]\d* faults?, ", done.stdout)


# ---- the agent

def agent_findings():
    return {f["check"]: f for f in doctor() if f["check"].startswith("agent.")}


def test_no_agent(endpoint):
    """A computer may do without one; not when it is to be started at boot."""
    unit = pathlib.Path("/etc/systemd/system/multi-user.target.wants/musterd.service")
    assert {f["status"] for f in agent_findings().values()} == {"warning"}
    with added(unit, ""):
        found = agent_findings()
        assert found["agent.root"]["status"] == "fault" and "no musterd lives" in found["agent.root"]["detail"]
        assert found["agent.public"]["status"] == "fault"
        os.makedirs("/run/systemd/system")
        assert agent_findings()["agent.unit"]["status"] == "ok"
    assert agent_findings()["agent.unit"]["status"] == "warning"
    shutil.rmtree("/run/systemd/system")


def test_frozen_agent(endpoint):
    with Agent() as agent:
        agent.wait_until_synced()
        agent.process.send_signal(signal.SIGSTOP)
        found = agent_findings()
        assert found["agent.root"]["status"] == "fault" and "within 2 s" in found["agent.root"]["detail"]
        agent.process.send_signal(signal.SIGCONT)
        assert agent_findings()["agent.root"]["status"] == "ok"


def test_another_listens(endpoint):
    """A socket that is not root's is nobody to ask."""
    path = RUN / "public.sock"
    path.unlink(missing_ok=True)
    with mode(RUN, 0o777):
        liar = subprocess.Popen([*NOBODY, "python3", "-c", "import socket, time; s = socket.socket(socket.AF_UNIX);"
                                 f"s.bind('{path}'); s.listen(); time.sleep(60)"])
        try:
            wait_for(path.exists)
            time.sleep(0.2)
            found = agent_findings()["agent.public"]
            assert found["status"] == "fault" and "not root's" in found["detail"]
        finally:
            liar.kill()
            liar.wait()
            path.unlink()


# ---- data, users, clock

@pytest.fixture
def own(endpoint):
    """Whatever a test does to the directory and the configuration is undone."""
    conf, document = endpoint.conf.read_bytes(), json.dumps(endpoint.document)
    yield endpoint
    endpoint.conf.write_bytes(conf)
    endpoint.document = json.loads(document)
    endpoint.document["serial"] = json.loads((ETC / "directory.json").read_text()).get("serial", 0) + 1
    endpoint.publish()


def only(check):
    found = [f for f in bad(doctor()) if f["check"] == check]
    assert found, doctor()
    return found[0]


def test_failed_sync(own):
    own.write("{")
    assert run("musterd", "--once", check=False).returncode
    found = only("data.sync")
    assert found["status"] == "fault" and "line 1" in found["detail"] and "just" not in found["detail"]
    own.write(own.document)


def test_credentials(own):
    """A key that others can read; and a directory that cannot be reached."""
    key = ETC / "token"
    key.write_text("secret\n")
    key.chmod(0o644)
    with own.configured(url="https://127.0.0.1:9/d.json", bearer_file=key):
        found = only("credentials")
        assert found["status"] == "fault" and "chmod 0600" in found["detail"] and "bearer_file" in found["detail"]
        assert "secret" not in json.dumps(doctor())
        key.chmod(0o600)
        assert not [f for f in doctor() if f["check"] == "credentials" and f["status"] != "ok"]
        assert [f["status"] for f in doctor(*NOBODY) if f["check"] == "credentials"] == ["note"]
        assert run("musterd", "--once", check=False).returncode
        assert only("data.sync")["status"] == "fault"
    key.unlink()


def test_ldap_authority(own):
    with own.configured(password="ldap", ldap_url="ldaps://localhost", org_id="5f0c", ldap_ca_file="/etc/nowhere"):
        found = only("credentials")
        assert found["status"] == "fault" and "ldap_ca_file" in found["detail"]


def test_left_out(own):
    own.user("games")
    for i in range(30):
        own.user(f"bad{i}", unix_uid="x")
    own.user("keyless", ssh_keys=[{"name": "k", "public_key": "ssh-rsa nonsense"}])
    own.publish()
    found = [f for f in bad(doctor()) if f["check"] == "users.rejected"]
    assert len(found) == 21 and "more" in found[-1]["detail"] and "musterctl status" in found[-1]["remedy"]
    assert any("games: name_reserved" in f["detail"] or "games: name_local" in f["detail"] for f in found)


def test_portal(own):
    own.change("dora", password_expiration_date="2099-01-01T00:00:00Z")
    found = only("users.portal")
    assert found["status"] == "warning" and found["detail"].startswith("1 of the accounts")
    own.change("dora", password_never_expires=True)
    assert bad(doctor()) == []
    own.change("dora", activated=False)
    only("users.portal")
    with own.configured(portal_url="https://portal.example.com"):
        own.publish()
        assert bad(doctor()) == []


def test_nothing_yet(own):
    for folder in (RUN, STATE):
        for path in folder.glob("*.snapshot"):
            path.unlink()
    (RUN / "sync.status").unlink()
    found = {f["check"]: f["status"] for f in bad(doctor())}
    assert found == {"data.published": "fault", "data.sync": "fault"} or found["data.published"] in ("fault", "warning")
    assert found["data.sync"] == "fault"


def test_no_directory(own):
    """As installed: nothing is wrong, and there is something to do."""
    with contextlib.ExitStack() as stack:
        for folder in (RUN, STATE):
            for path in folder.glob("*.snapshot"):
                stack.enter_context(mounted_away(path))
        assert only("data.published")["status"] in ("fault", "warning")
        stack.enter_context(mounted_away(ETC / "directory.json"))
        assert [(f["check"], f["status"]) for f in bad(doctor())] == [("data.directory", "note")]
        assert "musterctl directory add" in only("data.directory")["remedy"]
        assert run("musterctl", "doctor", check=False).returncode == 0
    assert bad(doctor()) == []


@contextlib.contextmanager
def mounted_away(path):
    aside = path.with_name(f".{path.name}.aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


def test_nobody_asks(own):
    """A directory elsewhere has to be asked again and again; here the clock runs two hours ahead of the last time."""
    shim = pathlib.Path("/tmp/clock_shim.so")
    run("gcc", "-shared", "-fPIC", "-o", shim, TREE / "tests/system/clock_shim.c")
    with own.configured(url="https://127.0.0.1:9/d.json"), added("/etc/clock-shim", "7200 7200\n"):
        assert not [f for f in bad(doctor()) if f["check"] == "data.sync"]
        found = [f for f in doctor("env", f"LD_PRELOAD={shim}") if f["check"] == "data.sync" and f["status"] == "warning"]
        assert "nobody has asked" in found[0]["detail"] and "musterd --once" in found[0]["remedy"]


def test_way_to_the_directory(own):
    """Under systemd musterd has no network: muster-fetch.socket reaches the directory, where it is elsewhere."""
    unit = pathlib.Path("/etc/systemd/system/multi-user.target.wants/musterd.service")
    os.makedirs("/run/systemd/system")
    try:
        with added(unit, ""):
            assert "agent.fetch" not in agent_findings()
            with own.configured(url="https://127.0.0.1:9/d.json"):
                found = agent_findings()["agent.fetch"]
                assert found["status"] == "fault" and "enable --now muster-fetch.socket" in found["remedy"]
                with listening(RUN / "private/fetch.sock"):
                    assert agent_findings()["agent.fetch"]["status"] == "ok"
    finally:
        shutil.rmtree("/run/systemd/system")


def test_setup_is_the_remedy(endpoint):
    for name in ("pam: switched off", "nss: not named"):
        with SETUP[name][0]():
            assert any("musterctl setup" in f["remedy"] for f in bad(doctor()))


def test_two_generations(own):
    with kept(STATE / "pam.snapshot"):
        own.change("erik", displayname="E")
        own_generation = own.generation()
        newer = (RUN / "pam.snapshot").read_bytes()
    found = only("data.published")
    assert found["status"] == "warning" and str(own_generation) in found["detail"] and newer
