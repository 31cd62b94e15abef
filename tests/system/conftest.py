"""Fixtures. A module's tests share one endpoint, as just installed when the first of them begins."""
import pytest

from endpoint import Endpoint, Sshd


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
