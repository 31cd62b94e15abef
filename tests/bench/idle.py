#!/usr/bin/python3
"""What a living musterd costs when nothing happens: memory, system calls, and the CPU of a poll that finds nothing new.

  tests/sandbox tests/installed tests/bench/idle.py
"""
import os
import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
from agent import Agent  # noqa: E402
from endpoint import Endpoint, object_id, run  # noqa: E402

POLLS = 20
LIMITS = {1000: 3 * 1024, 10000: 5 * 1024}  # users: KiB of PSS
POLL_LIMIT_MS = 5


def cpu_ms():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1000


def poll_ms():
    """CPU of one poll without news, its muster-fetch included if it needed one."""
    before = cpu_ms()
    for _ in range(POLLS):
        run("musterd", "--once")
    return (cpu_ms() - before) / POLLS


def measure(endpoint, users):
    endpoint.reset()
    endpoint.document["users"] = [
        {"id": object_id(f"u{i}"), "username": f"user{i}", "state": "ACTIVATED", "activated": True,
         "unix_uid": 1900000000 + i, "unix_guid": 1900000000 + i} for i in range(users)]
    endpoint.write(endpoint.document)
    with endpoint.configured(poll_interval="1h"), Agent() as agent:
        agent.wait_until_synced()
        time.sleep(0.5)
        pss = agent.pss_kib()
        calls = len(agent.calls(lambda: time.sleep(5)))
        poll = poll_ms()
    good = pss <= LIMITS[users] and calls == 0 and poll <= POLL_LIMIT_MS
    print(f"{users:6} users: {pss} KiB PSS (at most {LIMITS[users]}), {calls} system calls in 5 s idle (0), "
          f"{poll:.1f} ms CPU an unchanged poll (at most {POLL_LIMIT_MS}){'' if good else '  MISSED'}", flush=True)
    return good


if __name__ == "__main__":
    os.environ.pop("NOTIFY_SOCKET", None)
    sys.exit(not all([measure(Endpoint(), users) for users in LIMITS]))
