"""An endpoint bound in JumpCloud: who is bound and with what, revocation at the next login, secrets, requests."""
import contextlib
import pathlib
import shutil
import ssl
import time
import urllib.request

import pytest

from agent import Agent, wait_for
from directory.records import LEAK
from endpoint import ETC, RUN, STATE, make_key, run
from jumpcloud import published
from test_double_faults import started


def entry(database, name):
    """As another process has it: this one's mapping may be a second old."""
    return run("getent", database, name, check=False).stdout.strip().split(":")


def groups_of(name):
    return set(run("id", "-nG", name).stdout.split())


# Who is bound, and with what

def test_bindings(jumpcloud):
    """By himself, by a group, by a group of systems; until the last of them is taken away."""
    t = jumpcloud.tenant
    jumpcloud.add_user("dora")
    jumpcloud.add_user("emil", bound=False)
    jumpcloud.add_user("fred", bound=False)
    t.add_group("dev", ["emil"])
    t.bind_group("dev")
    t.add_system_group("servers", [None])
    t.bind("fred", "servers")
    t.add_user("zoe")
    jumpcloud.sync()
    explain = lambda: {n: jumpcloud.endpoint.explain(n) for n in ("dora", "emil", "fred")}
    assert explain() == {"dora": "ok", "emil": "ok", "fred": "ok"}
    assert entry("passwd", "zoe") == [""]
    t.bind("emil")
    t.unbind_group("dev")
    t.unbind("dora")
    t.unbind("fred", "servers")
    jumpcloud.sync()
    assert explain() == {"dora": "unbound", "emil": "ok", "fred": "unbound"}
    t.delete("emil")
    jumpcloud.sync("--accept-removals")
    assert explain()["emil"] == "unbound"


def test_deleted_user_is_gone_at_once(jumpcloud):
    for i in range(8):
        jumpcloud.add_user(f"user{i}")
    jumpcloud.sync()
    jumpcloud.tenant.delete("user3")
    jumpcloud.sync()
    assert jumpcloud.endpoint.explain("user3") == "unbound" and jumpcloud.endpoint.explain("user4") == "ok"


@pytest.mark.parametrize("fields, group, found", [
    ({}, {}, set()),
    ({"sudo": True}, {}, {"muster-sudo"}),
    ({"sudo": True, "nopasswd": True}, {}, {"muster-sudo-nopasswd"}),
    ({"sudo": False}, {"sudo": True}, set()),
    ({}, {"sudo": True}, {"muster-sudo"}),
    ({}, {"sudo": True, "nopasswd": True}, {"muster-sudo-nopasswd"}),
    ({"global": {"sudo": True}}, {}, {"muster-sudo"}),
    ({"global": {"sudo": True, "passwordless_sudo": True}}, {}, {"muster-sudo-nopasswd"}),
    ({"global": {"passwordless_sudo": True}}, {}, set()),
])
def test_sudo(jumpcloud, fields, group, found):
    """On the binding, by a group (of which the binding's own word is worth more), or for all systems."""
    t = jumpcloud.tenant
    everywhere = fields.pop("global", {}) if "global" in fields else {}
    uid = jumpcloud.add_user("dora", **fields)
    t.change(uid, **everywhere)
    t.add_group("admins", ["dora"], bound=True, **group)
    jumpcloud.sync()
    assert {g for g in groups_of("dora") if g.startswith("muster-")} == found


def test_groups(jumpcloud):
    """A user group with a GID is a Linux group, of its bound members; one without is none."""
    t = jumpcloud.tenant
    for name in ("dora", "emil"):
        jumpcloud.add_user(name)
    jumpcloud.add_user("fred", bound=False)
    t.add_group("Developers", ["dora", "emil"], gid=7000, posix_name="dev", bound=True)
    t.add_group("Nobody yet", gid=7001, posix_name="empty", bound=True)
    t.add_group("Elsewhere", ["dora", "fred"], gid=7002, posix_name="elsewhere")
    t.add_group("People", ["dora"], bound=True)
    jumpcloud.sync()
    assert entry("group", "dev") == ["dev", "x", "7000", "dora,emil"] and "dev" in groups_of("dora")
    assert entry("group", "7001") == ["empty", "x", "7001", ""] and entry("group", "elsewhere") == [""]
    t.remove_member("Developers", "emil")
    jumpcloud.sync()
    assert entry("group", "dev") == ["dev", "x", "7000", "dora"]


def test_names(jumpcloud):
    """The local name is systemUsername where that is set."""
    jumpcloud.add_user("dora.long", systemUsername="dora", unix_uid=7777, unix_guid=7778, displayname="Dora Long")
    jumpcloud.add_user("emil", systemUsername="")
    jumpcloud.sync()
    assert entry("passwd", "dora")[2:5] == ["7777", "7778", "Dora Long"]
    assert entry("passwd", "dora.long") == [""] and entry("passwd", "emil")[0] == "emil"


