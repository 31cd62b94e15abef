"""Faults on order: what goes wrong, at which request.

    faults.order("status", path="/api/systemusers", nth=2, times=3, status=503)

PATH is what the path begins with, NTH counts the requests that match from now on, TIMES (None: without end) how many
of them fare so. More than one fault may meet a request.
"""
import gzip
import inspect
import json
import socket
import threading

from .reply import Reply
from .tenant import ACTIONS

FAULTS = {}


def fault(phase):
    """A fault that edits the reply, sends it (and closes the connection then), or makes something happen before."""
    def add(function):
        FAULTS[function.__name__] = (phase, function)
        return function
    return add


class Fault:
    def __init__(self, kind, path, method, nth, times, arguments):
        self.kind, self.path, self.method = kind, path, method
        self.first, self.last = nth, None if times is None else nth + times - 1
        self.phase, self.function = FAULTS[kind]
        inspect.signature(self.function).bind(*[None] * (2 if self.phase == "send" else 1), **arguments)
        self.arguments = arguments
        self.seen = self.hits = 0
        self.sends = self.phase == "send"

    def meets(self, request):
        if not request.path.startswith(self.path) or self.method not in (None, request.method):
            return False
        self.seen += 1
        hit = self.first <= self.seen and (self.last is None or self.seen <= self.last)
        self.hits += hit
        return hit

    def happen(self, double):
        if self.phase == "happen":
            self.function(double, **self.arguments)

    def edit(self, reply):
        return self.function(reply, **self.arguments) if self.phase == "edit" else reply

    def send(self, handler, reply):
        self.function(handler, reply, **self.arguments)


class Faults:
    def __init__(self):
        self.mutex, self.ordered = threading.Lock(), []

    def order(self, kind, path="", method=None, nth=1, times=1, **arguments):
        """Returns the fault; its `hits` counts."""
        f = Fault(kind, path, method, nth, times, arguments)
        with self.mutex:
            self.ordered.append(f)
        return f

    def take(self, request):
        with self.mutex:
            return [f for f in self.ordered if f.meets(request)]

    def clear(self):
        with self.mutex:
            self.ordered.clear()


# Other replies than the right one

@fault("edit")
def status(reply, status=500, retry_after=None, message=None, content_type=None):
    """An HTTP STATUS; RETRY_AFTER in seconds or as a date."""
    headers = {"retry-after": retry_after, "content-type": content_type or reply.headers["content-type"]}
    return Reply({"message": message or f"status {status} on order"}, status=int(status), headers=headers)


@fault("edit")
def html(reply, status=200):
    """What a captive portal says."""
    return Reply(b"<html><body>Please log in</body></html>", int(status), {"content-type": "text/html"})


@fault("edit")
def redirect(reply, location, status=302):
    return Reply(b"", int(status), {"location": location})


@fault("edit")
def body(reply, text="", headers=()):
    """TEXT (str or bytes) in place of the body."""
    return Reply(text if isinstance(text, bytes) else text.encode(), reply.status, {**reply.headers, **dict(headers)})


@fault("edit")
def header(reply, name, value=None):
    """Another VALUE of a header; None takes it away."""
    reply.headers[name.lower()] = value
    return reply


def entries_of(data):
    """The list in a reply: v2's is bare."""
    return data if isinstance(data, list) else data.get("results", [data])


def edited(reply, change):
    data = json.loads(reply.payload())
    other = change(data)
    return Reply(data if other is None else other, reply.status, reply.headers)


@fault("edit")
def edit(reply, change):
    """CHANGE(data) alters the parsed body in place, or returns another."""
    return edited(reply, change)


@fault("edit")
def field(reply, name, value, index=None):
    """Field NAME of every entry, or of the one at INDEX, has VALUE."""
    def change(data):
        for i, entry in enumerate(entries_of(data)):
            if index in (None, i):
                entry[name] = value
    return edited(reply, change)


@fault("edit")
def total(reply, by=1):
    """The total is wrong BY so many."""
    if "x-total-count" in reply.headers:
        reply.headers["x-total-count"] = str(int(reply.headers["x-total-count"]) + by)
        return reply

    def change(data):
        data["totalCount"] += by
    return edited(reply, change)


