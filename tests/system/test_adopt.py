"""Local users whom the directory takes over: bob and carol. Root, alice and everybody else stay as they are."""
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

import test_setup
from agent import Agent, wait_for
from endpoint import (LOCAL_PASSWORD, PASSWORD, RUN, STATE, TEXTS, Session, make_key, run)
from test_cron import DONE, jobs_done
from test_pam_matrix import (ANSWER, CODES, MODULE, PAMT, build_script_module, code, lines_of, local_users_unaffected, pamt,
                             restored)

PAMD = pathlib.Path("/etc/pam.d")
SHADOW, LIST = pathlib.Path("/etc/shadow"), pathlib.Path("/etc/muster/adopted")
BOBS = "bobs own"  # password of the local users
SNAPSHOTS = [folder / "pam.snapshot" for folder in (RUN, STATE)]
UNIT_CAPABILITIES = "-all,+chown,+dac_override,+fowner"  # muster-setup-rollback.service, which gives everybody back, too
CROWD = {  # local users who are bound, and may never be taken over: useradd's words
    "sysop": ["--system", "--shell", "/bin/bash"],
    "closed": ["--shell", "/usr/sbin/nologin"],
    "twin": ["--shell", "/bin/bash", "--non-unique", "--uid", "4500"],
    "other": ["--shell", "/bin/bash", "--non-unique", "--uid", "4500"],
}


def add_local(endpoint, name, *options):
    run("useradd", "--create-home", *options, name)
    run("chpasswd", input=f"{name}:{BOBS}\n")
    ssh = pathlib.Path("/home", name, ".ssh")
    ssh.mkdir(mode=0o700)
    (ssh / "authorized_keys").write_text(make_key(endpoint.local_key) + "\n")
    run("chown", "-R", f"{name}:", ssh)


@pytest.fixture(scope="module", autouse=True)
def people(endpoint):
    """bob: with a password; carol: with one that was locked before; the crowd."""
    kept = test_setup.read()
    run("gcc", "-o", PAMT, pathlib.Path(os.environ["MUSTER_TREE"], "tests/system/pamt.c"), "-lpam")
    kinds = ("auth", "account", "password", "session")
    pathlib.Path("/etc/pam.d/mt-all").write_text("".join(f"@include common-{k}\n" for k in kinds))
    add_local(endpoint, "bob", "--shell", "/bin/bash", "--groups", "audio")
    add_local(endpoint, "carol", "--shell", "/bin/bash")
    run("usermod", "-L", "carol")
    for name, options in CROWD.items():
        add_local(endpoint, name, *options)
    yield
    for name in ("bob", "carol", *CROWD):
        run("userdel", "--remove", "--force", name, check=False)
    shutil.rmtree(STATE / "setup", ignore_errors=True)
    test_setup.restore(kept)  # pam-auth-update's own notes, too


@pytest.fixture(autouse=True)
def bound(endpoint, people):
    endpoint.document["users"] = []
    for name in ("bob", "carol", "dora", *CROWD):
        endpoint.user(name)
    endpoint.publish()


def adopt(endpoint, *argv, check=True):
    return endpoint.musterctl("adopt", *argv, check=check)


def plan(endpoint):
    """What is planned: {name: (adopted, change)}, and how it exits."""
    done = adopt(endpoint, "--json", check=False)
    return {u["name"]: (u["adopted"], u["change"]) for u in json.loads(done.stdout)["users"]}, done.returncode


@contextlib.contextmanager
def adopted(endpoint, names="bob, carol"):
    """The names are taken over, and at the end everything is as it was, to the byte."""
    kept = {p: p.read_bytes() for p in (SHADOW, pathlib.Path("/etc/passwd"), pathlib.Path("/etc/group"))}
    stacks = {k: lines_of(k) for k in ("auth", "account", "password", "session")}
    try:
        with endpoint.configured(adopt=names):
            adopt(endpoint, "--apply")
            assert plan(endpoint)[1] == 0
            yield
    finally:
        adopt(endpoint, "--apply")
    assert {p: p.read_bytes() for p in kept} == kept
    assert {k: lines_of(k) for k in stacks} == stacks
    assert not LIST.exists()


