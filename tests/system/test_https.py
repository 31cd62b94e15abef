"""The document over https: muster-fetch alone, against good and hostile servers (H1-H8, R9, R10)."""
import errno
import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from fetch import FETCH, SYNC, UNCHANGED, Authority, Fetch, Server, fetching, reply, serving

DOCUMENT = json.dumps({"format": "muster-directory/1", "serial": 17, "users": [
    {"id": "a", "username": "alice"}, {"id": "b", "username": "bob"}]})
TAG = '"v17"'
DATE = "Sun, 22 Nov 2026 01:02:03 GMT"
DATE_S = 1795309323


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "own")


@pytest.fixture(scope="module")
def rogue(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "rogue")


@pytest.fixture(scope="module")
def identity(own):
    return own.issue("server")


def good(_request):
    return reply(DOCUMENT, headers=[f"ETag: {TAG}", f"Date: {DATE}"])


def with_etags(request):
    if f"If-None-Match: {TAG}" in request.split("\r\n"):
        return f"HTTP/1.1 304 Not Modified\r\nETag: {TAG}\r\nDate: {DATE}\r\n\r\n".encode()
    return good(request)


def sync(url, ca, **settings):
    with fetching(url=url, ca=ca, **settings) as fetch:
        return fetch.sync()


def test_document(own, identity):
    with serving(good, *identity) as server:
        a = sync(server.url, own.pem)
    assert (a.error, a.text, a.accounts, a.flags, a.serial) == (0, "", 2, 0, 17)
    assert a.server == (DATE_S, 200, 0, TAG)


def test_what_is_asked(own, identity):
    """The request says no more than it must: no compression, no cookie, no language."""
    with serving(with_etags, *identity) as server:
        with fetching(url=server.url + "?h=%h&i=%i&x=%20%", ca=own.pem, hostname="a b/%c\xe4", system_id="5cdc",
                      bearer="s3cret-token") as fetch:
            assert fetch.sync().error == 0
            assert fetch.sync(TAG).flags == UNCHANGED
    first, second = ([line for line in r.split("\r\n") if line] for r in server.requests)
    assert first[0] == "GET /directory.json?h=a%20b%2F%25c%C3%A4&i=5cdc&x=%20% HTTP/1.1"
    assert first[1] == f"Host: localhost:{server.port}"
    assert sorted(line.split("/")[0] for line in first[2:]) == [
        "Accept: application", "Authorization: Bearer s3cret-token", "User-Agent: muster"]
    assert second == [*first[:2], f"If-None-Match: {TAG}", *first[2:]]


def test_unchanged(own, identity):
    """A poll over the connection that is still there: one request, one answer, 500 bytes on the wire."""
    polls = 5
    with serving(with_etags, *identity) as server:
        with fetching(url=server.url, ca=own.pem, bearer="s3cret-token") as fetch:
            tag = fetch.sync().server.validator
            before = server.bytes_on_wire()
            for _ in range(polls):
                a = fetch.sync(tag)
                assert (a.error, a.accounts, a.flags, a.server) == (0, 0, UNCHANGED, (DATE_S, 304, 0, TAG))
            assert 200 < (server.bytes_on_wire() - before) / polls <= 500
    assert server.connections == 1 and len(server.requests) == 1 + polls


def test_settings_come_again(own, rogue, identity):
    """With each request: the connection stays while they are the same, and no longer."""
    settings = {"ca": own.pem, "bearer": "one"}
    with serving(with_etags, *identity) as server:
        with fetching(url=server.url, **settings) as fetch:
            tag = fetch.sync().server.validator
            for _ in range(3):
                fetch.configure(url=server.url, **settings)
                assert fetch.sync(tag).flags == UNCHANGED
            assert server.connections == 1
            fetch.configure(url=server.url, ca=own.pem, bearer="two")
            assert fetch.sync(tag).flags == UNCHANGED
            assert server.connections == 2 and "Authorization: Bearer two\r\n" in server.requests[-1]
            fetch.configure(url=server.url + "?h=%h", ca=own.pem)
            assert fetch.sync().accounts == 2
            assert server.requests[-1].startswith("GET /directory.json?h=host ")
            assert "Authorization" not in server.requests[-1]
            fetch.configure(url=server.url, ca=rogue.pem)
            assert fetch.sync().error == errno.EKEYREJECTED
            fetch.configure(url=server.url, **settings)
            assert fetch.sync().error == 0


