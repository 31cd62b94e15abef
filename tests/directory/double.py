"""The server: connections, TLS, and the way of a request through faults, routes and the journal."""
import contextlib
import http.server
import itertools
import socket
import socketserver
import threading

from . import access, control, routes, v1, v2  # noqa: F401 (v1 and v2 add their routes)
from .certs import Certificates
from .faults import Faults
from .journal import Journal
from .query import BadRequest
from .reply import NotFound, Reply, error
from .request import Request
from .tenant import Tenant

TARGET_MAX = 16384


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def setup(self):
        super().setup()
        self.double, self.connection_number = self.server.double, next(self.server.double.numbers)

    def answer(self):
        double = self.double
        request = Request(double, self)
        if request.path.startswith(control.PREFIX):
            return self.send(control.answer(request))
        request.number = double.journal.next_number()
        faults = double.faults.take(request)
        with double.tenant.mutex:
            for fault in faults:
                fault.happen(double)
            reply = double.answers(request)
            reply.payload()  # its objects may change once others may ask
            for fault in faults:
                reply = fault.edit(reply)
        double.journal.add(request, reply, [f.kind for f in faults])
        senders = [f for f in faults if f.sends]
        if not senders:
            return self.send(reply)
        self.close_connection = True
        senders[0].send(self, reply)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def send(self, reply):
        body = reply.payload()
        self.wfile.write(reply.head(len(body)) + (b"" if reply.status in (204, 304) else body))

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address, double):
        self.double = double
        super().__init__(address, Handler)

    def finish_request(self, raw, address):
        """In the connection's own thread: TLS first."""
        conn = None
        self.double.open.add(raw)
        try:
            conn = self.double.tls.accept(raw) if self.double.tls else raw
            if conn:
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.double.open.add(conn)
                Handler(conn, address, self)
        finally:
            self.double.open.difference_update((raw, conn))
            if conn:
                conn.close()

    def shutdown_request(self, request):
        self.close_request(request)

    def handle_error(self, request, address):
        """Clients hang up, and faults make them."""


class Double:
    """A running double. `with Double() as double:` or stop() ends it.

    tenant, faults and journal are its parts; url, ca_file (None over http) and tenant.api_key what a client needs."""

    def __init__(self, tenant=None, port=0, address="127.0.0.1", name="localhost", https=True, folder=None,
                 answers=None):
        self.tenant = tenant or Tenant()
        self.tokens, self.faults, self.journal = access.Tokens(), Faults(), Journal()
        self.answers = answers or self.answer  # of a request; replay.py has another
        self.stopping = threading.Event()
        self.open, self.numbers = set(), itertools.count(1)
        self.tls = Certificates(folder, name) if https else None
        self.address = address, port
        self.server = None
        self.up()
        self.url = f"{'https' if https else 'http'}://{name}:{self.port}"

    @property
    def ca_file(self):
        return self.tls and self.tls.ca_file

    def up(self):
        """Listen, always on the same port."""
        self.server = Server(self.address, self)
        self.port = self.server.server_address[1]
        self.address = self.address[0], self.port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self):
        """Nobody listens, and who was connected is not any more."""
        self.server.shutdown()
        self.server.server_close()
        self.drop_connections()

    def drop_connections(self):
        for conn in list(self.open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(conn, socket.SHUT_RDWR)

    def present(self, certificate):
        """Show another CERTIFICATE from now on (certs.py), also to who was connected."""
        self.tls.present(certificate)
        self.drop_connections()

    def stop(self):
        self.stopping.set()
        self.down()
        if self.tls:
            self.tls.remove()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def answer(self, request):
        """What the real one would answer; the caller holds the tenant."""
        if len(request.target) > TARGET_MAX:
            return error(414, "URI Too Long")
        v2_path = request.path.startswith("/api/v2/")
        route, rest = routes.find(request.method, request.path)
        if not route:
            return error(405 if rest else 404, "Method Not Allowed" if rest else "Not Found", v2_path)
        refusal = None if route.public else access.refuse(request, route.organization)
        if refusal:
            return refusal
        self.tenant.settle()
        try:
            reply = route.answer(request, *rest)
        except BadRequest as e:
            return error(400, str(e), v2_path)
        except NotFound:
            return error(404, "Not Found", v2_path)
        return self.with_etag(request, reply)

    def with_etag(self, request, reply):
        if reply.status == 200:
            reply.body, tag = reply.payload(), reply.etag()
            reply.headers["etag"] = tag
            if self.tenant.conditional and request.method == "GET" and request.headers.get("if-none-match") == tag:
                return Reply(None, status=304, headers={"etag": tag})
        return reply
