"""The endpoint under test: its directory, its local users, and the programs that people log in with.

Used by the system tests and by ./demo. All of it changes /etc, /run and /var, so it works in tests/sandbox alone.
"""
import contextlib
import crypt
import functools
import hashlib
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import time

import pexpect

if not os.environ.get("MUSTER_TREE"):
    raise SystemExit("this changes /etc: run it as tests/sandbox tests/installed ...")

TREE = pathlib.Path(os.environ["MUSTER_TREE"])
ETC = pathlib.Path("/etc/muster")
RUN = pathlib.Path("/run/muster")
STATE = pathlib.Path("/var/lib/muster")
PASSWORD = "correct horse"  # of every directory user that has one
LOCAL_PASSWORD = "battery staple"  # of root and alice
WORK = pathlib.Path("/tmp/muster-test")
LONG_AGO, FAR_AHEAD = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
NEVER_PASSES = {  # accounts that no service and no method may let in, as a directory describes them -> the reason
    "staged": ({"state": "STAGED", "activated": True}, "staged"),
    "suspended": ({"state": "SUSPENDED"}, "suspended"),
    "flagged": ({"suspended": True}, "suspended"),
    "locked": ({"account_locked": True, "account_locked_date": LONG_AGO}, "locked"),
    "pending": ({"activated": False}, "password_pending"),
    "expired": ({"password_expired": True}, "password_expired"),
    "outdated": ({"password_expiration_date": LONG_AGO}, "password_expired"),
    "leaver": ({"scheduled": [{"state": "SUSPENDED", "scheduledDate": LONG_AGO}]}, "suspended"),
}
TEXTS = {  # what the user is told, DESIGN.md 6
    "suspended": "This account is suspended.",
    "staged": "This account is not active yet.",
    "locked": "This account is locked.",
    "password_pending": "Set your password first.",
    "password_expired": "Your password has expired.",
}


def scaled(rounds, long):
    """How often, or how long: ROUNDS in ./check, LONG in ./check --long."""
    return long if os.environ.get("MUSTER_LONG") else rounds


def run(*argv, check=True, timeout=60, **kwargs):
    """Run a program to its end; its output is text, and an error of the test when CHECK."""
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=timeout, **kwargs)
    if check and done.returncode:
        raise AssertionError(f"{argv} exited {done.returncode}\n{done.stdout}{done.stderr}")
    return done


@functools.lru_cache
def password_hash(password):
    return crypt.crypt(password, crypt.mksalt(crypt.METHOD_SHA256, rounds=5000))


