"""[auth] password = ldap: the directory's word about a password while it can be asked, a saved verifier while it cannot."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import threading
import time

import pexpect
import pytest

from agent import Agent, wait_for
from endpoint import PASSWORD, RUN, STATE, TREE, WORK, run
from fetch import Authority
from slapd import NAME, ORG, TEMPLATE, Slapd
from test_agent import RIGHT, answer, double, pamt
from test_ldap_fetch import listening, message
from test_socket import CONFINED, SOCKET, Manager

USERS = ("dora", "emil", "lena", "late", "new", "susan")
SAVED = STATE / "user"
UNAVAILABLE = 2
REASON_LOCKED, REASON_EXPIRED = 4, 6


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("ldap")
    authority = Authority(tmp / "ca")
    cert, key = authority.issue("ldap", san=f"DNS:localhost,DNS:{NAME}")
    s = Slapd(tmp / "slapd", cert, key)
    s.ca = tmp / "ca.pem"
    s.ca.write_text(authority.pem)
    s.rogue = tmp / "rogue.pem"
    s.rogue.write_text(Authority(tmp / "rogue").pem)
    for name in USERS:
        s.add(name, PASSWORD)
    s.add("e.brandt", PASSWORD)
    s.set("lena", pwdAccountLockedTime="000001010000Z")
    s.set("late", pwdChangedTime="20200101000000Z")
    yield s.start()
    s.stop()


@pytest.fixture(scope="module", autouse=True)
def world(endpoint, slapd):
    run("gcc", "-o", WORK / "pamt-agent", TREE / "tests/system/pamt.c", "-lpam")
    with open("/etc/pam.d/mt-agent", "w") as f:
        f.writelines(f"{kind} required pam_muster.so\n" for kind in ("auth", "account", "password", "session"))
    for name in USERS:
        user = endpoint.user(name, password=None, suspended=name == "susan")
        del user["activated"]
    del endpoint.user("e.brandt", password=None, systemUsername="emma")["activated"]
    settings = {"password": "ldap", "ldap_url": slapd.tls, "ldap_bind_dn": TEMPLATE, "org_id": ORG,
                "ldap_ca_file": slapd.ca, "max_attempts": 5}
    with endpoint.configured(**settings):
        yield
    os.unlink("/etc/pam.d/mt-agent")


@pytest.fixture
def clean(endpoint):
    """Nobody has logged in, nobody has failed."""
    endpoint.publish()
    for folder in (SAVED, RUN / "tally"):
        for path in folder.iterdir():
            path.unlink()


@pytest.fixture
def agent(clean, slapd):
    with Agent() as a:
        yield a


def saved(name):
    return SAVED / str(pwd.getpwnam(name).pw_uid)


def failures(endpoint, name):
    """As many 16-byte records are F as are not taken back."""
    path = RUN / "tally" / str(pwd.getpwnam(name).pw_uid)
    kinds = [path.read_bytes()[i + 8] for i in range(0, path.stat().st_size, 16)] if path.exists() else []
    n = 0
    for kind in kinds:
        n = {ord("F"): n + 1, ord("S"): 0, ord("C"): n - 1}[kind]
    return n


def auth(name, password=PASSWORD, **kwargs):
    codes, took = pamt(name, "auth", password=password, **kwargs)
    return codes["auth"]


def told(name):
    """What a login with the right password says, in authentication and the account phase."""
    out = run(WORK / "pamt-agent", "mt-agent", name, "auth", "account", env={**os.environ, "PASSWORD": PASSWORD}).stdout
    assert "auth SUCCESS\n" in out and "account SUCCESS\n" in out
    return [l for l in out.splitlines() if l.startswith("says")]


@contextlib.contextmanager
def away(slapd):
    """Nobody listens."""
    slapd.stop()
    try:
        yield
    finally:
        slapd.start()


@contextlib.contextmanager
def frozen(slapd):
    slapd.freeze()
    try:
        yield
    finally:
        slapd.thaw()


def test_answers(endpoint, agent, slapd):
    """On line each answer is the directory's."""
    assert auth("dora") == "SUCCESS"
    assert auth("dora", "wrong") == "AUTH_ERR"
    assert auth("lena") == "AUTH_ERR"
    assert auth("late") == "AUTH_ERR"
    assert auth("susan") == "AUTH_ERR"
    assert auth("ghost") == "USER_UNKNOWN"
    assert auth("new", "") == "AUTH_ERR"
    assert not [b for b in slapd.binds() if "ghost" in b or "uid=new" in b]
    assert failures(endpoint, "dora") == 1 and failures(endpoint, "lena") == 1
    assert failures(endpoint, "late") == 0