def test_from_the_network_to_a_file(own, identity):
    with serving(good, *identity) as server:
        fetch = Fetch(url=server.url, ca=own.pem)
        assert fetch.sync().error == 0
        fetch.configure(url="file:///etc/passwd")
        fetch.send(SYNC, 9, b"\0")
        assert fetch.file.read() == b"" and fetch.stop() == 1


def test_the_document_changes(own, identity):
    with serving(with_etags, *identity) as server:
        with fetching(url=server.url, ca=own.pem) as fetch:
            a = fetch.sync('"v16"')
            assert (a.error, a.accounts, a.server.status) == (0, 2, 200)


def test_not_modified_unasked(own, identity):
    """304 to a request without validator is no answer."""
    with serving(lambda _: b"HTTP/1.1 304 Not Modified\r\n\r\n", *identity) as server:
        a = sync(server.url, own.pem)
    assert (a.error, a.text) == (errno.EPROTO, "the server answered with HTTP status 304")


def test_client_certificate(own, rogue, identity):
    cert, key = (p.read_text() for p in own.issue("client"))
    with serving(good, *identity, client_ca=own.path / "ca.pem") as server:
        assert sync(server.url, own.pem, client_cert=cert, client_key=key).accounts == 2
        assert sync(server.url, own.pem).error in (errno.EKEYREJECTED, errno.EHOSTUNREACH)
        cert, key = (p.read_text() for p in rogue.issue("client"))
        a = sync(server.url, own.pem, client_cert=cert, client_key=key)
        assert a.error in (errno.EKEYREJECTED, errno.EHOSTUNREACH)
    assert len(server.requests) == 1


def test_a_locked_key_is_not_asked_for(own, identity, tmp_path):
    own.openssl("req", "-x509", "-newkey", "rsa:2048", "-passout", "pass:x", "-subj", "/CN=x", "-days", "1",
                "-keyout", str(tmp_path / "k"), "-out", str(tmp_path / "c"))
    with serving(good, *identity) as server:
        a = sync(server.url, own.pem, client_cert=(tmp_path / "c").read_text(), client_key=(tmp_path / "k").read_text())
    assert (a.error, server.requests) == (errno.EKEYREJECTED, [])


def test_large_ca(own, rogue, identity):
    """The system's bundle: longer than a frame, and ours the last in it."""
    with serving(good, *identity) as server:
        assert sync(server.url, rogue.pem * 400 + own.pem).accounts == 2
        assert sync(server.url, rogue.pem * 400).error == errno.EKEYREJECTED


def test_secrets(own, identity):
    """Password hashes are taken only where musterd says that the server knows who asks."""
    document = DOCUMENT.replace('"bob"', '"bob", "password_hash": "$6$x$y"')
    with serving(lambda _: reply(document), *identity) as server:
        a = sync(server.url, own.pem, secrets="no")
        assert (a.error, a.accounts) == (errno.EACCES, 0)
        assert "passwords or TOTP secrets" in a.text
        assert sync(server.url, own.pem, secrets="yes").accounts == 2


@pytest.mark.parametrize("fault, settings, text", [
    ("url", {"url": "http://localhost/"}, "no document came along"),
    ("user in url", {"url": "https://u:p@localhost/"}, None),
    ("ca", {"ca": ""}, "ca: none, so that no server can be trusted"),
    ("half a pair", {"client_cert": "x"}, "client_cert and client_key: one without the other"),
    ("token", {"bearer": "a\r\nX-Evil: 1"}, "bearer: a token has visible characters only"),
    ("proxy", {"proxy": "socks5://127.0.0.1:1"}, "proxy: not an http:// or https:// URL"),
    ("space in url", {"url": "https://localhost/a b"}, "url: not an https:// URL"),
])
def test_unusable_settings(own, fault, settings, text):
    with fetching(**{"url": "https://localhost:1/", "ca": own.pem, **settings}) as fetch:
        for _ in range(2):
            a = fetch.sync()
            assert a.error and a.server is None
            assert text in (None, a.text)


