"""Recorded replies, byte for byte, to the requests they were recorded for: Double(answers=Replay(folder).answer)."""
import json
import urllib.parse

from .reply import Reply, error


class Replay:
    """The recordings in FOLDER (../shared/jumpcloud/fixtures/recorded and transcribed)."""

    def __init__(self, *folders):
        self.replies = {}
        for path in sorted(p for folder in folders for p in folder.glob("*.json")):
            recording = json.loads(path.read_text())
            if isinstance(recording, dict) and "request" in recording:
                url = urllib.parse.urlsplit(recording["request"]["url"])
                key = recording["request"]["method"], url.path
                self.replies.setdefault(key, []).append((urllib.parse.parse_qs(url.query), recording["response"]))

    def answer(self, request):
        """Of recordings of one path the one with the same `skip` counts; the first when none has it."""
        found = self.replies.get((request.method, request.path))
        if not found:
            return error(404, "Not Found", request.path.startswith("/api/v2/"))
        skip = request.query.get("skip", ["0"])
        response = next((r for query, r in found if query.get("skip", ["0"]) == skip), found[0][1])
        text = response.get("body_text")
        reply = Reply(response["body"] if text is None else text.encode(), response["status"])
        reply.headers.update({k: v for k, v in response.get("headers", {}).items() if k not in ("date", "connection")})
        return reply
