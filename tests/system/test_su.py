"""su: from root, where nobody asks for a password, and from one user to another."""
import pytest

from endpoint import LOCAL_PASSWORD, NEVER_PASSES, PASSWORD, TEXTS, Session, run


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora")
    endpoint.user("erik")
    for name, (fields, _) in NEVER_PASSES.items():
        endpoint.user(name, **fields)
    endpoint.publish()


def shell_of(user):
    s = Session(["setpriv", "--reuid", user, "--regid", user, "--init-groups", "/bin/bash", "--norc"])
    s.run("cd /")
    return s


@pytest.fixture(params=["alice", "erik"])
def shell(request):
    """A local and a directory user's."""
    s = shell_of(request.param)
    yield s
    s.close()


def test_root_becomes_a_good_account(endpoint):
    assert run("su", "-", "dora", "-c", "id -un").stdout.strip() == "dora"


@pytest.mark.parametrize("user", NEVER_PASSES)
def test_root_does_not_become_a_refused_one(endpoint, user):
    reason = NEVER_PASSES[user][1]
    done = run("su", "-", user, "-c", "id -un", check=False)
    assert done.returncode != 0 and "uid=" not in done.stdout
    assert TEXTS[reason] in done.stderr


def test_with_the_password(shell):
    output, status = shell.run("su dora -c 'id -un'", PASSWORD)
    assert status == 0 and output.endswith("dora")
    output, status = shell.run("su dora -c 'id -un'", "wrong")
    assert status != 0 and "dora" not in output.replace("su dora", "")


@pytest.mark.parametrize("user", NEVER_PASSES)
def test_refused_account_with_its_password(user):
    """The reason is told once the password was right, and never while the directory has locked the account."""
    reason = NEVER_PASSES[user][1]
    alice = shell_of("alice")
    try:
        output, status = alice.run(f"su {user} -c 'id -un'", PASSWORD)
        assert status != 0
        assert (TEXTS[reason] in output) == (reason != "locked")
        output, status = alice.run(f"su {user} -c 'id -un'", "wrong")
        assert status != 0 and TEXTS[reason] not in output
    finally:
        alice.close()


def test_to_local_users(shell):
    for name in ("root", "alice"):
        output, status = shell.run(f"su {name} -c 'id -un'", LOCAL_PASSWORD)
        assert status == 0 and output.endswith(name)
    assert shell.run("su root -c 'id -un'", PASSWORD)[1] != 0