def test_keys(jumpcloud, sshd):
    """ssh_keys, and public_key of old; none where allow_public_key is off."""
    endpoint, t = jumpcloud.endpoint, jumpcloud.tenant
    key = make_key(endpoint.key)
    t.add_user("none", bound=True)
    t.add_user("old", bound=True, public_key=key)
    jumpcloud.add_user("new")
    jumpcloud.add_user("off", allow_public_key=False)
    jumpcloud.sync()
    found = {name: endpoint.musterctl("ssh-keys", name).stdout.split() for name in ("none", "old", "new", "off")}
    assert found == {"none": [], "old": key.split()[:2], "new": key.split()[:2], "off": []}
    assert sshd.login("old", key=endpoint.key).ok and not sshd.login("off", key=endpoint.key).ok


def test_scheduled(jumpcloud, sshd):
    """What was planned comes true without the directory."""
    t = jumpcloud.tenant
    jumpcloud.add_user("dora")
    jumpcloud.add_user("emil", state="STAGED")
    soon = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 8))
    t.schedule("dora", "SUSPENDED", soon)
    t.schedule("emil", "ACTIVATED", soon)
    jumpcloud.sync()
    explain = lambda: [jumpcloud.endpoint.explain(n) for n in ("dora", "emil")]
    assert explain() == ["ok", "staged"]
    jumpcloud.double.down()
    wait_for(lambda: explain() == ["suspended", "ok"], 60)
    assert not sshd.login("dora", key=jumpcloud.endpoint.key).ok


def test_multi_tenant(jumpcloud):
    """The organisation is named in each request; without that, the server's reason is told."""
    jumpcloud.add_user("dora")
    jumpcloud.tenant.switch(multi_tenant=True)
    assert jumpcloud.sync(code=1).count("\n") == 1
    jumpcloud.configure(org_id=jumpcloud.tenant.organization)
    jumpcloud.sync()
    assert jumpcloud.endpoint.explain("dora") == "ok"
    assert {e["headers"].get("x-org-id") for e in jumpcloud.journal.find() if e["status"] == 200} == {
        jumpcloud.tenant.organization}


# Service accounts

def use_service_account(jumpcloud, **keys):
    jumpcloud.configure(credential="service_account", api_key_file=None, client_id=jumpcloud.tenant.client_id,
                        client_secret_file=ETC / "client.secret", token_url=jumpcloud.double.url + "/oauth2/token",
                        **keys)


@pytest.fixture
def service(jumpcloud):
    """No API key: client credentials."""
    use_service_account(jumpcloud)
    jumpcloud.add_user("dora")
    return jumpcloud


def tokens(jumpcloud):
    return jumpcloud.journal.count("/oauth2/token")


def test_service_account(service):
    """One token for all requests of a sync."""
    service.sync()
    assert service.endpoint.explain("dora") == "ok" and tokens(service) == 1
    assert all("authorization" in e["headers"] and "x-api-key" not in e["headers"] for e in service.journal.find())


def test_token_lasts_for_many_polls(service):
    use_service_account(service, poll_interval="1s")
    with Agent() as agent:
        agent.wait_until_synced(3)
        assert tokens(service) == 1
        service.double.tokens.revoke_all()  # another one is asked for
        agent.wait_until_synced(agent.syncs() + 3)
        assert tokens(service) == 2


def test_token_is_renewed_before_it_ends(service):
    service.tenant.switch(token_lifetime_s=4)
    use_service_account(service, poll_interval="1s")
    with Agent() as agent:
        agent.wait_until_synced(8)
    assert tokens(service) >= 2
    assert {e["status"] for e in service.journal.find()} == {200}


def test_wrong_client_secret(service):
    service.sync()
    service.write_secret("client.secret", "leak-wrong")
    before = published()
    said = service.sync(code=1)
    assert "client_secret_file" in said and said.count("\n") == 1 and LEAK not in said and published() == before


# Secrets

def files_with(needle):
    needle = needle.encode()
    return [p for folder in (RUN, STATE, pathlib.Path("/var/log")) for p in folder.rglob("*")
            if p.is_file() and p.name != "lastlog" and needle in p.read_bytes()]  # that one is sparse, 292 bytes a uid


