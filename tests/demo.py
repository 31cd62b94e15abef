#!/usr/bin/python3
"""The main job, shown: users in every state of the directory log in to a real sshd. What ./demo does in the sandbox."""
import concurrent.futures
import json
import pathlib
import sys
import textwrap
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "system"))
from demo_agent import Living  # noqa: E402
from endpoint import LOCAL_PASSWORD, PASSWORD, Endpoint, Login, Sshd, run  # noqa: E402

COLUMNS = (("WHO", 6), ("ACCOUNT", 17), ("TRIED", 28), ("EXPECTED", 8), ("OUTCOME", 8), ("REASON", 18), ("TOLD", 0))
PEOPLE = {  # name -> (what its account is, how it is made)
    "ada": ("active", ["--displayname", "Ada, with sudo", "--sudo"]),
    "stan": ("staged", ["--state", "STAGED"]),
    "sue": ("suspended", []),
    "lou": ("locked", []),
    "pia": ("password pending", []),
    "exa": ("password expired", []),
    "sky": ("leaves in seconds", []),
}


class Table:
    def __init__(self):
        self.colour = sys.stdout.isatty()
        self.right = self.wrong = 0

    def head(self, text):
        print(f"\n{text}", flush=True)

    def titles(self):
        print("  " + " ".join(title.ljust(width) for title, width in COLUMNS).rstrip())

    def row(self, who, account, tried, expected, outcome, reason="", told=""):
        good = expected == outcome
        self.right, self.wrong = self.right + good, self.wrong + (not good)
        cells = (who, account, tried, expected, outcome, reason, textwrap.shorten(told, 90, placeholder=" ..."))
        line = " ".join(cell.ljust(width) for cell, (_, width) in zip(cells, COLUMNS)).rstrip()
        if self.colour:
            line = f"\033[{32 if good else 31}m{line}\033[0m"
        print(("  " if good else "! ") + line, flush=True)


class Demo:
    def __init__(self):
        self.endpoint = Endpoint()
        self.table = Table()

    def directory(self, *argv, **kwargs):
        return self.endpoint.musterctl("directory", *argv, **kwargs)

    def make_people(self):
        for name, (_, options) in PEOPLE.items():
            self.directory("add", name, "--key", f"{self.endpoint.key}.pub", "--no-publish", *options)
        with_password = [name for name in PEOPLE if name != "pia"]
        self.directory("passwd", "--stdin", "--no-publish", *with_password, input=f"{PASSWORD}\n" * len(with_password))
        self.directory("expire", "exa", "--no-publish")
        self.lock("lou")
        self.directory("suspend", "sue")

    def lock(self, name):
        """As the cloud directory does after too many wrong passwords."""
        path = pathlib.Path("/etc/muster/directory.json")
        document = json.loads(path.read_text())
        for user in document["users"]:
            if user["username"] == name:
                user.update(account_locked=True, account_locked_date="2026-01-01T00:00:00Z")
        path.write_text(json.dumps(document))

    def tried(self, who, what, expected, login, reason=None):
        """One row: LOGIN is how it went."""
        account = PEOPLE[who][0] if who in PEOPLE else "local user"
        if reason is None:
            reason = self.endpoint.explain(who, "--service", "sshd") if who in PEOPLE else ""
        told = login.told.split("\n")[0] if login.told else "" if login.ok else "(only that it was refused)"
        self.table.row(who, account, what, expected, "in" if login.ok else "refused", reason, told)

    def logins(self, sshd):
        by_key = {"key": self.endpoint.key}
        tries = [("ada", "ssh, password", "in", {"password": PASSWORD}),
                 ("ada", "ssh, keyboard-interactive", "in",
                  {"password": PASSWORD, "method": "keyboard-interactive"}),
                 ("ada", "ssh, key", "in", by_key),
                 ("ada", "ssh, wrong password", "refused", {"password": "wrong"})]
        for name in ("stan", "sue", "lou", "pia", "exa"):
            tries += [(name, "ssh, password", "refused", {"password": PASSWORD}),
                      (name, "ssh, key", "refused", by_key)]
        tries.append(("alice", "ssh, password", "in", {"password": LOCAL_PASSWORD}))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:  # most wait for the delay after a failure
            running = [pool.submit(sshd.login, who, **how) for who, _, _, how in tries]
            for (who, what, expected, how), future in zip(tries, running):
                self.tried(who, what, expected, future.result(),
                           "wrong_password" if how.get("password") == "wrong" else None)

    def schedule(self, sshd):
        self.directory("schedule", "sky", "suspend", "+10s")
        due = time.monotonic() + 10.5
        self.tried("sky", "ssh, key", "in", sshd.login("sky", key=self.endpoint.key))
        time.sleep(max(0, due - time.monotonic()))
        self.tried("sky", "ssh, key, 10 seconds later", "refused", sshd.login("sky", key=self.endpoint.key))

    def lookups(self):
        for argv in (["getent", "passwd", "ada"], ["id", "ada"], ["id", "sue"]):
            done = run(*argv, check=False)
            self.table.row(argv[-1], PEOPLE[argv[-1]][0], " ".join(argv), "found",
                           "found" if done.returncode == 0 else "unknown", "", done.stdout.strip())

    def su(self, name, expected):
        self.tried(name, f"su {name}, from root", expected,
                   Login(run("su", name, "-c", "id -un", check=False)))

    def sudo(self, session, expected, what):
        output, status = session.run("sudo id -u", PASSWORD)
        told = "uid 0" if status == 0 else output.replace("[sudo] password for ada: ", "").strip().split("\n")[0]
        self.table.row("ada", PEOPLE["ada"][0], what, expected, "in" if status == 0 else "refused",
                       self.endpoint.explain("ada", "--service", "sudo"), told)

    def show(self, sshd):
        self.table.head("A real sshd on 127.0.0.1. The directory's users were made with musterctl directory.")
        self.table.titles()
        self.logins(sshd)
        self.schedule(sshd)
        self.lookups()
        session = sshd.session("ada", self.endpoint.key)
        self.sudo(session, "in", "sudo id -u, password")
        self.su("ada", "in")
        self.su("sue", "refused")
        self.table.head("# musterctl directory suspend ada")
        PEOPLE["ada"] = ("suspended now", [])
        self.directory("suspend", "ada")
        self.tried("ada", "ssh, password", "refused", sshd.login("ada", PASSWORD))
        self.tried("ada", "ssh, key", "refused", sshd.login("ada", key=self.endpoint.key))
        told = session.ended()
        self.table.row("ada", PEOPLE["ada"][0], "her open session", "ended", "ended" if told else "open",
                       self.endpoint.explain("ada"), (told or "").split("\n")[0])
        self.su("ada", "refused")
        session.close()
        self.table.head("# musterctl explain ada")
        print(textwrap.indent(self.endpoint.musterctl("explain", "ada", check=False).stdout.rstrip(), "  "))


def main():
    demo = Demo()
    demo.make_people()
    sshd = Sshd()
    try:
        demo.show(sshd)
        Living(demo.endpoint, demo.table, sshd).show()
    finally:
        sshd.stop()
    print(f"\n{demo.table.right} as expected, {demo.table.wrong} not")
    return 1 if demo.table.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
