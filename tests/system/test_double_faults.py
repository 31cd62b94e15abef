"""The test double of JumpCloud: what it does wrong when it is told to, its control URL, and how it is started."""
import contextlib
import http.client
import json
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import urllib.request

import pytest

from directory import FAULTS, Double
from directory.certs import Certificates
from endpoint import TREE
from test_double import Client, client, double  # noqa: F401 (fixtures)

USERS = "/api/systemusers?sort=_id&limit=100"
RUN = TREE / "tests/directory/run"


def test_which_request(double, client):
    """The nth that matches, so many times."""
    fault = double.faults.order("status", path="/api/systemusers", nth=2, times=2, status=503)
    assert [client.ask("GET", USERS)[0] for _ in range(5)] == [200, 503, 503, 200, 200]
    assert client.ask("GET", "/api/organizations")[0] == 200 and fault.hits == 2
    assert [e["faults"] for e in double.journal.find()][:3] == [[], ["status"], ["status"]]
    double.faults.order("status", times=None, method="POST", status=500)
    assert [client.ask(m, "/api/systems")[0] for m in ("POST", "POST", "GET")] == [500, 500, 200]
    double.faults.clear()
    assert client.ask("POST", "/api/search/systemusers", {})[0] == 200
    with pytest.raises(TypeError):
        double.faults.order("status", no_such_argument=1)


EDITS = [
    ("status", {"status": 429, "retry_after": 7}, lambda s, d, h: (s, h["retry-after"]) == (429, "7")),
    ("status", {"retry_after": "Sun, 22 Nov 2026 01:02:03 GMT"}, lambda s, d, h: "2026" in h["retry-after"]),
    ("status", {"status": 401}, lambda s, d, h: s == 401 and "retry-after" not in h),
    ("html", {}, lambda s, d, h: s == 200 and h["content-type"] == "text/html" and d.startswith(b"<html>")),
    ("redirect", {"location": "https://else:1/"}, lambda s, d, h: (s, h["location"]) == (302, "https://else:1/")),
    ("body", {"text": "{}"}, lambda s, d, h: d == {}),
    ("header", {"name": "Content-Type"}, lambda s, d, h: "content-type" not in h),
    ("edit", {"change": lambda d: d.pop("results") and None}, lambda s, d, h: d == {"totalCount": 3}),
    ("edit", {"change": lambda d: []}, lambda s, d, h: d == []),
    ("field", {"name": "unix_uid", "value": "5"}, lambda s, d, h: [r["unix_uid"] for r in d["results"]] == ["5"] * 3),
    ("field", {"name": "_id", "value": None, "index": 1}, lambda s, d, h: d["results"][1]["_id"] is None),
    ("total", {"by": 2}, lambda s, d, h: d["totalCount"] == 5),
    ("duplicate", {}, lambda s, d, h: d["results"][0] == d["results"][2] != d["results"][1]),
    ("without", {}, lambda s, d, h: len(d["results"]) == 2 and d["totalCount"] == 3),
    ("deep", {}, lambda s, d, h: d.count(b"[") == 200000),
    ("huge_string", {"mib": 1}, lambda s, d, h: len(d["results"][2]["username"]) == 1 << 20),
    ("chunked", {}, lambda s, d, h: len(d["results"]) == 3 and "content-length" not in h),
    ("late", {"delay_s": 0.1}, lambda s, d, h: len(d["results"]) == 3),
    ("slow_body", {"delay_s": 0.0001}, lambda s, d, h: len(d["results"]) == 3),
    ("slow_headers", {"delay_s": 0.0001}, lambda s, d, h: len(d["results"]) == 3),
    ("gzip_bomb", {"mib": 8}, lambda s, d, h: h["content-encoding"] == "gzip" and len(d) < 1 << 20),
    ("change", {"action": "delete", "user": "user1"}, lambda s, d, h: d["totalCount"] == 2),
    ("change", {"action": lambda t: t.add_user("zoe")}, lambda s, d, h: d["totalCount"] == 4),
]


@pytest.mark.parametrize("kind, arguments, holds", EDITS)
def test_a_wrong_reply(double, client, kind, arguments, holds):
    double.tenant.add_users(3)
    double.faults.order(kind, **arguments)
    assert holds(*client.ask("GET", USERS))
    if kind != "change":
        assert Client(double).ask("GET", USERS)[1]["totalCount"] == 3


BREAKS = {  # how a client notices
    "hang_up": ({}, http.client.RemoteDisconnected),
    "truncated": ({}, http.client.IncompleteRead),
    "half_closed": ({}, (ssl.SSLEOFError, http.client.IncompleteRead)),
    "silent": ({}, TimeoutError),
    "slow_headers": ({"delay_s": 5}, TimeoutError),
    "slow_body": ({"delay_s": 5}, TimeoutError),
    "raw": ({"data": "HTTP/1.1 2"}, http.client.HTTPException),
    "endless_headers": ({}, http.client.HTTPException),
}


@pytest.mark.parametrize("kind", BREAKS)
def test_a_broken_connection(double, kind):
    arguments, error = BREAKS[kind]
    double.faults.order(kind, **arguments)
    client = Client(double)
    client.connection.timeout = 2
    with pytest.raises(error):
        client.ask("GET", USERS)
    assert Client(double).ask("GET", USERS)[0] == 200


def test_an_endless_body(double, client):
    double.faults.order("endless")
    client.connection.request("GET", USERS, headers=client.headers)
    reply = client.connection.getresponse()
    assert len(reply.read(8 << 20)) == 8 << 20
    reply.close()
    assert Client(double).ask("GET", USERS)[0] == 200


def test_all_faults_are_tried():
    assert set(FAULTS) == {k for k, _, _ in EDITS} | set(BREAKS) | {"endless", "revoke_tokens"}