# TLS (R10): refused before a byte of the request leaves.

def tls_case(name, own, rogue):
    plain = own.issue("tls")
    return {
        "expired": lambda: own.issue("expired", end="20200201000000Z"),
        "not yet valid": lambda: own.issue("future", start="20480101000000Z"),
        "wrong name": lambda: own.issue("other", san="DNS:other.test"),
        "self-signed": lambda: (own.path / "ca.pem", own.path / "ca.key"),
        "unknown CA": lambda: rogue.issue("server"),
    }.get(name, lambda: plain)()


def only(version):
    def tune(context):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
    return tune


def null_cipher(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("NULL:@SECLEVEL=0")


@pytest.mark.parametrize("name, tune", [
    ("expired", None), ("not yet valid", None), ("wrong name", None), ("self-signed", None),
    ("unknown CA", None), ("TLS 1.1", only(ssl.TLSVersion.TLSv1_1)), ("null cipher", null_cipher),
])
def test_tls(own, rogue, name, tune):
    with serving(good, *tls_case(name, own, rogue), tune=tune) as server:
        a = sync(server.url, own.pem, bearer="s3cret-token")
    assert (a.error, a.server, server.requests) == (errno.EKEYREJECTED, None, [])
    assert server.connections == 1 and a.text


def test_plain_text_server(own):
    seen = []

    def listen(listener):
        conn, _ = listener.accept()
        with conn:
            seen.append(conn.recv(65536))
            conn.sendall(reply(DOCUMENT))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, args=(listener,), daemon=True).start()
        a = sync(f"https://localhost:{listener.getsockname()[1]}/", own.pem, bearer="s3cret-token")
    assert a.error == errno.EKEYREJECTED and b"s3cret" not in seen[0]


def test_the_certificate_changes(own, rogue, identity):
    """The next connection is verified anew: a server that was good is not trusted for it."""
    with serving(lambda r: [good(r), Server.CLOSE], *identity) as server:
        with fetching(url=server.url, ca=own.pem) as fetch:
            assert fetch.sync().accounts == 2
            server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.context.load_cert_chain(*rogue.issue("swap"))
            assert fetch.sync().error == errno.EKEYREJECTED


# Hostile answers (R9): an error, a reason, and the next good answer is taken.

def chunked(*chunks):
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    for chunk in chunks:
        yield b"%x\r\n%s\r\n" % (len(chunk), chunk)


