"""muster-fetch spoken to directly, and the web servers that it meets: good ones and hostile ones."""
import collections
import contextlib
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
from directory.certs import Authority  # noqa: E402, F401

CONFIG, SYNC, REFRESH, RECORD, END, RESULT, SERVER = 1, 2, 3, 32, 33, 34, 35
UNCHANGED = 2
FETCH = os.environ.get("MUSTER_FETCH", "/usr/libexec/muster/muster-fetch")

Answer = collections.namedtuple("Answer", "error text accounts flags serial server")
ServerSaid = collections.namedtuple("ServerSaid", "date status retry_after validator")


class Fetch:
    """A running muster-fetch. Settings are those of CONFIG; a value may be longer than a frame."""

    def __init__(self, env=None, program=(FETCH,), **settings):
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(120)
        self.file = self.sock.makefile("rb")
        self.request = 0
        self.process = subprocess.Popen(program, env=env or {}, close_fds=False, stderr=subprocess.PIPE,
                                        preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
        theirs.close()
        self.configure(**settings)

    def configure(self, **settings):
        """CONFIG; with the next request it takes the place of what was there."""
        settings = {"driver": "document", "hostname": "host", "system_id": "5cdc", **settings}
        for key, value in settings.items():
            value = value if isinstance(value, bytes) else value.encode()
            for i in range(0, max(len(value), 1), 60000):
                self.send(CONFIG, 0, key.encode() + b"\0" + value[i:i + 60000] + b"\0")

    def send(self, kind, request, payload):
        self.sock.sendall(struct.pack("<IHHI", len(payload), kind, 0, request) + payload)

    def sync(self, validator=""):
        return self.ask(SYNC, validator)

    def refresh(self, user):
        return self.ask(REFRESH, user)

    def ask(self, kind, text):
        """The answer to one request; `records` keeps what came as (kind, bytes)."""
        self.request += 1
        self.send(kind, self.request, text.encode() + b"\0")
        self.records, server = [], None
        while True:
            length, kind, zero, request = struct.unpack("<IHHI", self.file.read(12))
            payload = self.file.read(length)
            assert zero == 0 and request == self.request
            if kind == RECORD:
                self.records += split_records(payload)
            elif kind == SERVER:
                assert server is None and payload[-1] == 0
                server = ServerSaid(*struct.unpack_from("<QII", payload), payload[16:-1].decode())
            elif kind == END:
                end = struct.unpack("<7Q", payload)
                assert end[0] == self.count("A")
                return Answer(0, "", end[0], end[5], end[4], server)
            else:
                assert kind == RESULT
                return Answer(struct.unpack_from("<I", payload)[0], payload[4:-1].decode(), self.count("A"), 0, 0, server)

    def count(self, kind):
        return sum(k == kind for k, _ in self.records)

    def peak_kib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])

    def stop(self):
        """Hangs up; returns what it exits with."""
        self.file.close()
        self.sock.close()
        with self.process.stderr:
            return self.process.wait(30)


def split_records(payload):
    found, offset = [], 0
    while offset < len(payload):
        length, = struct.unpack_from("<I", payload, offset)
        record = payload[offset + 4:offset + 4 + length]
        found.append((chr(record[0]), record))
        offset += 4 + length
    assert offset == len(payload)
    return found


@contextlib.contextmanager
def fetching(**settings):
    fetch = Fetch(**settings)
    try:
        yield fetch
    finally:
        status = fetch.stop()
    assert status == 0


class Server:
    """A TLS server that says what it is told to, byte for byte, and remembers what it was asked.

    answer(request) gives the bytes, or an iterable of them, or None to hang up at once. The connection stays open after an
    answer unless that ends with CLOSE."""

    CLOSE = object()

    def __init__(self, answer, cert, key, client_ca=None, tune=None, port=0):
        self.answer, self.requests, self.connections, self.last, self.living = answer, [], 0, None, set()
        self.context = None
        if cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(cert, key)
            if client_ca:
                self.context.verify_mode = ssl.CERT_REQUIRED
                self.context.load_verify_locations(client_ca)
            if tune:
                tune(self.context)
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}/directory.json"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        with contextlib.suppress(OSError), raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with (self.context.wrap_socket(raw, server_side=True) if self.context else raw) as conn:
                self.last = conn
                self.living.add(conn)
                while self.exchange(conn):
                    pass

    def exchange(self, conn):
        request = b""
        while b"\r\n\r\n" not in request:
            data = conn.recv(65536)
            if not data:
                return False
            request += data
        self.requests.append(request.decode())
        pieces = self.answer(self.requests[-1])
        if pieces is None:
            return False
        for piece in [pieces] if isinstance(pieces, bytes) else pieces:
            if piece is self.CLOSE:
                return False
            conn.sendall(piece)
        return True

    def bytes_on_wire(self):
        """Sent and acknowledged, and received, on the last TCP connection: struct tcp_info."""
        time.sleep(0.2)
        info = self.last.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return sum(struct.unpack_from("<QQ", info, 120))

    def close(self):
        """And hangs up on everybody."""
        for sock in (self.listener, *list(self.living)):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@contextlib.contextmanager
def serving(answer, cert, key, **options):
    server = Server(answer, cert, key, **options)
    try:
        yield server
    finally:
        server.close()


def reply(body, status="200 OK", headers=(), content_type="application/json"):
    body = body if isinstance(body, bytes) else body.encode()
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    if content_type:
        head.append(f"Content-Type: {content_type}")
    return "\r\n".join([*head, "", ""]).encode() + body
