#!/usr/bin/python3
"""tests/bench/sync.py BUILD [USERS]: how long one sync takes, and how much memory.

Runs musterd_test (musterd that takes files of whoever runs it) and muster-fetch of the folder BUILD, as an ordinary
user, with a document of USERS users (100,000), ids from 1900000000, each with a key and a password hash.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

LIMIT_S, LIMIT_MIB = 4, 128
NOBODY = 65534
# What a child counts as its peak begins with that of who forked it: measured by a small process.
MEASURE = """
import os, sys, time
begun = time.monotonic()
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)
print(time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
HASH = "$y$j9T$wvkDEAWNu6pI3QQCO7tEF0$c51PeTeGYjNxineDbZHo7n49xAks0x2EqKEjMNJVqq2"


def user(i):
    return {"id": f"{i:024x}", "username": f"user{i:06}", "state": "ACTIVATED", "activated": True,
            "unix_uid": 1900000000 + i, "unix_guid": 1900000000 + i, "displayname": f"User Number {i}",
            "email": f"user{i:06}@example.com", "created": "2021-02-12T17:45:42.369Z",
            "password_date": "2024-01-01T00:00:00Z", "password_hash": HASH,
            "ssh_keys": [{"name": "key", "public_key": KEY}]}


class Bench:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.document = {"format": "muster-directory/1", "users": [], "groups": []}
        self.memory = tempfile.TemporaryDirectory(dir="/dev/shm")  # as /run is; it goes with this object
        self.run = pathlib.Path(self.memory.name)
        (folder / "state").mkdir()
        self.conf = folder / "muster.conf"
        self.conf.write_text(f"[directory]\nurl = file://{folder}/directory.json\n[paths]\n"
                             f"state_dir = {folder}/state\nruntime_dir = {self.run}\n"
                             f"fetch = {build}/muster-fetch\n")

    def write(self):
        path = self.folder / "directory.json"
        path.write_text(json.dumps(self.document))
        path.chmod(0o600)

    def sync(self, what, limit_s=None):
        done = subprocess.run(["/usr/bin/python3", "-c", MEASURE, self.build / "musterd_test", "--once", "--config", self.conf],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"musterd: {done.stderr}")
        seconds, cpu, mib = map(float, done.stdout.split())
        limit = f"  (at most {limit_s} s, {LIMIT_MIB} MiB)" if limit_s else ""
        print(f"{what:28} {seconds:7.3f} s  {cpu:7.3f} s CPU  {mib:6.1f} MiB{limit}", flush=True)


def become_nobody():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    become_nobody()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(build, pathlib.Path(name))
        bench.document["users"] = [user(i) for i in range(count)]
        half = [f"{i:024x}" for i in range(count // 2)]
        bench.document["groups"] = [{"id": "half", "name": "Half", "members": half,
                                     "attributes": {"posixGroups": [{"id": 6000, "name": "half"}]}}]
        bench.write()
        bench.sync(f"sync of {count:,} new users", LIMIT_S)
        bench.sync("  nothing changed")
        for u in bench.document["users"][::100]:
            u["displayname"] += " Jr."
        bench.write()
        bench.sync("  1 % changed")
        for u in bench.document["users"]:
            u["suspended"] = True
        bench.write()
        bench.sync("  all suspended")


if __name__ == "__main__":
    main()
