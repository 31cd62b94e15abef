"""Too many wrong passwords: what counts, what locks, and all that ends a lock."""
import concurrent.futures
import crypt
import json
import os
import signal
import subprocess
import time

import pytest

from agent import Agent, wait_for
from endpoint import (LOCAL_PASSWORD, PASSWORD, RUN, TREE, WORK, Session, Sshd, password_hash, run, run_as)
from test_login import log_in

PAMT = WORK / "pamt-lockout"
LIMIT = 4
HOST, OTHER_HOST = "192.0.2.7", "192.0.2.8"
NEW_PASSWORD = "another horse"


@pytest.fixture(scope="module", autouse=True)
def world(endpoint):
    """pamt's service has our module alone, so that its tries take no time."""
    run("gcc", "-o", PAMT, TREE / "tests/system/pamt.c", "-lpam")
    with open("/etc/pam.d/mt-lockout", "w") as f:
        f.writelines(f"{kind} required pam_muster.so\n" for kind in ("auth", "account"))
    with endpoint.configured(max_attempts=LIMIT):
        endpoint.user("dora", sudo=True)
        endpoint.user("erik")
        endpoint.publish()
        yield
    os.unlink("/etc/pam.d/mt-lockout")


@pytest.fixture(autouse=True)
def fresh(endpoint):
    """Good accounts, no tally."""
    endpoint.document.pop("policy", None)
    endpoint.user("dora", sudo=True)
    endpoint.user("erik")
    endpoint.publish()
    endpoint.musterctl("unlock", "dora", "erik")


def pamt_argv(user, *steps, as_user=None):
    return [*(["setpriv", "--reuid", as_user, "--clear-groups", "--"] if as_user else []), PAMT, "mt-lockout", user, *steps]


def attempt(user, password, rhost=None, as_user=None):
    """The code of one try, as root unless as somebody else."""
    env = {**os.environ, "PASSWORD": password, **({"RHOST": rhost} if rhost else {})}
    return run(*pamt_argv(user, "auth", as_user=as_user), env=env, cwd="/").stdout.split()[-1]


def fail(user, times, **kwargs):
    for _ in range(times):
        assert attempt(user, "wrong", **kwargs) == "AUTH_ERR"


def failures(endpoint, user="dora"):
    return json.loads(endpoint.musterctl("explain", user, "--json", check=False).stdout)["failures"]


def is_locked(endpoint, user="dora"):
    """By the tally: keys are not refused."""
    found = json.loads(endpoint.musterctl("explain", user, "--json", check=False).stdout)
    return (found["reason"], found["reason_without_password"]) == ("locked", "ok")


def shell_of(user):
    s = Session(["setpriv", "--reuid", user, "--regid", user, "--init-groups", "/bin/bash", "--norc"])
    s.run("cd /")
    return s


# ---- every way of asking: (does it let dora in)

def by_ssh(endpoint, sshd, password):
    return sshd.login("dora", password=password).ok


def by_keyboard_interactive(endpoint, sshd, password):
    return sshd.login("dora", password=password, method="keyboard-interactive").ok


def by_key_and_password(endpoint, sshd, password):
    both = Both()
    try:
        return both.login("dora", password=password, key=endpoint.key, method="password").ok
    finally:
        both.stop()


class Both(Sshd):
    """An sshd that wants a key, and then the password."""
    PORT = 2223

    def __init__(self):
        super().__init__(AuthenticationMethods="publickey,password")

    def command(self, user, method, key=None):
        return super().command(user, "publickey,password", key)


def by_sudo(endpoint, sshd, password):
    """One line of input: one password."""
    return run_as("dora", "sudo", "-k", "-S", "id", "-u", input=password + "\n", check=False, cwd="/").returncode == 0


def by_su(endpoint, sshd, password):
    shell = shell_of("erik")
    try:
        return shell.run("su dora -c true", password)[1] == 0
    finally:
        shell.close()


def by_login(endpoint, sshd, password):
    return log_in("dora", password)[0]