@fault("edit")
def duplicate(reply):
    """The first entry is there once more at the end, in place of the last when the page was full."""
    def change(data):
        found = entries_of(data)
        found[-1:] = [found[0]] if len(found) > 1 else found[-1:] + found[:1]
    return edited(reply, change)


@fault("edit")
def without(reply, index=0):
    """An entry is missing."""
    def change(data):
        del entries_of(data)[index]
    return edited(reply, change)


@fault("edit")
def deep(reply, depth=200000):
    return body(reply, '{"results":' + "[" * depth + "]" * depth + "}")


@fault("edit")
def huge_string(reply, name="username", mib=2):
    return field(reply, name, "x" * (mib << 20))


# Bytes: the connection ends after these

def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@fault("send")
def hang_up(handler, reply):
    """No answer at all."""


@fault("send")
def silent(handler, reply):
    """No answer, and nobody hangs up."""
    handler.double.stopping.wait()


@fault("send")
def raw(handler, reply, data):
    handler.wfile.write(data if isinstance(data, bytes) else data.encode())


@fault("send")
def truncated(handler, reply, keep=0.5):
    """The connection ends after a part of the body that was announced."""
    data = reply.payload()
    handler.wfile.write(reply.head(len(data)) + data[:int(len(data) * keep)])


@fault("send")
def half_closed(handler, reply, keep=0.5):
    """As truncated, but without TLS's goodbye: our half of the connection is closed, the other is not."""
    truncated(handler, reply, keep)
    socket.socket.shutdown(handler.connection, socket.SHUT_WR)
    handler.double.stopping.wait(60)


@fault("send")
def chunked(handler, reply, end=True):
    """A good body in chunks; without END it breaks off after them."""
    handler.wfile.write(reply_in_chunks(reply) + chunk(reply.payload()) + (chunk(b"") if end else b""))


def reply_in_chunks(reply):
    reply.headers["transfer-encoding"] = "chunked"
    return reply.head(None)


def trickle(handler, data, delay_s):
    for i in range(len(data)):
        if handler.double.stopping.wait(delay_s):
            return
        handler.wfile.write(data[i:i + 1])


@fault("send")
def slow_headers(handler, reply, delay_s=1.0):
    """Byte by byte, from the first."""
    data = reply.payload()
    trickle(handler, reply.head(len(data)) + data, delay_s)


@fault("send")
def slow_body(handler, reply, delay_s=1.0):
    """The headers at once, then byte by byte."""
    data = reply.payload()
    handler.wfile.write(reply.head(len(data)))
    trickle(handler, data, delay_s)


@fault("send")
def late(handler, reply, delay_s=5.0):
    """A good answer, after a while."""
    if not handler.double.stopping.wait(delay_s):
        handler.send(reply)


@fault("send")
def endless(handler, reply, piece=" "):
    """A body without end, until the client has enough."""
    handler.wfile.write(reply_in_chunks(reply))
    while not handler.double.stopping.is_set():
        handler.wfile.write(chunk(piece.encode() * (65536 // len(piece.encode()))))


@fault("send")
def endless_headers(handler, reply):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not handler.double.stopping.is_set():
        handler.wfile.write(b"x-more: " + b"x" * 8000 + b"\r\n")


@fault("send")
def gzip_bomb(handler, reply, mib=64):
    """Compressed though nobody asked, and far larger than it looks."""
    data = gzip.compress(b" " * (mib << 20))
    reply.headers["content-encoding"] = "gzip"
    handler.wfile.write(reply.head(len(data)) + data)


# What happens meanwhile: the organisation changes just before the request is answered

@fault("happen")
def change(double, action, **arguments):
    """An action of the tenant (control.py lists them), as `action="delete", user="dora"`."""
    if callable(action):
        action(double.tenant)
    else:
        ACTIONS[action](double.tenant, **arguments)


@fault("happen")
def revoke_tokens(double):
    """All access tokens end."""
    double.tokens.revoke_all()
