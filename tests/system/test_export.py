"""musterctl export: JumpCloud's API on one side, a real nginx and an endpoint without any key of the organisation on the other."""
import contextlib
import grp
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import time

import pytest

from endpoint import ETC, FAR_AHEAD, LONG_AGO, RUN, TREE, make_key, run
from fetch import Authority
from jumpcloud import Jumpcloud
from snapshot import Snapshot

OUT = pathlib.Path("/srv/muster-export")
CONF = pathlib.Path("/etc/muster-export/export.conf")
KEY = CONF.parent / "api.key"
USER = "muster-export"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    return Authority(folder / "own")


@pytest.fixture(scope="module", autouse=True)
def user():
    """As docs/jumpcloud.md has it: a user of its own, and a folder that the web server's group reads."""
    if run("getent", "passwd", USER, check=False).returncode:
        run("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/usr/sbin/nologin", USER)


class Tenant:
    """The host that holds the key, and the API that it asks."""

    def __init__(self, endpoint):
        for folder in (OUT, CONF.parent):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        run("chown", f"{USER}:www-data", OUT)
        OUT.chmod(0o2750)
        self.jumpcloud = Jumpcloud(endpoint)
        self.tenant = self.jumpcloud.tenant
        self.second = self.tenant.add_system("second")
        shutil.copy(self.jumpcloud.ca_file, CONF.parent / "ca.pem")
        CONF.write_text(f"[directory]\ndriver = jumpcloud\nurl = {self.jumpcloud.double.url}/api\nsystem_id = {self.tenant.system}\n"
                        f"ca_file = {CONF.parent}/ca.pem\napi_key_file = {KEY}\n")
        KEY.touch(mode=0o600)
        KEY.write_text(self.tenant.api_key + "\n")
        run("chown", "-R", USER, CONF.parent)

    def export(self, *argv, code=0):
        """As the user that the unit runs it as."""
        done = run("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--", "musterctl", "export", "--config", CONF,
                   "--output", OUT, *argv, check=False)
        assert done.returncode == code, done
        assert self.tenant.api_key not in done.stdout + done.stderr
        return done

    def both(self, *argv, code=0):
        done = self.export("--group", "www-data", "--json", "--system", self.tenant.system, "--system", self.second, *argv, code=code)
        return {r["system"]: r for r in json.loads(done.stdout)}

    def read(self, system=None):
        return json.loads((OUT / f"{system or self.tenant.system}.json").read_text())


@pytest.fixture
def host(endpoint):
    endpoint.reset()
    h = Tenant(endpoint)
    with h.jumpcloud:
        yield h


def names(document):
    return [u["username"] for u in document["users"]]


def seen(path):
    st = path.stat()
    return st.st_ino, st.st_mtime_ns, path.read_bytes()


def test_documents(host):
    t = host.tenant
    t.add_user("dora", bound=True, sudo=True)
    t.add_user("erik", bound=True)
    t.add_user("other")
    t.bind("other", host.second)
    t.add_group("devs", members=["dora"], gid=7000)
    t.bind_group("devs")
    results = host.both()
    first, second = results[t.system], results[host.second]
    assert (first["result"], first["users"], first["groups"], first["left_out"]) == ("written", 2, 1, [])
    assert (second["result"], second["users"]) == ("written", 1)
    assert sorted(names(host.read())) == ["dora", "erik"] and names(host.read(host.second)) == ["other"]
    dora, = [u for u in host.read()["users"] if u["username"] == "dora"]
    assert dora["sudo"] is True and dora["state"] == "ACTIVATED" and dora["id"] == t.user_id("dora")
    assert host.read()["groups"][0]["members"] == [t.user_id("dora")]
    assert host.read()["groups"][0]["attributes"]["posixGroups"] == [{"id": 7000, "name": "devs"}]
    for system in results:
        st = (OUT / f"{system}.json").stat()
        assert stat.S_IMODE(st.st_mode) == 0o640 and st.st_gid == grp.getgrnam("www-data").gr_gid
    assert sorted(p.name for p in OUT.iterdir()) == sorted([".lock", *(f"{s}.json" for s in results)])
    assert "systemToken" not in (OUT / first["file"]).read_text()