def by_locker(endpoint, sshd, password):
    """Nobody but dora's own process asks, and musterd answers."""
    with Agent() as a:
        r = attempt("dora", password, as_user="dora") == "SUCCESS"
        print(a.log())
        return r


WAYS = [by_ssh, by_keyboard_interactive, by_key_and_password, by_sudo, by_su, by_login, by_locker]


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_password_counts_once_and_a_right_one_forgives(endpoint, sshd, way):
    for count in (1, 2):
        assert not way(endpoint, sshd, "wrong")
        assert failures(endpoint) == count
    assert way(endpoint, sshd, PASSWORD)
    assert failures(endpoint) == 0


@pytest.mark.parametrize("way", WAYS)
def test_locked_for_the_right_password_too(endpoint, sshd, way):
    fail("dora", LIMIT)
    assert is_locked(endpoint)
    size = (RUN / "tally" / uid_of("dora")).stat().st_size
    assert not way(endpoint, sshd, PASSWORD)
    assert (RUN / "tally" / uid_of("dora")).stat().st_size == size  # neither counted nor forgiven
    assert attempt("erik", PASSWORD) == "SUCCESS"


def uid_of(user):
    return run("id", "-u", user).stdout.strip()


def test_every_way_counts_into_one_limit(endpoint, sshd):
    for way in (by_ssh, by_sudo, by_su, by_login):
        assert not is_locked(endpoint)
        assert not way(endpoint, sshd, "wrong")
    assert is_locked(endpoint)


def test_a_lock_of_this_computer_spares_keys_and_sudo_without_password(endpoint, sshd):
    endpoint.change("dora", passwordless_sudo=True)
    fail("dora", LIMIT)
    login = sshd.login("dora", key=endpoint.key, command="sudo -n id -u")
    assert login.ok and login.output == "0", login


# ---- what does not count

def test_local_and_unknown_users_are_never_counted(endpoint, sshd):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        tries = [pool.submit(sshd.login, user, password="wrong") for user in ("alice", "nobody-knows") for _ in range(LIMIT + 1)]
        assert not any(t.result().ok for t in tries)
    assert not log_in("alice", "wrong")[0]
    names = {path.name.partition(".")[0] for path in (RUN / "tally").iterdir()}
    assert names <= {uid_of("dora"), uid_of("erik")}
    assert sshd.login("alice", password=LOCAL_PASSWORD).ok


class Denying(Sshd):
    """An sshd that lets dora in by no means, and tries a filler instead of what was typed."""
    PORT = 2224

    def __init__(self):
        super().__init__(DenyUsers="dora")


def test_what_is_no_password_does_not_count(endpoint, sshd):
    assert not sshd.login("dora", password="").ok
    assert attempt("dora", "") == "AUTH_ERR"
    denying = Denying()
    try:
        for method in ("password", "keyboard-interactive"):
            assert not denying.login("dora", password=PASSWORD, method=method).ok
    finally:
        denying.stop()
    shell = shell_of("erik")
    try:
        shell.pty.sendline("su dora -c true")
        shell.pty.expect("Password: $")
        shell.pty.sendintr()
        shell.pty.expect_exact(shell.PROMPT)
    finally:
        shell.close()
    assert failures(endpoint) == 0


def test_a_user_whom_the_directory_exempts(endpoint):
    endpoint.change("dora", disableDeviceMaxLoginAttempts=True)
    fail("dora", LIMIT + 3)
    assert attempt("dora", PASSWORD) == "SUCCESS"
    assert not (RUN / "tally" / uid_of("dora")).exists()


# ---- the policy

def test_policy_of_the_directory(endpoint):
    endpoint.document["policy"] = {"maxLoginAttempts": 2, "lockoutTimeInSeconds": 0, "resetLockoutCounterMinutes": 60}
    endpoint.publish()
    fail("dora", 2)
    assert is_locked(endpoint)
    assert endpoint.explain("dora", "--at", "+365d", "--offline", "0s") == "locked"  # until unlocked


