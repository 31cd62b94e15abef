"""muster-fetch alone against JumpCloud's test double: what it asks for, hostile replies (R9, R10), credentials."""
import errno
import time

import pytest

from directory import Double
from directory.certs import Certificates
from directory.records import ABSENT, LEAK, object_id
from fetch import fetching
from openapi import openapi, prism  # noqa: F401 (fixtures)

BOUND, USERS = "/api/v2/systems/", "/api/search/systemusers"
HOSTILE = {  # name: (fault, its arguments, error, part of the sentence)
    "500": ("status", {"status": 500}, errno.EBUSY, "HTTP status 500"),
    "503": ("status", {"status": 503, "retry_after": 120}, errno.EBUSY, "HTTP status 503"),
    "429": ("status", {"status": 429, "retry_after": "Sun, 22 Nov 2099 01:02:03 GMT"}, errno.EBUSY, "HTTP status 429"),
    "401": ("status", {"status": 401}, errno.EPERM, "HTTP status 401; check api_key_file"),
    "403": ("status", {"status": 403}, errno.EPERM, "HTTP status 403; check api_key_file"),
    "400": ("status", {"status": 400}, errno.EPROTO, "HTTP status 400"),
    "404": ("status", {"status": 404}, errno.EPROTO, ""),
    "204": ("raw", {"data": "HTTP/1.1 204 No Content\r\n\r\n"}, errno.EPROTO, "HTTP status 204"),
    "html": ("html", {}, errno.EPROTO, "Content-Type is not application/json"),
    "html, 403": ("html", {"status": 403}, errno.EPERM, "HTTP status 403"),
    "redirect": ("redirect", {"location": "https://localhost:1/api/"}, errno.EPROTO, "HTTP status 302"),
    "no content type": ("header", {"name": "content-type"}, errno.EPROTO, "Content-Type"),
    "gzip bomb": ("gzip_bomb", {}, errno.EPROTO, "compressed"),
    "empty": ("body", {"text": ""}, errno.EBADMSG, "ends too early"),
    "{}": ("body", {"text": "{}"}, errno.EBADMSG, ""),
    "null": ("body", {"text": "null"}, errno.EBADMSG, "not what was asked for"),
    "text": ("body", {"text": '"users"'}, errno.EBADMSG, "not what was asked for"),
    "[null]": ("body", {"text": "[null]"}, errno.EBADMSG, ""),
    "two values": ("body", {"text": "[] []"}, errno.EBADMSG, ""),
    "NaN": ("body", {"text": '{"totalCount":NaN,"results":[]}'}, errno.EBADMSG, ""),
    "not UTF-8": ("body", {"text": b'{"totalCount":0,"results":["\xff"]}'}, errno.EBADMSG, ""),
    "deep": ("deep", {}, errno.EBADMSG, ""),
    "deep array": ("body", {"text": "[" * 200000}, errno.EBADMSG, ""),
    "huge string": ("huge_string", {"name": "id", "mib": 2}, errno.EBADMSG, "larger than is taken"),
    "endless": ("endless", {}, errno.EFBIG, "larger than 16 MiB"),
    "endless headers": ("endless_headers", {}, errno.EPROTO, "headers are too long"),
    "hang up": ("hang_up", {}, errno.EHOSTUNREACH, ""),
    "truncated": ("truncated", {}, errno.EPROTO, "remaining"),
    "half closed": ("half_closed", {}, errno.EPROTO, ""),
    "half, chunked": ("chunked", {"end": False}, errno.EPROTO, "remaining"),
    "no HTTP": ("raw", {"data": "[]"}, errno.EPROTO, ""),
    "id is a number": ("field", {"name": "id", "value": 5}, errno.EBADMSG, "id"),
    "id is a path": ("field", {"name": "id", "value": "../systems"}, errno.EBADMSG, "id"),
    "one is there twice": ("duplicate", {}, None, "there twice"),
}
ONE_RECORD = ("not UTF-8", "huge string")
OF_LISTS = {  # where the total counts
    "total too high": ("total", {"by": 3}, errno.EAGAIN, "changed while it was read"),
    "total too low": ("total", {"by": -1}, errno.EAGAIN, "changed while it was read"),
    "one is missing": ("without", {}, errno.EAGAIN, "changed while it was read"),
}


@pytest.fixture(scope="module")
def shared_double():
    with Double() as d:
        d.tenant.add_users(3, bound=True)
        yield d