def forever(first, again, delay=0):
    yield first
    while True:
        time.sleep(delay)
        yield again


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
UNTIL_CLOSED = HEAD + b"\r\n"
HOSTILE = {
    "500": (lambda: reply("oops", "500 Internal Server Error"), errno.EBUSY, "HTTP status 500"),
    "503": (lambda: reply("", "503 Busy", ["Retry-After: 120"]), errno.EBUSY, "HTTP status 503"),
    "429": (lambda: reply("", "429 Slow down", ["Retry-After: 120"]), errno.EBUSY, "HTTP status 429"),
    "404": (lambda: reply("", "404 Not Found"), errno.EPROTO, "HTTP status 404"),
    "401": (lambda: reply("", "401 Unauthorized", ["WWW-Authenticate: Basic"]), errno.EPERM, "HTTP status 401"),
    "403": (lambda: reply("", "403 Forbidden"), errno.EPERM, "HTTP status 403"),
    "206": (lambda: reply(DOCUMENT, "206 Partial Content"), errno.EPROTO, "HTTP status 206"),
    "204": (lambda: b"HTTP/1.1 204 No Content\r\n\r\n", errno.EPROTO, "HTTP status 204"),
    "html": (lambda: reply("<html>", content_type="text/html"), errno.EPROTO, "Content-Type is not application/json"),
    "no type": (lambda: reply(DOCUMENT, content_type=None), errno.EPROTO, "Content-Type is not application/json"),
    "jsonp": (lambda: reply(DOCUMENT, content_type="application/jsonp"), errno.EPROTO, "Content-Type"),
    "gzip": (lambda: reply(b"\x1f\x8b", headers=["Content-Encoding: gzip"]), errno.EPROTO, "compressed"),
    "empty": (lambda: reply(""), errno.EBADMSG, "ends too early"),
    "{}": (lambda: reply("{}"), errno.EBADMSG, '"users" is missing'),
    "[]": (lambda: reply("[]"), errno.EBADMSG, "not an object"),
    "half": (lambda: [reply(DOCUMENT)[:-9], Server.CLOSE], errno.EPROTO, ""),
    "half, no length": (lambda: [UNTIL_CLOSED + DOCUMENT[:-9].encode(), Server.CLOSE], errno.EBADMSG, ""),
    "half, chunked": (lambda: [*chunked(DOCUMENT.encode()), Server.CLOSE], errno.EPROTO, ""),
    "bad chunk": (lambda: [*chunked(), b"zz\r\n", Server.CLOSE], None, ""),
    "NaN": (lambda: reply(DOCUMENT.replace("17", "NaN")), errno.EBADMSG, "expected a JSON value"),
    "deep": (lambda: reply(b'{"x":' + b"[" * 200000), errno.EBADMSG, "nested too deeply"),
    "not UTF-8": (lambda: reply(b'{"format":"muster-directory/1\xff","users":[]}'), errno.EBADMSG, "not UTF-8"),
    "endless": (lambda: forever(UNTIL_CLOSED, b" " * (1 << 20)), errno.EFBIG, "larger than 256 MiB"),
    "endless header": (lambda: forever(HEAD, b"X: " + b"a" * 8000 + b"\r\n"), errno.EPROTO, "headers are too long"),
    "endless 100": (lambda: forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), errno.EPROTO, "headers are too long"),
    "HTTP/0.9": (lambda: [DOCUMENT.encode(), Server.CLOSE], errno.EPROTO, ""),
    "hang up": (lambda: None, errno.EHOSTUNREACH, ""),
    "huge length": (lambda: [HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n", Server.CLOSE], None, ""),
    "two lengths": (lambda: [HEAD + b"Content-Length: 5\r\nContent-Length: 500\r\n\r\n" + DOCUMENT.encode(),
                             Server.CLOSE], None, ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answer(own, identity, name):
    make, error, text = HOSTILE[name]
    answers = [make(), good("")]
    with serving(lambda _: answers.pop(0), *identity) as server:
        with fetching(url=server.url, ca=own.pem) as fetch:
            a = fetch.sync()
            assert a.error == error if error else a.error
            assert text in a.text and a.text
            assert a.accounts == 0 and fetch.peak_kib() < 40 * 1024
            if name in ("503", "429"):
                assert a.server.retry_after == 120
            assert fetch.sync().accounts == 2


def test_slow_server(own, identity):
    """One byte a second: given up, and musterd hears meanwhile that work goes on."""
    with serving(lambda _: forever(UNTIL_CLOSED, b" ", 0.5), *identity) as server:
        with fetching(url=server.url, ca=own.pem) as fetch:
            began = time.monotonic()
            fetch.sock.settimeout(8)  # musterd gives up after 30 s without a frame
            a = fetch.sync()
            assert a.error == errno.ETIMEDOUT and 8 < time.monotonic() - began < 25


def test_silent_server(own):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        a = sync(f"https://localhost:{listener.getsockname()[1]}/", own.pem)
    assert a.error == errno.ETIMEDOUT and time.monotonic() - began < 8


def test_no_server(own):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert sync(f"https://localhost:{port}/", own.pem).error == errno.EHOSTUNREACH
    assert sync("https://no-such-host.invalid/", own.pem).error == errno.EHOSTUNREACH


class NameServer:
    """DNS for one name, with one address; says nothing of any other."""

    def __init__(self, address, name, answer):
        self.question = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"
        self.answer, self.asked = socket.inet_aton(answer), 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, peer = self.sock.recvfrom(512)
            known = query[12:].startswith(self.question)
            self.asked += known
            found = known and query[12 + len(self.question):].startswith(b"\0\1")
            head = struct.pack(">2sHHHHH", query[:2], 0x8180 if known else 0x8183, 1, found, 0, 0)
            body = query[12:12 + len(self.question) + 4] if known else query[12:]
            record = struct.pack(">HHHIH", 0xc00c, 1, 1, 60, 4) + self.answer if found else b""
            self.sock.sendto(head + body + record, peer)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a resolv.conf of its own")
def test_name_by_dns(own, tmp_path):
    """The filter of system calls lets a name be looked up, in /etc/hosts and by DNS."""
    dns = NameServer("127.0.0.99", "directory.test", "127.0.0.1")
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.99\noptions timeout:2 attempts:1\n")
    program = ["unshare", "-m", "sh", "-c", 'mount --bind "$1" /etc/resolv.conf && exec "$2"', "sh",
               str(tmp_path / "resolv.conf"), FETCH]
    with serving(good, *own.issue("directory", san="DNS:directory.test")) as server:
        url = server.url.replace("localhost", "directory.test")
        a = sync(url, own.pem, program=program)
        assert (a.error, a.text, a.accounts) == (0, "", 2)
        asked = dns.asked
        assert asked and server.connections == 1
        a = sync(url.replace("directory", "other"), own.pem, program=program)
        assert a.error == errno.EHOSTUNREACH and "resolve" in a.text


@pytest.mark.skipif(os.geteuid() != 0, reason="needs certificates of its own in /etc/ssl")
def test_system_authorities_do_not_count(own, rogue, tmp_path):
    """A CA that the system trusts is not the one that was configured."""
    (tmp_path / "rogue.pem").write_text(rogue.pem)
    digest = subprocess.run(["openssl", "x509", "-noout", "-hash", "-in", tmp_path / "rogue.pem"], capture_output=True,
                            text=True, check=True).stdout.strip()
    (tmp_path / "certs").mkdir()
    for name in [f"{digest}.0", "ca-certificates.crt"]:
        (tmp_path / "certs" / name).write_text(rogue.pem)
    program = ["unshare", "-m", "sh", "-c", 'mkdir -p /etc/ssl/certs; mount --bind "$1" /etc/ssl/certs && exec "$2"',
               "sh", str(tmp_path / "certs"), FETCH]
    with serving(good, *rogue.issue("server")) as server:
        assert sync(server.url, rogue.pem, program=program).accounts == 2
        assert sync(server.url, own.pem, program=program).error == errno.EKEYREJECTED


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirect(own, identity, status):
    """Nobody is followed: not to another port, not to a file, not to plain http."""
    with serving(good, *identity) as elsewhere:
        for url in [elsewhere.url, "file:///etc/passwd", f"http://localhost:{elsewhere.port}/"]:
            with serving(lambda _: reply("", status, [f"Location: {url}"]), *identity) as server:
                a = sync(server.url, own.pem, bearer="s3cret-token")
            assert (a.error, a.server.status) == (errno.EPROTO, int(status[:3]))
    assert elsewhere.connections == 0


def test_hostile_environment(own, rogue, identity, tmp_path):
    (tmp_path / ".netrc").write_text("machine localhost login u password p\n")
    (tmp_path / ".netrc").chmod(0o600)
    (tmp_path / "ca.pem").write_text(rogue.pem)
    with serving(good, None, None) as proxy, serving(good, *identity) as server:
        env = {name: f"http://127.0.0.1:{proxy.port}" for name in
               ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]}
        env.update(HOME=str(tmp_path), SSLKEYLOGFILE=str(tmp_path / "keys"), SSL_CERT_FILE=str(tmp_path / "ca.pem"),
                   CURL_CA_BUNDLE=str(tmp_path / "ca.pem"))
        assert sync(server.url, own.pem, env=env).accounts == 2
        with serving(good, *rogue.issue("server")) as other:
            assert sync(other.url, own.pem, env=env).error == errno.EKEYREJECTED
    assert proxy.connections == 0 and "Authorization" not in server.requests[0]
    assert not (tmp_path / "keys").exists()


class Proxy(Server):
    """CONNECT only. Its own Date lies."""

    def exchange(self, conn):
        request = b""
        while b"\r\n\r\n" not in request:
            request += conn.recv(1)
        self.requests.append(request.decode())
        port = int(request.split()[1].rsplit(b":")[1])
        with socket.create_connection(("127.0.0.1", port)) as there:
            conn.sendall(b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2099 00:00:00 GMT\r\nETag: \"proxy\"\r\n\r\n")
            back = threading.Thread(target=self.copy, args=(there, conn))
            back.start()
            self.copy(conn, there)
            back.join()
        return False

    @staticmethod
    def copy(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_proxy(own, identity):
    """The configured proxy sees where, but neither token nor document; and what it says of itself is not believed."""
    proxy = Proxy(None, None, None)
    with serving(lambda _: reply(DOCUMENT), *identity) as server:
        a = sync(server.url, own.pem, proxy=f"http://127.0.0.1:{proxy.port}", bearer="s3cret-token")
    proxy.close()
    assert (a.accounts, a.server) == (2, (0, 200, 0, ""))
    assert len(proxy.requests) == 1 and "s3cret" not in proxy.requests[0]
    assert proxy.requests[0].startswith(f"CONNECT localhost:{server.port} ")
    assert "Bearer s3cret-token" in server.requests[0]


@pytest.mark.parametrize("headers, server", [
    (["ETag: W/\"weak\""], (0, 200, 0, 'W/"weak"')),
    (["etag: \"x\"", "DATE: " + DATE], (DATE_S, 200, 0, '"x"')),
    (["ETag: unquoted"], (0, 200, 0, "")),
    (["ETag: \"" + "a" * 300 + "\""], (0, 200, 0, "")),
    (["ETag: \"a b\""], (0, 200, 0, "")),
    (["Date: tomorrow"], (0, 200, 0, "")),
    (["Date: Sun, 22 Nov 2026 01:02:03 GMT+1"], (0, 200, 0, "")),
    (["Date: Thu, 01 Jan 1970 00:00:00 GMT"], (0, 200, 0, "")),
    (["Retry-After: 99999999999"], (0, 200, 86400, "")),
    (["Retry-After: -5"], (0, 200, 0, "")),
    (["Date: " + DATE, "Retry-After: Sun, 22 Nov 2026 01:03:03 GMT"], (DATE_S, 200, 60, "")),
    (["Content-Type: text/html", "Content-Type: application/json"], (0, 200, 0, "")),
])
def test_headers(own, identity, headers, server):
    with serving(lambda _: reply(DOCUMENT, headers=headers), *identity) as web:
        a = sync(web.url, own.pem)
    assert (a.accounts, a.server) == (2, server)


def test_trailers_do_not_count(own, identity):
    def answer(_request):
        yield from chunked(DOCUMENT.encode())
        yield b"0\r\nDate: Thu, 01 Jan 2099 00:00:00 GMT\r\nETag: \"late\"\r\n\r\n"

    with serving(answer, *identity) as server:
        a = sync(server.url, own.pem)
    assert (a.accounts, a.server) == (2, (0, 200, 0, ""))


def test_interim_answers(own, identity):
    early = b"HTTP/1.1 103 Early Hints\r\nETag: \"early\"\r\nDate: Thu, 01 Jan 2099 00:00:00 GMT\r\n\r\n"
    with serving(lambda _: early + reply(DOCUMENT), *identity) as server:
        a = sync(server.url, own.pem)
    assert (a.accounts, a.server) == (2, (0, 200, 0, ""))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pieces(own, identity, size):
    def answer(_request):
        yield from chunked(*(DOCUMENT.encode()[i:i + size] for i in range(0, len(DOCUMENT), size)))
        yield b"0\r\n\r\n"

    with serving(answer, *identity) as server:
        assert sync(server.url, own.pem).accounts == 2


def test_hung_up_in_mid_download(own, identity):
    """musterd goes away: so does muster-fetch, at the next thing it has to say."""
    with serving(lambda _: forever(UNTIL_CLOSED, b" " * 1000, 0.1), *identity) as server:
        fetch = Fetch(url=server.url, ca=own.pem)
        fetch.send(2, 1, b"\0")
        time.sleep(1)
        assert fetch.stop() == 0
