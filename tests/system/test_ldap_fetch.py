"""VERIFY of muster-fetch against a real slapd: what is right, what is wrong, and who is not told anything."""
import contextlib
import errno
import os
import pathlib
import signal
import socket
import struct
import threading
import time

import pytest

from endpoint import WORK
from fetch import FETCH, RESULT, Authority, Fetch
from slapd import NAME, ORG, SUFFIX, TEMPLATE, Slapd

VERIFY = 4
SECRET = "correct horse"
LONG_AGO = "20200101000000Z"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca") / "own")


@pytest.fixture(scope="module")
def slapd(tmp_path_factory, authority):
    cert, key = authority.issue("ldap", san=f"DNS:localhost,DNS:{NAME}")
    s = Slapd(tmp_path_factory.mktemp("slapd") / "s", cert, key)
    for name in ("dora", "emil", "lena", "late", "reset", "Mixed.Case-9"):
        s.add(name, SECRET)
    s.set("lena", pwdAccountLockedTime="000001010000Z")
    s.set("late", pwdChangedTime=LONG_AGO)
    s.set("reset", pwdReset="TRUE")
    yield s.start()
    s.stop()


@contextlib.contextmanager
def asking(url, ca="", dn=TEMPLATE, org=ORG, **settings):
    """verify(name, password) gives error and text of the RESULT."""
    fetch = Fetch(ldap_url=url, ldap_bind_dn=dn, ldap_ca=ca, org_id=org, **settings)

    def verify(name, password):
        fetch.request += 1
        fetch.send(VERIFY, fetch.request, name.encode() + b"\0" + password.encode() + b"\0")
        length, kind, zero, request = struct.unpack("<IHHI", fetch.file.read(12))
        payload = fetch.file.read(length)
        assert (kind, zero, request) == (RESULT, 0, fetch.request)
        return struct.unpack_from("<I", payload)[0], payload[4:-1].decode()

    verify.fetch = fetch
    try:
        yield verify
    finally:
        assert fetch.stop() == 0


@pytest.fixture(params=["tls", "start_tls", "plain"])
def verify(request, slapd, authority):
    with asking(getattr(slapd, request.param), authority.pem) as v:
        yield v


def test_answers(verify, slapd):
    """Each answer by its own word, one after another and over each way to connect."""
    assert verify("dora", SECRET) == (0, "")
    error, text = verify("dora", "wrong")
    assert error == errno.EKEYREJECTED and text == 'LDAP: the server answers "Invalid credentials" (49)'
    assert verify("dora", SECRET) == (0, "")
    assert verify("nobody", SECRET)[0] == errno.EKEYREJECTED
    assert verify("lena", SECRET)[0] == errno.EACCES
    assert verify("lena", "wrong")[0] == errno.EACCES
    assert verify("late", SECRET)[0] == errno.EKEYEXPIRED
    assert verify("reset", SECRET)[0] == errno.EKEYEXPIRED
    assert verify("Mixed.Case-9", SECRET) == (0, "")


def test_an_empty_password_is_not_sent(verify, slapd):
    """A bind with a name and without a password succeeds for anybody."""
    before = len(slapd.log())
    assert verify("dora", "")[0] == errno.EKEYREJECTED
    assert "conn=" not in slapd.log()[before:]


def test_names_stay_names(verify, slapd):
    for name in (f"dora,ou=Users,o={ORG},{SUFFIX}", "dora+cn=dora", "*", "dora\\", '"dora"', "#dora"):
        assert verify(name, SECRET)[0] == errno.EKEYREJECTED
    assert verify("dora", SECRET)[0] == 0
    assert f"uid=dora,ou=Users,o={ORG},{SUFFIX}" in slapd.binds()


def unreachable(error):
    return error in (errno.EHOSTUNREACH, errno.ETIMEDOUT)


TRUST = {
    "another authority": lambda a, tmp: ("ldaps://localhost", Authority(tmp / "rogue").pem, "localhost", {}),
    "no authority": lambda a, tmp: ("ldaps://localhost", "", "localhost", {}),
    "another name": lambda a, tmp: ("ldaps://localhost", a.pem, "other.test", {}),
    "expired": lambda a, tmp: ("ldaps://localhost", a.pem, "localhost",
                               {"start": "20200101000000Z", "end": "20210101000000Z"}),
    "not yet valid": lambda a, tmp: ("ldaps://localhost", a.pem, "localhost",
                                     {"start": "20480101000000Z", "end": "20490101000000Z"}),
}


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
@pytest.mark.parametrize("fault", TRUST)
def test_no_trust(tmp_path, authority, fault, scheme):
    """A server that does not prove who it is hears no name and no password."""
    _, ca, name, times = TRUST[fault](authority, tmp_path)
    if name == "localhost" and scheme == "ldap":
        name = NAME
    cert, key = authority.issue(f"{fault} {scheme}".replace(" ", "-"), san=f"DNS:{name}", **times)
    s = Slapd(tmp_path / "slapd", cert, key)
    s.add("dora", SECRET)
    s.start()
    try:
        with asking(s.tls if scheme == "ldaps" else s.start_tls, ca) as verify:
            error, text = verify("dora", SECRET)
        assert unreachable(error) or error == errno.EINVAL, (error, text)
        assert s.binds() == []
    finally:
        s.stop()


