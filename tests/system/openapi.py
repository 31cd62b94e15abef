"""prism, an OpenAPI mock, serving the published schemas: it answers 422 to a request that they do not allow."""
import http.client
import json
import os
import pathlib
import socket
import subprocess
import time

import pytest

from directory.reply import Reply
from endpoint import TREE, WORK

SHARED = pathlib.Path(os.environ.get("MUSTER_SHARED", TREE.parent / "shared")) / "jumpcloud"
PRISM = pathlib.Path("/var/cache/muster/prism/node_modules/.bin/prism")  # tests/prism puts it there
BASES = {"/api/v2": "v2", "/api": "v1"}  # prism leaves them out of its own paths


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Mock:
    """One running prism."""

    def __init__(self, version):
        self.port = free_port()
        self.log = WORK / f"prism-{version}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [PRISM, "mock", "--errors", "--port", str(self.port), SHARED / f"extract.{version}.json"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "HOME": str(WORK)})

    def wait_until_up(self):
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("prism does not start: " + self.log.read_text())

    def ask(self, method, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body or None, headers)
        reply = connection.getresponse()
        return reply.status, reply.read(), reply.getheader("content-type")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Prism:
    """Both versions. `refused`: what broke the schemas, with prism's reasons."""

    def __init__(self):
        WORK.mkdir(exist_ok=True)
        self.mocks = {version: Mock(version) for version in BASES.values()}
        for mock in self.mocks.values():
            mock.wait_until_up()
        self.asked, self.refused = [], []

    def stop(self):
        for mock in self.mocks.values():
            mock.stop()

    def answer(self, request):
        """As a Double's answers: prism's own, made from the schemas."""
        base = next(b for b in BASES if request.target.startswith(b + "/"))
        headers = {k: v for k, v in request.headers.items() if k in ("content-type", "accept", "x-api-key", "x-org-id")}
        status, body, content_type = self.mocks[BASES[base]].ask(
            request.method, request.target[len(base):], request.body, headers)
        self.asked.append(f"{request.method} {request.target}")
        if status >= 400:
            self.refused.append((self.asked[-1], request.body, json.loads(body)))
        return Reply(body, status, {"content-type": content_type})

    def checking(self, double):
        """Answers of DOUBLE to requests that prism has seen."""
        def answer(request):
            if request.path.startswith("/api/"):
                self.answer(request)
            return double.answer(request)
        return answer


@pytest.fixture(scope="module")
def openapi():
    if not SHARED.is_dir():
        pytest.skip(f"the schemas are not there: {SHARED}")
    if not PRISM.exists():
        pytest.skip("prism is not there: run tests/prism outside the sandbox, with npm and a network")
    prism = Prism()
    yield prism
    prism.stop()


@pytest.fixture
def prism(openapi):
    openapi.asked, openapi.refused = [], []
    return openapi
