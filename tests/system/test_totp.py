"""The second factor through the programs that people log in with: a code beside the password, once, and no word about either.

There is no agent unless a test starts one: codes are checked from what is published, off line.
"""
import concurrent.futures
import contextlib
import os
import pathlib
import pwd
import shutil

import pexpect
import pytest

from agent import Agent
from endpoint import LOCAL_PASSWORD, PASSWORD, RUN, STATE, WORK, Sshd, run, run_as
from totp import code, wait_for_step

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
        while pty.expect([r"([^\r\n]*): ?$", pexpect.EOF]) == 0:
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
    plain, local, local_key = at_once((ssh, sshd, "plain", PASSWORD, ""), (ssh, sshd, "alice", LOCAL_PASSWORD), (ssh, sshd, "xenia", PASSWORD, ""))
    assert plain[0] and local[0] and local_key[0]
