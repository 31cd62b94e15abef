"""The document on a web server, as all of muster sees it: faults leave what was published, and revocation lands at once."""
import contextlib
import json
import os
import pathlib
import re
import ssl
import time

import pytest

from agent import Agent, wait_for
from endpoint import ETC, PASSWORD, RUN, STATE, TREE, WORK, object_id, run
from fetch import Authority, reply, serving
from test_https import HOSTILE, UNTIL_CLOSED, forever, only, tls_case
from test_nginx import nginx

FILES = [folder / name for folder in (RUN, STATE) for name in ("pam.snapshot", "nss.snapshot")]
TOKEN = "s3cret-token"
PAMT = WORK / "pamt-web"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "own")


@pytest.fixture(scope="module")
def rogue(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "rogue")


class Web:
    """An endpoint that obeys a document on a web server, which says what `answer` does: by default the document."""

    def __init__(self, endpoint, own):
        self.endpoint, self.own = endpoint, own
        self.serial = None
        self.etag = True
        self.headers = []
        self.answer = self.document

    def body(self):
        document = dict(self.endpoint.document)
        if self.serial is not None:
            document["serial"] = self.serial
        return json.dumps(document)

    def document(self, request):
        body = self.body()
        tag = f'"{object_id(body)}"'
        if self.etag and f"If-None-Match: {tag}" in request.split("\r\n"):
            return f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode()
        return reply(body, headers=[*self.headers, *([f"ETag: {tag}"] if self.etag else [])])

    def configure(self, url, **keys):
        keys = {"url": url, "ca_file": ETC / "ca.pem", "bearer_file": ETC / "token", **keys}
        text = "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)
        self.endpoint.conf.write_text(f"[directory]\n{text}")

    def status(self):
        return json.loads(self.endpoint.musterctl("status", "--json").stdout)

    def sync(self, *argv, code=0):
        done = run("musterd", "--once", *argv, check=False)
        assert done.returncode == code, done
        return done.stderr


@pytest.fixture
def web(endpoint, own):
    endpoint.reset()
    (ETC / "ca.pem").write_text(own.pem)
    (ETC / "token").write_text(TOKEN + "\n")
    (ETC / "token").chmod(0o600)
    for name in ("dora", "emil"):
        endpoint.user(name)
    w = Web(endpoint, own)
    with serving(lambda request: w.answer(request), *own.issue("server")) as server:
        w.server = server
        w.configure(server.url)
        yield w


def published():
    return {path: path.read_bytes() for path in FILES if path.exists()}


def resolves(name):
    return run("getent", "passwd", name, check=False).returncode == 0


def refused(web, text, argv=()):
    """The sync fails in one line, and nothing that is published changes."""
    before = published()
    said = web.sync(*argv, code=1)
    assert text in said and said.count("\n") == 1 and said.endswith("; what was published stays\n"), said
    assert TOKEN not in said and published() == before
    return said


def test_first_sync_and_unchanged(web):
    web.sync()
    assert web.endpoint.explain("dora") == "ok" and resolves("emil")
    assert f"Authorization: Bearer {TOKEN}\r\n" in web.server.requests[0]
    assert "If-None-Match" not in web.server.requests[0]
    before = {path: path.stat().st_ino for path in [*FILES, STATE / "cache.mdb"]}
    mtime = (STATE / "ledger.mdb").stat().st_mtime_ns, (STATE / "cache.mdb").stat().st_mtime_ns
    assert web.sync() == ""
    assert "If-None-Match: " in web.server.requests[1]
    assert before == {path: path.stat().st_ino for path in before}
    assert mtime == ((STATE / "ledger.mdb").stat().st_mtime_ns, (STATE / "cache.mdb").stat().st_mtime_ns)
    assert web.status()["online"]
    web.endpoint.user("fred")
    assert "accounts=3 " in web.sync() and resolves("fred")


def test_unchanged_without_etags(web):
    """The same document once more is no news."""
    web.etag = False
    web.sync()
    assert web.sync() == ""
    web.endpoint.document["users"].reverse()
    assert web.sync() == ""
    web.etag = True
    assert web.sync() == "" and "If-None-Match" not in web.server.requests[-1]
    assert web.sync() == "" and "If-None-Match" in web.server.requests[-1]