def test_local_name_is_another(agent):
    """Whose local account has a name of its own is asked for by the directory's."""
    assert auth("emma") == "SUCCESS" and auth("emma", "wrong") == "AUTH_ERR"
    assert auth("e.brandt") == "USER_UNKNOWN"


def test_what_the_user_reads(endpoint, agent):
    """An expired password is told, since it was right; a locked account is not, and neither is anything about a wrong one."""
    out = {name: run(WORK / "pamt-agent", "mt-agent", name, "auth", env={**os.environ, "PASSWORD": PASSWORD}).stdout
           for name in ("late", "lena", "susan")}
    assert "says Your password has expired." in out["late"]
    assert "says" not in out["lena"]
    assert "says This account is suspended." in out["susan"]


def test_ssh_and_su(agent, sshd):
    for method in ("password", "keyboard-interactive"):
        assert sshd.login("dora", PASSWORD, method=method).output == "dora"
        assert not sshd.login("dora", "wrong", method=method).ok
        for name in ("lena", "late", "susan"):
            assert not sshd.login(name, PASSWORD, method=method).ok
    su = pexpect.spawn("setpriv", ["--reuid", "nobody", "--clear-groups", "su", "-c", "id -un", "dora"], encoding="utf-8",
                       timeout=30)
    su.expect("Password: ")
    su.sendline(PASSWORD)
    su.expect("dora\r\n")
    su.close()


def test_verifier(agent):
    """After a good bind one is kept; it says nothing to anybody, and is not written again without need."""
    assert auth("dora") == "SUCCESS"
    path = saved("dora")
    assert oct(path.stat().st_mode) == "0o100600" and path.stat().st_uid == 0
    assert oct(SAVED.stat().st_mode & 0o777) == "0o700"
    assert b"$y$" in path.read_bytes() and PASSWORD.encode() not in path.read_bytes()
    before = path.stat().st_ino
    assert auth("dora") == "SUCCESS" and path.stat().st_ino == before
    assert [p.name for p in SAVED.iterdir()] == [path.name]
    for name in ("lena", "late", "susan"):
        auth(name)
        assert not saved(name).exists()


def test_off_line(endpoint, agent, slapd):
    """The server does not listen: who has logged in before gets in with that password, and nobody else."""
    assert auth("dora") == "SUCCESS"
    with away(slapd):
        assert auth("dora") == "SUCCESS"
        assert auth("dora", "wrong") == "AUTH_ERR"
        assert failures(endpoint, "dora") == 1
        for _ in range(8):
            assert auth("emil") == "AUTHINFO_UNAVAIL"  # not counted: nobody could judge it
        assert failures(endpoint, "emil") == 0
        out = run(WORK / "pamt-agent", "mt-agent", "emil", "auth", env={**os.environ, "PASSWORD": PASSWORD}).stdout
        assert "says This computer cannot reach the directory, and your password cannot be checked without it." in out
    assert "saved verifiers decide" in agent.log()
    assert auth("emil") == "SUCCESS"
    assert "verified by the directory again" in agent.log()


def test_off_line_counts(endpoint, agent, slapd):
    """The endpoint's own lock holds off line, and then no password is verified."""
    assert auth("dora") == "SUCCESS"
    with away(slapd):
        for _ in range(5):
            assert auth("dora", "wrong") == "AUTH_ERR"
        assert auth("dora") == "AUTH_ERR"
        assert endpoint.explain("dora") in ("locked", "ok")
    before = len(slapd.binds())
    assert auth("dora") == "AUTH_ERR" and len(slapd.binds()) == before
    endpoint.musterctl("unlock", "dora")
    assert auth("dora") == "SUCCESS"