@pytest.fixture
def double():
    with Double() as d:
        yield d


def settings(double, **other):
    return {"driver": "jumpcloud", "url": double.url + "/api", "ca": double.ca_file.read_text(),
            "system_id": double.tenant.system, "api_key": double.tenant.api_key, **other}


def hostile(double, path, fault, arguments, error, text):
    if path == USERS and arguments.get("name") == "id":
        arguments = {**arguments, "name": "_id"}  # v1 has both, and this one counts
    order = double.faults.order(fault, path=path, times=None, **arguments)
    with fetching(**settings(double)) as fetch:
        a = fetch.sync()
        double.faults.clear()
        assert a.error == error if error else a.error, a
        assert text in a.text and "\n" not in a.text and len(a.text) > 10 and LEAK not in a.text
        assert order.hits >= 1 and fetch.peak_kib() < 40 * 1024
        assert fetch.sync().accounts == 3
    return a


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("path", [BOUND, USERS], ids=["bound", "records"])
def test_hostile_reply(shared_double, path, name):
    if path == USERS and name in ONE_RECORD:
        pytest.skip("test_record_that_cannot_be_parsed")
    a = hostile(shared_double, path, *HOSTILE[name])
    if name == "503":
        assert a.server.retry_after == 120
    if name == "429":
        assert a.server.retry_after > 3600


@pytest.mark.parametrize("name", OF_LISTS)
def test_hostile_list(shared_double, name):
    hostile(shared_double, BOUND, *OF_LISTS[name])


def test_unknown_system(double):
    """Nobody is bound to it, but that is no list of nobody."""
    double.tenant.add_users(3, bound=True)
    double.faults.order("status", path=f"{BOUND}{double.tenant.system}/users", status=404, times=None)
    with fetching(**settings(double)) as fetch:
        a = fetch.sync()
        assert a.error == errno.EPROTO and "does not know system_id" in a.text
        assert fetch.refresh(double.tenant.user_id("user1")).error == errno.EPROTO and fetch.count("X") == 0


@pytest.mark.parametrize("kind, arguments", [
    ("total", {"by": 3}), ("without", {}), ("body", {"text": '{"totalCount":0,"results":[]}'}),
    ("field", {"name": "_id", "value": object_id("stranger")}),
])
def test_records_that_are_missing(double, kind, arguments):
    """They are asked for one by one, and those of strangers are not taken."""
    double.tenant.add_users(3, bound=True)
    double.faults.order(kind, path=USERS, **arguments)
    if kind == "field":
        double.faults.order("field", path=USERS, name="id", value=object_id("stranger"))
    with fetching(**settings(double)) as fetch:
        assert fetch.sync().accounts == 3
        assert not any(object_id("stranger").encode() in r for _, r in fetch.records)


@pytest.mark.parametrize("name", ONE_RECORD)
def test_record_that_cannot_be_parsed(double, name):
    """It may be of the user's own making: he is asked for alone, and nobody else is kept from being read."""
    double.tenant.add_users(3, bound=True)
    fault, arguments, _, _ = HOSTILE[name]
    double.faults.order(fault, path=USERS, **arguments)
    with fetching(**settings(double)) as fetch:
        assert fetch.sync().accounts == 3
        assert double.journal.summary()["GET /api/systemusers/{id}"] >= 1


def test_record_that_may_not_be_read(double):
    """The user stays as last known: he is named, and no account is sent."""
    ids = double.tenant.add_users(3, bound=True)
    double.faults.order("edit", path=USERS, change=lambda d: d["results"].pop() and None)
    last = double.faults.order("status", path="/api/systemusers/", status=403)
    with fetching(**settings(double)) as fetch:
        a = fetch.sync()
        assert (a.error, a.accounts, last.hits) == (0, 2, 1)
        kept, = [r for k, r in fetch.records if k == "K"]
        assert max(ids).encode() in kept


def test_deleted_while_it_is_read(double):
    """Bound a moment ago, and gone now: no account, and not kept either."""
    double.tenant.add_users(3, bound=True)
    double.faults.order("change", path=USERS, action="delete", user="user1")
    with fetching(**settings(double)) as fetch:
        assert fetch.sync().accounts == 2 and fetch.count("K") == 0