def object_id(name):
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def make_key(path):
    """A key pair at PATH; returns the public half as one line."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path)
    return path.with_suffix(".pub").read_text().strip()


class Endpoint:
    """What muster keeps on this machine, and the embedded directory it is told to obey."""

    def __init__(self):
        self.key = WORK / "user-key"  # opens every directory user that may use keys
        self.local_key = WORK / "local-key"  # root's and alice's, in their authorized_keys
        make_key(self.key)
        self.add_local_users()
        self.reset()

    def add_local_users(self):
        public = make_key(self.local_key)
        if run("getent", "-s", "files", "passwd", "alice", check=False).returncode:
            run("useradd", "--create-home", "--shell", "/bin/bash", "alice")
        for name in ("root", "alice"):
            user = pwd.getpwnam(name)
            ssh = pathlib.Path(user.pw_dir, ".ssh")
            ssh.mkdir(mode=0o700, exist_ok=True)
            (ssh / "authorized_keys").write_text(public + "\n")
            for path in (ssh, ssh / "authorized_keys"):
                os.chown(path, user.pw_uid, user.pw_gid)
            run("chpasswd", input=f"{name}:{LOCAL_PASSWORD}\n")

    def reset(self):
        """As just installed: no directory, nothing published, the configuration of make install."""
        for folder in (ETC, RUN, STATE):
            for path in folder.iterdir() if folder.is_dir() else ():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        run("systemd-tmpfiles", "--create", "muster.conf")
        self.conf = ETC / "muster.conf"
        shutil.copy(TREE / "conf/muster.conf", self.conf)
        self.document = {"format": "muster-directory/1", "users": [], "groups": []}

    @contextlib.contextmanager
    def configured(self, **settings):
        """Set keys of muster.conf, and put them back; publish() makes either count."""
        before = self.conf.read_text()
        text = before
        for key, value in settings.items():
            text, found = re.subn(rf"(?m)^#{key} =.*", f"{key} = {value}", text)
            assert found == 1, key
        self.conf.write_text(text)
        try:
            yield
        finally:
            self.conf.write_text(before)

    def user(self, name, password=PASSWORD, **fields):
        """Put a user into the document: active, with PASSWORD and self.key, unless FIELDS say otherwise."""
        self.forget(name)
        user = {"id": object_id(name), "username": name, "state": "ACTIVATED", "activated": True,
                "allow_public_key": True, "ssh_keys": [{"name": "key", "public_key": make_key(self.key)}]}
        if password is not None:
            user["password_hash"] = password_hash(password)
        user.update(fields)
        self.document["users"].append(user)
        return user

    def group(self, name, members=(), **attributes):
        """Put a group of users, by name, into the document."""
        group = {"id": object_id("group " + name), "name": name, "attributes": attributes,
                 "members": [object_id(m) for m in members]}
        self.document["groups"] = [g for g in self.document["groups"] if g["name"] != name] + [group]
        return group

    def posix_group(self, name, gid, members=()):
        return self.group(name, members, posixGroups=[{"id": gid, "name": name}])

    def forget(self, name):
        self.document["users"] = [u for u in self.document["users"] if u.get("username") != name]

    def change(self, name, check=True, **fields):
        """Change a user of the document, and publish."""
        user, = [u for u in self.document["users"] if u.get("username") == name]
        user.update(fields)
        return self.publish(check)

    def write(self, document):
        """Put DOCUMENT (bytes, text or what json.dumps() takes) where the embedded directory lies."""
        if not isinstance(document, (str, bytes)):
            document = json.dumps(document)
        data = document.encode() if isinstance(document, str) else document
        new = ETC / "directory.json.test"
        new.write_bytes(data)
        new.chmod(0o600)
        new.rename(ETC / "directory.json")

    def publish(self, check=True):
        """Write self.document, and have musterd --once read it and publish."""
        self.write(self.document)
        return run("musterd", "--once", check=check)

    def musterctl(self, *argv, check=True, **kwargs):
        return run("musterctl", *argv, check=check, **kwargs)

    def generation(self):
        return json.loads(self.musterctl("status", "--json").stdout)["generation"]

    def explain(self, name, *argv, password=True):
        """The reason code of musterctl explain, for a login with a password or for what goes without one."""
        explained = json.loads(self.musterctl("explain", name, "--json", *argv, check=False).stdout)
        return explained.get("reason" if password else "reason_without_password")


class Login:
    """How one attempt ended: `ok`, the command's `output`, and `told`, what the user saw besides."""
    SSH_SAYS = ("Permission denied", "Connection closed", "Connection reset", "Warning: Permanently",
                "Received disconnect", "Disconnected from", "Could not chdir")

    def __init__(self, done):
        self.ok = done.returncode == 0
        self.output = done.stdout.strip()
        lines = done.stderr.replace("\r", "").split("\n")
        self.told = "\n".join(l for l in lines if l and not any(s in l for s in self.SSH_SAYS))
        self.raw = done.stderr

    def __repr__(self):
        return f"Login(ok={self.ok}, output={self.output!r}, stderr={self.raw!r})"


