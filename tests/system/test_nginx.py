"""The document over https from a real nginx, as an administrator would set it up."""
import contextlib
import errno
import json
import os
import shutil
import socket
import subprocess
import time

import pytest

from agent import wait_for
from fetch import UNCHANGED, Authority, fetching

pytestmark = pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin"), reason="needs nginx")

CONFIG = """
daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;
events {{ }}
http {{
	types {{ application/json json; }}
	log_format line '$status $request_length $bytes_sent $connection_requests';
	access_log {dir}/access.log line;
	client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4;
	scgi_temp_path {dir}/t5;
	gzip on; gzip_types application/json; gzip_min_length 1;
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_certificate {cert}; ssl_certificate_key {key};
		root {dir}/root;
		{more}
	}}
}}
"""


def document(*names):
    return json.dumps({"format": "muster-directory/1", "users": [{"id": n, "username": n} for n in names]})


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "own")


class Nginx:
    def __init__(self, directory, port):
        self.directory, self.port = directory, port
        self.url = f"https://localhost:{port}/directory.json"
        (directory / "root").mkdir()

    def write(self, text):
        """As a publisher does: a new file in the place of the old one, with another time."""
        path = self.directory / "root" / "directory.json"
        old = path.stat().st_mtime if path.exists() else time.time() - 1000
        (self.directory / "new").write_text(text)
        os.utime(self.directory / "new", (old + 10, old + 10))
        (self.directory / "new").rename(path)

    def is_up(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        return [[int(word) for word in line.split()] for line in
                (self.directory / "access.log").read_text().splitlines()]


@contextlib.contextmanager
def nginx(directory, own, more=""):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    cert, key = own.issue("nginx")
    server = Nginx(directory, port)
    server.write(document("a", "b"))
    directory.chmod(0o755)
    (directory / "nginx.conf").write_text(
        CONFIG.format(dir=directory, port=port, cert=cert, key=key, more=more))
    process = subprocess.Popen(["/usr/sbin/nginx", "-c", directory / "nginx.conf", "-e", directory / "error.log"])
    try:
        wait_for(server.is_up)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def test_unchanged_and_changed(own, tmp_path):
    with nginx(tmp_path, own) as server, fetching(url=server.url, ca=own.pem) as fetch:
        first = fetch.sync()
        assert (first.error, first.accounts, first.server.status) == (0, 2, 200)
        assert abs(first.server.date - time.time()) < 5
        again = fetch.sync(first.server.validator)
        assert (again.error, again.flags, again.server.status) == (0, UNCHANGED, 304)
        server.write(document("a", "b", "c"))
        third = fetch.sync(first.server.validator)
        assert (third.error, third.accounts, third.server.status) == (0, 3, 200)
        assert third.server.validator != first.server.validator
        log = wait_for(lambda: len(server.log()) >= 3 and server.log(), what="three lines of its log")
    assert [line[0] for line in log] == [200, 304, 200]
    assert [line[3] for line in log] == [1, 2, 3]  # one connection for all
    assert log[1][1] + log[1][2] < 450  # what a poll costs, without TLS's own 50 bytes


def test_the_connection_was_closed_meanwhile(own, tmp_path):
    with nginx(tmp_path, own, "keepalive_timeout 1s;") as server, fetching(url=server.url, ca=own.pem) as fetch:
        tag = fetch.sync().server.validator
        time.sleep(2.5)
        assert fetch.sync(tag).flags == UNCHANGED


def test_client_certificate(own, tmp_path):
    more = f"ssl_client_certificate {own.path}/ca.pem; ssl_verify_client on;"
    cert, key = (p.read_text() for p in own.issue("client"))
    with nginx(tmp_path, own, more) as server:
        with fetching(url=server.url, ca=own.pem, client_cert=cert, client_key=key) as fetch:
            assert fetch.sync().accounts == 2
        with fetching(url=server.url, ca=own.pem) as fetch:
            a = fetch.sync()
    assert (a.error, a.server.status) == (errno.EPROTO, 400)


def test_bearer_token(own, tmp_path):
    more = 'if ($http_authorization != "Bearer s3cret-token") { return 401; }'
    with nginx(tmp_path, own, more) as server:
        with fetching(url=server.url, ca=own.pem, bearer="s3cret-token") as fetch:
            assert fetch.sync().accounts == 2
        with fetching(url=server.url, ca=own.pem, bearer="other") as fetch:
            assert fetch.sync().error == errno.EPERM


def test_busy(own, tmp_path):
    more = "add_header Retry-After 77 always; location = /directory.json { return 503; }"
    with nginx(tmp_path, own, more) as server, fetching(url=server.url, ca=own.pem) as fetch:
        a = fetch.sync()
    assert (a.error, a.server.status, a.server.retry_after) == (errno.EBUSY, 503, 77)


def test_it_was_restarted(own, tmp_path):
    """The next request finds a dead connection, and makes a new one."""
    (tmp_path / "a").mkdir()
    with nginx(tmp_path / "a", own) as server:
        with fetching(url=server.url, ca=own.pem) as fetch:
            tag = fetch.sync().server.validator
            subprocess.run(["kill", (tmp_path / "a" / "pid").read_text().strip()], check=True)
            wait_for(lambda: not server.is_up())
            assert fetch.sync(tag).error == errno.EHOSTUNREACH
            restarted = subprocess.Popen(["/usr/sbin/nginx", "-c", tmp_path / "a" / "nginx.conf"])
            try:
                wait_for(server.is_up)
                assert fetch.sync(tag).flags == UNCHANGED
            finally:
                restarted.terminate()
                restarted.wait(60)


def test_large(own, tmp_path):
    """100,000 users: the time it takes, and memory that does not grow with them."""
    names = [f"user{i:06}" for i in range(100000)]
    with nginx(tmp_path, own) as server, fetching(url=server.url, ca=own.pem) as fetch:
        server.write(document(*names))
        began = time.monotonic()
        a = fetch.sync()
        assert (a.error, a.accounts) == (0, 100000)
        assert time.monotonic() - began < 60
        assert fetch.peak_kib() < 40 * 1024