@pytest.mark.parametrize("kind, arguments", [
    ("change", {"action": "unbind", "user": "user7"}),  # who would have been first on the next page is on none
    ("change", {"action": "delete", "user": "user7"}), ("change", {"action": "bind", "user": "user260"}),
    ("total", {"by": 5}), ("total", {"by": -5}), ("duplicate", {}), ("without", {}),
])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_page_changed(double, nth, kind, arguments):
    """It is read again from the start, and nobody is lost."""
    t = double.tenant
    for uid in t.add_users(270)[:250]:
        t.bind(uid)
    double.faults.order(kind, path=f"{BOUND}{t.system}/users", nth=nth, **arguments)
    with fetching(**settings(double)) as fetch:
        assert fetch.sync().error == 0
        told = b"".join(r for k, r in fetch.records if k == "A")
    gone = {"user7"} if "user7" in arguments.values() else set()
    assert {n for n in (f"user{i}" for i in range(250)) if object_id(n).encode() not in told} <= gone


@pytest.mark.parametrize("fault, arguments", [
    ("status", {"status": 403}), ("status", {"status": 404}),
])
@pytest.mark.parametrize("path", ["/api/organizations", "/api/v2/bulk/userstates/eventlist/next"])
def test_what_a_role_may_not_read(double, path, fault, arguments):
    """Policy and schedules are not for every administrator's role: a sync does without."""
    double.tenant.add_users(2, bound=True)
    double.faults.order(fault, path=path, times=None, **arguments)
    with fetching(**settings(double)) as fetch:
        assert fetch.sync().accounts == 2


def test_retries(double):
    """A server that stumbles now and then costs a second, not a sync; Retry-After is kept."""
    double.tenant.add_users(3, bound=True)
    double.faults.order("status", path=USERS, status=503, retry_after=2)
    double.faults.order("hang_up", path=BOUND)
    with fetching(**settings(double)) as fetch:
        began = time.monotonic()
        assert fetch.sync().accounts == 3
        assert 3 <= time.monotonic() - began < 20


@pytest.mark.parametrize("kind", ["slow_body", "silent"])
def test_slow(double, kind):
    """Given up in time; and musterd hears meanwhile that work goes on."""
    double.tenant.add_users(3, bound=True)
    double.faults.order(kind, path=USERS, times=None)
    with fetching(**settings(double)) as fetch:
        fetch.sock.settimeout(20)
        began = time.monotonic()
        assert fetch.sync().error == errno.ETIMEDOUT and time.monotonic() - began < 60


@pytest.mark.parametrize("certificate", Certificates.FAULTS)
def test_tls(double, certificate):
    """No key leaves before the server has proved who it is."""
    double.present(certificate)
    with fetching(**settings(double)) as fetch:
        a = fetch.sync()
    expected = {"hang up": (errno.EKEYREJECTED, errno.EHOSTUNREACH), "stall": (errno.ETIMEDOUT,)}
    assert a.error in expected.get(certificate, (errno.EKEYREJECTED,)) and a.server is None
    assert double.journal.count() == 0


def test_redirect_is_not_followed(double):
    with Double() as elsewhere:
        double.faults.order("redirect", location=elsewhere.url + "/api/", times=None)
        with fetching(**settings(double)) as fetch:
            assert fetch.sync().error == errno.EPROTO
        assert elsewhere.journal.count() == 0


# One user

def test_refresh(double):
    t = double.tenant
    dora, emil = t.add_user("dora", bound=True), t.add_user("emil", bound=True)
    with fetching(**settings(double)) as fetch:
        assert fetch.refresh(dora).accounts == 1 and double.journal.count() <= 2
        t.unbind("dora")
        assert fetch.refresh(dora).accounts == 0 and fetch.count("X") == 1
        t.delete("emil")
        assert fetch.refresh(emil).accounts == 0 and fetch.count("X") == 1
        t.add_user("fred", bound=True)
        double.faults.order("status", status=403, times=None)
        a = fetch.refresh(t.user_id("fred"))
        assert a.error == errno.EPERM and fetch.count("X") == 0