def test_on_line_counts_once(endpoint, agent, slapd):
    """A try is one for us and one for the directory."""
    for n in range(1, 4):
        before = len(slapd.binds())
        assert auth("emil", "wrong") == "AUTH_ERR"
        assert failures(endpoint, "emil") == n and len(slapd.binds()) == before + 1
    assert auth("emil") == "SUCCESS" and failures(endpoint, "emil") == 0


def test_never_off_line_while_it_answers(agent, slapd):
    """The verifier would take it, and the directory does not: refused, and the verifier is gone."""
    assert auth("emil") == "SUCCESS"
    slapd.set("emil", userPassword="another one")
    try:
        assert auth("emil", "quite wrong") == "AUTH_ERR"
        assert saved("emil").exists()  # a stranger's guess wipes nothing
        assert auth("emil") == "AUTH_ERR"
        assert not saved("emil").exists()
        with away(slapd):
            assert auth("emil") == "AUTHINFO_UNAVAIL"
        assert auth("emil", "another one") == "SUCCESS"
        with away(slapd):
            assert auth("emil") == "AUTH_ERR"
            assert auth("emil", "another one") == "SUCCESS"
    finally:
        slapd.set("emil", userPassword=PASSWORD)


def test_locked_there(agent, slapd):
    """Locked in the directory by strangers: her verifier stays until she herself is refused."""
    assert auth("emil") == "SUCCESS"
    slapd.set("emil", pwdAccountLockedTime="000001010000Z")
    try:
        assert auth("emil", "wrong") == "AUTH_ERR"
        assert saved("emil").exists()
        assert auth("emil") == "AUTH_ERR"
        assert not saved("emil").exists()
    finally:
        slapd.set("emil", pwdAccountLockedTime=None)


def test_frozen_server(agent, slapd):
    """Connected, and silence: decided within the deadline; the next one does not wait; back in seconds."""
    assert auth("dora") == "SUCCESS"
    with frozen(slapd):
        codes, took = pamt("dora", "auth")
        assert codes == {"auth": "SUCCESS"} and took < 12
        codes, took = pamt("dora", "auth")
        assert codes == {"auth": "SUCCESS"} and took < 3
        codes, took = pamt("emil", "auth")
        assert codes == {"auth": "AUTHINFO_UNAVAIL"} and took < 3
    wait_for(lambda: auth("emil") == "SUCCESS", timeout=60, what="on line again")


def test_stopped_in_mid_login(agent, slapd):
    """The server dies while it is asked."""
    assert auth("dora") == "SUCCESS"
    slapd.freeze()
    results = []
    thread = threading.Thread(target=lambda: results.append(auth("dora")))
    thread.start()
    wait_for(lambda: [p for p in agent.children() if b"muster-fetch" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes()],
             what="a muster-fetch")
    time.sleep(0.5)
    slapd.process.kill()
    slapd.process.wait()
    slapd.process = None
    try:
        thread.join(60)
        assert results == ["SUCCESS"]
        assert auth("new") == "AUTHINFO_UNAVAIL"
    finally:
        slapd.start()


@pytest.fixture
def configured(endpoint):
    """Other settings, for an agent that starts after them."""
    before = endpoint.conf.read_text()

    def change(**settings):
        text = before
        for key, value in settings.items():
            lines = [f"{key} = {value}" if l.lstrip("#").startswith(f"{key} =") else l for l in text.splitlines()]
            assert lines != text.splitlines(), key
            text = "\n".join(lines) + "\n"
        endpoint.conf.write_text(text)
        endpoint.publish()

    yield change
    endpoint.conf.write_text(before)
    endpoint.publish()


@pytest.mark.parametrize("fault", ["authority", "name", "no TLS"])
def test_not_trusted(clean, slapd, configured, fault, tmp_path):
    """Not the right server: nobody's password is sent there, and nobody gets in by what it says."""
    wrong = {"authority": {"ldap_ca_file": slapd.rogue}, "name": {"ldap_url": f"ldaps://127.0.0.1:{slapd.tls_port}"},
             "no TLS": {"ldap_url": f"ldaps://localhost:{slapd.port}"}}
    with Agent():
        assert auth("dora") == "SUCCESS"
    configured(**wrong[fault])
    before = slapd.binds()
    with Agent() as agent:
        assert auth("emil") == "AUTHINFO_UNAVAIL"
        assert auth("dora") == "SUCCESS"  # off line
        assert auth("dora", "wrong") == "AUTH_ERR"
        assert "cannot ask the directory about passwords" in agent.log()
    assert slapd.binds() == before


