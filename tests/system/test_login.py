"""The console: login(1) on a terminal."""
import pexpect
import pytest

from endpoint import LOCAL_PASSWORD, NEVER_PASSES, PASSWORD, RUN, STATE, TEXTS


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora")
    for name, (fields, _) in NEVER_PASSES.items():
        endpoint.user(name, **fields)
    endpoint.publish()


def log_in(user, password):
    """(did it, what the terminal showed after the password)"""
    pty = pexpect.spawn("/bin/login", encoding="utf-8", timeout=30)
    try:
        pty.expect("login: ")
        pty.sendline(user)
        pty.expect("[Pp]assword: ")
        pty.sendline(password)
        if pty.expect([r"[$#] $", "Login incorrect", "(?<!Last )login: ", pexpect.EOF]) != 0:
            return False, pty.before
        before = pty.before
        pty.sendline("echo I-am-$(id -un).")
        pty.expect(r"I-am-(\w+)\.")
        assert pty.match.group(1) == user
        return True, before
    finally:
        pty.close(force=True)


@pytest.mark.parametrize("user, password", [("dora", PASSWORD), ("alice", LOCAL_PASSWORD), ("root", LOCAL_PASSWORD)])
def test_good_account(user, password):
    assert log_in(user, password)[0]
    assert not log_in(user, "wrong")[0]


@pytest.mark.parametrize("user", NEVER_PASSES)
def test_refused_account(user):
    reason = NEVER_PASSES[user][1]
    ok, shown = log_in(user, PASSWORD)
    assert not ok
    assert (TEXTS[reason] in shown) == (reason != "locked")


def test_local_users_need_nothing_of_muster(endpoint):
    for folder in (RUN, STATE):
        for path in folder.glob("*.snapshot"):
            path.unlink()
    for user in ("alice", "root"):
        assert log_in(user, LOCAL_PASSWORD)[0]
    assert not log_in("dora", PASSWORD)[0]
    endpoint.publish()
    assert log_in("dora", PASSWORD)[0]
