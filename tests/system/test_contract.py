"""The driver against JumpCloud's published schemas and recorded replies, which nobody here made up."""
import json

import pytest

from directory import Double
from directory.replay import Replay
from openapi import SHARED, openapi, prism  # noqa: F401 (fixtures)
from test_double import Client


def test_prism_says_422(prism):
    """It would notice."""
    with Double(answers=prism.answer) as double:
        client = Client(double)
        assert client.ask("GET", "/api/systemusers?limit=100&skip=0&sort=_id&fields=state suspended")[0] == 200
        assert client.ask("GET", "/api/systemusers?limit=many")[0] == 422
        assert client.ask("POST", "/api/search/systemusers", {"limit": "100"})[0] == 422
        assert client.ask("GET", "/api/v2/bulk/userstates/eventlist/next")[0] == 422
        assert client.ask("GET", "/api/v2/no/such/path")[0] == 404
    assert len(prism.refused) == 4 and "limit must be integer" in str(prism.refused[0])