def test_start_tls(clean, slapd, configured):
    configured(ldap_url=slapd.start_tls)
    with Agent():
        assert auth("dora") == "SUCCESS"
        assert auth("dora", "wrong") == "AUTH_ERR"


@pytest.mark.parametrize("settings, text", [
    ({"ldap_url": "http://ldap.test"}, "is not ldaps://HOST"), ({"ldap_url": "ldapi:///"}, "is not ldaps://HOST"),
    ({"ldap_url": "ldap://ldap.test/dc=x"}, "is not ldaps://HOST"), ({"ldap_bind_dn": "cn=admin"}, "ldap_bind_dn"),
    ({"ldap_url": ""}, "needs ldap_url"), ({"org_id": ""}, "org_id")], ids=str)
def test_configuration(endpoint, clean, settings, text):
    before = endpoint.conf.read_text()
    lines = before.splitlines()
    for key, value in settings.items():
        lines = [f"{key} = {value}" if l.startswith(f"{key} =") else l for l in lines]
    endpoint.conf.write_text("\n".join(lines) + "\n")
    try:
        done = run("musterd", "--once", check=False)
        assert done.returncode == 2 and text in done.stderr
    finally:
        endpoint.conf.write_text(before)


def test_plain_goes_to_this_computer_alone(clean, slapd, configured):
    """ldap:// to loopback is plain; to any other name it is StartTLS, and without that nothing is said."""
    configured(ldap_url=slapd.plain)
    with Agent():
        assert auth("dora") == "SUCCESS"
    assert "STARTTLS" not in slapd.log().split("uid=dora")[-1]


def test_age(clean, slapd, configured):
    """Off line for no longer than configured, since the last good bind; 0: never."""
    configured(offline_password_max_age="16s")
    with Agent():
        assert auth("dora") == "SUCCESS"
        with away(slapd):
            assert told("dora") == []
            text = wait_for(lambda: told("dora"), timeout=30, what="a warning")
            assert "Without it, your password is accepted here until 20" in "".join(text)
            wait_for(lambda: auth("dora") == "AUTHINFO_UNAVAIL", timeout=60, what="the end")
        assert auth("dora") == "SUCCESS"
    configured(offline_password_max_age="0")
    assert not saved("dora").exists()
    with Agent():
        assert auth("dora") == "SUCCESS"
        assert not saved("dora").exists()
        with away(slapd):
            assert auth("dora") == "AUTHINFO_UNAVAIL"


def test_no_agent(agent, slapd):
    """Dead, frozen, or never started: the verifier decides, in milliseconds or within two seconds."""
    assert auth("dora") == "SUCCESS"
    os.kill(agent.pid, signal.SIGSTOP)
    codes, took = pamt("dora", "auth")
    assert codes == {"auth": "SUCCESS"} and took < 4
    assert auth("dora", "wrong") == "AUTH_ERR"
    assert auth("emil") == "AUTHINFO_UNAVAIL"
    os.kill(agent.pid, signal.SIGCONT)
    agent.process.kill()
    agent.process.wait()
    codes, took = pamt("dora", "auth")
    assert codes == {"auth": "SUCCESS"} and took < 2
    assert auth("dora", "wrong") == "AUTH_ERR"
    assert auth("emil") == "AUTHINFO_UNAVAIL"
    assert auth("susan") == "AUTHINFO_UNAVAIL"


@pytest.mark.parametrize("change", [{"suspended": True}, {"password_date": "2098-01-01T00:00:00Z"},
                                    {"scheduled": [{"state": "SUSPENDED", "scheduledDate": "2020-01-01T00:00:00Z"}]}], ids=str)