def passes(user, step, **kwargs):
    return code("mt-all", user, step, **kwargs) == "SUCCESS"


def is_himself(user="bob"):
    """A local user like any other."""
    assert passes(user, "auth", password=BOBS) and not passes(user, "auth", password=PASSWORD)
    assert passes(user, "account")


def is_refused(user="bob"):
    assert not passes(user, "auth", password=PASSWORD) and not passes(user, "auth", password=BOBS)
    assert not passes(user, "account")


def is_taken_over(user="bob"):
    assert passes(user, "auth", password=PASSWORD) and not passes(user, "auth", password=BOBS)
    assert passes(user, "account")


def test_left_alone_without_a_word(endpoint):
    """By default, and while nothing was applied."""
    is_himself()
    assert plan(endpoint) == ({n: (False, "") for n in ("bob", "carol", *CROWD)}, 0)
    with endpoint.configured(adopt="all-bound"):
        endpoint.publish()
        shadow = SHADOW.read_bytes()
        changes, exit_code = plan(endpoint)
        assert exit_code == 1 and SHADOW.read_bytes() == shadow and not LIST.exists()
        assert changes == {"bob": (False, "take over"), "carol": (False, "take over"), **{n: (False, "") for n in CROWD}}
        is_himself()
        assert "adopt bob: adopt_pending" in endpoint.musterctl("status").stdout
        endpoint.change("bob", state="SUSPENDED", sudo=True)
        is_himself()
        assert "bob" not in run("getent", "group", "muster-sudo").stdout


def test_identity_stays_local(endpoint):
    before = {n: run(*argv).stdout for n, argv in {"passwd": ["getent", "passwd", "bob"], "id": ["id", "bob"]}.items()}
    endpoint.posix_group("devs", 5300, ["bob", "dora"])
    endpoint.user("bob", unix_uid=5005, unix_guid=5005, home="/home/elsewhere", shell="/bin/dash")
    endpoint.publish()
    with adopted(endpoint):
        is_taken_over()
        is_taken_over("carol")
        assert run("getent", "passwd", "bob").stdout == before["passwd"] and run("id", "bob").stdout == before["id"]
        assert run("getent", "-s", "muster", "passwd", "bob", check=False).returncode == 2
        assert run("getent", "passwd", "5005", check=False).returncode == 2
        assert run("getent", "group", "devs").stdout.strip() == "devs:x:5300:dora"
        assert "uid bob: uid_adopted" in endpoint.musterctl("status").stdout
        local_users_unaffected()
        assert passes("dora", "auth") and passes("dora", "account")
        assert passes("twin", "auth", password=BOBS) and passes("twin", "account")


@pytest.mark.parametrize("name", CROWD)
def test_never(endpoint, name):
    with endpoint.configured(adopt=f"bob, {name}"):
        adopt(endpoint, "--apply")
        assert plan(endpoint)[0][name] == (False, "") and name not in LIST.read_text()
        assert f"user {name}: adopt_" in endpoint.musterctl("status").stdout
        is_taken_over()
        assert passes(name, "account")
        assert code("mt-all", name, "auth", password=BOBS) == "SUCCESS"
    adopt(endpoint, "--apply")
    is_himself()


@pytest.mark.parametrize("names", ["root", "bob, daemon", "../x"])
def test_no_system_user_can_be_named(endpoint, names):
    with endpoint.configured(adopt=names):
        done = adopt(endpoint, check=False)
        assert done.returncode == 2 and "[accounts] adopt" in done.stderr


def test_ssh(endpoint, sshd):
    assert sshd.login("bob", password=BOBS).ok
    with adopted(endpoint):
        for method in ("password", "keyboard-interactive"):
            login = sshd.login("bob", password=PASSWORD, method=method)
            assert login.ok and login.output == "bob", login
            assert not sshd.login("bob", password=BOBS, method=method).ok
        assert sshd.login("bob", key=endpoint.local_key).ok  # the keys in his home
        assert sshd.login("alice", password=LOCAL_PASSWORD).ok and sshd.login("root", key=endpoint.local_key).ok
        endpoint.change("bob", state="SUSPENDED")
        for login in (sshd.login("bob", key=endpoint.local_key), sshd.login("bob", password=PASSWORD)):
            assert not login.ok and TEXTS["suspended"] in login.told, login
        assert endpoint.explain("bob") == "suspended"
    assert sshd.login("bob", password=BOBS).ok and sshd.login("bob", key=endpoint.local_key).ok