class Sshd:
    """A real sshd on loopback, with Debian's configuration and what make install added to it."""
    PORT = 2222
    OPTIONS = {"ListenAddress": "127.0.0.1", "PermitRootLogin": "yes", "KbdInteractiveAuthentication": "yes",
               "PasswordAuthentication": "yes", "MaxStartups": "100", "PidFile": "none", "LogLevel": "VERBOSE"}

    def __init__(self, **options):
        WORK.mkdir(exist_ok=True)
        self.log_path = WORK / "sshd.log"
        args = [f"-o{k}={v}" for k, v in {**self.OPTIONS, **options}.items()]
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", f"-p{self.PORT}", *args],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.write_askpass()
        self.wait_until_up()

    def write_askpass(self):
        self.askpass = WORK / "askpass"
        self.askpass.write_text('#!/bin/sh\nprintf "%s\\n" "$TEST_PASSWORD"\n')
        self.askpass.chmod(0o755)

    def wait_until_up(self):
        for _ in range(1200):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.PORT)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError("sshd does not start: " + self.log())

    def log(self):
        return self.log_path.read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def command(self, user, method, key=None):
        options = {"UserKnownHostsFile": "/dev/null", "StrictHostKeyChecking": "no", "IdentitiesOnly": "yes",
                   "PreferredAuthentications": method, "NumberOfPasswordPrompts": "1", "ConnectTimeout": "20"}
        return ["ssh", "-F", "none", "-p", str(self.PORT), *(f"-o{k}={v}" for k, v in options.items()),
                *(["-i", str(key)] if key else []), f"{user}@127.0.0.1"]

    def login(self, user, password=None, key=None, method="password", command="id -un"):
        """Log in as USER with a KEY, or a PASSWORD by "password" or "keyboard-interactive", and run COMMAND."""
        argv = self.command(user, "publickey" if key else method, key) + [command]
        env = {**os.environ, "TEST_PASSWORD": password or "", "SSH_ASKPASS": str(self.askpass),
               "SSH_ASKPASS_REQUIRE": "force"}
        return Login(run(*argv, check=False, env=env, stdin=subprocess.DEVNULL))

    def session(self, user, key):
        """A living session: a shell on a terminal."""
        argv = self.command(user, "publickey", key)
        return Session([argv[0], "-tt", *argv[1:]])


class Session:
    """A shell on a terminal of its own, told what to do line by line."""
    PROMPT = "muster-test> "

    def __init__(self, argv):
        self.pty = pexpect.spawn(argv[0], argv[1:], encoding="utf-8", timeout=30, echo=False)
        # The prompt is put together by the shell, so that the echo of this line is not taken for it.
        self.pty.sendline("unset PROMPT_COMMAND; bind 'set enable-bracketed-paste off' 2>/dev/null; PS1='muster-'test'> '")
        self.pty.expect_exact(self.PROMPT)

    def run(self, command, password=None):
        """What COMMAND printed, and its exit status; PASSWORD is given when it asks for one."""
        self.pty.sendline(f"{command}; echo \"status:$?\"")
        while self.pty.expect([r"[Pp]assword[^\r\n]*: ?$", r"status:(\d+)\r\n"]) == 0:
            if password is None:
                self.pty.sendintr()
            else:
                self.pty.sendline(password)
                password = None
        status = int(self.pty.match.group(1))
        output = self.pty.before.replace("\r", "").replace(f'{command}; echo "status:$?"\n', "").strip()
        self.pty.expect_exact(self.PROMPT)
        return output, status

    def ended(self):
        """Has it come to its end, or does it within the time given to it? With what was shown last."""
        try:
            self.pty.expect(pexpect.EOF)
        except pexpect.TIMEOUT:
            return None
        return self.pty.before.replace("\r", "").replace("\a", "").strip() or "(nothing)"

    def close(self):
        self.pty.close(force=True)


def run_as(user, *argv, **kwargs):
    """Run a program as USER, with the groups that NSS names; no PAM on the way."""
    return run("setpriv", "--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--init-groups", "--",
               *argv, **kwargs)
