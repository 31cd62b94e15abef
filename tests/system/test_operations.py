"""docs/operations.md: what it quotes is what the programs print, and the log has the fields that it names."""
import contextlib
import os
import pathlib
import re
import shlex
import socket
import time

import pexpect
import pytest

from endpoint import PASSWORD, TREE, run

PAGE = (TREE / "docs/operations.md").read_text()
CONSOLE = re.findall(r"^# (.*)\n((?:(?!# |```).*\n)*)", PAGE.partition("```console\n")[2].partition("```\n")[0], re.M)


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora", unix_uid=5001, displayname="Dora Brandt")
    endpoint.user("sven", unix_uid=5002, state="SUSPENDED")
    endpoint.publish()
    run("lastlog", "--clear", "--user", "dora")  # as others have left it


@pytest.fixture
def syslog():
    """What is written to /dev/log, line by line."""
    path = pathlib.Path("/dev/log")
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s, contextlib.ExitStack() as stack:
        s.bind(str(path))
        stack.callback(path.unlink)
        path.chmod(0o666)
        s.setblocking(False)

        def lines():
            got = []
            with contextlib.suppress(BlockingIOError):
                while True:
                    got.append(s.recv(8192).decode().rstrip("\0\n"))
            return got
        yield lines


@pytest.mark.parametrize("command, output", CONSOLE, ids=[c for c, _ in CONSOLE])
def test_local_commands(endpoint, command, output):
    local = [pathlib.Path(p).read_bytes() for p in ("/etc/passwd", "/etc/shadow")]
    done = run("sh", "-c", f"{command} 2>&1 </dev/null", check=False)
    assert done.stdout == output
    assert local == [pathlib.Path(p).read_bytes() for p in ("/etc/passwd", "/etc/shadow")]


def test_all_are_tried():
    assert {shlex.split(c)[0] for c, _ in CONSOLE} >= {"chage", "passwd", "chsh", "usermod"} and len(CONSOLE) > 10


def su(name, password):
    child = pexpect.spawn("runuser", ["-u", "alice", "--", "su", name, "-c", "id -un"], timeout=30, encoding="utf-8")
    child.expect("assword:")
    child.sendline(password)
    child.expect(pexpect.EOF)
    return child.before


def test_pam_unix_complains_of_a_good_login(endpoint, syslog):
    assert "dora" in su("dora", PASSWORD)
    said = re.sub(r"\buid=[1-9]\d*", "uid=1001", "\n".join(syslog()))  # alice's, whatever it is here
    for line in PAGE.partition("```\nunix_chkpwd")[2].partition("```")[0].splitlines():
        words = re.sub(r"^.*?: ", "", line).partition("tty=")[0]
        assert words in said, (words, said)
    assert "pam_muster" not in said


def test_fields_of_a_refusal(endpoint, syslog):
    fields = re.search(r"^\| `pam_muster\(sshd:auth\): refused` .*?\| `([a-z ]*)`", PAGE, re.M)[1].split()
    assert "suspended" in su("sven", PASSWORD)
    line, = [s for s in syslog() if "pam_muster(su:auth): refused " in s]
    assert re.findall(r" ([a-z]+)=", line) == fields and " user=sven reason=suspended service=su phase=auth " in line


def test_log_and_explain_say_the_same_of_who_has_left(endpoint, syslog):
    endpoint.user("lars")
    endpoint.publish()
    endpoint.forget("lars")
    endpoint.publish()
    assert "Authentication failure" in su("lars", PASSWORD)
    line, = [s for s in syslog() if "pam_muster(su:auth): refused " in s]
    assert " user=lars reason=unbound " in line and endpoint.explain("lars") == "unbound"


def test_fields_of_the_log(endpoint):
    """Of the lines that a sync and its sweep write."""
    def documented(event):
        return re.search(rf"^\| `{event}` .*?\| `([a-z_ ]*)`", PAGE, re.M)[1].split()
    endpoint.user("games")
    holder = run("setpriv", "--reuid", "5001", "--regid", "5001", "--clear-groups", "sh", "-c", "sleep 300 >/dev/null 2>&1 & echo $!")
    said = endpoint.change("dora", state="SUSPENDED").stderr
    endpoint.forget("games")
    for event in ("sync: published", "sync: left_out", "sessions: ended"):
        line, = [s for s in said.splitlines() if s.startswith(event + " ")]
        assert re.findall(r" ([a-z_]+)=", line.partition(": ")[2].partition(": ")[0]) == documented(event), line
    deadline = time.monotonic() + 60
    while os.path.exists(f"/proc/{holder.stdout.strip()}") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not os.path.exists(f"/proc/{holder.stdout.strip()}")
