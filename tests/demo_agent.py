"""The second part of ./demo: the living agent, which obeys a document on a web server, and what becomes of logins without it."""
import json
import pathlib
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "system"))
from agent import Agent  # noqa: E402
from endpoint import ETC, LOCAL_PASSWORD, PASSWORD, object_id  # noqa: E402
from fetch import Authority, reply, serving  # noqa: E402

ACCOUNTS = {"wanda": "active", "will": "suspended now", "alice": "local user"}


class Living:
    def __init__(self, endpoint, table, sshd):
        self.endpoint, self.table, self.sshd = endpoint, table, sshd

    def answer(self, request):
        body = json.dumps(self.endpoint.document)
        tag = f'"{object_id(body)}"'
        if f"If-None-Match: {tag}" in request.split("\r\n"):
            return f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode()
        return reply(body, headers=[f"ETag: {tag}"])

    def configure(self, authority, url):
        (ETC / "ca.pem").write_text(authority.pem)
        (ETC / "token").write_text("demo-token\n")
        (ETC / "token").chmod(0o600)
        self.endpoint.conf.write_text(f"[directory]\nurl = {url}\nca_file = {ETC}/ca.pem\nbearer_file = {ETC}/token\n"
                                      "recheck_after = 0s\nrecheck_timeout = 10s\n")

    def tried(self, who, what, expected, account=None, **how):
        begin = time.monotonic()
        login = self.sshd.login(who, **how)
        took = time.monotonic() - begin
        reason = "" if who == "alice" else self.endpoint.explain(who, "--service", "sshd")
        self.table.row(who, account or ACCOUNTS[who], what, expected, "in" if login.ok else "refused", reason,
                       f"after {took:.1f} s" if login.ok else login.told.split("\n")[0] or "(only that it was refused)")

    def everyone(self):
        key = self.endpoint.key
        self.tried("wanda", "ssh, key", "in", key=key)
        self.tried("wanda", "ssh, password", "in", password=PASSWORD)
        self.tried("will", "ssh, key", "refused", key=key)
        self.tried("alice", "ssh, password", "in", password=LOCAL_PASSWORD)

    def show(self):
        with tempfile.TemporaryDirectory() as folder:
            authority = Authority(pathlib.Path(folder) / "authority")
            self.endpoint.reset()
            for name in ("wanda", "will"):
                self.endpoint.user(name)
            with serving(self.answer, *authority.issue("server")) as server:
                self.configure(authority, server.url)
                with Agent() as agent:
                    self.story(server, agent)

    def story(self, server, agent):
        agent.wait_until_synced()
        self.table.head("The same with a living musterd, which obeys a document on an https server.")
        self.table.titles()
        self.tried("wanda", "ssh, password", "in", password=PASSWORD)
        self.tried("will", "ssh, key", "in", "active", key=self.endpoint.key)
        self.table.head("# the document says that will is suspended; nobody tells this computer")
        self.endpoint.user("will", suspended=True)
        self.everyone()
        self.table.head("# the network is gone")
        server.close()
        self.everyone()
        self.table.head("# musterd is frozen (kill -STOP)")
        agent.process.send_signal(signal.SIGSTOP)
        self.everyone()
        self.table.head("# musterd is dead (kill -KILL)")
        agent.process.kill()
        agent.process.wait()
        self.everyone()
