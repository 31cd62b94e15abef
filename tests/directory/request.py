"""A request, read whole."""
import json
import urllib.parse

from .query import BadRequest

BODY_MAX = 1 << 20


class Request:
    def __init__(self, double, handler):
        self.double, self.tenant, self.tokens = double, double.tenant, double.tokens
        self.method, self.target = handler.command, handler.path
        self.connection, self.peer = handler.connection_number, handler.client_address[0]
        self.headers = {k.lower(): v for k, v in handler.headers.items()}
        path, _, query = self.target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.query = urllib.parse.parse_qs(query, keep_blank_values=True)
        self.body = handler.rfile.read(min(int(self.headers.get("content-length", 0)), BODY_MAX))
        self.number = 0

    def json(self):
        """The body, an object."""
        try:
            body = json.loads(self.body or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict) or "application/json" not in self.headers.get("content-type", "application/json"):
            raise BadRequest("Bad Request: the body is not a JSON object")
        return body

    def form(self):
        return urllib.parse.parse_qs(self.body.decode("utf-8", "replace"))
