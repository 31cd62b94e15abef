"""The driver against JumpCloud's published schemas and recorded replies, which nobody here made up."""
import json
import pwd

import pytest

from directory import Double
from directory.replay import Replay
from endpoint import run
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


class Recorded:
    """A tenant made of the recordings: the users of the recorded application are those of the system."""

    def __init__(self, double):
        self.double = double
        self.replay = Replay(SHARED / "fixtures/recorded")
        self.used = set()
        application, = [key for key in self.replay.replies if "applications" in key[1]]
        organisations = self.replay.replies["GET", "/api/organizations"][0][1]["body"]["results"]
        double.tenant.organization = organisations[0]["_id"]
        for method, path, like in (("GET", f"/api/v2/systems/{double.tenant.system}/users", application),
                                   ("POST", "/api/search/systemusers", ("GET", "/api/systemusers"))):
            self.replay.replies[method, path] = self.replay.replies[like]

    def answer(self, request):
        """What was not recorded is the double's."""
        if (request.method, request.path) not in self.replay.replies:
            return self.double.answer(request)
        self.used.add(request.path)
        return self.replay.answer(request)


def test_recorded_replies(jumpcloud):
    """A real tenant's user, "password pending", comes by a group whose attributes are not Linux's."""
    if not SHARED.is_dir():
        pytest.skip(f"the recordings are not there: {SHARED}")
    recorded = Recorded(jumpcloud.double)
    jumpcloud.double.answers = recorded.answer
    jumpcloud.sync()
    user = pwd.getpwnam("testuser")
    assert (user.pw_uid, user.pw_gid, user.pw_gecos) == (5001, 5001, "First Last")
    assert jumpcloud.endpoint.explain("testuser") == "password_pending"
    assert len(recorded.used) >= 2
    assert jumpcloud.sync() == ""


def test_recorded_binding(jumpcloud):
    """A direct binding with sudo, as somebody quoted it."""
    if not SHARED.is_dir():
        pytest.skip(f"the recordings are not there: {SHARED}")
    recording = json.loads((SHARED / "fixtures/transcribed/v2_systems_ID_users.json").read_text())
    body = recording["response"]["body"]
    t = jumpcloud.tenant
    t.users[body[0]["id"]] = t.users.pop(jumpcloud.add_user("dora"))
    t.sorted_users = list(t.users)
    for kind, arguments in (("body", {"text": json.dumps(body)}), ("header", {"name": "x-total-count", "value": "1"})):
        jumpcloud.faults.order(kind, path=f"/api/v2/systems/{t.system}/users", **arguments)
    jumpcloud.sync()
    assert jumpcloud.endpoint.explain("dora") == "ok"
    assert "muster-sudo" in run("id", "-nG", "dora").stdout.split()
