"""The second factor through the programs that people log in with: a code beside the password, once, and no word about either.

There is no agent unless a test starts one: codes are checked from what is published, off line.
"""
import concurrent.futures
import json
import pathlib
import pwd
import shutil

import pexpect
import pytest

from agent import Agent
from endpoint import LOCAL_PASSWORD, PASSWORD, RUN, STATE, WORK, Sshd, run, run_as
from totp import code

CODE = "Verification code"
NAMES = ("dora", "emil", "lena", "nora", "otto", "pete", "rosa", "susan")  # with a secret each: a code opens once
PENDING = "Set up your second factor at https://portal.example first."


def secret(name):
    return (name.upper() + "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")[:32]


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    for name in NAMES:
        endpoint.user(name, mfa={"configured": True}, totp_secret=secret(name), sudo=True, suspended=name == "susan")
    endpoint.user("plain")
    endpoint.user("pia", enable_user_portal_multifactor=True)
    endpoint.user("xenia", mfa={"configured": True, "exclusion": True}, totp_secret=secret("xenia"))
    with endpoint.configured(portal_url="https://portal.example"):
        endpoint.publish()
        yield


def talk(argv, *answers):
    """(did ARGV end well, which prompts it had, what it said else): each answer is given to one prompt."""
    pty = pexpect.spawn(argv[0], argv[1:], encoding="utf-8", timeout=60, echo=False)
    prompts, shown, answers = [], "", list(answers)
    try:
        while pty.expect([r"([^\r\n]*(?:[Pp]assword|Verification code)[^\r\n]*): ?$", pexpect.EOF]) == 0:
            shown += pty.before
            prompts.append(pty.match.group(1))
            if not answers:
                pty.sendintr()
                continue
            pty.sendline(answers.pop(0))
        pty.wait()
        return pty.exitstatus == 0, prompts, (shown + pty.before).replace("\r", "")
    finally:
        pty.close(force=True)


def ssh(server, name, *answers, method="keyboard-interactive", key=None):
    argv = server.command(name, method, key)
    return talk([*argv, "id -un"], *answers)