def test_lock_ends_by_itself(endpoint):
    endpoint.document["policy"] = {"maxLoginAttempts": 2, "lockoutTimeInSeconds": 3}
    endpoint.publish()
    fail("dora", 2)
    begin = time.monotonic()
    assert attempt("dora", PASSWORD) == "AUTH_ERR" or time.monotonic() > begin + 2
    wait_for(lambda: not is_locked(endpoint), 60, "the end of the lock")
    assert time.monotonic() - begin > 2
    fail("dora", 1)  # counting begins anew
    assert attempt("dora", PASSWORD) == "SUCCESS"


def test_window(endpoint):
    with endpoint.configured(window="3s"):
        endpoint.publish()
        fail("dora", LIMIT - 1)
        wait_for(lambda: failures(endpoint) == 0, 60, "the end of the window")
        fail("dora", 1)
        assert attempt("dora", PASSWORD) == "SUCCESS"
    endpoint.publish()


def test_unlock_here(endpoint):
    endpoint.document["policy"] = {"lockoutTimeInSeconds": 0}
    endpoint.publish()
    for user in ("dora", "erik"):
        fail(user, LIMIT)
        assert attempt(user, PASSWORD) == "AUTH_ERR"
    endpoint.musterctl("unlock", "dora")
    assert attempt("dora", PASSWORD) == "SUCCESS"
    assert attempt("erik", PASSWORD) == "AUTH_ERR"


# ---- strangers

def test_a_remote_host_waits_and_the_console_does_not(endpoint):
    fail("dora", 3, rhost=HOST)
    assert attempt("dora", PASSWORD, rhost=HOST) == "AUTH_ERR"
    assert failures(endpoint) == 3  # that one was not counted, and is none to forgive
    assert attempt("dora", PASSWORD) == "SUCCESS"
    assert attempt("dora", PASSWORD, rhost=OTHER_HOST) == "SUCCESS"
    wait_for(lambda: attempt("dora", PASSWORD, rhost=HOST) == "SUCCESS", 60, "the end of the back-off")


def test_sudo_and_su_have_no_back_off(endpoint):
    """Or a typing error would keep people waiting on their own terminal: libpam's delay is enough there."""
    for way in (by_sudo, by_su):
        for _ in range(LIMIT - 1):
            assert not way(endpoint, None, "wrong")
        assert failures(endpoint) == LIMIT - 1
        data = (RUN / "tally" / uid_of("dora")).read_bytes()
        assert {data[i + 4:i + 8] for i in range(0, len(data), 16)} == {bytes(4)}  # no host in any record
        assert way(endpoint, None, PASSWORD)


# ---- what the directory ends

def test_unlocked_in_the_directory(endpoint):
    fail("dora", LIMIT)
    fail("erik", LIMIT)
    endpoint.change("dora", account_locked=True, account_locked_date="2026-01-01T00:00:00Z")
    assert endpoint.explain("dora") == "locked" and not is_locked(endpoint)
    endpoint.change("dora", account_locked=False)
    assert failures(endpoint) == 0
    assert attempt("dora", PASSWORD) == "SUCCESS"
    assert attempt("erik", PASSWORD) == "AUTH_ERR"


def test_unlocking_ends_no_expiry(endpoint):
    endpoint.change("dora", account_locked=True, password_expired=True)
    fail("erik", 1)
    endpoint.change("dora", account_locked=False)
    assert endpoint.explain("dora") == "password_expired"
    assert attempt("dora", PASSWORD) == "AUTH_ERR"
    assert failures(endpoint, "erik") == 1


def test_reset_in_the_directory(endpoint):
    endpoint.change("dora", password_date="2026-01-01T00:00:00Z", password_expired=True)
    fail("dora", LIMIT)
    fail("erik", LIMIT)
    endpoint.change("dora", password_date="2026-01-02T00:00:00Z", password_expired=False,
                    password_hash=password_hash(NEW_PASSWORD))
    assert attempt("dora", NEW_PASSWORD) == "SUCCESS"
    assert attempt("dora", PASSWORD) == "AUTH_ERR"
    assert attempt("erik", PASSWORD) == "AUTH_ERR"


