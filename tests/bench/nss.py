#!/usr/bin/python3
"""tests/bench/nss.py BUILD: what a lookup costs beside the floor, a module that answers a constant (nss_const.c).

10,000 users, each in 6 groups; modules of the folder BUILD, in a mount namespace of its own with a /run and a
nsswitch.conf of its own. Instructions (callgrind) and system calls (strace) a call do not wander; times do, so rounds of
both take turns, and the median of each round's ratio counts. Ends with 1 when a figure that does not wander is missed.
"""
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

USERS, SHARED = 10000, 200
ROUNDS, CALLS = 11, 20000
INSTRUCTIONS = 1500
# call -> how much of the floor's time it may take
RATIO = {"getpwnam": 1.25, "getpwuid": 1.25, "getgrgid": 1.25, "miss": 1.25, "initgroups": 1.3}
FIRST_RATIO = 1.15
RUN, PRIVATE = pathlib.Path("/run/muster"), pathlib.Path("/run/bench")


def enter_namespace():
    if os.environ.get("MUSTER_BENCH_INSIDE") == str(os.getppid()):
        return
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = 'MUSTER_BENCH_INSIDE=$$ "$@"; exit $?'
    os.execvp("unshare", ["unshare", "--mount", *user, "sh", "-c", command, "sh", sys.executable, *sys.argv])


def prepare(build):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"], check=True)
    RUN.mkdir()
    PRIVATE.mkdir()
    for module in (".libs/libnss_muster.so.2", "tests/bench/.libs/libnss_const.so.2"):
        shutil.copy(build / module, PRIVATE)
    os.environ["LD_LIBRARY_PATH"] = str(PRIVATE)
    subprocess.run([build / "snapshot_make", RUN / "nss.snapshot", str(USERS), str(SHARED), "0", "1"], check=True)
    passwd = "".join(f"user{i:06}:x:{1900000000 + i}:{1900000000 + i}:User {i} of generation 1:/home/user{i:06}:/bin/bash\n"
                     for i in range(USERS))
    (PRIVATE / "passwd").write_text(passwd)
    (PRIVATE / "nsswitch.conf").touch()
    for name in ("passwd", "nsswitch.conf"):
        subprocess.run(["mount", "--bind", PRIVATE / name, f"/etc/{name}"], check=True)


def service(name):
    (PRIVATE / "nsswitch.conf").write_text("".join(f"{d}: {name}\n" for d in ("passwd", "group", "initgroups")))


class Load:
    def __init__(self, build):
        self.argv = [str(build / "nss_load")]

    def ns(self, name, call, count):
        service(name)
        done = subprocess.run([*self.argv, call, str(count), str(USERS)], check=True, stdout=subprocess.PIPE, text=True)
        return float(done.stdout)

    def counted(self, name, call, tool, pattern):
        """What TOOL counts a call: the difference between many calls and few, without the program's own."""
        def run(which, count):
            done = subprocess.run([*tool, *self.argv, which, str(count), str(USERS)], check=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            return int(re.search(pattern, done.stderr).group(1))

        service(name)
        return (run(call, 5000) - run(call, 1000) - run("none", 5000) + run("none", 1000)) / 4000

    def instructions(self, name, call):
        return self.counted(name, call, ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"],
                            r"Collected : (\d+)")

    def system_calls(self, name, call):
        return self.counted(name, call, ["strace", "-c", "-f", "-U", "calls"], r"(?m)^\s*(\d+)\s*total")


def in_turn(load, call, count, names=("const", "muster"), rounds=ROUNDS):
    """Median times of both, and the median of each round's ratio."""
    pairs = [[load.ns(name, call, count) for name in names] for _ in range(rounds)]
    return (*(statistics.median(p[i] for p in pairs) for i in (0, 1)), statistics.median(b / a for a, b in pairs))



def main():
    enter_namespace()
    build = pathlib.Path(sys.argv[1]).resolve()
    prepare(build)
    load = Load(build)
    missed = []
    tools = all(shutil.which(t) for t in ("valgrind", "strace"))
    print(f"{'NSS, ' + str(USERS) + ' users':22}{'floor ns':>10}{'muster ns':>10}{'ratio':>8}{'limit':>7}"
          f"{'instructions':>16}{'own system calls':>18}")
    for call, limit in RATIO.items():
        floor, ours, ratio = in_turn(load, call, CALLS)
        counts = "   (needs valgrind, strace)"
        if tools:
            floor_n, ours_n = (load.instructions(name, call) for name in ("const", "muster"))
            own = load.system_calls("muster", call) - load.system_calls("const", call)
            counts = f"{floor_n:8.0f} {ours_n:6.0f}{own:18.2f}"
            if own > 0.01 or (call != "initgroups" and ours_n > INSTRUCTIONS):
                missed.append(call)
        print(f"{call:22}{floor:10.0f}{ours:10.0f}{ratio:8.2f}{limit:7.2f} {counts}", flush=True)
    floor, ours, ratio = in_turn(load, "getpwnam", 1, rounds=201)
    print(f"{'first of a process':22}{floor:10.0f}{ours:10.0f}{ratio:8.2f}{FIRST_RATIO:7.2f}")
    for call in ("getpwnam", "initgroups"):  # unmapped, as most processes have them
        floor, ours, ratio = in_turn(load, call, 16, rounds=101)
        print(f"{'first 16 ' + call:22}{floor:10.0f}{ours:10.0f}{ratio:8.2f}")
    files, ours, ratio = in_turn(load, "getpwnam", 16, ("files", "muster"), rounds=41)
    print(f"{'first 16, to files':22}{files:10.0f}{ours:10.0f}{ratio:8.2f}{1:7.2f}")
    files, ours, ratio = in_turn(load, "getpwent", 1, ("files", "muster"), rounds=41)
    print(f"{'all users, to files':22}{files:10.0f}{ours:10.0f}{ratio:8.2f}{1:7.2f}")
    if missed:
        print("missed:", *missed)
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
