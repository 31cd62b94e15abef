"""What was asked, for tests that count requests. Credentials are not kept, only that they were there."""
import re
import threading

SECRET_HEADERS = ("x-api-key", "authorization", "cookie")


class Journal:
    def __init__(self):
        self.mutex = threading.Lock()
        self.entries = []
        self.numbers = 0

    def next_number(self):
        with self.mutex:
            self.numbers += 1
            return self.numbers

    def add(self, request, reply, faults=()):
        path, _, query = request.target.partition("?")
        headers = {k: "(not kept)" if k in SECRET_HEADERS else v for k, v in request.headers.items()}
        with self.mutex:
            self.entries.append({"number": request.number, "connection": request.connection, "method": request.method,
                                 "path": path, "query": query, "headers": headers, "status": reply.status,
                                 "body_bytes": len(request.body), "reply_bytes": len(reply.payload()),
                                 "faults": list(faults)})

    def find(self, path="", method=None):
        """Entries whose path begins with PATH."""
        with self.mutex:
            return [e for e in self.entries if e["path"].startswith(path) and method in (None, e["method"])]

    def count(self, path="", method=None):
        return len(self.find(path, method))

    def connections(self):
        """How many there were, of those that carried a request."""
        return len({e["connection"] for e in self.find()})

    def summary(self):
        """{"GET /api/systemusers/{id}": how often}, ids taken out."""
        found = {}
        for e in self.find():
            key = e["method"] + " " + re.sub(r"/[0-9a-f]{24}(?=/|$)", "/{id}", e["path"])
            found[key] = found.get(key, 0) + 1
        return found

    def clear(self):
        with self.mutex:
            self.entries.clear()