def test_nobody_is_gone_where_nothing_is_known(double):
    """404 is also what an unknown organisation gets, and a wrong address of the tokens' server."""
    double.tenant.switch(multi_tenant=True)
    dora = double.tenant.add_user("dora", bound=True)
    with fetching(**settings(double, org_id="f" * 24)) as fetch:
        assert fetch.refresh(dora).error == errno.EPROTO and fetch.count("X") == 0
    double.faults.order("status", path="/oauth2/token", status=404, times=None)
    with fetching(**service(double, org_id=double.tenant.organization)) as fetch:
        assert fetch.refresh(dora).error == errno.EPROTO and fetch.count("X") == 0
        assert double.journal.count("/oauth2/token") == 1


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("path", [BOUND, "/api/systemusers/"], ids=["bound", "record"])
def test_hostile_reply_about_one_user(shared_double, path, name):
    """Never "he is gone" by mistake: 404 is that, where a user was asked for. An unreadable record is his alone, if the list can be read."""
    kind, arguments, _, _ = HOSTILE[name]
    if name == "one is there twice" or (path != BOUND and name == "404"):
        return
    if path != BOUND and arguments.get("name") == "id":
        arguments = {**arguments, "name": "_id"}
    order = shared_double.faults.order(kind, path=path, times=None, **arguments)
    with fetching(**settings(shared_double)) as fetch:
        a = fetch.refresh(shared_double.tenant.user_id("user1"))
        shared_double.faults.clear()
        assert bool(a.error) != bool(path != BOUND and fetch.count("K")) and a.accounts == 0
        assert fetch.count("X") == 0 and order.hits
        assert fetch.refresh(shared_double.tenant.user_id("user1")).accounts == 1


# Credentials

def service(double, **other):
    t = double.tenant
    return settings(double, **{"api_key": "", "client_id": t.client_id, "client_secret": t.client_secret,
                               "token_url": double.url + "/oauth2/token", **other})


def tokens(double):
    return double.journal.count("/oauth2/token")


def test_token(double):
    """One for many syncs, and no key beside it; another one when it was revoked, and before it ends."""
    double.tenant.add_users(3, bound=True)
    with fetching(**service(double)) as fetch:
        assert [fetch.sync().accounts for _ in range(3)] == [3, 3, 3] and tokens(double) == 1
        assert all("x-api-key" not in e["headers"] for e in double.journal.find())
        double.tokens.revoke_all()
        assert fetch.sync().accounts == 3 and tokens(double) == 2
        double.tenant.switch(token_lifetime_s=4)
        double.tokens.revoke_all()
        assert fetch.sync().accounts == 3 and tokens(double) == 3
        time.sleep(2.5)
        double.journal.clear()
        assert fetch.sync().accounts == 3 and tokens(double) == 1
        assert {e["status"] for e in double.journal.find()} == {200}


@pytest.mark.parametrize("kind, arguments, error", [
    ("status", {"status": 503}, errno.EBUSY), ("html", {}, errno.EPROTO), ("body", {"text": "{}"}, None),
    ("body", {"text": '{"access_token":"a\\r\\nx-evil: 1"}'}, None), ("hang_up", {}, None), ("deep", {}, None),
    ("redirect", {"location": "https://localhost:1/"}, None), ("endless", {}, None),
    ("field", {"name": "token_type", "value": "mac"}, None), ("field", {"name": "access_token", "value": ""}, None),
])
def test_hostile_token(double, kind, arguments, error):
    double.tenant.add_users(3, bound=True)
    double.faults.order(kind, path="/oauth2/token", times=None, **arguments)
    with fetching(**service(double)) as fetch:
        a = fetch.sync()
        assert a.error and (error is None or a.error == error) and LEAK not in a.text
        assert double.journal.count("/api/") == 0
        double.faults.clear()
        assert fetch.sync().accounts == 3


def test_wrong_client_secret(double):
    with fetching(**service(double, client_secret="leak-wrong")) as fetch:
        a = fetch.sync()
    assert a.error == errno.EPERM and "client_secret_file" in a.text and LEAK not in a.text
    assert double.journal.count("/api/") == 0 and tokens(double) == 1


def test_token_that_nobody_takes(double):
    """A new one once, and then no more."""
    double.faults.order("status", path="/api/", status=401, times=None)
    with fetching(**service(double)) as fetch:
        assert fetch.sync().error == errno.EPERM
    assert tokens(double) <= 2 and double.journal.count("/api/") <= 2


@pytest.mark.parametrize("organisation, error", [(None, errno.EPERM), ("own", 0), ("f" * 24, errno.EPROTO)])
def test_organisations(double, organisation, error):
    t = double.tenant
    t.switch(multi_tenant=True)
    t.add_users(2, bound=True)
    organisation = t.organization if organisation == "own" else organisation or ""
    with fetching(**settings(double, org_id=organisation)) as fetch:
        assert fetch.sync().error == error


# The published schemas

