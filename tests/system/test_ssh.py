"""Logins through a real sshd: who gets in with what, and what the others are told."""
import concurrent.futures
import contextlib
import os
import pathlib
import shutil

import pytest

from endpoint import (FAR_AHEAD, LOCAL_PASSWORD, LONG_AGO, NEVER_PASSES, PASSWORD, RUN, STATE, TEXTS, make_key,
                      run)

LIBRARIES = pathlib.Path("/usr/lib", run("gcc", "-print-multiarch").stdout.strip())
METHODS = ["password", "keyboard-interactive", "publickey"]


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora")
    endpoint.user("keyless", allow_public_key=False)
    endpoint.user("passwordless", password=None, activated=False)
    endpoint.user("starter", state="STAGED", scheduled=[{"state": "ACTIVATED", "scheduledDate": LONG_AGO}])
    endpoint.user("planned", scheduled=[{"state": "SUSPENDED", "scheduledDate": FAR_AHEAD}])
    endpoint.user("eternal", password_expiration_date=LONG_AGO, password_never_expires=True)
    for name, (fields, _) in NEVER_PASSES.items():
        endpoint.user(name, home=f"/home/{name}", **fields)
    endpoint.publish()
    for name in NEVER_PASSES:  # a key in the home folder passes AuthorizedKeysCommand by
        keys = pathlib.Path("/home", name, ".ssh/authorized_keys")
        keys.parent.mkdir(parents=True, exist_ok=True)
        keys.write_text(make_key(endpoint.key) + "\n")
        run("chown", "-R", f"{name}:", f"/home/{name}")
    yield
    for name in NEVER_PASSES:
        shutil.rmtree(f"/home/{name}")


def attempt(endpoint, sshd, user, method, password=PASSWORD):
    if method == "publickey":
        return sshd.login(user, key=endpoint.key)
    return sshd.login(user, password=password, method=method)


def attempts(endpoint, sshd, users, methods=METHODS, **kwargs):
    """All of them at once, since most wait for the delay after a failure: {(user, method): login}."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        running = {(u, m): pool.submit(attempt, endpoint, sshd, u, m, **kwargs) for u in users for m in methods}
        return {which: future.result() for which, future in running.items()}


def local_users_get_in(endpoint, sshd):
    for name in ("root", "alice"):
        for login in (sshd.login(name, password=LOCAL_PASSWORD), sshd.login(name, key=endpoint.local_key)):
            assert login.ok and login.output == name, login


def nobody_else_gets_in(endpoint, sshd):
    assert not [which for which, login in attempts(endpoint, sshd, ["dora", "suspended"]).items() if login.ok]


GOOD = ["dora", "starter", "planned", "eternal"]
DISTRUSTED = ["dora", "suspended", "locked", "passwordless", "nobody-knows"]


@pytest.fixture(scope="module")
def logins(endpoint, sshd):
    return attempts(endpoint, sshd, [*GOOD, *NEVER_PASSES])


@pytest.fixture(scope="module")
def wrong_logins(endpoint, sshd):
    return attempts(endpoint, sshd, DISTRUSTED, METHODS[:2], password="wrong")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("user", GOOD)
def test_good_account_gets_in(logins, user, method):
    login = logins[user, method]
    assert login.ok and login.output == user, login


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("user", NEVER_PASSES)
def test_refused_with_the_reason(endpoint, logins, user, method):
    reason = NEVER_PASSES[user][1]
    login = logins[user, method]
    assert not login.ok and not login.output
    if reason == "locked" and method != "publickey":
        assert TEXTS["locked"] not in login.raw  # or a stranger would learn that the password was right
    else:
        assert TEXTS[reason] in login.told, login
    assert endpoint.explain(user, "--service", "sshd") == reason


@pytest.mark.parametrize("user", NEVER_PASSES)
def test_keys_of_refused_users_are_not_handed_out(endpoint, user):
    assert endpoint.musterctl("ssh-keys", user).stdout == ""
    assert endpoint.musterctl("ssh-keys", "dora").stdout.split() == make_key(endpoint.key).split()[:2]


@pytest.mark.parametrize("method", METHODS[:2])
@pytest.mark.parametrize("user", DISTRUSTED)
def test_wrong_password_tells_nothing(wrong_logins, user, method):
    login = wrong_logins[user, method]
    assert not login.ok
    assert login.told == "", login


def test_no_key_when_the_directory_allows_none(endpoint, sshd):
    assert not sshd.login("keyless", key=endpoint.key).ok
    assert sshd.login("keyless", password=PASSWORD).ok


def test_foreign_key_opens_nothing(endpoint, sshd):
    for name in ("dora", "root", "alice"):
        key = endpoint.local_key if name == "dora" else endpoint.key
        assert not sshd.login(name, key=key).ok


def test_local_users_get_in(endpoint, sshd):
    local_users_get_in(endpoint, sshd)
    assert not sshd.login("root", password=PASSWORD).ok


@contextlib.contextmanager
def restored(*paths):
    """Puts files back as they were."""
    kept = {p: (p.read_bytes(), p.stat()) for p in paths if p.is_file()}
    try:
        yield
    finally:
        for path, (data, st) in kept.items():
            if path.is_symlink() or path.is_file():
                path.unlink()
            path.write_bytes(data)
            os.chmod(path, st.st_mode)
            os.chown(path, st.st_uid, st.st_gid)


def empty(path):
    os.truncate(path, 0)


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def garble(path):
    path.write_bytes(os.urandom(path.stat().st_size))


def make_writable(path):
    path.chmod(0o666)


def give_away(path):
    os.chown(path, 65534, 65534)


SNAPSHOTS = [folder / f"{name}.snapshot" for folder in (RUN, STATE) for name in ("nss", "pam")]


@pytest.mark.parametrize("damage", [pathlib.Path.unlink, empty, truncate, garble, make_writable, give_away])
def test_damaged_files_let_nobody_in_and_spare_local_users(endpoint, sshd, damage):
    with restored(*SNAPSHOTS):
        for path in SNAPSHOTS:
            damage(path)
        local_users_get_in(endpoint, sshd)
        nobody_else_gets_in(endpoint, sshd)
    assert attempt(endpoint, sshd, "dora", "password").ok


def test_var_lib_serves_before_anything_is_published_in_run(endpoint, sshd):
    """Between boot and the agent's start."""
    with restored(*SNAPSHOTS):
        for path in SNAPSHOTS[:2]:
            path.unlink()
        ways = attempts(endpoint, sshd, ["dora", "suspended"])
        assert {which for which, login in ways.items() if login.ok} == {("dora", m) for m in METHODS}
        local_users_get_in(endpoint, sshd)


@pytest.mark.parametrize("library", ["libnss_muster.so.2", "security/pam_muster.so"])
@pytest.mark.parametrize("damage", [pathlib.Path.unlink, empty, garble])
def test_missing_or_broken_module(endpoint, sshd, library, damage):
    """Half an upgrade (R18)."""
    path = LIBRARIES / library
    with restored(path):
        new = path.with_name("new")
        shutil.copy(path, new)  # a module in use is replaced, not written over
        damage(new)
        new.replace(path) if new.exists() else path.unlink()
        local_users_get_in(endpoint, sshd)
        nobody_else_gets_in(endpoint, sshd)
    assert attempt(endpoint, sshd, "dora", "password").ok