def test_all_systems(host):
    """As many as there are, over several pages; one that nobody is bound to is held and keeps no other back."""
    t = host.tenant
    t.add_user("dora", bound=True)
    t.bind("dora", host.second)
    empty = [t.add_system(f"spare{i}") for i in range(118)]
    results = {r["system"]: r["result"] for r in json.loads(host.export("--all", "--json", code=1).stdout)}
    assert set(results) == set(t.systems) == {t.system, host.second, *empty}
    assert {results[t.system], results[host.second]} == {"written"} and {results[e] for e in empty} == {"held"}
    assert len(list(OUT.glob("*.json"))) == 2
    assert "not both" in host.export("--all", "--system", t.system, code=2).stderr
    host.jumpcloud.faults.order("status", "/api/systems", times=9, status=500)
    assert "500" in host.export("--all", code=2).stderr
    CONF.write_text("[directory]\nsystem_id = here\n")
    assert "only the driver jumpcloud" in host.export("--all", code=2).stderr


def test_unchanged_files_stay(host):
    host.tenant.add_user("dora", bound=True)
    host.tenant.add_user("other")
    host.tenant.bind("other", host.second)
    before = host.both()
    files = {s: seen(OUT / f"{s}.json") for s in before}
    again = host.both()
    assert {r["result"] for r in again.values()} == {"unchanged"}
    assert {s: r["serial"] for s, r in again.items()} == {s: r["serial"] for s, r in before.items()}
    assert files == {s: seen(OUT / f"{s}.json") for s in before}
    host.tenant.suspend("dora")
    results = host.both()
    assert results[host.tenant.system]["result"] == "written" and results[host.second]["result"] == "unchanged"
    assert results[host.tenant.system]["serial"] > before[host.tenant.system]["serial"]
    assert host.read()["users"][0]["state"] == "SUSPENDED"
    assert seen(OUT / f"{host.second}.json") == files[host.second]


def test_readers_follow_the_option(host):
    """Also of a file that stays: whom --group names may read it from now on, and who is no longer named may not."""
    path = OUT / f"{host.tenant.system}.json"

    def readers():
        st = path.stat()
        return stat.S_IMODE(st.st_mode), grp.getgrgid(st.st_gid).gr_name, st.st_mtime_ns

    host.tenant.add_user("dora", bound=True)
    host.export()
    before = readers()
    assert before[0] == 0o600
    assert "unchanged" in host.export("--group", "www-data").stdout
    assert readers() == (0o640, "www-data", before[2])
    assert "unchanged" in host.export().stdout
    assert readers()[0::2] == (0o600, before[2])


def test_serial_rises_over_a_lost_file(host):
    host.tenant.add_user("dora", bound=True)
    first = host.export("--json")
    time.sleep(1.1)
    (OUT / f"{host.tenant.system}.json").unlink()
    assert json.loads(host.export("--json").stdout)[0]["serial"] > json.loads(first.stdout)[0]["serial"]
    assert stat.S_IMODE((OUT / f"{host.tenant.system}.json").stat().st_mode) == 0o600


def test_nobody_is_held(host):
    """A wrong id or a mishap: neither an empty document nor one that lacks many replaces what is served."""
    path = OUT / f"{host.tenant.system}.json"
    done = host.export(code=1)
    assert "0 users are bound" in done.stderr and "--accept-removals" in done.stderr and not path.exists()
    host.tenant.add_users(20, bound=True)
    host.export()
    before = seen(path)
    for name in names(host.read())[:8]:
        host.tenant.unbind(name)
    done = host.export("--json", code=1)
    result, = json.loads(done.stdout)
    assert (result["result"], result["users"], result["missing"]) == ("held", 12, 8) and seen(path) == before
    host.export("--accept-removals")
    assert len(host.read()["users"]) == 12 and len(host.read()["removed"]) == 8
    assert set(host.read()["removed"]) <= {u["id"] for u in json.loads(before[2])["users"]}