def shell_of(user):
    s = Session(["setpriv", "--reuid", user, "--regid", user, "--init-groups", "/bin/bash", "--norc"])
    s.run("cd /")
    return s


def test_su_and_sudo(endpoint):
    endpoint.change("bob", sudo=True)
    with adopted(endpoint), contextlib.closing(shell_of("alice")) as alice, contextlib.closing(shell_of("bob")) as bob:
        assert alice.run("su bob -c 'id -un'", PASSWORD) == ("bob", 0)
        assert alice.run("su bob -c 'id -un'", BOBS)[1] != 0
        assert bob.run("su alice -c 'id -un'", LOCAL_PASSWORD) == ("alice", 0)
        output, status = bob.run("sudo id -u", PASSWORD)
        assert status == 0 and output.endswith("0")
        assert bob.run("sudo -n id -u") == ("0", 0)
        with endpoint.configured(end_sessions=""):
            endpoint.change("bob", state="SUSPENDED")
        assert bob.run("sudo -n id -u")[1] != 0  # inside the timestamp
        assert run("su", "bob", "-c", "id -un", check=False).returncode != 0
        bob.run("sudo -K")


def test_cron(endpoint):
    DONE.mkdir(exist_ok=True)
    DONE.chmod(0o1777)
    for name in ("bob", "alice"):
        run("crontab", "-u", name, "-", input=f"@reboot id -un >{DONE}/{name}\n")
    with adopted(endpoint):
        assert jobs_done({"bob", "alice"}) == {"bob", "alice"}
        endpoint.change("bob", suspended=True)
        assert jobs_done({"alice"}) == {"alice"}
    for name in ("bob", "alice"):
        run("crontab", "-u", name, "-r")


def test_change_of_password(endpoint):
    with adopted(endpoint), endpoint.configured(portal_url="https://portal.example"):
        endpoint.publish()
        before = SHADOW.read_bytes()
        with contextlib.closing(shell_of("bob")) as bob:
            output, status = bob.run("passwd", BOBS)
        assert status != 0 and "https://portal.example" in output and SHADOW.read_bytes() == before
        assert run("su", "alice", "-c", "passwd", input=f"{LOCAL_PASSWORD}\nnew words 4 alice\nnew words 4 alice\n").returncode == 0
        run("chpasswd", input=f"alice:{LOCAL_PASSWORD}\n")
        kept = [l for l in before.decode().splitlines() if not l.startswith("alice:")]
        assert [l for l in SHADOW.read_text().splitlines() if not l.startswith("alice:")] == kept
        SHADOW.write_bytes(before)


def test_password_set_by_root(endpoint):
    """It opens nothing; that it is there is told, and mended."""
    shadow = SHADOW.read_bytes()
    with adopted(endpoint):
        run("usermod", "-U", "bob")
        is_taken_over()
        assert plan(endpoint) == ({**plan(endpoint)[0], "bob": (True, "lock again")}, 1)
        assert "musterctl adopt" in endpoint.musterctl("doctor", check=False).stdout
        adopt(endpoint, "--apply")
        assert b"bob:!$" in SHADOW.read_bytes()
    assert SHADOW.read_bytes() == shadow


def test_sessions_end(endpoint):
    def sleeper(name):
        return subprocess.Popen(["setpriv", "--reuid", name, "--regid", name, "--init-groups", "sleep", "300"])

    with adopted(endpoint, "bob"):
        theirs = {n: sleeper(n) for n in ("bob", "carol", "alice")}
        endpoint.change("bob", state="SUSPENDED")
        endpoint.change("carol", state="SUSPENDED")
        assert theirs["bob"].wait(10) < 0
        assert theirs["carol"].poll() is None and theirs["alice"].poll() is None
        for p in theirs.values():
            p.kill()
            p.wait()