def test_start_tls_refused(tmp_path):
    """No TLS, no password."""
    s = Slapd(tmp_path / "slapd")
    s.add("dora", SECRET)
    s.start()
    try:
        with asking(s.start_tls, Authority(tmp_path / "ca").pem) as verify:
            error, text = verify("dora", SECRET)
            assert unreachable(error) and "StartTLS" in text
        assert s.binds() == [] and "EXT oid=1.3.6.1.4.1.1466.20037" in s.log()
        with asking(s.plain) as verify:
            assert verify("dora", SECRET) == (0, "")
    finally:
        s.stop()


@contextlib.contextmanager
def listening(answer):
    """A server of our own; ANSWER(connection) is run for each."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"ldap://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def message(request, operation):
    """An LDAPMessage with the id of REQUEST, whose id is one byte."""
    body = b"\x02\x01" + request[4:5] + operation
    return b"\x30" + bytes([len(body)]) + body


def said(operation):
    return lambda c: c.sendall(message(c.recv(4096), operation))


# bindResponse with code N, and others that are none
LIES = {
    "code 14": (said(b"\x61\x07\x0a\x01\x0e\x04\x00\x04\x00"), errno.EPROTO),
    "code 10": (said(b"\x61\x07\x0a\x01\x0a\x04\x00\x04\x00"), errno.EPROTO),
    "code 51": (said(b"\x61\x07\x0a\x01\x33\x04\x00\x04\x00"), errno.EBUSY),
    "code 52": (said(b"\x61\x07\x0a\x01\x34\x04\x00\x04\x00"), errno.EHOSTUNREACH),
    "code 53": (said(b"\x61\x07\x0a\x01\x35\x04\x00\x04\x00"), errno.EACCES),
    "a search is done": (said(b"\x65\x07\x0a\x01\x00\x04\x00\x04\x00"), None),
    "an extended answer": (said(b"\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), None),
    "no code": (said(b"\x61\x00"), None),
    "another id": (lambda c: (c.recv(4096), c.sendall(b"\x30\x0c\x02\x01\x63\x61\x07\x0a\x01\x00\x04\x00\x04\x00")), None),
    "garbage": (lambda c: (c.recv(4096), c.sendall(os.urandom(4096))), None),
    "a giant": (lambda c: (c.recv(4096), c.sendall(b"\x30\x84\x7f\xff\xff\xff\x02\x01")), None),
    "hangs up": (lambda c: c.recv(4096), None),
    "hangs up at once": (lambda c: None, None),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_no_answer(lie):
    answer, expected = LIES[lie]
    with listening(answer) as url, asking(url) as verify:
        begin = time.monotonic()
        error, text = verify("dora", SECRET)
        assert error == expected if expected else error in (errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.EPROTO), text
        assert SECRET not in text and time.monotonic() - begin < 10


def test_the_servers_own_words_are_not_repeated():
    """They may be the password: what it says goes to the journal."""
    echo = said(b"\x61" + bytes([7 + len(SECRET)]) + b"\x0a\x01\x31\x04\x00\x04" + bytes([len(SECRET)]) + SECRET.encode())
    with listening(echo) as url, asking(url) as verify:
        assert verify("dora", SECRET) == (errno.EKEYREJECTED, 'LDAP: the server answers "Invalid credentials" (49)')


@pytest.mark.parametrize("way", ["start_tls", "plain"])
def test_frozen(slapd, authority, way):
    """Connected, and no answer: given up in seconds; and good again as soon as it is."""
    with asking(getattr(slapd, way), authority.pem) as verify:
        slapd.freeze()
        begin = time.monotonic()
        try:
            error, text = verify("dora", SECRET)
        finally:
            slapd.thaw()
        assert unreachable(error) and time.monotonic() - begin < 9, text
        assert verify("dora", SECRET) == (0, "")


def test_frozen_in_a_handshake(slapd, authority):
    """libldap waits for ever: the process does not."""
    fetch = Fetch(ldap_url=slapd.tls, ldap_bind_dn=TEMPLATE, ldap_ca=authority.pem, org_id=ORG)
    slapd.freeze()
    try:
        fetch.send(VERIFY, 1, b"dora\0x\0")
        assert fetch.process.wait(30) == -signal.SIGALRM
    finally:
        slapd.thaw()
        fetch.stop()


def test_no_server(slapd):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    with asking(f"ldaps://localhost:{port}") as verify:
        assert unreachable(verify("dora", SECRET)[0])
    with asking("ldaps://no-such-host.invalid") as verify:
        assert unreachable(verify("dora", SECRET)[0])


@pytest.mark.parametrize("settings", [{"url": "ldapi:///"}, {"url": "http://localhost"}, {"url": "ldap://localhost ldap://b"},
                                      {"dn": "cn=admin"}, {"org": ""}, {"ca": "no certificate"}], ids=str)
def test_unusable_settings(slapd, authority, settings):
    settings = {"url": slapd.tls, "ca": authority.pem, **settings}
    with asking(settings.pop("url"), **settings) as verify:
        error, _ = verify("dora", SECRET)
        assert error != 0 and error != errno.EKEYREJECTED
        assert slapd.binds().count("") == 0


def test_nothing_else_says_whom_to_trust(slapd, authority, tmp_path, monkeypatch):
    """ldap.conf, ~/.ldaprc and the environment: an authority in them is not believed, a server in them not asked."""
    rogue = Authority(tmp_path / "rogue")
    (tmp_path / "rogue.pem").write_text(authority.pem)
    words = {"TLS_CACERT": tmp_path / "rogue.pem", "TLS_REQCERT": "never", "URI": "ldap://127.0.0.1:9"}
    text = "".join(f"{k} {v}\n" for k, v in words.items())
    conf = "/etc/ldap/ldap.conf"
    before = pathlib.Path(conf).read_text() if os.path.exists(conf) else ""
    os.makedirs(os.path.dirname(conf), exist_ok=True)
    (tmp_path / ".ldaprc").write_text(text)
    with open(conf, "w") as f:
        f.write(text)
    try:
        env = {f"LDAP{k}": str(v) for k, v in words.items()} | {"HOME": str(tmp_path)}
        with asking(slapd.tls, rogue.pem, env=env) as verify:
            assert unreachable(verify("dora", SECRET)[0])
        with asking(slapd.tls, authority.pem, env=env) as verify:
            assert verify("dora", SECRET) == (0, "")
    finally:
        with open(conf, "w") as f:
            f.write(before)


def test_only_verify(slapd):
    """A muster-fetch that verifies does nothing else, and one that does something else does not verify."""
    for first, second in ((VERIFY, 2), (2, VERIFY)):
        fetch = Fetch(url="https://localhost:1/", ca="x", ldap_url=slapd.plain, ldap_bind_dn=TEMPLATE, org_id=ORG)
        payload = {VERIFY: b"dora\0x\0", 2: b"\0"}
        fetch.send(first, 1, payload[first])
        assert fetch.file.read(12)
        fetch.send(second, 2, payload[second])
        assert fetch.process.wait(30) == 1
        fetch.stop()


@pytest.mark.parametrize("payload", [b"", b"dora", b"dora\0", b"dora\0x", b"dora\0x\0y", b"dora\0x\0y\0"], ids=repr)
def test_no_request(slapd, payload):
    fetch = Fetch(ldap_url=slapd.plain, ldap_bind_dn=TEMPLATE, org_id=ORG)
    fetch.send(VERIFY, 1, payload)
    length, kind, _, _ = struct.unpack("<IHHI", fetch.file.read(12))
    assert kind == RESULT and struct.unpack_from("<I", fetch.file.read(length))[0] == errno.EPROTO
    assert fetch.stop() == 0


def test_reads_nothing(slapd, authority):
    """From the first request on: names, and the authorities that it was given, no other file."""
    trace = WORK / "fetch.strace"
    WORK.mkdir(exist_ok=True)
    program = ("strace", "-f", "-e", "trace=openat,open,execve,seccomp", "-o", str(trace), FETCH)
    with asking(slapd.tls, authority.pem, program=program) as verify:
        assert verify("dora", SECRET) == (0, "")
    _, _, after = trace.read_text().rpartition("seccomp(SECCOMP_SET_MODE_FILTER")
    opened = [line.split('"')[1] for line in after.splitlines() if "openat(" in line]
    names = {"/etc/hosts", "/etc/resolv.conf", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/ld.so.cache"}
    assert [p for p in opened if p not in names and "/proc/self/fd/" not in p and "libnss_" not in p] == []