def test_who_left_stays_named(host):
    """An endpoint that was off line for long is told, too; who comes back is named no more."""
    for name in ("dora", "erik", "fred"):
        host.tenant.add_user(name, bound=True)
    host.export()
    host.tenant.unbind("erik")
    host.export()
    assert host.read()["removed"] == [host.tenant.user_id("erik")]
    host.tenant.unbind("fred")
    host.export()
    assert sorted(host.read()["removed"]) == sorted(host.tenant.user_id(n) for n in ("erik", "fred"))
    host.tenant.bind("erik")
    host.export()
    assert host.read()["removed"] == [host.tenant.user_id("fred")] and "erik" in names(host.read())


def test_faults_leave_what_is_served(host):
    host.tenant.add_user("dora", bound=True)
    host.export()
    path = OUT / f"{host.tenant.system}.json"
    before = seen(path)
    host.jumpcloud.double.down()
    result, = json.loads(host.export("--json", code=2).stdout)
    assert result["result"] == "failed" and result["error"] and seen(path) == before
    host.jumpcloud.double.up()
    KEY.write_text("another\n")
    assert "401" in host.export(code=2).stderr and seen(path) == before
    KEY.write_text(host.tenant.api_key + "\n")
    done = host.export("--system", "0" * 24, "--system", host.tenant.system, code=2)
    assert "unchanged" in done.stdout and not (OUT / f"{'0' * 24}.json").exists()  # one that fails keeps no other back
    path.write_text('{"format": "muster-directory/1", "users": [')
    assert "move it away" in host.export(code=2).stderr
    path.unlink()
    KEY.chmod(0o644)
    assert "chmod 0600" in host.export(code=2).stderr
    KEY.chmod(0o600)
    host.export()
    assert names(host.read()) == ["dora"]


@pytest.mark.parametrize("argv, says", [
    (["--output", "/nowhere"], "/nowhere"), (["--system", "../x"], "no id"), (["--group", "nobody-has-this"], "no group"),
    (["--config", "/nowhere"], "/nowhere")])
def test_wrong_usage(host, argv, says):
    assert says in host.export(*argv, code=2).stderr
    assert not list(OUT.glob("*.json"))


def test_it_says_that_it_lives(host):
    """From time to time, though there is no news: an endpoint must be able to tell that the export has died."""
    host.tenant.add_user("dora", bound=True)
    host.export()
    file, = OUT.glob("*.json")
    written = host.read()
    assert written["confirmed_at"] == written["made_at"]
    before = seen(file)
    host.export()
    assert seen(file) == before
    file.write_text(json.dumps({**written, "confirmed_at": LONG_AGO, "made_at": LONG_AGO}))
    assert "unchanged" in host.export().stdout
    now = host.read()
    assert now["confirmed_at"] >= written["confirmed_at"] and now["made_at"] == LONG_AGO
    assert {**now, "confirmed_at": ""} == {**written, "made_at": LONG_AGO, "confirmed_at": ""}


def test_all_of_nothing(host):
    host.jumpcloud.faults.order("edit", "/api/systems", times=None, change=lambda data: {"totalCount": 0, "results": []})
    assert "no system that this key may see" in host.export("--all", code=2).stderr


def test_two_at_once(host):
    host.tenant.add_user("dora", bound=True)
    with open(OUT / ".lock", "w") as lock:
        os.chown(OUT / ".lock", *[int(i) for i in run("id", "-u", USER).stdout.split()], -1)
        subprocess.run(["flock", "--nonblock", str(lock.fileno())], pass_fds=[lock.fileno()], check=True)
        assert "under way" in host.export(code=2).stderr
    host.export()


def test_who_cannot_be_read_stays(host):
    """The graph says that he is bound, his record may not be seen: he is what he was."""
    for name in ("dora", "erik"):
        host.tenant.add_user(name, bound=True)
    host.export()
    for name in ("dora", "erik"):
        host.tenant.suspend(name)
    host.jumpcloud.faults.order("without", "/api/search/systemusers", times=9)
    host.jumpcloud.faults.order("status", "/api/systemusers/", times=9, status=403)
    host.export()
    assert sorted(u["state"] for u in host.read()["users"]) == ["ACTIVATED", "SUSPENDED"]
    assert sorted(names(host.read())) == ["dora", "erik"] and "removed" not in host.read()
    host.jumpcloud.faults.clear()
    host.export()
    assert {u["state"] for u in host.read()["users"]} == {"SUSPENDED"}