def test_what_is_ours_changes(web):
    """A validator says nothing of a local user, a key of muster.conf or lost files."""
    web.sync()
    web.configure(web.server.url, proxy="none", poll_interval="61s")
    assert "accounts=2 " in web.sync() and "If-None-Match" not in web.server.requests[-1]
    (RUN / "pam.snapshot").unlink()
    (STATE / "pam.snapshot").unlink()
    assert "accounts=2 " in web.sync()
    (STATE / "cache.mdb").unlink()
    assert "accounts=2 " in web.sync()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answer(web, name):
    web.sync()
    if "endless" == name:
        pytest.skip("256 MiB: with muster-fetch alone")
    web.answer = lambda _: HOSTILE[name][0]()
    web.endpoint.user("fred")
    refused(web, web.server.url)
    status = web.status()
    assert not status["online"]
    web.answer = web.document
    assert "accounts=3 " in web.sync() and web.status()["online"]


def test_slow_answer(web):
    web.sync()
    web.answer = lambda _: forever(UNTIL_CLOSED, b" ", 1)
    began = time.monotonic()
    refused(web, web.server.url)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("name, tune", [
    ("expired", None), ("not yet valid", None), ("wrong name", None), ("unknown CA", None),
    ("TLS 1.1", only(ssl.TLSVersion.TLSv1_1)),
])
def test_tls(web, own, rogue, name, tune):
    web.sync()
    with serving(web.document, *tls_case(name, own, rogue), tune=tune) as server:
        web.configure(server.url)
        refused(web, server.url)
        assert server.connections == 1 and server.requests == []
    assert not web.status()["online"]


def test_system_authorities(web, own):
    """Without ca_file the system's bundle counts, and nothing else."""
    web.configure(web.server.url, ca_file=None)
    refused(web, web.server.url)
    bundle = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    kept = bundle.read_text()
    try:
        bundle.write_text(kept + own.pem)
        web.sync()
    finally:
        bundle.write_text(kept)


def test_client_certificate(web, own, rogue):
    """Shown, it also lets password hashes come; a foreign one, or none, is refused."""
    for name, authority in (("mine", own), ("foreign", rogue)):
        cert, key = authority.issue(name)
        (ETC / f"{name}.pem").write_bytes(cert.read_bytes())
        (ETC / f"{name}.key").write_bytes(key.read_bytes())
        (ETC / f"{name}.key").chmod(0o600)
    with serving(web.document, *own.issue("server"), client_ca=own.path / "ca.pem") as server:
        for name, code in (("mine", 0), ("foreign", 1), (None, 1)):
            web.configure(server.url, bearer_file=None, client_cert=name and ETC / f"{name}.pem",
                          client_key=name and ETC / f"{name}.key")
            web.sync(code=code)
    assert web.endpoint.explain("dora") == "ok"


def test_secrets_need_proof_of_who_asks(web):
    web.configure(web.server.url, bearer_file=None)
    refused(web, "password")


@pytest.mark.parametrize("key, fault, text", [
    ("bearer_file", lambda p: p.chmod(0o640), "bearer_file: /etc/muster/file has mode 0640, and others can read it: chmod 0600"),
    ("bearer_file", lambda p: os.chown(p, 1234, 0), "belongs to uid 1234: chown root it"),
    ("bearer_file", lambda p: p.unlink(), "bearer_file: /etc/muster/file: No such file"),
    ("bearer_file", lambda p: p.write_text("two words"), "one word of visible ASCII"),
    ("bearer_file", lambda p: p.write_text(" \n"), "is empty"),
    ("bearer_file", lambda p: p.write_bytes(b"a\0b"), "is not text"),
    ("bearer_file", lambda p: p.write_text("x" * 70000), "File too large"),
    ("bearer_file", lambda p: (p.unlink(), os.mkfifo(p)), "is not a regular file"),
    ("ca_file", lambda p: p.chmod(0o666), "others can write it: chmod go-w"),
    ("ca_file", lambda p: p.write_text(""), "ca"),
])
def test_faulty_file(web, key, fault, text):
    """Said before anybody is asked; nobody else's file, and no secret that others can read."""
    web.sync()
    asked = len(web.server.requests)
    path = ETC / "file"
    path.write_text("x")
    path.chmod(0o600)
    fault(path)
    web.configure(web.server.url, **{key: path})
    refused(web, text)
    assert len(web.server.requests) == asked