def test_sync_wipes(endpoint, agent, change):
    assert auth("dora") == "SUCCESS" and auth("emil") == "SUCCESS"
    try:
        endpoint.change("dora", **change)
        assert not saved("dora").exists() and saved("emil").exists()
    finally:
        endpoint.user("dora", password=None)
        endpoint.publish()


def test_removal_wipes(endpoint, agent):
    assert auth("new") == "SUCCESS"
    path = saved("new")
    endpoint.forget("new")
    endpoint.publish()
    assert not path.exists()
    endpoint.user("new", password=None)
    endpoint.publish()


def test_a_crash_leaves_nothing_for_long(endpoint, agent):
    """What was not wiped in time, or half written, goes with the next sync; strangers' verifiers decide nothing."""
    assert auth("dora") == "SUCCESS"
    shutil.copy(saved("dora"), saved("emil"))
    (SAVED / f"{saved('dora').name}.new").write_bytes(b"half")
    (SAVED / "4242").write_bytes(b"junk")
    (SAVED / "4242").chmod(0o600)
    os.kill(agent.pid, signal.SIGKILL)
    assert auth("emil") == "AUTHINFO_UNAVAIL"
    endpoint.publish()
    assert [p.name for p in SAVED.iterdir()] == [saved("dora").name]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "mode", "symlink", "fifo"])
def test_damage(agent, slapd, damage, tmp_path):
    """A verifier that cannot be read is none."""
    assert auth("dora") == "SUCCESS"
    agent.process.kill()
    agent.process.wait()
    path = saved("dora")
    data = path.read_bytes()
    assert auth("dora") == "SUCCESS"
    if damage == "flip":
        for i in range(len(data)):
            path.write_bytes(data[:i] + bytes([data[i] ^ 1]) + data[i + 1:])
            if i % 16 == 0:
                assert auth("dora") == "AUTHINFO_UNAVAIL"
    elif damage == "cut":
        path.write_bytes(data[:-1])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "mode":
        path.chmod(0o644)
    else:
        path.unlink()
        if damage == "fifo":
            os.mkfifo(path, 0o600)
        else:
            (tmp_path / "v").write_bytes(data)
            (tmp_path / "v").chmod(0o600)
            path.symlink_to(tmp_path / "v")
    assert auth("dora") == "AUTHINFO_UNAVAIL"


def test_locker(agent, slapd):
    """Who is not root asks the agent, and it counts."""
    assert auth("dora", as_user="dora") == "SUCCESS"
    assert saved("dora").exists()
    assert auth("dora", "wrong", as_user="dora") == "AUTH_ERR"
    assert auth("emil", as_user="dora") == "AUTHINFO_UNAVAIL"
    with away(slapd):
        assert auth("dora", as_user="dora") == "SUCCESS"
        assert auth("dora", "wrong", as_user="dora") == "AUTH_ERR"
        assert auth("emil", as_user="emil") == "AUTHINFO_UNAVAIL"
    with frozen(slapd):
        codes, took = pamt("dora", "auth", as_user="dora")
        assert codes == {"auth": "SUCCESS"} and took < 12


def word(nonce, password, reason=RIGHT, uid=None, **kwargs):
    uid = pwd.getpwnam("dora").pw_uid if uid is None else uid
    return answer(nonce, password=password, reason=reason, uid=uid, **kwargs)


