"""Fixtures. A module's tests share one endpoint, as just installed when the first of them begins."""
import pytest

from endpoint import Endpoint, Sshd
from jumpcloud import Jumpcloud


@pytest.fixture(scope="module")
def endpoint():
    e = Endpoint()
    yield e
    e.reset()


@pytest.fixture(scope="module")
def sshd(endpoint):
    server = Sshd()
    yield server
    server.stop()


@pytest.fixture
def jumpcloud(endpoint):
    """An endpoint that is bound in JumpCloud (tests/directory), as just installed, and not synced yet."""
    endpoint.reset()
    with Jumpcloud(endpoint) as directory:
        yield directory
    endpoint.reset()