def test_systemd_credential(web):
    """What systemd makes of LoadCredential=: below $CREDENTIALS_DIRECTORY, 0400, named by absolute path."""
    folder = pathlib.Path("/run/credentials/musterd.service")
    folder.mkdir(parents=True)
    (folder / "token").write_text(TOKEN)
    (folder / "token").chmod(0o400)
    web.configure(web.server.url, bearer_file=folder / "token")
    web.sync()
    assert f"Authorization: Bearer {TOKEN}\r\n" in web.server.requests[-1]


def test_lower_serial(web):
    """A stale copy takes nothing back, and says nothing about who may log in."""
    web.serial = 7
    web.endpoint.user("dora", suspended=True)
    web.sync()
    web.serial = 6
    web.endpoint.user("dora")
    refused(web, "has serial 6, but 7 was here already")
    assert web.endpoint.explain("dora") == "suspended" and web.status()["online"]
    web.serial = 8
    web.sync()
    assert web.endpoint.explain("dora") == "ok"


def many(web, n=20):
    for i in range(n):
        web.endpoint.user(f"user{i}", password=None, password_hash="")
    web.sync()


def test_few_are_gone_at_once(web):
    many(web)
    for i in range(4):
        web.endpoint.forget(f"user{i}")
    web.sync()
    assert web.endpoint.explain("user0") == "unbound" and web.endpoint.explain("user5") != "unbound"


def test_mass_removal_is_held(web):
    """Many who are missing stay (R13); what is said of the others counts at once."""
    many(web)
    state = web.endpoint.explain("user1")
    for i in range(18):
        web.endpoint.forget(f"user{i}")
    web.endpoint.user("dora", suspended=True)
    said = web.sync(code=1)
    assert "lacks 18 of 22 users" in said and "musterctl sync --accept-removals" in said
    assert web.status()["held"] == 18 and "held:         18 accounts" in web.endpoint.musterctl("status").stdout
    assert web.endpoint.explain("user1") == state and resolves("user1")
    assert web.endpoint.explain("dora") == "suspended"
    assert "If-None-Match" in web.server.requests[-1]
    web.sync(code=1)
    assert "If-None-Match" not in web.server.requests[-1]  # it has to say so itself, and whole
    web.endpoint.document["removed"] = [object_id("user1")]
    web.sync(code=1)
    assert web.endpoint.explain("user1") == "unbound"
    web.sync("--accept-removals")
    assert web.status()["held"] == 0 and web.endpoint.explain("user2") == "unbound"
    assert web.sync() == ""


def test_empty_list_is_held(web):
    web.sync()
    users, web.endpoint.document["users"] = web.endpoint.document["users"], []
    assert "lacks 2 of 2 users" in web.sync(code=1)
    assert web.endpoint.explain("dora") == "ok"
    web.endpoint.document["users"] = users
    assert "accounts=2 " in web.sync()
    assert web.sync() == ""


def test_mass_removal_is_believed_at_last(web):
    many(web)
    web.configure(web.server.url, removal_hold="10s")
    web.sync()
    for i in range(18):
        web.endpoint.forget(f"user{i}")
    web.sync(code=1)
    begun = time.monotonic()
    web.sync(code=1)
    web.sync(code=1)  # three times, but not long enough
    time.sleep(max(0, begun + 10.1 - time.monotonic()))
    web.sync()
    assert web.endpoint.explain("user1") == "unbound" and web.endpoint.explain("dora") == "ok"


def test_lease(web):
    """Data from a server runs out; a document in a file never does."""
    web.sync()
    assert web.endpoint.explain("dora", "--offline", "13d") == "ok"
    assert web.endpoint.explain("dora", "--offline", "15d") == "stale"


def days_ago(days):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86400))


