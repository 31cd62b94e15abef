"""No memory (R14): a sync that gets none ends in an error and changes nothing, or is as good as any."""
import os
import re

import pytest

from endpoint import RUN, STATE, TREE, WORK, run, scaled
from snapshot import Snapshot

FILES = [folder / name for folder in (RUN, STATE) for name in ("pam.snapshot", "nss.snapshot")]


@pytest.fixture(scope="module")
def shim(endpoint):
    path = WORK / "malloc_fail.so"
    run("gcc", "-shared", "-fPIC", "-o", path, TREE / "tests/system/malloc_fail.c")
    return path


def once(shim, fail):
    return run("musterd", "--once", check=False, env={**os.environ, "LD_PRELOAD": str(shim), "MALLOC_FAIL": fail})


def change(endpoint, number):
    user, = endpoint.document["users"]
    user["displayname"] = f"Dora {number}"
    endpoint.write(endpoint.document)


@pytest.mark.timeout(scaled(300, 7200))
@pytest.mark.parametrize("from_there_on, step", [("", 1), ("+", scaled(4, 1))], ids=["one", "all"])
def test_allocation_fails(endpoint, shim, from_there_on, step):
    endpoint.reset()
    endpoint.user("dora", unix_uid=5001)
    endpoint.posix_group("devs", 6000, ["dora"])
    endpoint.publish()
    change(endpoint, 0)
    total = max(map(int, re.findall(r"allocations: (\d+)", once(shim, "0").stderr)))
    assert total > 50
    failed = 0
    for number in range(1, total + 1, step):
        change(endpoint, number)
        before = {path: Snapshot(path).generation for path in FILES}
        done = once(shim, f"{number}{from_there_on}")
        assert done.returncode in (0, 1, 2), (number, done)  # no signal
        failed += "allocation failed" in done.stderr
        for path, generation in before.items():
            if path.exists():
                assert Snapshot(path).generation in (generation, generation + 1), (number, path)
            else:  # only /run could not take them, so that /var/lib is read
                assert path.parent == RUN and Snapshot(STATE / path.name).generation == generation + 1, (number, path)
        assert endpoint.explain("dora") == "ok"
        run("musterd", "--once")
        assert f":Dora {number}:" in run("getent", "passwd", "dora").stdout, number
    assert failed > total // step // 2