def test_secrets_stay(jumpcloud):
    """No key, no token, and nothing secret-looking out of replies: not in files, messages, or what ps shows."""
    jumpcloud.add_user("dora")
    t = jumpcloud.tenant
    with Agent() as agent:
        agent.wait_until_synced()
        for pid in [agent.pid, *agent.children()]:
            for name in ("cmdline", "environ"):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a worker that is done
                    assert LEAK.encode() not in pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
        jumpcloud.faults.order("status", status=401, message=f"bad key {t.api_key}", times=None)
        said = jumpcloud.endpoint.musterctl("sync", check=False)
        assert "HTTP status 401" in said.stdout + said.stderr + agent.log()
        assert LEAK not in said.stdout + said.stderr + agent.log()
    assert files_with(LEAK) == [] and LEAK not in jumpcloud.sync(code=1)
    assert LEAK not in jumpcloud.endpoint.musterctl("status").stdout


# At login

@contextlib.contextmanager
def living(jumpcloud, **keys):
    """An agent that will not poll again, and asks at each login."""
    jumpcloud.configure(**{"poll_interval": "1h", "recheck_after": "0s", "recheck_timeout": "10s", **keys})
    with Agent() as agent:
        agent.wait_until_synced()
        yield agent


CHANGES = {  # what an administrator does -> the reason
    "suspend": "suspended", "lock": "locked", "expire": "password_expired", "unbind": "unbound", "delete": "unbound",
    "stage": "staged",
}


@pytest.mark.parametrize("change", CHANGES)
def test_refused_at_the_next_login(jumpcloud, sshd, change):
    """Without waiting for the poll, in one or two requests."""
    endpoint = jumpcloud.endpoint
    jumpcloud.add_user("dora")
    jumpcloud.add_user("emil")
    with living(jumpcloud):
        assert sshd.login("dora", key=endpoint.key).ok
        getattr(jumpcloud.tenant, change)("dora")
        before = jumpcloud.journal.count()
        assert not sshd.login("dora", key=endpoint.key).ok
        assert 1 <= jumpcloud.journal.count() - before <= 4  # sshd asks in two phases
        assert endpoint.explain("dora") == CHANGES[change]
        assert sshd.login("emil", key=endpoint.key).ok


def test_in_again_at_the_next_login(jumpcloud):
    """Where PAM is asked; sshd has no keys of a refused user, and he waits for the next poll."""
    jumpcloud.add_user("dora")
    jumpcloud.tenant.suspend("dora")
    su = lambda: run("su", "dora", "-c", "id -un", check=False).stdout
    with living(jumpcloud):
        assert su() == ""
        jumpcloud.tenant.activate("dora")
        assert su() == "dora\n"


@pytest.mark.parametrize("fault, arguments", [
    ("status", {"status": 503}), ("status", {"status": 429, "retry_after": 60}), ("status", {"status": 401}),
    ("hang_up", {}), ("silent", {}), ("html", {}), ("body", {"text": "{}"}), ("truncated", {}),
])
def test_who_cannot_be_asked_about_is_decided_from_what_is_there(jumpcloud, sshd, fault, arguments):
    """Within the time that a login may wait; who was refused stays refused."""
    endpoint = jumpcloud.endpoint
    jumpcloud.add_user("dora")
    jumpcloud.add_user("emil")
    jumpcloud.tenant.suspend("emil")
    with living(jumpcloud, recheck_timeout="1s"):
        jumpcloud.faults.order(fault, times=None, **arguments)
        jumpcloud.tenant.activate("emil")
        began = time.monotonic()
        assert sshd.login("dora", key=endpoint.key).ok
        assert not sshd.login("emil", key=endpoint.key).ok
        assert time.monotonic() - began < 15


def test_down(jumpcloud, sshd):
    jumpcloud.add_user("dora")
    with living(jumpcloud):
        jumpcloud.double.down()
        assert sshd.login("dora", key=jumpcloud.endpoint.key).ok
        jumpcloud.double.up()


def test_rehearsal(endpoint, tmp_path):
    """What tests/directory/run prints and writes is enough for an endpoint; its control URL does the rest."""
    endpoint.reset()
    with started("--port", "0", "--folder", tmp_path, "--bound", "2") as (folder, conf):
        shutil.copy(folder / "muster.conf", endpoint.conf)
        run("musterd", "--once")
        verdicts = lambda: [endpoint.explain(f"user{i}", password=False) for i in (0, 1)]
        assert verdicts() == ["ok", "ok"]
        assert entry("group", "people")[3] == "user0,user1" and entry("passwd", "user2") == [""]
        context = ssl.create_default_context(cafile=conf["ca_file"])
        url = conf["url"].removesuffix("/api") + "/_control/suspend"
        urllib.request.urlopen(url, b"user=user0", context=context, timeout=30)
        run("musterd", "--once")
        assert verdicts() == ["suspended", "ok"]
    endpoint.reset()