def test_who_leaves_is_refused(endpoint):
    """Until an administrator gives him back: by name, or with all-bound by 'musterctl forget'."""
    with adopted(endpoint, "all-bound"):
        endpoint.forget("bob")
        endpoint.publish()
        is_refused()
        assert endpoint.explain("bob") == "unbound"
        adopt(endpoint, "--apply")
        is_refused()
        is_taken_over("carol")
        endpoint.musterctl("forget", "bob")
        is_refused()
        assert "adopt bob: adopt_forgotten" in endpoint.musterctl("status").stdout
        adopt(endpoint, "--apply")
        is_himself()
        assert "bob" not in LIST.read_text() and "adopt_forgotten" not in endpoint.musterctl("status").stdout
        assert run("usermod", "-L", "carol") and plan(endpoint)[1] == 0


def test_nothing_is_known_any_more(endpoint):
    """With all-bound: whoever left stays out when /var/lib/muster is lost, until the line goes."""
    with adopted(endpoint, "all-bound"):
        endpoint.forget("bob")
        for path in (*STATE.iterdir(), *RUN.iterdir()):
            if path.is_file():
                path.unlink()
        endpoint.publish()
        adopt(endpoint, "--apply")
        is_refused()
        assert plan(endpoint)[0]["bob"] == (True, "") and "bob: refused" in adopt(endpoint).stdout
    is_himself()


def test_another_one_gets_the_name(endpoint):
    """In the directory: refused until accepted. In /etc/passwd: left alone, and told."""
    with adopted(endpoint):
        endpoint.forget("bob")
        endpoint.publish()
        endpoint.user("bob", id="f" * 24)
        endpoint.publish()
        is_refused()
        endpoint.musterctl("accept", "bob")
        is_taken_over()
    passwd = pathlib.Path("/etc/passwd")
    with endpoint.configured(adopt="bob"), restored(passwd, SHADOW):
        adopt(endpoint, "--apply")
        run("usermod", "--uid", "4711", "bob")
        run("usermod", "-U", "bob")
        is_himself()
        assert plan(endpoint)[0]["bob"] == (True, "drop")
        endpoint.publish()
        is_himself()
        adopt(endpoint, "--restore")
        assert not LIST.exists()
    is_himself()


@pytest.mark.parametrize("damage", ["missing", "random", "another's"])
def test_damaged_snapshot(endpoint, sshd, damage):
    with adopted(endpoint), restored(*SNAPSHOTS):
        for path in SNAPSHOTS:
            data = path.read_bytes()
            path.unlink()
            if damage != "missing":
                path.write_bytes(os.urandom(len(data)) if damage == "random" else data)
                path.chmod(0o600)
                os.chown(path, 0 if damage == "random" else 65534, 0)
        is_refused()
        assert not sshd.login("bob", key=endpoint.local_key).ok
        local_users_unaffected()
        assert passes("twin", "auth", password=BOBS) and passes("twin", "account")
        assert sshd.login("alice", key=endpoint.local_key).ok and sshd.login("root", password=LOCAL_PASSWORD).ok


def test_module_is_missing(endpoint):
    with adopted(endpoint), restored(MODULE):
        MODULE.unlink()
        is_refused()
        local_users_unaffected()
        assert passes("twin", "auth", password=BOBS) and passes("twin", "account")


def test_module_gone_mad(endpoint):
    """Whatever it answers, it is asked about those in the list alone."""
    with adopted(endpoint), restored(MODULE):
        MODULE.unlink()
        build_script_module(MODULE, ANSWER)
        for name, number in CODES.items():
            ANSWER.write_text(f"{number} *\n")
            assert passes("bob", "account") == (name in ("SUCCESS", "USER_UNKNOWN"))
            assert passes("bob", "auth") == (name == "SUCCESS")
            for user in ("root", "alice"):
                assert passes(user, "account") and passes(user, "auth", password=LOCAL_PASSWORD)
    ANSWER.unlink()