def test_a_document_says_how_old_it_is(web):
    """Serving it is no word of the directory's: whoever made it may be dead. Nor is a 304; and what is too new is now."""
    web.endpoint.document["confirmed_at"] = days_ago(10)
    web.sync()
    for _ in range(2):
        assert web.endpoint.explain("dora") == "ok"
        assert 10 * 86400 <= web.status()["data_age_s"] < 10 * 86400 + 600 and web.status()["online"]
        web.sync()
    web.endpoint.document["confirmed_at"] = days_ago(15)
    web.sync()
    assert web.endpoint.explain("dora") == "stale"
    web.endpoint.document["confirmed_at"] = days_ago(-30)
    web.sync()
    assert web.endpoint.explain("dora") == "ok" and 0 <= web.status()["data_age_s"] < 60
    web.endpoint.document["confirmed_at"] = "yesterday"
    assert "not a time" in web.sync(code=1)
    del web.endpoint.document["confirmed_at"]
    web.sync()
    assert web.endpoint.explain("dora") == "ok"


def test_time_of_the_server(web):
    """A clock that was set back opens nothing: the server's time, from inside TLS, is kept."""
    web.endpoint.user("dora", scheduled=[{"state": "SUSPENDED", "scheduledDate": "2031-01-01T00:00:00Z"}])
    web.headers = ["Date: Mon, 06 Jan 2031 00:00:00 GMT"]
    web.sync()
    assert web.endpoint.explain("dora") == "suspended"
    web.headers = []
    web.endpoint.user("fred")
    web.sync()
    assert web.endpoint.explain("dora") == "suspended"


def doctor(check):
    """The worst that musterctl doctor says of CHECK."""
    done = run("musterctl", "doctor", "--json", check=False)
    found = [f for f in json.loads(done.stdout) if f["check"] == check]
    return max(found, key=lambda f: ["ok", "note", "warning", "fault"].index(f["status"]))


def http_date(seconds_ahead):
    return ["Date: " + time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + seconds_ahead))]


def test_doctor_sees_the_clock(web):
    web.headers = http_date(0)
    web.sync()
    assert doctor("clock")["status"] == "ok"
    web.headers = http_date(3600)
    web.endpoint.user("fred")
    web.sync()
    found = doctor("clock")
    assert found["status"] == "fault" and "behind" in found["detail"]


def test_doctor_sees_a_clock_ahead(web):
    web.headers = http_date(-3600)
    web.sync()
    found = doctor("clock")
    assert found["status"] == "warning" and "60 min ahead" in found["detail"]


def test_doctor_sees_age_and_holds(web):
    many(web)
    with open(web.endpoint.conf, "a") as f:
        f.write("[accounts]\nlease = 2s\n")
    web.sync()
    time.sleep(3.1)
    found = doctor("data.age")
    assert found["status"] == "fault" and "refused, since the lease is 2 s" in found["detail"]
    for i in range(18):
        web.endpoint.forget(f"user{i}")
    web.sync(code=1)
    found = doctor("data.held")
    assert found["status"] == "warning" and found["detail"].startswith("18 accounts")
    web.server.close()
    web.sync(code=1)
    found = doctor("data.sync")
    assert found["status"] == "fault" and "Failed to connect to localhost" in found["detail"]
    web.configure("https://localhost:1/d", ca_file="/etc/nowhere")
    assert "/etc/nowhere" in doctor("credentials")["detail"]


@contextlib.contextmanager
def pam_service():
    run("gcc", "-o", PAMT, TREE / "tests/system/pamt.c", "-lpam")
    with open("/etc/pam.d/mt-web", "w") as f:
        f.writelines(f"{kind} required pam_muster.so\n" for kind in ("auth", "account"))
    try:
        yield
    finally:
        os.unlink("/etc/pam.d/mt-web")


def login(user):
    done = run(PAMT, "mt-web", user, "auth", "account", env={**os.environ, "PASSWORD": PASSWORD}, cwd="/", check=False)
    return re.findall(r"(?m)^(?:auth|account) (\w+)", done.stdout)


