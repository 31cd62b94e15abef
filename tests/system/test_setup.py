"""musterctl setup: muster in nsswitch.conf and PAM, and out of them again, whatever happens on the way."""
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

from agent import Agent, wait_for
from endpoint import LOCAL_PASSWORD, PASSWORD, STATE, run

NSSWITCH, PAMD, VAR = pathlib.Path("/etc/nsswitch.conf"), pathlib.Path("/etc/pam.d"), pathlib.Path("/var/lib/pam")
PROFILES = pathlib.Path("/usr/share/pam-configs")
TOOL = pathlib.Path("/usr/sbin/pam-auth-update")
AWAY = pathlib.Path("/tmp/setup-away")
OURS = ["muster", "muster-gate"]


def read():
    """What setup may change, byte for byte."""
    return {p: p.read_bytes() for p in (NSSWITCH, *PAMD.iterdir(), *VAR.iterdir())}


def restore(files):
    for path in (*PAMD.iterdir(), *VAR.iterdir()):
        if path not in files:
            path.unlink()
    for path, data in files.items():
        if path.is_symlink() or not path.exists() or path.read_bytes() != data:
            path.unlink(missing_ok=True)
            path.write_bytes(data)
            path.chmod(0o644)


def seen_ours(files):
    """FILES as they were, with our profiles noted as seen."""
    lines = files[VAR / "seen"].decode().split()
    return {**files, VAR / "seen": "".join(f"{l}\n" for l in lines + [o for o in OURS if o not in lines]).encode()}