def test_totals_of_v2(double, client):
    double.tenant.add_group("dev")
    double.faults.order("total", by=-1)
    assert len(client.get("/api/v2/usergroups")) == 1 and client.got["x-total-count"] == "0"


@pytest.mark.parametrize("certificate", Certificates.FAULTS)
def test_tls(double, client, certificate):
    """Nothing of them is taken by a client that checks, and who was connected has to come again."""
    assert client.ask("GET", USERS)[0] == 200
    double.present(certificate)
    with pytest.raises((OSError, http.client.HTTPException)):
        client.ask("GET", USERS)
    client = Client(double)
    client.connection.timeout = 2
    with pytest.raises(OSError):
        client.ask("GET", USERS)
    double.present("good")
    assert Client(double).ask("GET", USERS)[0] == 200
    assert double.journal.count() == 2


def test_tls_faults_are_what_they_are_called(double):
    """Seen by a client that does not check."""
    context = ssl._create_unverified_context()

    def presented(certificate):
        double.present(certificate)
        with socket.create_connection(("127.0.0.1", double.port)) as raw, context.wrap_socket(raw) as conn:
            pem = ssl.DER_cert_to_PEM_cert(conn.getpeercert(True))
        return subprocess.run(["openssl", "x509", "-noout", "-dates", "-ext", "subjectAltName", "-issuer", "-subject"],
                              input=pem, capture_output=True, text=True, check=True).stdout
    assert "notAfter=Feb  1 00:00:00 2020" in presented("expired")
    assert "notBefore=Jan  1 00:00:00 2048" in presented("not yet valid")
    assert "DNS:other.test\n" in presented("wrong name")
    assert "issuer=CN = unknown" in presented("unknown CA")
    assert "issuer=CN = own\nsubject=CN = own" in presented("self-signed")


def test_nobody_listens(double, client):
    assert client.ask("GET", USERS)[0] == 200
    double.down()
    with pytest.raises((OSError, http.client.HTTPException)):
        client.ask("GET", USERS)
    with pytest.raises(ConnectionRefusedError):
        Client(double).ask("GET", USERS)
    double.up()
    assert Client(double).ask("GET", USERS)[0] == 200


def test_control(double, client):
    form = {"content_type": "application/x-www-form-urlencoded"}
    do = lambda what, body="", method="POST": client.ask(method, "/_control/" + what, body, **form)[:2]
    status, data = do("add_user", "username=dora&bound=true&sudo=true&description=5 apples")
    user = client.get(f"/api/systemusers/{data['result']}")
    assert (user["username"], user["description"]) == ("dora", "5 apples")
    assert client.get(f"/api/v2/systems/{double.tenant.system}/users")[0]["compiledAttributes"]["sudo"]["enabled"]
    assert do("suspend", "user=dora")[0] == 200
    assert client.get(f"/api/systemusers/{data['result']}")["suspended"]
    assert do("suspend", "user=nobody")[0] == do("no_such_action")[0] == do("suspend")[0] == 400
    assert do("fault", "kind=status&path=/api/systems&status=418&times=2")[0] == 200
    assert client.ask("GET", "/api/systems")[0] == 418
    assert do("fault", method="DELETE")[0] == 200 and client.ask("GET", "/api/systems")[0] == 200
    assert [e["path"] for e in client.get("/_control/requests")][-2:] == ["/api/systems", "/api/systems"]
    assert do("requests", method="DELETE")[0] == 200 and client.get("/_control/requests") == []
    overview = client.get("/_control")
    assert set(FAULTS) == set(overview["faults"]) and "suspend" in overview["actions"]
    assert client.ask("POST", "/_control/suspend", {"user": "dora"})[0] == 200  # JSON too


@contextlib.contextmanager
def started(*argv):
    """(what it printed, its folder)"""
    with subprocess.Popen([RUN, *argv], stdout=subprocess.PIPE, text=True) as process:
        text = ""
        for line in process.stdout:
            text += line
            if "org_id" in line:
                break
        conf = pathlib.Path(re.search(r"(?m)^(/\S+/muster.conf):$", text).group(1))
        try:
            yield conf.parent, dict(re.findall(r"(\w+) = (\S+)", conf.read_text()))
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_one_command(tmp_path):
    assert "usage:" in subprocess.run([RUN, "--help"], capture_output=True, text=True, check=True).stdout
    with started("--port", "0", "--folder", tmp_path / "d", "--users", "50", "--bound", "7") as (folder, conf):
        assert folder == tmp_path / "d" and (folder / "api.key").stat().st_mode & 0o777 == 0o600
        key = (folder / "api.key").read_text().strip()
        context = ssl.create_default_context(cafile=conf["ca_file"])

        def get(path):
            request = urllib.request.Request(conf["url"].removesuffix("/api") + path, headers={"x-api-key": key})
            return json.load(urllib.request.urlopen(request, context=context, timeout=30))
        assert len(get(f"/api/v2/systems/{conf['system_id']}/users")) == 7
        assert get("/api/systemusers")["totalCount"] == 50
        ca = pathlib.Path(conf["ca_file"]).read_text()
    with started("--port", "0", "--folder", tmp_path / "d") as (_, conf):
        assert pathlib.Path(conf["ca_file"]).read_text() == ca  # endpoints go on trusting it


def test_http(tmp_path):
    with started("--http", "--port", "0", "--folder", tmp_path) as (_, conf):
        connection = http.client.HTTPConnection(conf["url"].removeprefix("http://").removesuffix("/api"), timeout=30)
        connection.request("GET", "/_control")
        assert json.loads(connection.getresponse().read())["users"] == 20 and "ca_file" not in conf
