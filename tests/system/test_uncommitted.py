"""What was published counts, also where the disk took neither cache nor ledger: no older answer undoes it."""
from endpoint import RUN, STATE
from test_once import read_only
from test_overtaken import Sync
from test_web import many, own, web  # noqa: F401 fixtures


def suspend(web, name):  # noqa: F811
    web.endpoint.user(name, suspended=True)
    web.sync(code=1)
    assert web.endpoint.explain(name) == "suspended"


def unreachable(request):
    return b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"


def test_held_as_published(web):  # noqa: F811
    """An empty list is not believed, and she stays as users have met her, not as the cache has her."""
    many(web)
    with read_only(STATE):
        suspend(web, "dora")
        web.endpoint.document["users"] = []
        web.sync(code=1)
        assert web.endpoint.explain("dora") == "suspended"


def test_accepted_removals(web):  # noqa: F811
    many(web)
    for i in range(18):
        web.endpoint.forget(f"user{i}")
    with read_only(STATE):
        for argv in (["--accept-removals"], []):
            web.sync(*argv, code=1)
            assert web.endpoint.explain("user1") == "unbound"


def test_an_older_answer(web):  # noqa: F811
    web.sync()
    with read_only(STATE):
        web.endpoint.user("fred")
        sync = Sync(web)
        with sync.others():
            suspend(web, "dora")
        sync.slow = False
        sync.go.release()
        sync.end(1)
        assert web.endpoint.explain("dora") == "suspended"


def test_older_files(web):  # noqa: F811
    """One file in /run is damaged: those of /var/lib are older than the other one."""
    web.sync()
    with read_only(STATE):
        suspend(web, "dora")
        (RUN / "nss.snapshot").write_bytes(b"x" * 100)
        web.answer = unreachable
        web.sync(code=1)
        assert web.endpoint.explain("dora") == "suspended"
