"""The test double of JumpCloud itself: its replies fit the published schemas and look like the recorded ones."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import ssl
import time
import urllib.parse

import pytest

from directory import Double
from directory.records import ABSENT, LEAK
from directory.replay import Replay
from directory.routes import ROUTES
from endpoint import TREE

SHARED = pathlib.Path(os.environ.get("MUSTER_SHARED", TREE.parent / "shared")) / "jumpcloud"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0ZzJp0h3mI3n9Yk3Yy8m5v0c9u1gk9Y0X2q9d7u2bR dora@laptop"


class Client:
    """Keeps its connection, as muster does."""

    def __init__(self, double, key=None):
        self.double, self.headers = double, {"x-api-key": key or double.tenant.api_key}
        self.connection = http.client.HTTPSConnection(
            "localhost", double.port, timeout=30, context=ssl.create_default_context(cafile=str(double.ca_file)))

    def ask(self, method, path, body=None, **headers):
        """(status, parsed body, headers)."""
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        if data is not None:
            headers = {"content-type": "application/json", **headers}
        self.connection.request(method, urllib.parse.quote(path, safe="/?&=$:[],%"), data, {**self.headers, **headers})
        reply = self.connection.getresponse()
        self.raw = reply.read()
        with contextlib.suppress(ValueError, RecursionError):
            return reply.status, json.loads(self.raw), reply.headers
        return reply.status, self.raw, reply.headers

    def get(self, path, **headers):
        status, data, self.got = self.ask("GET", path, **headers)
        assert status == 200, (status, data)
        return data


@pytest.fixture
def double():
    with Double() as d:
        yield d


@pytest.fixture
def client(double):
    return Client(double)


@pytest.fixture
def populated(double):
    """Something of everything."""
    t = double.tenant
    t.add_user("dora", bound=True, sudo=True, nopasswd=True, systemUsername="dora.local")
    t.add_key("dora", KEY)
    t.add_user("emil", state="STAGED", activated=False, password_date=ABSENT)
    t.add_user("fred", state=ABSENT, suspended=True, employeeIdentifier="7", attributes=[{"name": "a", "value": "b"}])
    t.add_group("developers", ["dora", "emil"], gid=7000, posix_name="dev", sudo=True, bound=True, Hello="World")
    t.add_group("everybody", ["dora", "emil", "fred"])
    t.add_system_group("servers", [None])
    t.bind("fred", "servers")
    t.lock("fred")
    t.expire("emil")
    t.schedule("dora", "SUSPENDED", "2099-01-01T00:00:00Z")
    t.schedule("emil", "ACTIVATED", "2098-01-01T00:00:00Z")
    return double


# The published schemas

def nullable(schema):
    """Swagger's schema as JSON Schema: x-nullable, and null where real replies have it although the schema does not."""
    if isinstance(schema, list):
        return [nullable(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    found = {k: nullable(v) for k, v in schema.items()}
    for name in ("employeeIdentifier", "attributes", "compiledAttributes", "displayName", "logoUrl"):  # recorded so
        for properties in [p for p in [found.get("properties")] if p and isinstance(p.get(name), dict)]:
            properties[name] = {"anyOf": [properties[name], {"type": "null"}]}
    if found.pop("x-nullable", False):
        return {"anyOf": [found, {"type": "null"}]}
    return found


def schemas():
    jsonschema = pytest.importorskip("jsonschema")
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    found = {}
    for version, base in (("v1", "/api"), ("v2", "/api/v2")):
        whole = nullable(json.loads((SHARED / f"extract.{version}.json").read_text()))
        resolver = jsonschema.RefResolver.from_schema(whole)
        for path, methods in whole["paths"].items():
            for method, operation in methods.items():
                schema = method != "parameters" and operation["responses"].get("200", {}).get("schema")
                if schema:
                    name = base + re.sub(r"\{\w+\}", "{id}", path)
                    found[method.upper(), name] = jsonschema.Draft4Validator(schema, resolver=resolver)
    return found


def test_replies_fit_the_schemas(populated):
    """Every GET and search that the double has, with every record in it."""
    t, client = populated.tenant, Client(populated)
    validators = schemas()
    ids = {"systemusers": list(t.users), "users": list(t.users), "usergroups": list(t.groups), "systems": [t.system],
           "organizations": [t.organization]}
    checked = 0
    for route in (r for r in ROUTES if r.method == "GET" or "/search/" in r.path):
        kind = re.search(r"/(\w+)/\{id\}", route.path)
        for one in ids[kind.group(1)] if kind else [""]:
            path = route.path.replace("{id}", one)
            query = {"associations": "?targets=user", "next": "?users=" + ",".join(t.users)}.get(
                path.rsplit("/", 1)[1], "?limit=100")
            status, data, headers = client.ask(route.method, path if route.method == "POST" else path + query,
                                               {} if route.method == "POST" else None)
            assert status == 200 and headers["content-type"] == "application/json; charset=utf-8"
            assert not list(validators[route.method, route.path].iter_errors(data)), (route.path, data)
            assert data not in ([], {}) and (not isinstance(data, list) or headers["x-total-count"] == str(len(data)))
            checked += 1
    assert checked > 25


def shape(value):
    """Which keys there are and of what type their values are."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(v) for v in value]
    return type(value).__name__


def has_shape(value, wanted, where=""):
    """VALUE has every key of the recorded one, with the same type."""
    if isinstance(wanted, dict):
        for key, one in wanted.items():
            if key not in ("Hello",):
                has_shape(value[key], one, f"{where}.{key}")
    elif isinstance(wanted, list):
        for one in wanted:
            has_shape(value[0], one, f"{where}[0]")
    elif wanted != "NoneType":
        assert type(value).__name__ == wanted, f"{where}: {value!r} is no {wanted}"


def recordings(*folders):
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    found = [json.loads(p.read_text()) for f in folders for p in sorted((SHARED / "fixtures" / f).glob("*.json"))]
    return [r for r in found if isinstance(r, dict) and "request" in r]


def test_looks_like_the_recordings(double, client):
    """Keys, types and headers; in the order of one user, two groups and one system."""
    t = double.tenant
    t.add_user("testuser", bound=True, sudo=True)
    t.add_group("All Users")
    t.add_group("My Test Group", ldapGroups=[{"name": "My Test Group"}])
    compared = 0
    for recording in recordings("recorded", "transcribed"):
        url = urllib.parse.urlsplit(recording["request"]["url"])
        if "applications" in url.path:
            continue
        data = client.get(re.sub("[0-9a-f]{24}", t.system, url.path) + (f"?{url.query}" if url.query else ""))
        wanted = recording["response"]["body"]
        has_shape(data, shape(wanted if "usergroups" not in url.path else wanted[:1]))
        for name in set(recording["response"].get("headers", {})) - {"date", "connection", "pragma"}:
            assert name in client.got, name
        compared += 1
    assert compared == 8


def test_group_binding_like_the_recording():
    """fixtures/recorded/07, of an application, has what a system's users look like that come by a group."""
    recorded, = [r for r in recordings("recorded") if "applications" in r["request"]["url"]]
    entry, = recorded["response"]["body"]
    with Double() as double:
        t = double.tenant
        user = t.add_user("testuser")
        group = t.add_group("My Test Group", ["testuser"], bound=True, Hello="World",
                            ldapGroups=[{"name": "My Test Group"}])
        text = json.dumps(Client(double).get(f"/api/v2/systems/{t.system}/users"))
    text = text.replace(user, entry["id"]).replace(group, entry["paths"][0][0]["to"]["id"])
    assert json.loads(text) == [entry]


def test_replay():
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there")
    replay = Replay(SHARED / "fixtures/recorded", SHARED / "fixtures/transcribed")
    with Double(answers=replay.answer) as double:
        client = Client(double)
        served = 0
        for recording in recordings("recorded", "transcribed"):
            url = urllib.parse.urlsplit(recording["request"]["url"])
            if url.path == "/api/organizations" and recording["recorded"] < "2023":
                continue  # there are two of it, and the first is served
            data = client.get(url.path + (f"?{url.query}" if url.query else ""))
            assert data == recording["response"]["body"]
            headers = recording["response"].get("headers", {})
            assert all(client.got[k] == v for k, v in headers.items() if k not in ("date", "connection"))
            served += 1
        assert served == 8 and client.ask("GET", "/api/systemusers/nobody")[0] == 404


def test_etags_like_the_recordings():
    """The body gives the tag, as in all recordings but the one whose body was made anonymous."""
    from directory.reply import Reply
    same = [Reply(r["response"]["body_text"].encode()).etag() == r["response"]["headers"]["etag"]
            for r in recordings("recorded")]
    assert same.count(False) == 1 and len(same) == 7


# Lists

def names(data):
    return [r["username"] for r in data["results"]]


def test_pages(double, client):
    ids = sorted(double.tenant.add_users(250))
    found = []
    for skip in range(0, 400, 100):
        data = client.get(f"/api/systemusers?limit=100&skip={skip}&sort=_id&fields=username")
        assert data["totalCount"] == 250
        found += [r["_id"] for r in data["results"]]
    assert found == ids
    record = client.get("/api/systemusers?fields=username state")["results"][0]
    assert set(record) == {"_id", "id", "username", "state"}
    assert len(client.get("/api/systemusers")["results"]) == 10
    recorded = {"message": 'Bad Request: request parameter "limit" exceeds maximum value of 100'}
    assert client.ask("GET", "/api/systemusers?limit=101")[:2] == (400, recorded)
    assert client.ask("POST", "/api/search/systemusers", {"limit": 101})[:2] == (400, recorded)
    assert client.ask("GET", "/api/v2/usergroups?limit=101")[0] == 400
    assert client.ask("GET", "/api/systemusers?skip=-1")[0] == 400


def test_pages_without_an_order_overlap(double, client):
    double.tenant.add_users(250)
    pages = [client.get(f"/api/systemusers?limit=100&skip={skip}")["results"] for skip in (0, 100, 200)]
    assert len({r["_id"] for page in pages for r in page}) < 250


def test_pages_of_v2(double, client):
    t = double.tenant
    ids = t.add_users(120, bound=True)
    path = f"/api/v2/systems/{t.system}/users?limit=100"
    found = [u["id"] for u in client.get(path) + client.get(path + "&skip=100")]
    assert client.got["x-total-count"] == "120" and found == ids
    assert client.get(path + "&skip=200") == []
    assert [u["id"] for u in client.get(f"{path}&filter=object_id:in:{ids[3]}|{ids[5]}")] == [ids[3], ids[5]]


@pytest.mark.parametrize("query, found", [
    ("filter=username:$eq:emil", ["emil"]), ("filter=username:$eq:Emil", []), ("filter=suspended:$eq:true", ["fred"]),
    ("filter=state:$ne:STAGED&sort=username", ["dora", "fred"]),
    ("filter[or][0]=username:$eq:dora&filter[or][1]=username:$eq:fred&sort=-username", ["fred", "dora"]),
    ("filter[0]=username:$eq:dora&filter[1]=state:$eq:STAGED", []), ("filter=username:dora", 400),
    ("filter=username:eq:dora", 400),
])
def test_filters(populated, query, found):
    status, data, _ = Client(populated).ask("GET", "/api/systemusers?" + query)
    assert status == 400 if found == 400 else names(data) == found


@pytest.mark.parametrize("body, found", [
    ({"filter": {"or": [{"username": "dora"}, {"username": "emil"}]}, "sort": "-username"}, ["emil", "dora"]),
    ({"filter": {"and": [{"username": "dora"}, {"state": "STAGED"}]}}, []),
    ({"filter": [{"username": {"$regex": "(?i)^FRED$"}}]}, ["fred"]),
    ({"searchFilter": {"searchTerm": "EMI", "fields": ["username", "email"]}}, ["emil"]),
    ({"searchFilter": {"searchTerm": ["dor", "fre"]}, "sort": "username", "fields": "username"}, ["dora", "fred"]),
    ({"filter": {"username": {"$in": ["dora"]}}}, 400), ({"filter": "username"}, 400), ("[]", 400), ("{", 400),
])
def test_search(populated, body, found):
    status, data, _ = Client(populated).ask("POST", "/api/search/systemusers", body)
    assert status == 400 if found == 400 else names(data) == found


def test_search_by_ids_of_a_large_organisation(double, client):
    """100 records of 20,000 users, by id and in one request, fast enough to be asked for often."""
    began = time.monotonic()
    ids = double.tenant.add_users(20000)[:100]
    body = {"filter": {"or": [{"_id": i} for i in ids]}, "limit": 100}
    for _ in range(10):
        data = client.ask("POST", "/api/search/systemusers", body)[1]
        assert data["totalCount"] == 100 and {r["_id"] for r in data["results"]} == set(ids)
    assert time.monotonic() - began < 10
    double.tenant.switch(in_operator=True)
    data = client.ask("POST", "/api/search/systemusers", {"filter": {"_id": {"$in": ids}}, "limit": 100})[1]
    assert data["totalCount"] == 100


# Users and what is done to them

def test_states(double, client):
    t = double.tenant
    uid = t.add_user("dora", state="STAGED")
    user = lambda: client.get(f"/api/systemusers/{uid}")
    assert (user()["state"], user()["suspended"], user()["id"]) == ("STAGED", False, uid)
    assert client.ask("POST", f"/api/systemusers/{uid}/state/activate", {})[0] == 200 and user()["state"] == "ACTIVATED"
    status, data, _ = client.ask("PUT", f"/api/systemusers/{uid}", {"state": "SUSPENDED"})
    assert (data["state"], data["suspended"]) == ("SUSPENDED", True)
    assert client.ask("PUT", f"/api/systemusers/{uid}", {"state": "ACTIVATED", "suspended": True})[0] == 400
    assert client.ask("PUT", f"/api/systemusers/{uid}", {"state": "STAGED"})[0] == 400
    assert client.ask("PUT", f"/api/systemusers/{uid}", {"account_locked": True})[1]["account_locked_date"]
    client.ask("POST", f"/api/systemusers/{uid}/expire")
    client.ask("POST", f"/api/systemusers/{uid}/unlock")
    assert (user()["account_locked"], user()["password_expired"]) == (False, True)
    client.ask("PUT", f"/api/systemusers/{uid}", {"password": "x"})
    assert not user()["password_expired"] and "password" not in user()
    t.schedule(uid, "SUSPENDED", "2020-01-01T00:00:00Z")
    assert user()["state"] == "SUSPENDED"
    t.change(uid, state=ABSENT)
    assert "state" not in user()
    assert client.ask("DELETE", f"/api/systemusers/{uid}")[0] == 200
    assert client.ask("GET", f"/api/systemusers/{uid}")[0] == 404


def test_bindings(double, client):
    t = double.tenant
    dora = t.add_user("dora")
    users = lambda: {u["id"]: u["compiledAttributes"] for u in client.get(f"/api/v2/systems/{t.system}/users")}
    assert users() == {}
    t.add_group("dev", ["dora"], gid=7000, sudo=True, nopasswd=True)
    t.bind_group("dev")
    posix = [{"id": 7000, "name": "dev"}]
    assert users() == {dora: {"posixGroups": posix, "sudo": {"enabled": True, "withoutPassword": True}}}
    t.bind("dora", sudo=False)
    assert users()[dora] == {"posixGroups": posix, "sudo": {"enabled": False, "withoutPassword": False}}
    assert len(client.get(f"/api/v2/systems/{t.system}/users")[0]["paths"]) == 2
    assert [s["id"] for s in client.get(f"/api/v2/users/{dora}/systems")] == [t.system]
    t.unbind_group("dev")
    t.remove_member("dev", "dora")
    assert users() == {dora: {"sudo": {"enabled": False, "withoutPassword": False}}}
    t.unbind("dora")
    assert users() == {}
    t.add_system_group("servers", [None])
    t.bind("dora", "servers")
    assert users() == {dora: None}
    t.add_group("ops", ["dora"], bound=True)
    t.delete("dora")
    assert users() == {}


def test_scheduled(populated):
    t, client = populated.tenant, Client(populated)
    ids = ",".join(t.users)
    t.schedule("dora", "SUSPENDED", "2097-01-01T00:00:00Z")
    data = client.get(f"/api/v2/bulk/userstates/eventlist/next?users={ids}")
    assert data["events_count"] == 2
    assert [e["scheduledDate"][:4] for e in data["results"]] == ["2097", "2098"]
    assert len(client.get(f"/api/v2/bulk/userstates?userid={t.user_id('dora')}")) == 2
    assert client.ask("GET", "/api/v2/bulk/userstates/eventlist/next")[0] == 400
    assert client.ask("GET", "/api/v2/bulk/userstates/eventlist/next?users=" + ",".join(["a"] * 101))[0] == 400


# Access

def test_keys_and_organisations(double):
    t = double.tenant
    path = f"/api/v2/systems/{t.system}/users"
    assert Client(double, "wrong").ask("GET", path)[:2] == (401, {"message": "Unauthorized"})
    client = Client(double)
    assert client.ask("GET", path, x_org_id=t.organization)[0] == 200
    assert client.ask("GET", path, x_org_id="f" * 24)[0] == 400
    t.switch(multi_tenant=True)
    assert client.ask("GET", path)[:2] == (401, {"message": "Unauthorized: no organization selected"})
    for organization, status in ((t.organization, 200), ("f" * 24, 404), ("x", 400)):
        assert client.ask("GET", path, x_org_id=organization)[0] == status
    assert client.get("/api/organizations")["totalCount"] == 2


def test_tokens(double, client):
    t = double.tenant
    client.headers = {}
    basic = "Basic " + base64.b64encode(f"{t.client_id}:{t.client_secret}".encode()).decode()
    form = {"content_type": "application/x-www-form-urlencoded", "authorization": basic}
    good = "grant_type=client_credentials&scope=api"
    t.switch(token_lifetime_s=2)
    status, data, _ = client.ask("POST", "/oauth2/token", good, **form)
    assert (status, data["expires_in"], data["token_type"]) == (200, 2, "bearer")
    bearer = {"authorization": "Bearer " + data["access_token"]}
    assert client.ask("GET", "/api/systemusers", **bearer)[0] == 200
    assert client.ask("GET", "/api/systemusers", authorization="Bearer other")[0] == 401
    time.sleep(2.1)
    assert client.ask("GET", "/api/systemusers", **bearer)[0] == 401
    assert client.ask("POST", "/oauth2/token", good, **{**form, "authorization": "Basic eDp5"})[0] == 401
    assert client.ask("POST", "/oauth2/token", "grant_type=password&scope=api", **form)[0] == 400
    assert client.ask("POST", "/oauth2/token", "grant_type=client_credentials&scope=x", **form)[0] == 400


def test_conditional_requests(double, client):
    client.get("/api/systemusers")
    tag = client.got["etag"]
    assert tag.startswith('W/"') and client.ask("GET", "/api/systemusers", if_none_match=tag)[0] == 200
    double.tenant.switch(conditional=True)
    assert client.ask("GET", "/api/systemusers", if_none_match=tag)[:2] == (304, b"")
    double.tenant.add_user("dora")
    assert client.ask("GET", "/api/systemusers", if_none_match=tag)[0] == 200


def test_journal(double, client):
    uid = double.tenant.add_user("dora", bound=True)
    for _ in range(3):
        client.get(f"/api/systemusers/{uid}?fields=username")
    entry = double.journal.find()[0]
    assert (entry["path"], entry["query"], entry["status"]) == (f"/api/systemusers/{uid}", "fields=username", 200)
    assert double.journal.summary() == {"GET /api/systemusers/{id}": 3} and double.journal.connections() == 1
    assert double.tenant.api_key not in json.dumps(double.journal.find())
    assert LEAK in json.dumps(client.get(f"/api/systemusers/{uid}"))