def test_suspended_at_once(web):
    """The next login after a suspension is refused, though the next poll is far; off line the last state decides."""
    web.configure(web.server.url, recheck_after="0s", recheck_timeout="10s", poll_interval="1d")
    web.sync()
    with pam_service(), Agent() as agent:
        assert login("dora") == ["SUCCESS", "SUCCESS"]
        web.endpoint.user("dora", suspended=True)
        assert login("dora")[-1] != "SUCCESS"
        assert login("emil") == ["SUCCESS", "SUCCESS"]
        web.answer = lambda _: reply("", "503 Busy", ["Retry-After: 120"])
        assert login("emil") == ["SUCCESS", "SUCCESS"] and login("dora")[-1] != "SUCCESS"
        asked = len(web.server.requests)
        began = time.monotonic()
        assert login("emil") == ["SUCCESS", "SUCCESS"]  # it asked to be left alone
        assert len(web.server.requests) == asked and time.monotonic() - began < 8
        assert agent.stop() == 0


def test_first_sync_does_not_wait(web):
    """A fleet spreads its polls, but not an endpoint on which nobody can log in yet."""
    web.configure(web.server.url, poll_interval="1d")
    with Agent() as agent:
        agent.wait_until_synced()
        assert web.endpoint.explain("dora") == "ok"


def test_recovers_by_itself(web):
    web.configure(web.server.url, poll_interval="1s")
    web.sync()
    web.answer = lambda _: None
    with Agent() as agent:
        wait_for(lambda: agent.syncs("failed") >= 2, 20)
        assert agent.log().count(web.server.url) == 1  # told once
        assert agent.metrics()["muster_online"] == 0
        web.endpoint.user("fred")
        web.answer = web.document
        wait_for(lambda: resolves("fred"), 20)
        assert "good again" in agent.log()
        wait_for(lambda: agent.metrics()["muster_online"] == 1)


def test_nginx(web, own, tmp_path):
    """304 from a real server, a changed document, a stale copy, and a certificate that is asked for."""
    cert, key = own.issue("mine")
    with nginx(tmp_path, own, f"ssl_verify_client on; ssl_client_certificate {own.path / 'ca.pem'};") as server:
        web.configure(server.url, bearer_file=None, client_cert=cert, client_key=key)
        web.serial = 1
        server.write(web.body())
        web.sync()
        assert web.endpoint.explain("dora") == "ok" and web.sync() == ""
        old = web.body()
        web.serial = 2
        web.endpoint.user("dora", suspended=True)
        server.write(web.body())
        web.sync()
        assert web.endpoint.explain("dora") == "suspended"
        server.write(old)
        refused(web, "has serial 1, but 2 was here already")
        web.configure(server.url)
        refused(web, server.url)
        wait_for(lambda: len(server.log()) >= 5, what="five lines of its log")
        assert [line[0] for line in server.log()] == [200, 304, 200, 200, 400]


def test_lease_of_a_group(web):
    """A group's lease takes the place of the endpoint's for its members."""
    web.endpoint.group("Contractors", members=["emil"])
    with web.endpoint.conf.open("a") as conf:
        conf.write("\n[lease]\nContractors = 12h\n")
    web.sync()
    assert web.endpoint.explain("emil", "--offline", "11h") == "ok"
    assert web.endpoint.explain("emil", "--offline", "13h") == "stale"
    assert web.endpoint.explain("dora", "--offline", "13d") == "ok"


@pytest.mark.parametrize("reachable", [True, False])
def test_old_files_are_put_back(web, reachable):
    """Noticed and said (R22), and mended from the cache when the directory cannot be asked."""
    web.sync()
    old = published()
    web.endpoint.user("dora", suspended=True)
    web.sync()
    assert web.endpoint.explain("dora") == "suspended"
    for path, data in old.items():
        path.write_bytes(data)
    assert web.endpoint.explain("dora") == "ok"
    if not reachable:
        web.answer = lambda request: None
    said = web.sync(code=0 if reachable else 1)
    assert "an old copy was put back" in said and ("without the directory" in said) == (not reachable), said
    assert web.endpoint.explain("dora") == "suspended"
    assert "an old copy" not in web.sync(code=0 if reachable else 1)
