"""An answer on its way out."""
import base64
import email.utils
import hashlib
import http
import json

ALWAYS = {"content-type": "application/json; charset=utf-8", "cache-control": "no-store", "pragma": "no-cache",
          "strict-transport-security": "max-age=31536000; includeSubdomains;", "vary": "Accept-Encoding"}


class NotFound(Exception):
    pass


class Reply:
    """BODY is what json.dumps() takes, or bytes, or None."""

    def __init__(self, body, status=200, headers=()):
        self.body, self.status, self.headers = body, status, {**ALWAYS, **dict(headers)}

    def payload(self):
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()

    def etag(self):
        """As Express makes it; so do those of the recorded replies come out."""
        body = self.payload()
        return f'W/"{len(body):x}-{base64.b64encode(hashlib.sha1(body).digest()).decode()[:27]}"'

    def head(self, length):
        """Status line and headers; LENGTH None leaves Content-Length out."""
        reason = http.HTTPStatus(self.status).phrase if self.status in set(http.HTTPStatus) else "Unknown"
        headers = {"date": email.utils.formatdate(usegmt=True), **self.headers}
        if length is not None and self.status not in (204, 304):
            headers["content-length"] = str(length)
        lines = [f"HTTP/1.1 {self.status} {reason}", *(f"{k}: {v}" for k, v in headers.items() if v is not None)]
        return "\r\n".join([*lines, "", ""]).encode()


def error(status, message, v2=False):
    """v1 has `message` alone, v2 the code and its name too."""
    body = {"message": message}
    if v2:
        body = {"code": status, "message": message, "status": http.HTTPStatus(status).phrase}
    return Reply(body, status=status)
