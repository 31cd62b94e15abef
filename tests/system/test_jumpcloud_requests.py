"""How many requests an endpoint makes; the numbers of docs/jumpcloud.md."""
import pytest

from agent import Agent, wait_for
from endpoint import run


ORGANISATION = 20000
BOUND = (1, 5, 100, 1000)


@pytest.fixture
def crowd(jumpcloud):
    jumpcloud.tenant.add_users(ORGANISATION)
    return jumpcloud


def counted(jumpcloud):
    """(requests, bytes of their replies) since the last time; all over one connection."""
    entries = jumpcloud.journal.find()
    assert jumpcloud.journal.connections() <= 1
    jumpcloud.journal.clear()
    return len(entries), sum(e["reply_bytes"] for e in entries)


def bind(jumpcloud, count):
    for uid in list(jumpcloud.tenant.users)[:count]:
        jumpcloud.tenant.bind(uid)


@pytest.mark.parametrize("bound", BOUND)
def test_requests(crowd, bound, capsys):
    """Of a first sync, of a poll that finds nothing new, and of the check at a login; over one connection."""
    bind(crowd, bound)
    crowd.tenant.add_group("dev", [f"user{i}" for i in range(0, bound, 2)], gid=3000, bound=True)
    crowd.configure(poll_interval="5s")
    with Agent() as agent:
        agent.wait_until_synced()
        first = counted(crowd)
        wait_for(lambda: agent.syncs() > 1, 60, "a poll")
        poll = counted(crowd)
    crowd.configure(poll_interval="1h", recheck_after="0s", recheck_timeout="10s")
    with Agent() as agent:
        with open("/etc/passwd", "a"):
            pass  # closed after writing: a reason to sync now, or it would at any moment of the next hour
        agent.wait_until_synced()
        counted(crowd)
        run("su", f"user{bound - 1}", "-c", "true")
        login = counted(crowd)
    with capsys.disabled():
        print(f"\n  {bound:4} of {ORGANISATION} users bound: first sync {first}, unchanged poll {poll}, "
              f"check at login {login}")
    pages, overlapping = -(-bound // 100), max(1, -(-(bound - 1) // 99))
    assert first[0] <= 3 + 2 * pages + overlapping and poll[0] <= 2 * pages + overlapping and login[0] == 2
    assert bound > 5 or first[0] < 12
    assert crowd.status()["accounts"] == bound