def test_new_and_not_to_be_read(host):
    """Nobody knows what he was: he is left out, and that is said."""
    host.tenant.add_user("dora", bound=True)
    host.export()
    host.tenant.add_user("erik", bound=True)
    host.jumpcloud.faults.order("without", "/api/search/systemusers", times=9,
                                index=sorted(host.tenant.user_id(n) for n in ("dora", "erik")).index(host.tenant.user_id("erik")))
    host.jumpcloud.faults.order("status", "/api/systemusers/", times=9, status=403)
    result, = json.loads(host.export("--json").stdout)
    assert [(e["id"], e["reason"]) for e in result["left_out"]] == [(host.tenant.user_id("erik"), "unreadable")]
    assert "unreadable" in host.export().stderr and names(host.read()) == ["dora"]


def test_a_document_says_the_same(endpoint):
    """Any directory can be exported: an endpoint that obeys the copy publishes the same accounts, groups and policy."""
    endpoint.reset()
    for folder in (OUT, CONF.parent):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    endpoint.user("plain")
    endpoint.user("full", unix_uid=5001, unix_guid=5001, displayname="Full Name", email="f@example.com", sudo=True,
                  passwordless_sudo=True, home="/home/elsewhere", shell="/bin/sh", created=LONG_AGO, password_date=LONG_AGO,
                  password_expiration_date=FAR_AHEAD, disableDeviceMaxLoginAttempts=True,
                  mfa={"configured": True, "exclusion": True, "exclusionUntil": FAR_AHEAD}, totp_enabled=True,
                  scheduled=[{"state": "SUSPENDED", "scheduledDate": FAR_AHEAD}, {"state": "ACTIVATED", "scheduledDate": LONG_AGO}])
    endpoint.user("locked", account_locked=True, account_locked_date=LONG_AGO, password_never_expires=True)
    endpoint.user("odd", state="SOMETHING", suspended=True, password_expired=True, allow_public_key=False)
    endpoint.user("pending", password=None, activated=False, ssh_keys=[])
    endpoint.posix_group("devs", 6000, ["plain", "full"])
    endpoint.group("admins", ["plain"], sudo={"enabled": True, "withoutPassword": True})
    endpoint.document["policy"] = {"maxLoginAttempts": 3, "lockoutTimeInSeconds": 600, "resetLockoutCounterMinutes": 5}
    endpoint.publish()
    CONF.write_text("[directory]\nsystem_id = here\n")
    results = json.loads(run("musterctl", "export", "--config", CONF, "--output", OUT, "--json").stdout)
    assert results[0]["users"] == 5 and results[0]["groups"] == 2 and results[0]["left_out"] == []

    def published():
        snapshot = Snapshot(RUN / "pam.snapshot")
        policy, = snapshot.lists[8]
        return (snapshot.accounts, Snapshot(RUN / "nss.snapshot").users, sorted(snapshot.lists[11]),
                re.sub(rb"\$5\$[^\0]*", b"", policy))  # what unknown names are hashed against is made up each time
    before = published()
    with endpoint.configured(url=f"file://{OUT}/here.json"):
        run("musterd", "--once")
        for new, old in zip(published(), before):
            assert new == old
        assert json.loads(run("musterctl", "status", "--json").stdout)["serial"] == results[0]["serial"]
    assert stat.S_IMODE((OUT / "here.json").stat().st_mode) == 0o600


# ---- an endpoint that holds no key of the organisation, and the nginx of docs/export