def at_once(*calls):
    """The results of functions, most of which wait for the delay after a failure."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return [running.result() for running in [pool.submit(*c) for c in calls]]


# ---- ssh

def test_a_real_prompt(sshd):
    ok, prompts, shown = ssh(sshd, "dora", PASSWORD, code(secret("dora")))
    assert ok and shown.split()[-1] == "dora"
    assert len(prompts) == 2 and "Password" in prompts[0] and CODE in prompts[1]


def test_every_name_is_asked(sshd):
    """Known or not, with or without a second factor, let in or not: the same prompts, and the same words afterwards."""
    names = ["emil", "plain", "pia", "susan", "nobody-knows", "root"]
    results = at_once(*[(ssh, sshd, name, "wrong", "123456") for name in names])
    for name, (ok, prompts, shown) in zip(names, results):
        assert not ok and len(prompts) == (1 if name == "root" else 2), (name, prompts)
        assert name == "root" or CODE in prompts[1]
        assert "Permission denied" in shown and not [w for w in ("suspended", "factor", "locked") if w in shown], shown


def test_without_a_second_factor(sshd):
    """Who has none leaves the code empty; so does who is excluded; local users are not asked."""
    results = at_once((ssh, sshd, "plain", PASSWORD, ""), (ssh, sshd, "xenia", PASSWORD, ""), (ssh, sshd, "alice", LOCAL_PASSWORD))
    assert [ok for ok, _, _ in results] == [True] * 3
    assert [len(prompts) for _, prompts, _ in results] == [2, 2, 1]


def test_required_and_not_set_up(sshd):
    right, wrong, key = at_once((ssh, sshd, "pia", PASSWORD, ""), (ssh, sshd, "pia", "wrong", ""), (key_alone, sshd, "pia"))
    assert not right[0] and PENDING in right[2]
    assert not wrong[0] and PENDING not in wrong[2]
    assert key


def key_alone(sshd, name):
    return sshd.login(name, key=WORK / "user-key").ok


def test_password_clients(sshd):
    """The password method has one field: sshd answers every prompt with it."""
    joined = f"{PASSWORD},{code(secret('emil'))}"
    good, bare, wrong_code, wrong_password, none, odd, key = at_once(
        (sshd.login, "emil", joined), (sshd.login, "lena", PASSWORD), (sshd.login, "lena", PASSWORD + ",000000"),
        (sshd.login, "lena", "wrong," + code(secret("lena"))), (sshd.login, "plain", PASSWORD),
        (sshd.login, "plain", PASSWORD + ",123456"), (key_alone, sshd, "lena"))
    assert good.output == "emil" and none.output == "plain"
    for login in (bare, wrong_code, wrong_password, odd):
        assert not login.ok and login.told == "", login
    assert key  # keys ask nothing of PAM
    assert not sshd.login("emil", joined).ok


class Strict(Sshd):
    PORT = 2223


def test_code_beside_a_key(sshd):
    server = Strict(AuthenticationMethods="publickey,keyboard-interactive:pam")
    try:
        argv = server.command("nora", "publickey,keyboard-interactive", WORK / "user-key")
        good = talk([*argv, "id -un"], PASSWORD, code(secret("nora")))
        again = talk([*argv, "id -un"], PASSWORD, "000000")
        key, password = key_alone(server, "nora"), server.login("nora", PASSWORD).ok
    finally:
        server.stop()
    assert good[0] and "nora" in good[2] and CODE in good[1][1]
    assert not again[0] and not key and not password


def test_once(sshd):
    """Of many at the same time one gets in; after a reboot nobody does with the same code."""
    joined = f"{PASSWORD},{code(secret('otto'))}"
    logins = at_once(*[(sshd.login, "otto", joined)] * 6)
    assert [login.ok for login in logins].count(True) == 1
    shutil.rmtree(RUN / "tally")
    shutil.rmtree(RUN / "totp")
    assert not sshd.login("otto", joined).ok
    assert sshd.login("otto", f"{PASSWORD},{code(secret('otto'), 1)}").ok


def test_wrong_codes_lock(sshd):
    """A right password with a wrong code is a failure; where it leads to is what all failures lead to."""
    tally = RUN / "tally" / str(pwd.getpwnam("rosa").pw_uid)
    assert not sshd.login("rosa", PASSWORD + ",000000").ok
    assert tally.stat().st_size == 16
    assert sshd.login("rosa", f"{PASSWORD},{code(secret('rosa'))}").ok
    assert tally.read_bytes()[32 + 8] == ord("S")  # after what it reserved


# ---- su, sudo

def su(name, *answers):
    return talk(["setpriv", "--reuid", "nobody", "--clear-groups", "su", "-c", "id -un", name], *answers)


def test_su(sshd):
    good, wrong, none = at_once((su, "pete", PASSWORD, code(secret("pete"))), (su, "lena", PASSWORD, "000000"), (su, "plain", PASSWORD, ""))
    assert good[0] and "pete" in good[2] and CODE in good[1][1]
    assert not wrong[0] and "Authentication failure" in wrong[2]
    assert none[0] and "plain" in none[2]


@pytest.mark.parametrize("asked", [True, False])
def test_sudo(endpoint, asked):
    """Asked for there, too, unless that is switched off for this service."""
    sudo = ["setpriv", "--reuid", "lena", "--init-groups", "sudo", "-k", "id", "-u"]
    with endpoint.configured(totp_except="" if asked else "sudo"):
        endpoint.publish()
        ok, prompts, shown = talk(sudo, PASSWORD, *([code(secret("lena"), 0)] if asked else []))
    endpoint.publish()
    assert ok and shown.split()[-1] == "0", shown
    assert len(prompts) == 1 + asked


def test_sudo_i_is_sudo(endpoint):
    """"sudo -i" asks PAM as another service, and is no way around."""
    with endpoint.configured(totp_services="sudo"):
        endpoint.publish()
        ok, prompts, shown = talk(["setpriv", "--reuid", "lena", "--init-groups", "sudo", "-k", "-i", "id", "-u"], PASSWORD,
                                  code(secret("lena"), 1))
    endpoint.publish()
    assert ok and shown.split()[-1] == "0", shown
    assert len(prompts) == 2


# ---- a process that is not root: the agent decides

def unlock(name, *answers):
    service = pathlib.Path("/etc/pam.d/xsecurelock")
    service.write_text("@include common-auth\n@include common-account\n")
    frames = "".join(f"p {len(a.encode())}\n{a}\n" for a in answers) + "x 0\n\n"
    done = run_as(name, "/usr/libexec/xsecurelock/authproto_pam", input=frames, check=False, cwd="/",
                  env={"PATH": "/usr/bin", "XSECURELOCK_PAM_SERVICE": "xsecurelock"})
    return done.returncode == 0, done.stdout.count("Verification")


def test_screen_locker(endpoint):
    with endpoint.configured(end_sessions=""), Agent() as agent:  # or the locker would end, too
        agent.wait_until_synced()
        joined = f"{PASSWORD},{code(secret('nora'), 1)}"
        good, wrong, empty, none = at_once(
            (unlock, "dora", PASSWORD, code(secret("dora"), 1)), (unlock, "lena", PASSWORD, "000000"),
            (unlock, "nora", joined, joined), (unlock, "plain", PASSWORD, ""))
        log = agent.log_path.read_text()
    assert good == (True, 1) and empty == (True, 1) and none == (True, 1)
    assert wrong == (False, 1)
    assert "wrong_code user=lena" in log and "000000" not in log


# ---- what administrators see and do

def test_enrolled_by_musterctl(endpoint, sshd):
    endpoint.user("newt")
    endpoint.publish()
    assert sshd.login("newt", PASSWORD).ok
    said = endpoint.musterctl("directory", "mfa", "newt", "--enroll").stdout
    key, = [word.split("secret=")[1].split("&")[0] for word in said.split() if word.startswith("otpauth:")]
    assert not sshd.login("newt", PASSWORD).ok
    assert ssh(sshd, "newt", PASSWORD, code(key))[0]
    endpoint.document["serial"] = 1000  # what musterctl wrote counts as older from now on


def test_explain(endpoint):
    def word(name, *argv):
        return endpoint.musterctl("explain", name, *argv, check=False).stdout

    assert "a code is asked for, and checked by this computer" in word("dora", "--service", "sshd")
    assert "wanted, but excluded" in word("xenia") and "2nd factor   none" in word("plain")
    assert "required, and not set up" in word("pia") and endpoint.explain("pia") == "mfa_pending"
    with endpoint.configured(totp_services="sshd, login"):
        endpoint.publish()
        assert "asked for by no service called sudo" in word("dora", "--service", "sudo")
        assert endpoint.explain("pia", "--service", "su") == "ok"
    endpoint.publish()


def test_doctor(endpoint):
    """Debian's sshd asks no second question: whoever sees to this computer hears of it."""
    def codes():
        found = json.loads(endpoint.musterctl("doctor", "--json", check=False).stdout)
        return [f["status"] for f in found if f["check"] == "sshd.codes"]

    snippet = pathlib.Path("/etc/ssh/sshd_config.d/totp-test.conf")
    assert codes() == ["note"]
    snippet.write_text("KbdInteractiveAuthentication yes\n")
    assert codes() == ["ok"]
    snippet.unlink()
    with endpoint.configured(totp_except="sshd"):
        endpoint.publish()
        assert codes() == []
    endpoint.publish()


def test_nobody_is_asked_where_nobody_needs_one(endpoint, sshd):
    users = endpoint.document["users"]
    endpoint.document["users"] = [u for u in users if u["username"] == "plain"]
    endpoint.publish()
    ok, prompts, _ = ssh(sshd, "plain", PASSWORD)
    endpoint.document["users"] = users
    endpoint.publish()
    assert ok and len(prompts) == 1


def test_the_secret_is_root_s_alone(endpoint):
    """In pam.snapshot and the cache; not in what all may read, and not in what is said."""
    key = secret("dora").encode()
    holders = {p.name for folder in (RUN, STATE) for p in folder.rglob("*") if p.is_file() and key in p.read_bytes()}
    assert holders and holders <= {"pam.snapshot", "cache.mdb"}
    for folder in (RUN, STATE):
        for path in folder.rglob("*"):
            if path.name in holders or "totp" in str(path):
                assert path.stat().st_uid == 0 and not path.stat().st_mode & 0o077, path
    for argv in (("users", "--json"), ("explain", "dora", "--json"), ("status", "--json"), ("doctor",)):
        assert key.decode() not in endpoint.musterctl(*argv, check=False).stdout