def test_stacks(endpoint):
    """The jumps that pam-auth-update worked out."""
    asked = "pam_listfile.so item=user sense=allow onerr=fail quiet file=/etc/muster/adopted"
    with adopted(endpoint):
        assert lines_of("auth")[:3] == [
            f"auth [success=ignore default=1] {asked}",
            "auth [success=3 ignore=ignore user_unknown=ignore module_unknown=ignore default=die] pam_muster.so adopt"
            " try_first_pass",
            "auth [success=2 default=ignore] pam_unix.so nullok try_first_pass"]
        assert lines_of("account")[:3] == [
            f"account [success=ignore default=1] {asked}",
            "account [success=3 user_unknown=ignore default=die] pam_muster.so adopt",
            "account [success=2 new_authtok_reqd=done default=ignore] pam_unix.so"]
        for user in ("root", "alice", "bob", "dora"):  # as cron and sshd with keys do it: without authentication
            assert pamt("mt-all", user, "account", "setcred", "open", "close").codes == [
                (s, "SUCCESS") for s in ("account", "setcred", "open", "close")]


def faults(endpoint):
    return [l for l in endpoint.musterctl("doctor", check=False).stdout.splitlines()
            if l.startswith("FAULT") and "lets in local users in the directory's hands" in l]


def test_pam_does_not_go_by_it(endpoint):
    """Where whoever is refused would get in nobody's password is locked; where it comes to that later, doctor tells."""
    before, account, sshd = SHADOW.read_bytes(), PAMD / "common-account", PAMD / "sshd"
    with endpoint.configured(adopt="bob"), restored(sshd):
        sshd.write_text(sshd.read_text().replace("@include common-account", "account required pam_unix.so"))
        done = adopt(endpoint, "--apply", check=False)
        assert done.returncode == 2 and "/etc/pam.d/sshd lets them in" in done.stderr, done
        assert SHADOW.read_bytes() == before and not LIST.exists() and "pam_listfile" not in "".join(lines_of("account"))
        assert not faults(endpoint)
    with adopted(endpoint):
        assert not faults(endpoint)
        with restored(sshd):
            sshd.write_text(sshd.read_text().replace("@include common-account", "account required pam_unix.so"))
            assert [l for l in faults(endpoint) if " sshd lets" in l]
        with restored(account):  # the lines behind pam_unix
            lines = account.read_text().splitlines(keepends=True)
            own = [l for l in lines if "pam_listfile" in l or "pam_muster.so adopt" in l]
            at = next(i for i, l in enumerate(lines) if "pam_unix" in l) + 1
            account.write_text("".join(l for l in lines[:at] if l not in own) + "".join(own) + "".join(lines[at:]))
            account.write_text(account.read_text().replace("[success=2 new_authtok", "[success=4 new_authtok"))
            endpoint.change("bob", state="SUSPENDED")
            assert passes("bob", "account") and [l for l in faults(endpoint) if " cron lets" in l]
            assert "common-account lets them in" in adopt(endpoint, "--apply", check=False).stderr


def test_old_password_is_no_reason(endpoint):
    """What /etc/shadow says of the age of the local password counts no more: it could not be changed."""
    with restored(SHADOW):
        run("chage", "-d", "2020-01-01", "-M", "30", "bob")
        with adopted(endpoint):
            is_taken_over()


@pytest.mark.parametrize("obstacle", [["usermod", "-e", "2099-01-01"], ["passwd", "-d"]])
def test_in_the_way(endpoint, obstacle):
    with restored(SHADOW):
        run(*obstacle, "bob")
        with endpoint.configured(adopt="bob, carol"):
            done = adopt(endpoint, "--apply", check=False)
            assert done.returncode == 1 and "bob: an e" in done.stdout
            assert plan(endpoint)[0]["bob"] == (False, "blocked")
            is_taken_over("carol")
            assert passes("bob", "auth", password=BOBS) and passes("bob", "account")
        adopt(endpoint, "--apply")