@pytest.fixture
def large(double):
    """All that the driver may ask about, on more than one page."""
    t = double.tenant
    t.add_users(150, bound=True)
    for i in range(120):
        t.add_group(f"group{i}", [f"user{i}"], gid=3000 + i, bound=True)
    t.schedule("user3", "SUSPENDED", "2099-01-01T00:00:00Z")
    t.change("user9", state=ABSENT)
    return double


def test_requests_fit_the_schemas(large, prism):
    """prism sees each request, and the double answers it."""
    large.answers = prism.checking(large)
    large.faults.order("without", path=USERS)  # so that one is asked for by id
    with fetching(**settings(large)) as fetch:
        assert fetch.sync().accounts == 150
        assert fetch.refresh(large.tenant.user_id("user7")).accounts == 1
    assert prism.refused == []
    assert set(large.journal.summary()) == {
        "GET /api/v2/systems/{id}/users", "GET /api/v2/systems/{id}/usergroups", "GET /api/systemusers/{id}",
        "GET /api/v2/bulk/userstates/eventlist/next", "POST /api/search/systemusers", "GET /api/v2/usergroups",
        "GET /api/organizations/{id}"}


def test_replies_of_the_mock(large, prism):
    """Whose ids and dates are "string": nothing of it is believed."""
    large.answers = prism.answer
    with fetching(**settings(large)) as fetch:
        assert fetch.sync().error == errno.EBADMSG and fetch.records == []
        assert fetch.refresh(large.tenant.user_id("user7")).error
    assert prism.asked and prism.refused == []


def policy_of(fetch):
    assert fetch.sync().error == 0
    return [r for kind, r in fetch.records if kind == "L"]


def test_whose_policy(double):
    """Users say which organisation is theirs; else it is the only one there is, or the configured one."""
    t = double.tenant
    double.tenant.add_users(2, bound=True)
    with fetching(**settings(double)) as fetch:
        assert policy_of(fetch) and "GET /api/organizations" not in double.journal.summary()
    for user in ("user0", "user1"):
        t.change(user, organization=ABSENT)
    with fetching(**settings(double)) as fetch:
        assert policy_of(fetch) and "GET /api/organizations" in double.journal.summary()
    t.multi_tenant = True
    double.journal.clear()
    with fetching(**settings(double, org_id=t.organization)) as fetch:
        assert policy_of(fetch) and "GET /api/organizations" not in double.journal.summary()


def test_groups_are_remembered(double):
    """Until one shows that was not there; their members are asked for each time."""
    t = double.tenant
    t.add_users(3, bound=True)
    t.add_group("Ops on call", ["user0"], gid=3000, posix_name="ops", bound=True)
    t.add_group("Nobody yet", gid=3001, posix_name="empty", bound=True)
    t.add_group("Elsewhere", ["user0"], gid=3002)
    with fetching(**settings(double)) as fetch:
        first = [fetch.sync().error, *fetch.records]
        groups = b"".join(r for kind, r in fetch.records if kind == "G")
        assert b"Ops on call" in groups and b"empty" in groups and b"Elsewhere" not in groups
        double.journal.clear()
        assert [fetch.sync().error, *fetch.records] == first and double.journal.count() == 3
        t.add_group("Contractors", ["user1"], bound=True)
        double.journal.clear()
        assert fetch.sync().error == 0 and double.journal.count() == 5
        assert any(b"Contractors" in r for kind, r in fetch.records if kind == "G")


@pytest.mark.parametrize("fault, arguments", [("status", {"status": 400}), ("without", {})])
def test_names_without_the_filter(double, fault, arguments):
    """A filter that is not taken, or finds too little: all groups are asked for."""
    double.tenant.add_users(1, bound=True)
    double.tenant.add_group("Ops on call", ["user0"], bound=True)
    double.faults.order(fault, path="/api/v2/usergroups", **arguments)
    with fetching(**settings(double)) as fetch:
        assert fetch.sync().error == 0
        assert any(b"Ops on call" in r for kind, r in fetch.records if kind == "G")


def test_names_that_may_not_be_read(double):
    double.tenant.add_users(1, bound=True)
    double.tenant.add_group("Ops on call", ["user0"], bound=True)
    double.faults.order("status", path="/api/v2/usergroups", status=403, times=None)
    with fetching(**settings(double)) as fetch:
        assert fetch.sync().accounts == 1
        assert any(b"name_unknown" in r for kind, r in fetch.records if kind == "R")