@contextlib.contextmanager
def nginx(own, folder):
    """Debian's nginx with docs/export/nginx.conf, but for names, port and certificates."""
    cert, key = own.issue("server")
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
    text = (TREE / "docs/export/nginx.conf").read_text()
    for old, new in (("443", f"127.0.0.1:{port}"), ("directory.example.org", "localhost"),
                     ("/etc/muster-export/server.pem", str(cert)), ("/etc/muster-export/server.key", str(key)),
                     ("/etc/muster-export/endpoints-ca.pem", f"{own.path}/ca.pem")):
        assert old in text
        text = text.replace(old, new)
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(
        f"user www-data; daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{ }}\n"
        f"http {{ access_log {folder}/access.log combined; include {folder}/site.conf; }}\n")
    process = subprocess.Popen(["/usr/sbin/nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.05)
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)


def configure(endpoint, own, url, certificate, system):
    """muster.conf as docs/jumpcloud.md has it."""
    (ETC / "ca.pem").write_text(own.pem)
    for name, path in zip(("client.pem", "client.key"), certificate):
        (ETC / name).touch(mode=0o600)
        (ETC / name).write_text(path.read_text())
    endpoint.conf.write_text(f"[directory]\nurl = {url}/%i.json\nsystem_id = {system}\nca_file = {ETC}/ca.pem\n"
                             f"client_cert = {ETC}/client.pem\nclient_key = {ETC}/client.key\n")


def test_an_endpoint_without_the_key(host, endpoint, own, tmp_path):
    t = host.tenant
    for name in ("dora", "erik"):
        t.add_user(name, bound=True, sudo=name == "dora")
        t.add_key(name, make_key(endpoint.key))
    t.add_user("other")
    t.bind("other", host.second)
    host.both()
    for path in ETC.iterdir():  # what asks JumpCloud is on another host
        path.unlink()
    tmp_path.chmod(0o755)
    with nginx(own, tmp_path) as url:
        configure(endpoint, own, url, own.issue(t.system), t.system)
        run("musterd", "--once")
        assert endpoint.explain("dora") == "ok" and endpoint.explain("erik") == "ok"
        assert run("getent", "passwd", "other", check=False).returncode == 2
        assert run("musterctl", "ssh-keys", "dora").stdout.startswith("ssh-ed25519 ")
        host.both()
        assert run("musterd", "--once").stderr == ""  # its validator still holds: the file was not touched
        t.suspend("dora")
        t.unbind("erik")
        host.both()
        assert "worse=2\n" in run("musterd", "--once").stderr
        assert endpoint.explain("dora") == "suspended" and endpoint.explain("erik") == "unbound"
        # Another endpoint's document is not for this one, nor is any without a certificate.
        configure(endpoint, own, url, own.issue(host.second), t.system)
        done = run("musterd", "--once", check=False)
        assert done.returncode == 1 and "403" in done.stderr
        endpoint.conf.write_text(re.sub(r"client_.*\n", "", endpoint.conf.read_text()))
        assert run("musterd", "--once", check=False).returncode == 1
        configure(endpoint, own, url, own.issue(f"{t.system}x"), t.system)
        assert run("musterd", "--once", check=False).returncode == 1
        assert endpoint.explain("dora") == "suspended"
    log = (tmp_path / "access.log").read_text()
    assert " 304 " in log and " 200 " in log


def test_configurations_of_the_manual(endpoint):
    """Each muster.conf that docs/jumpcloud.md shows can be used as it is."""
    text = (TREE / "docs/jumpcloud.md").read_text()
    blocks = re.findall(r"```\n( *\[directory\]\n.*?)```", text, re.S)
    assert len(blocks) == 2
    for block in blocks:
        assert not re.search("(?m)^ *[^#\\s].*#", block)  # it would be part of the value
        endpoint.conf.write_text(re.sub("(?m)^ +", "", block))
        findings = json.loads(run("musterctl", "doctor", "--json", check=False).stdout)
        assert [f["detail"] for f in findings if f["check"] == "conf"] == ["understood"], findings
    endpoint.reset()


def test_unit_files():
    """What docs/export shows is what systemd takes."""
    for name in ("muster-export.service", "muster-export.timer"):
        done = run("systemd-analyze", "verify", TREE / "docs/export" / name, check=False)
        assert "Unknown" not in done.stderr and "Failed to parse" not in done.stderr, done.stderr


@pytest.mark.parametrize("bound, most", [(1, 6), (100, 6), (1000, 33)])
def test_number_of_requests(host, bound, most):
    """docs/jumpcloud.md has these figures; the others of the organisation cost nothing."""
    host.tenant.add_users(bound, bound=True)
    host.tenant.add_users(500, prefix="other")
    host.jumpcloud.journal.clear()
    host.export()
    assert most - 1 <= host.jumpcloud.journal.count() <= most, host.jumpcloud.journal.summary()
    assert host.jumpcloud.journal.connections() == 1