def test_without_a_password_in_the_directory(endpoint):
    """Whose local password is open is not left without one; who has none had keys, and keeps them."""
    for name in ("bob", "carol"):
        endpoint.user(name, password=None)
    endpoint.publish()
    with endpoint.configured(adopt="bob, carol"):
        done = adopt(endpoint, "--apply", check=False)
        assert done.returncode == 1 and "bob: no password in the directory" in done.stdout
        assert plan(endpoint)[0]["bob"] == (False, "blocked") and plan(endpoint)[0]["carol"] == (True, "")
        is_himself()
    adopt(endpoint, "--apply")


def test_screen_locker(endpoint):
    """It is not root, and may read neither: the agent says it, and without one nobody is let in."""
    with adopted(endpoint):
        assert not passes("bob", "auth", as_user="bob")
        assert passes("alice", "auth", password=LOCAL_PASSWORD, as_user="alice")
        with Agent():
            wait_for(lambda: passes("bob", "auth", as_user="bob") and passes("bob", "account", as_user="bob"), 10)
            assert not passes("bob", "auth", password=BOBS, as_user="bob")
            assert not passes("bob", "auth", as_user="carol")


def test_restore(endpoint):
    """As when the package goes: whatever is configured, and without anything published."""
    before = SHADOW.read_bytes()
    with endpoint.configured(adopt="all-bound"):
        adopt(endpoint, "--apply")
        assert SHADOW.read_bytes() != before
        with restored(*SNAPSHOTS):
            for path in SNAPSHOTS:
                path.unlink()
            run("setpriv", "--no-new-privs", "--bounding-set", UNIT_CAPABILITIES, "--", "musterctl", "adopt", "--restore")
        assert SHADOW.read_bytes() == before and not LIST.exists()
        is_himself()
        assert "pam_listfile" not in "".join(lines_of("auth") + lines_of("account"))


