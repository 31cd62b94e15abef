"""Half an upgrade (R18), as far as it needs no package: programs are replaced, or gone, while the agent lives. That a module is
missing is in test_ssh.py and test_nss_damage.py."""
import contextlib
import pathlib
import shutil

import pytest

from agent import Agent, wait_for
from endpoint import run

MUSTERD = pathlib.Path(shutil.which("musterd"))
FETCH = pathlib.Path("/usr/libexec/muster/muster-fetch")


@pytest.fixture(autouse=True)
def dora(endpoint):
    endpoint.reset()
    endpoint.user("dora")
    endpoint.publish()


@contextlib.contextmanager
def aside(path):
    """It is gone, and comes back as another file: what dpkg does, slowly."""
    kept = path.with_name(path.name + ".kept")
    shutil.copy2(path, kept)
    path.unlink()
    try:
        yield
    finally:
        kept.replace(path)


def gets_in(name):
    return run("su", name, "-c", "true", check=False).returncode == 0


def appears(endpoint, agent, name):
    endpoint.user(name)
    endpoint.write(endpoint.document)
    wait_for(lambda: gets_in(name), 30, f"{name}: {agent.log()}")


def test_replaced(endpoint):
    """The agent and its workers are one version, until it is started again."""
    with Agent() as agent:
        agent.wait_until_synced()
        with aside(MUSTERD):
            appears(endpoint, agent, "erik")
            assert gets_in("dora")
        appears(endpoint, agent, "frida")
        assert agent.stop() == 0
    with Agent() as agent:
        appears(endpoint, agent, "gerd")


def test_fetch_is_missing(endpoint):
    """What was published stays; the agent says what it misses, and goes on when it is back."""
    with Agent() as agent:
        agent.wait_until_synced()
        with aside(FETCH):
            endpoint.user("erik")
            endpoint.user("dora", displayname="Dora")
            endpoint.write(endpoint.document)
            wait_for(lambda: agent.syncs("failed"), 30)
            assert "muster-fetch" in agent.log()
            assert gets_in("dora") and not gets_in("erik")
        endpoint.musterctl("sync")
        assert gets_in("erik")
        assert agent.process.poll() is None
