"""sudo in a session that is already open: what the directory grants and takes away counts at once."""
import pytest

from endpoint import LOCAL_PASSWORD, NEVER_PASSES, PASSWORD, RUN, STATE, Session, run

REFUSALS = ("not in the sudoers file", "may not run sudo", "a password is required", "Account")


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora")
    endpoint.user("erik")
    endpoint.publish()


@pytest.fixture
def session(endpoint, sshd):
    endpoint.user("dora")
    endpoint.document["groups"] = []
    endpoint.publish()
    s = sshd.session("dora", endpoint.key)
    with endpoint.configured(end_sessions=""):  # so that there is one to try sudo in
        yield s
    s.run("sudo -K")
    s.close()


def refused(result):
    output, status = result
    return status != 0 and any(r in output for r in REFUSALS)


def test_not_granted(session):
    assert refused(session.run("sudo id -u", PASSWORD))
    assert refused(session.run("sudo -n id -u"))


def test_without_password_granted_and_taken_away(endpoint, session):
    endpoint.change("dora", sudo=True, passwordless_sudo=True)
    assert session.run("sudo -n id -u") == ("0", 0)
    endpoint.change("dora", sudo=False, passwordless_sudo=False)
    assert refused(session.run("sudo -n id -u"))
    assert refused(session.run("sudo id -u", PASSWORD))


def test_with_password_granted_and_taken_away(endpoint, session):
    endpoint.change("dora", sudo=True)
    assert refused(session.run("sudo -n id -u"))
    assert session.run("sudo id -u", "wrong")[1] == 1
    output, status = session.run("sudo id -u", PASSWORD)
    assert status == 0 and output.endswith("0")
    assert session.run("sudo -n id -u") == ("0", 0)  # inside the timestamp
    endpoint.change("dora", sudo=False)
    assert refused(session.run("sudo -n id -u"))


def test_with_password_becomes_without(endpoint, session):
    endpoint.change("dora", sudo=True)
    assert refused(session.run("sudo -n id -u"))
    endpoint.change("dora", passwordless_sudo=True)
    assert session.run("sudo -n id -u") == ("0", 0)
    endpoint.change("dora", passwordless_sudo=False)
    assert refused(session.run("sudo -n id -u"))


def test_granted_to_a_group(endpoint, session):
    endpoint.group("Operators", ["dora"], sudo={"enabled": True, "withoutPassword": True})
    endpoint.publish()
    assert session.run("sudo -n id -u") == ("0", 0)
    endpoint.group("Operators", ["erik"], sudo={"enabled": True, "withoutPassword": True})
    endpoint.publish()
    assert refused(session.run("sudo -n id -u"))


@pytest.mark.parametrize("state", NEVER_PASSES)
def test_refused_account_inside_its_timestamp(endpoint, session, state):
    """Suspension and the like bite at the next sudo, timestamp or none, password or none."""
    fields, _ = NEVER_PASSES[state]
    endpoint.user("dora", sudo=True)
    endpoint.publish()
    assert session.run("sudo id -u", PASSWORD)[1] == 0
    endpoint.change("dora", **fields)
    assert session.run("sudo -n id -u")[1] != 0
    assert session.run("sudo id -u", PASSWORD)[1] != 0
    endpoint.user("dora", sudo=True, passwordless_sudo=True, **fields)
    endpoint.publish()
    assert session.run("sudo -n id -u")[1] != 0


def test_local_configuration_has_the_last_word(endpoint, session):
    with endpoint.configured(allow_sudo="no"):
        endpoint.change("dora", sudo=True, passwordless_sudo=True)
        assert refused(session.run("sudo -n id -u"))
    endpoint.publish()
    assert session.run("sudo -n id -u") == ("0", 0)


def test_directory_group_called_sudo_gives_nothing(endpoint, session):
    endpoint.posix_group("sudo", 200500, ["dora"])
    endpoint.posix_group("root", 200501, ["dora"])
    endpoint.posix_group("muster-sudo-nopasswd", 200502, ["dora"])
    endpoint.publish()
    assert refused(session.run("sudo -n id -u"))
    assert run("id", "-nG", "dora").stdout.split() == ["dora"]


def test_local_administrator_needs_none_of_it(endpoint):
    run("usermod", "-aG", "sudo", "alice")
    alice = Session(["setpriv", "--reuid", "alice", "--regid", "alice", "--init-groups", "/bin/bash", "--norc"])
    try:
        assert alice.run("sudo -k id -u", LOCAL_PASSWORD)[1] == 0
        for folder in (RUN, STATE):
            for path in folder.glob("*.snapshot"):
                path.unlink()
        output, status = alice.run("sudo -k id -u", LOCAL_PASSWORD)
        assert status == 0 and output.endswith("0")
        assert refused(alice.run("sudo -n -k id -u"))
    finally:
        alice.close()
        run("gpasswd", "-d", "alice", "sudo")
        endpoint.publish()