def test_others_cannot_hold_it_up(endpoint):
    """What two at a time wait for is root's alone."""
    with endpoint.configured(adopt="bob"):
        adopt(endpoint, "--apply")
        held = [os.open(path, os.O_RDONLY) for path in (LIST.parent, LIST)]
        for fd in held:
            fcntl.flock(fd, fcntl.LOCK_EX)
        run("musterctl", "adopt", "--restore", timeout=20)
        for fd in held:
            os.close(fd)
        assert LIST.with_name("adopted.lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("password", ["*", "!", "!*"])
def test_no_password_to_unlock(endpoint, password):
    """Who was taken over has had the local password taken away since: that stays so, and keeps nothing from being undone."""
    before = SHADOW.read_text()
    try:
        with endpoint.configured(adopt="bob, carol"):
            adopt(endpoint, "--apply")
            run("usermod", "-p", password, "bob")
            adopt(endpoint, "--restore")
        assert not LIST.exists() and f"\nbob:{password}:" in SHADOW.read_text()
        assert passes("bob", "account") and not passes("bob", "auth", password=BOBS)
    finally:
        SHADOW.write_text(before)


def test_muster_is_taken_out(endpoint):
    """setup --uninstall gives everybody back before PAM asks muster no more."""
    before = SHADOW.read_bytes()
    with endpoint.configured(adopt="all-bound"):
        adopt(endpoint, "--apply")
        endpoint.musterctl("setup", "--uninstall")
        try:
            assert SHADOW.read_bytes() == before and not LIST.exists()
            assert not any("muster" in l for kind in ("auth", "account") for l in lines_of(kind))
            is_himself()
        finally:
            endpoint.musterctl("setup")


def test_muster_cannot_be_taken_out(endpoint):
    """PAM was edited by hand: whoever is refused is not given back. One cannot be given back: all else goes, and he stays."""
    account = PAMD / "common-account"
    with endpoint.configured(adopt="all-bound"):
        adopt(endpoint, "--apply")
        try:
            with restored(account):
                account.write_text(account.read_text().replace("# end of pam-auth", "account optional pam_warn.so\n# end of pam-auth"))
                assert "edited by hand" in endpoint.musterctl("setup", "--uninstall", check=False).stderr
                assert LIST.exists() and run("getent", "passwd", "dora", check=False).returncode == 2
                is_taken_over()
            with test_setup.replaced(pathlib.Path("/usr/sbin/usermod"), "#!/bin/sh\nexit 1\n", 0o755):
                assert "usermod" in endpoint.musterctl("setup", "--uninstall", check=False).stderr
                is_taken_over()
                assert not any("pam_muster.so" in l and "adopt" not in l for k in ("auth", "account") for l in lines_of(k))
            endpoint.musterctl("setup", "--uninstall")
            is_himself()
        finally:
            endpoint.musterctl("setup")


def test_muster_stays(endpoint):
    """A trial of something else is undone: muster was there before it, and so is whoever was taken over."""
    def homes(verb):
        run("pam-auth-update", "--package", verb, "mkhomedir", env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    homes("--disable")
    try:
        with adopted(endpoint, "all-bound"):
            sessions = lines_of("session")
            endpoint.musterctl("setup", "--mkhomedir", "--try", "1")
            assert lines_of("session") != sessions
            endpoint.musterctl("setup", "--rollback")
            assert lines_of("session") == sessions
            is_taken_over()
    finally:
        homes("--enable")


def test_a_list_that_cannot_be_read(endpoint):
    """Who is in it cannot be known: of everybody else nothing changes, also where passwords are changed."""
    with adopted(endpoint):
        kept = LIST.rename(LIST.with_name("adopted.kept"))
        LIST.mkdir()
        try:
            for user in ("root", "alice"):
                assert passes(user, "account") and passes(user, "auth", password=LOCAL_PASSWORD)
            with restored(SHADOW):
                run("chpasswd", input=f"alice:{LOCAL_PASSWORD}\n")
        finally:
            LIST.rmdir()
            kept.rename(LIST)


def test_power_cut(endpoint):
    """PAM's files and the list are on the disk before a password is locked: an empty common-auth would let nobody in."""
    with endpoint.configured(adopt="bob"):
        before = test_setup.calls("adopt", "--apply").split("/usr/sbin/usermod", 1)[0]
        assert all(test_setup.synced(p, before) for p in (PAMD, PAMD / "common-auth", PAMD / "common-account", LIST.parent))
        adopt(endpoint, "--restore")


def killed(argv, after_s):
    """ARGV, killed with all that it started; True when it was still at it."""
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    with contextlib.suppress(subprocess.TimeoutExpired):
        p.wait(after_s)
    running = p.poll() is None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(p.pid, signal.SIGKILL)
    p.wait()
    for lock in pathlib.Path("/etc").glob("*.lock"):  # those of usermod: it takes them from a dead one by itself
        assert lock.name in ("passwd.lock", "shadow.lock", "group.lock", "gshadow.lock", "subuid.lock", "subgid.lock", ".pwd.lock")
    return running


def test_killed_in_the_middle(endpoint):
    """Whenever: root and alice get in, bob by one of his two passwords, and calling it again goes on from there."""
    before = SHADOW.read_bytes()
    began = time.monotonic()
    with endpoint.configured(adopt="bob, carol"):
        adopt(endpoint, "--apply")
    took = time.monotonic() - began
    adopt(endpoint, "--restore")
    in_the_middle = {"--apply": 0, "--restore": 0}
    for i in range(5):
        with endpoint.configured(adopt="bob, carol"):
            in_the_middle["--apply"] += killed(["musterctl", "adopt", "--apply"], took * (i + 1) / 6)
            assert passes("alice", "account") and passes("root", "account") and passes("bob", "account")
            assert passes("bob", "auth", password=PASSWORD) != passes("bob", "auth", password=BOBS)
            adopt(endpoint, "--apply")
            is_taken_over()
        in_the_middle["--restore"] += killed(["musterctl", "adopt", "--restore"], took * (i + 1) / 18)
        assert passes("bob", "auth", password=PASSWORD) != passes("bob", "auth", password=BOBS)
        adopt(endpoint, "--restore")
        assert SHADOW.read_bytes() == before and not LIST.exists()
        is_himself()
    assert all(in_the_middle.values()), in_the_middle