OK = 0x0A4C5E3D
LIES = {  # what stands where the agent should -> what becomes of a login that nothing is saved of
    "right": (lambda n: [word(n, RIGHT, OK)], "SUCCESS"),
    "right, but expired": (lambda n: [word(n, RIGHT, REASON_EXPIRED)], "AUTH_ERR"),
    "right, undecided": (lambda n: [word(n, RIGHT, 0)], "AUTHINFO_UNAVAIL"),
    "right, for another user": (lambda n: [word(n, RIGHT, OK, user=b"emil")], "AUTHINFO_UNAVAIL"),
    "right, for another uid": (lambda n: [word(n, RIGHT, OK, uid=4242)], "AUTHINFO_UNAVAIL"),
    "right, to another request": (lambda n: [word(bytes(16), RIGHT, OK)], "AUTHINFO_UNAVAIL"),
    "one bit from right": (lambda n: [word(n, RIGHT ^ 1, OK)], "AUTH_ERR"),
    "one": (lambda n: [word(n, 1, OK)], "AUTH_ERR"),
    "unchecked, and fine": (lambda n: [word(n, 0, OK)], "AUTHINFO_UNAVAIL"),
    "unchecked, locked": (lambda n: [word(n, 0, REASON_LOCKED)], "AUTH_ERR"),
    "unavailable": (lambda n: [word(n, UNAVAILABLE, OK)], "AUTHINFO_UNAVAIL"),
    "unavailable, and locked": (lambda n: [word(n, UNAVAILABLE, REASON_LOCKED)], "AUTH_ERR"),
    "silence": (lambda n: [], "AUTHINFO_UNAVAIL"),
    "half an answer": (lambda n: [word(n, RIGHT, OK)[:-3]], "AUTHINFO_UNAVAIL"),
    "garbage": (lambda n: [os.urandom(256)], "AUTHINFO_UNAVAIL"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies(clean, lie):
    """Only the whole right answer to this very question lets in."""
    reply, code = LIES[lie]
    with double(reply):
        assert auth("dora") == code


def test_service_in_account_phase(agent, sshd):
    """sshd leaves refusals to the account phase: one that only the directory's password knows is not left to it."""
    assert not sshd.login("late", PASSWORD, method="password").ok
    assert not sshd.login("late", PASSWORD, method="keyboard-interactive").ok


def test_expired_there_and_refused_here(endpoint, agent):
    """Nor where the account is refused as well: that may be over when the account phase looks."""
    try:
        endpoint.change("late", suspended=True)
        assert pamt("late", "auth", service="sshd")[0] == {"auth": "AUTH_ERR"}
    finally:
        endpoint.change("late", suspended=False)


def test_behind_a_socket(clean, slapd):
    """As under systemd: the agent starts nothing and has neither a network nor the right to become another user."""
    manager = Manager()
    try:
        with Agent(wrap=CONFINED) as agent:
            started = len(manager.processes)
            assert auth("dora") == "SUCCESS"
            assert auth("dora", "wrong") == "AUTH_ERR"
            assert len(manager.processes) == started + 2 and agent.children() == {}
            assert saved("dora").exists()
            manager.close()
            assert auth("dora") == "SUCCESS"  # nobody listens at the socket: off line
            assert auth("dora", "wrong") == "AUTH_ERR"
            assert "cannot connect to muster-fetch" in agent.log()
    finally:
        SOCKET.unlink(missing_ok=True)
    for p in manager.processes:
        assert p.wait(30) == 0


def test_time_tells_nothing(clean, configured):
    """Unknown, wrong, locked: a directory that takes its time takes it for all (P8)."""
    def slow(connection):
        request = connection.recv(4096)
        time.sleep(0.8)
        connection.sendall(message(request, b"\x61\x07\x0a\x01\x31\x04\x00\x04\x00"))

    def median(name, code, password=PASSWORD):
        took = []
        for _ in range(5):
            codes, seconds = pamt(name, "auth", password=password)
            assert codes == {"auth": code}
            took.append(seconds)
        return sorted(took)[2]

    with listening(slow) as url:
        configured(ldap_url=url, max_attempts=1000)
        with Agent():
            wrong = median("dora", "AUTH_ERR")
            others = {"ghost": median("ghost", "USER_UNKNOWN"), "empty": median("dora", "AUTH_ERR", password="")}
            others["filler"] = median("dora", "AUTH_ERR", password="\b\n\r\177INCORRECT")
        assert wrong > 0.8
        assert {n: t for n, t in others.items() if abs(t - wrong) > 0.4} == {}, wrong


def test_many_at_once(agent, slapd):
    """A dozen at the same moment: all are right, none is left behind. (More than five of one user are more than may fail.)"""
    procs = [subprocess.Popen([WORK / "pamt-agent", "mt-agent", name, "auth"], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "PASSWORD": PASSWORD}) for name in ("dora", "emil", "new") * 4]
    assert [p.communicate(timeout=120)[0].split()[:2] for p in procs] == [["auth", "SUCCESS"]] * 12
    wait_for(lambda: agent.children() == {}, timeout=30, what="the end of all muster-fetch")