@pytest.fixture(scope="module", autouse=True)
def switched_off(endpoint):
    """muster is installed, and not switched on yet; alice is the one human here."""
    on = read()
    endpoint.user("dora", sudo=True)
    endpoint.publish()
    run("sed", "-i", r"s/ muster$//", NSSWITCH)
    run(TOOL, "--package", "--remove", *OURS, "mkhomedir", env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    yield
    restore(on)


@pytest.fixture(autouse=True)
def off(switched_off):
    """As it was before the test, after it."""
    before = read()
    yield before
    shutil.rmtree(STATE / "setup", ignore_errors=True)
    restore(before)


def switch(*argv, code=0, words=""):
    done = run("musterctl", "setup", *argv, check=False)
    assert done.returncode == code, done
    assert words in done.stdout + done.stderr, done
    return done


def exists(name):
    return run("getent", "passwd", name, check=False).returncode == 0


@contextlib.contextmanager
def replaced(path, text, mode=0o644):
    """PATH with other contents, and as it was again; None: gone."""
    kept = AWAY.with_name(f"setup-{path.name}")
    kept.unlink(missing_ok=True)
    if path.exists():
        run("mv", path, kept)
    try:
        if text is not None:
            path.write_text(text)
            path.chmod(mode)
        yield kept
    finally:
        path.unlink(missing_ok=True)
        if kept.exists():
            run("mv", kept, path)


# ---- on and off

def test_on_and_off(endpoint, sshd, off):
    shown = switch("--dry-run").stdout
    assert re.search(r"(?m)^\+group: +files \[SUCCESS=merge\] muster( systemd)?$", shown) and "pam_muster.so gate\n" in shown
    assert read() == off and not exists("dora")
    switch(words="switched on")
    assert exists("dora") and not [f for f in doctor() if f.startswith("FAULT")]
    log_in(endpoint, sshd)
    on = read()
    switch(words="nothing to change")
    assert read() == on
    switch("--mkhomedir", words="switched on")
    assert b"pam_mkhomedir" in read()[PAMD / "common-session"]
    switch("--uninstall", words="taken out of PAM")
    switch("--uninstall", words="nothing to change")
    assert not exists("dora") and not any(b"muster" in data for path, data in read().items() if path.name != "seen")


def test_the_profile_without_a_list(off):
    """As musterctl adopt leaves it when it is killed between the two: taken out as well."""
    switch(words="switched on")
    run("pam-auth-update", "--package", "--enable", "muster-adopt")
    assert b"pam_muster.so adopt try_first_pass" in read()[PAMD / "common-auth"]
    switch("--uninstall", words="PAM is as it was before")
    assert not any(b"muster" in data for path, data in read().items() if path.name != "seen")


def log_in(endpoint, sshd):
    """Local users as ever, and one of the directory."""
    for password, ok in ((LOCAL_PASSWORD, True), ("wrong", False)):
        assert sshd.login("root", password).ok == ok
    assert sshd.login("root", key=endpoint.local_key).ok and sshd.login("alice", key=endpoint.local_key).ok
    assert run("su", "-", "alice", "-c", "id -un").stdout == "alice\n"
    dora = sshd.session("dora", endpoint.key)
    for command, password in (("sudo id -un", PASSWORD), ("su -c 'id -un'", LOCAL_PASSWORD)):
        output, status = dora.run(command, password)
        assert status == 0 and output.endswith("root")
    dora.close()


def doctor():
    return run("musterctl", "doctor", check=False).stdout.splitlines()


def found(status):
    """Does the doctor say something of the setup itself?"""
    return [l for l in doctor() if re.match(rf"{status} +setup ", l)]


def test_byte_for_byte(off):
    """What nobody else touched is as it was; no package's installation brings muster back."""
    modes = {p: p.stat().st_mode for p in off}
    switch("--mkhomedir")
    switch("--uninstall", words="PAM is as it was before")
    assert read() == seen_ours(off) and {p: p.stat().st_mode for p in off} == modes
    run(TOOL, "--package", env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    assert b"muster" not in (PAMD / "common-auth").read_bytes()
    switch()
    switch("--uninstall")
    assert not any(b"muster" in data for path, data in read().items() if path.name != "seen")


@pytest.mark.parametrize("state", ["living", "frozen"])
def test_agent_does_not_matter(endpoint, off, state):
    with Agent() as agent:
        agent.wait_until_synced()
        if state == "frozen":
            agent.process.send_signal(signal.SIGSTOP)
        switch(words="switched on")
        assert run("id", "root").stdout.startswith("uid=0(root) gid=0(root)")
        switch("--uninstall")
        agent.process.send_signal(signal.SIGCONT)
    assert read() == seen_ours(off)


def test_edited_since(off):
    """Others' changes stay: another line of nsswitch.conf, another profile."""
    switch()
    NSSWITCH.write_text(NSSWITCH.read_text() + "automount: files\n")
    run(TOOL, "--package", "--enable", "mkhomedir", env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    switch("--uninstall", words="muster is taken out of nsswitch.conf; all else there stays")
    assert NSSWITCH.read_bytes() == off[NSSWITCH] + b"automount: files\n"
    session = (PAMD / "common-session").read_text()
    assert "pam_mkhomedir" in session and "muster" not in session
    assert (PAMD / "common-auth").read_bytes() == off[PAMD / "common-auth"]


def test_edited_by_hand(off):
    """pam-auth-update leaves such a file alone, and so does setup; it says so."""
    auth = PAMD / "common-auth"
    auth.write_text(auth.read_text().replace("[success=1 default=ignore]\tpam_unix.so", "sufficient\tpam_unix.so"))
    before = read()
    assert "--force --package --enable" in switch(code=1, words="edited by hand").stderr
    assert read() == before
    restore(off)
    switch()
    auth.write_text(auth.read_text().replace("pam_muster.so use_first_pass", "pam_muster.so use_first_pass\nauth optional pam_warn.so"))
    edited = auth.read_bytes()
    assert "--force --package --disable" in switch("--uninstall", code=1, words="edited by hand").stderr
    assert auth.read_bytes() == edited and not exists("dora")


# ---- what is refused before anything is changed

ODD = {
    "link": lambda: (NSSWITCH.rename("/etc/nsswitch.kept"), NSSWITCH.symlink_to("/etc/nsswitch.kept")),
    "hard link": lambda: os.link(NSSWITCH, "/etc/nsswitch.kept"),
    "changed by others": lambda: NSSWITCH.chmod(0o666),
    "No such file": lambda: NSSWITCH.unlink(),
    "does not name 'files'": lambda: NSSWITCH.write_text("passwd: sss\n"),
    "is no text": lambda: NSSWITCH.write_text("passwd: files\0\n"),
    "does not belong to root": lambda: os.chown(PAMD / "common-auth", 1, 0),
}


@pytest.mark.parametrize("words", ODD)
def test_odd_files(off, words):
    ODD[words]()
    before = {p: p.read_bytes() for p in off if p.exists()}
    switch(code=1, words=words)
    assert {p: p.read_bytes() for p in off if p.exists()} == before
    pathlib.Path("/etc/nsswitch.kept").unlink(missing_ok=True)
    NSSWITCH.unlink(missing_ok=True)
    os.chown(PAMD / "common-auth", 0, 0)


def test_not_ready(endpoint, off):
    """What is not installed or not configured is told, with its remedy."""
    with replaced(next(pathlib.Path("/usr/lib").glob("*/security/pam_muster.so")), None):
        assert "cannot be loaded" in switch(code=1, words="has to be mended first").stdout
    with replaced(endpoint.conf, "[accounts]\nnonsense = 1\n"):
        assert "nonsense" in switch(code=1).stdout
    with replaced(PROFILES / "muster-gate", None):
        switch(code=1, words="libpam-muster")
    with replaced(pathlib.Path("/usr/bin/authselect"), "#!/bin/sh\n", 0o755):
        switch(code=1, words="docs/authselect.md")
    with replaced(TOOL, None):
        switch(code=1, words="docs/authselect.md")
    with replaced(pathlib.Path("/usr/libexec/muster/muster-prove"), None):
        switch(code=1, words="cannot be tried")
    assert read() == off


def test_usage(off):
    for wrong in (["--confirm", "--uninstall"], ["--try", "5", "--rollback"], ["--try", "9s"], ["--try", "soon"], ["--try", "1441"]):
        switch(*wrong, code=2)
    switch("--confirm", code=1, words="nothing is on trial")
    switch("--rollback", code=1, words="nothing is on trial")
    done = run("setpriv", "--reuid", "nobody", "--clear-groups", "musterctl", "setup", check=False)
    assert done.returncode == 2 and "only root" in done.stderr
    assert read() == off


# ---- what would lock somebody out, or let somebody in

LOCKS_OUT = """Name: Directory users (muster)
Default: yes
Priority: 192
Auth-Type: Primary
Auth:
	[success=end default=ignore]	pam_muster.so
Account-Type: Additional
Account:
	required	%s
"""


@pytest.mark.parametrize("module", ["pam_deny.so", "pam_not_there.so"])
def test_root_would_be_locked_out(off, module):
    """Seen on a copy of PAM's files: not one of them is changed."""
    with replaced(PROFILES / "muster", LOCKS_OUT % module):
        done = switch(code=1, words="local users would notice, with the files as they would be")
        assert "root account: " in done.stderr and "'login root account: Success'" in done.stderr
    assert read() == off


def test_service_that_lets_everybody_in(off):
    """Seen when it is done, and undone at once: before, nobody of the directory existed for it."""
    (PAMD / "kiosk").write_text("auth required pam_unix.so\naccount required pam_permit.so\n")
    before = read()
    done = switch(code=1, words="not safe with directory users")
    assert "kiosk lets in whom muster refuses" in done.stdout and "PAM is as it was before" in done.stdout
    assert read() == seen_ours(before) and not (STATE / "setup/busy").exists()


def test_no_try_is_counted(off):
    """A wrong password is no proof where it would lock root."""
    auth = PAMD / "common-auth"
    auth.write_text(auth.read_text().replace("# here are the per-package", "auth required pam_faillock.so preauth even_deny_root\n"
                                             "# here are the per-package", 1) + "auth required pam_faillock.so authfail even_deny_root\n")
    run("faillock", "--user", "root", "--reset")
    proof = run("/usr/libexec/muster/muster-prove", PAMD).stdout
    assert "login root wrong password: not tried" in proof and "login root account: Success" in proof
    switch()
    assert "V" not in run("faillock", "--user", "root").stdout.split("When", 1)[-1].split("\n", 1)[-1]


# ---- trials

def waiting():
    return run("pgrep", "-fx", "musterctl setup --try.*", check=False).stdout.split()


def test_not_confirmed(off):
    switch("--try", "25s", words="without systemd a reboot does not undo it")
    assert exists("dora") and len(waiting()) == 1
    switch(code=1, words="on trial")
    assert found("WARNING")
    wait_for(lambda: not waiting(), 120)
    assert read() == seen_ours(off) and not exists("dora")
    switch("--confirm", code=1, words="nothing is on trial")


def test_confirmed(off):
    switch("--try", "1")
    on = read()
    switch("--confirm", words="stays")
    wait_for(lambda: not waiting())
    assert read() == on and exists("dora")
    assert not found("WARNING") and not found("FAULT")
    # a trial of more: what was there before comes back, and that had muster
    switch("--mkhomedir", "--try", "1")
    switch("--rollback", words="PAM is as it was before")
    wait_for(lambda: not waiting())
    assert read() == on


def test_trial_that_was_edited(off):
    """The administrator works on while the trial runs out."""
    switch("--try", "1")
    NSSWITCH.write_text(NSSWITCH.read_text().replace("hosts:", "# hosts\nhosts:"))
    switch("--rollback", words="muster is taken out of nsswitch.conf; all else there stays")
    assert NSSWITCH.read_bytes() == off[NSSWITCH].replace(b"hosts:", b"# hosts\nhosts:")
    assert {**read(), NSSWITCH: b""} == {**seen_ours(off), NSSWITCH: b""}


def test_debconf_is_locked(off):
    """The files come back also where pam-auth-update cannot work."""
    switch("--try", "1")
    with open("/var/cache/debconf/config.dat", "rb") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        switch("--rollback", words="put back without it")
    assert read() == seen_ours(off)


# ---- killed

@contextlib.contextmanager
def fatal(moment):
    """pam-auth-update that kills who called it, before or after it did its work on the real files."""
    with replaced(TOOL, "", 0o755) as real:
        work = f'perl {real} "$@"'
        TOOL.write_text(f'#!/bin/sh\ncase "$*" in *--root*) exec {work} ;; esac\n' +
                        {"before": f"kill -9 $PPID\n{work}\n", "instead": "kill -9 $PPID\n", "after": f"{work}\nkill -9 $PPID\n"}[moment])
        yield


@pytest.mark.parametrize("moment, then", [("instead", "setup"), ("before", "--uninstall"), ("after", "--rollback"), ("after", "setup")])
def test_killed(off, moment, then):
    with fatal(moment):
        assert run("musterctl", "setup", check=False).returncode == -signal.SIGKILL
        wait_for(lambda: not run("pgrep", "-f", "pam-auth-update", check=False).stdout)
    assert (STATE / "setup/busy").exists() and found("FAULT")
    assert (PAMD / "common-auth").read_bytes() != off[PAMD / "common-auth"] or moment == "instead"
    if then == "setup":
        switch(words="undone first")
        assert exists("dora")
        then = "--uninstall"
    switch(then)
    assert read() in (seen_ours(off), off)
    assert not (STATE / "setup/busy").exists()


def test_killed_undoing(off):
    """And once more: the second go ends it."""
    switch("--try", "1")
    with fatal("after"):
        assert run("musterctl", "setup", "--rollback", check=False).returncode == -signal.SIGKILL
        wait_for(lambda: not run("pgrep", "-f", "pam-auth-update", check=False).stdout)
    switch("--rollback")
    assert not exists("dora") and {**read(), VAR / "seen": b""} == {**off, VAR / "seen": b""}


def test_killed_removing_the_copies(off):
    """What was saved is gone: muster alone is taken out."""
    switch()
    shutil.rmtree(STATE / "setup/before")
    switch("--uninstall", words="muster is taken out of PAM; all else there stays")
    assert not exists("dora") and not any(b"muster" in data for path, data in read().items() if path.name != "seen")


def calls(*argv):
    """What musterctl does to the disk, in its order, and which programs it calls."""
    trace = AWAY.with_name("setup-trace")
    run("strace", "-f", "-y", "-o", trace, "-e", "trace=fsync,/^unlink,execve", "musterctl", *argv)
    text = trace.read_text()
    trace.unlink()
    return text


def synced(path, text):
    return re.search(rf"fsync\(\d+<{path}>\) += 0", text)


def test_power_cut(off):
    """While it could take what pam-auth-update wrote, the next boot undoes it all: an empty common-auth would let nobody in."""
    for argv in ([], ["--uninstall"]):
        before, after = calls("setup", *argv).split(f'{STATE}/setup/busy"', 1)
        written = {path for path in off if path.parent == VAR or path.name.startswith("common-")} | {PAMD, VAR}
        assert not {path for path in written if not synced(path, before)} and synced(STATE / "setup", after), argv
    switch("--try", "1")
    assert synced(STATE / "setup", calls("setup", "--confirm").split(f'{STATE}/setup/try"', 1)[1])


def test_two_at_once(off):
    """One of them works, the other says so, or comes after it."""
    both = [subprocess.Popen(["musterctl", "setup"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [(p.communicate(timeout=60), p.returncode) for p in both]
    assert [code for _, code in ends].count(0) >= 1
    for (out, err), code in ends:
        assert code == 0 or (code == 2 and "another 'musterctl setup' is at work" in err), (out, err)
    switch(words="nothing to change")