def test_other_changes_end_nothing(endpoint):
    fail("dora", LIMIT)
    endpoint.change("dora", displayname="Dora Diligent", password_expired=True)
    endpoint.change("dora", password_expired=False)
    endpoint.change("dora", suspended=True)
    endpoint.change("dora", suspended=False)
    endpoint.change("dora", account_locked=True)
    assert not attempt("dora", PASSWORD) == "SUCCESS"
    assert (RUN / "tally" / uid_of("dora")).stat().st_size == LIMIT * 16


def test_who_leaves_leaves_no_tally(endpoint):
    uid = uid_of("dora")
    fail("dora", 2)
    endpoint.forget("dora")
    endpoint.publish()
    assert not (RUN / "tally" / uid).exists()


# ---- the agent, and who is killed in mid-try

@pytest.mark.parametrize("how", ["living", "dead", "frozen", "killed"])
def test_right_counts_whatever_the_agent_does(endpoint, how):
    """Root's services count for themselves; the agent that sees the try as well does not."""
    with Agent() as agent:
        if how == "dead":
            agent.stop()
        elif how == "frozen":
            agent.process.send_signal(signal.SIGSTOP)
        elif how == "killed":
            agent.process.kill()
        for count in range(1, LIMIT):
            fail("dora", 1)
            assert failures(endpoint) == count
        assert attempt("dora", PASSWORD) == "SUCCESS"
        assert failures(endpoint) == 0


def slow_hash(password):
    return crypt.crypt(password, "$2b$14$" + 22 * "s")


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_killed_in_mid_try(endpoint, password):
    """Counted before it is verified: to be killed in between gives no try for nothing."""
    tally = RUN / "tally" / uid_of("dora")
    endpoint.change("dora", password_hash=slow_hash(PASSWORD))
    for count in range(1, LIMIT + 1):
        p = subprocess.Popen(pamt_argv("dora", "auth"), env={**os.environ, "PASSWORD": password}, stdout=subprocess.PIPE)
        wait_for(lambda: tally.exists() and tally.stat().st_size == count * 16, 60, "the count")
        p.kill()
        assert p.communicate()[0] == b""
        assert failures(endpoint) == count
    assert is_locked(endpoint)
    assert attempt("dora", PASSWORD) == "AUTH_ERR"


def test_many_at_once(endpoint):
    """However many try at the same time, no more than the limit are verified."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: attempt("dora", "wrong"), range(32)))
    assert set(codes) == {"AUTH_ERR"}
    assert is_locked(endpoint)
    assert attempt("dora", PASSWORD) == "AUTH_ERR"


def test_what_cannot_be_counted_is_not_verified(endpoint, sshd):
    tally = RUN / "tally"
    kept = tally.rename(RUN / "tally.kept")
    try:
        tally.write_text("")
        assert attempt("dora", PASSWORD) == "AUTHINFO_UNAVAIL"
        assert not sshd.login("dora", password=PASSWORD).ok
        assert sshd.login("dora", key=endpoint.key).ok
        assert sshd.login("alice", password=LOCAL_PASSWORD).ok
        tally.unlink()
    finally:
        kept.rename(tally)
    assert attempt("dora", PASSWORD) == "SUCCESS"


# ---- su keeps the limits of whoever starts it

def su_within(file_size, password):
    """What su says of one try of alice's, who may choose how long files can grow."""
    return run("setpriv", "--reuid", "alice", "--regid", "alice", "--init-groups", "prlimit", f"--fsize={file_size}",
               "su", "dora", "-c", "true", input=password + "\n", check=False, cwd="/").returncode


def test_no_limit_of_the_caller_cuts_records_short(endpoint):
    """No try is verified uncounted, and no pieces of records push the history out of what is read."""
    tally = RUN / "tally" / uid_of("dora")
    fail("dora", LIMIT - 1)
    before = tally.read_bytes()
    for more, password in ((0, PASSWORD), (8, PASSWORD), (8, "wrong")):
        assert su_within(len(before) + more, password) != 0
        assert tally.read_bytes() == before
    assert su_within(1 << 30, "wrong") != 0
    assert is_locked(endpoint)
