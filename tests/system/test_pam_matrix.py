"""The PAM stacks that the real pam-auth-update makes of our profiles: whatever pam_muster.so answers, and
whatever becomes of its files, root and local users keep their own way in, and a directory user needs its PAM_SUCCESS."""
import contextlib
import os
import pathlib
import re

import pytest

from endpoint import LOCAL_PASSWORD, PASSWORD, RUN, STATE, TREE, WORK, run

SECURITY = pathlib.Path("/usr/lib", run("gcc", "-print-multiarch").stdout.strip(), "security")
MODULE = SECURITY / "pam_muster.so"
PAMT = WORK / "pamt"
ANSWER, OTHER_ANSWER = WORK / "answer", WORK / "other-answer"
LOCAL = ("root", "alice")
SNAPSHOTS = [folder / "pam.snapshot" for folder in (RUN, STATE)]
CODES = {name: int(re.search(rf"#define PAM_{name}\s+(\d+)",
                             pathlib.Path("/usr/include/security/_pam_types.h").read_text()).group(1))
         for name in ("SUCCESS", "ACCT_EXPIRED", "PERM_DENIED", "AUTHTOK_EXPIRED", "AUTHINFO_UNAVAIL", "USER_UNKNOWN",
                      "NEW_AUTHTOK_REQD", "IGNORE", "SERVICE_ERR", "AUTH_ERR", "MAXTRIES", "BUF_ERR", "ABORT")}


def pam_service(name, **stacks):
    lines = [f"{kind} {line}" for kind, text in stacks.items() for line in text.splitlines()]
    pathlib.Path("/etc/pam.d", name).write_text("\n".join(lines) + "\n")


def build_script_module(path, answer):
    run("gcc", "-shared", "-fPIC", f'-DFILE_NAME="{answer}"', "-o", path, TREE / "tests/system/pam_script.c")


@pytest.fixture(scope="module", autouse=True)
def world(endpoint):
    """Service mt-all: Debian's common stacks. mt-one: our module alone."""
    run("gcc", "-o", PAMT, TREE / "tests/system/pamt.c", "-lpam")
    kinds = ("auth", "account", "password", "session")
    pathlib.Path("/etc/pam.d/mt-all").write_text("".join(f"@include common-{k}\n" for k in kinds))
    pam_service("mt-one", **{k: "required pam_muster.so" for k in kinds})
    endpoint.user("dora")
    endpoint.user("susan", suspended=True)
    endpoint.publish()
    yield
    for name in ("mt-all", "mt-one"):
        pathlib.Path("/etc/pam.d", name).unlink()


class Said:
    def __init__(self, text):
        lines = [l.split(" ", 1) for l in text.splitlines()]
        self.codes = [(step, rest) for step, rest in lines if step != "says"]
        self.says = [rest for step, rest in lines if step == "says"]


def pamt(service, user, *steps, password=PASSWORD, as_user=None):
    prefix = ["setpriv", "--reuid", as_user, "--regid", "nogroup", "--clear-groups", "--"] if as_user else []
    done = run(*prefix, PAMT, service, user, *steps, env={**os.environ, "PASSWORD": password}, cwd="/")
    return Said(done.stdout)


def code(service, user, step, **kwargs):
    (_, name), = pamt(service, user, step, **kwargs).codes
    return name


def passes(user, step, **kwargs):
    return code("mt-all", user, step, **kwargs) == "SUCCESS"


@contextlib.contextmanager
def restored(*paths):
    kept = {p: (p.read_bytes(), p.stat()) for p in paths}
    try:
        yield
    finally:
        for path, (data, st) in kept.items():
            if path.is_symlink() or path.exists():
                path.unlink()
            path.write_bytes(data)
            path.chmod(st.st_mode & 0o7777)
            os.chown(path, st.st_uid, st.st_gid)


def local_users_unaffected():
    for user in LOCAL:
        assert passes(user, "account")
        assert passes(user, "auth", password=LOCAL_PASSWORD)
        assert not passes(user, "auth", password="wrong")


@pytest.fixture
def scripted():
    """pam_muster.so gives the answers of a file instead."""
    with restored(MODULE):
        MODULE.unlink()
        build_script_module(MODULE, ANSWER)
        yield lambda name, users="*": ANSWER.write_text(f"{CODES[name]} {users}\n")
    ANSWER.unlink()


@pytest.mark.parametrize("answer", CODES)
def test_account_answers(scripted, answer):
    """For every user, so that a module gone mad does not touch local ones."""
    scripted(answer)
    for user in LOCAL:
        assert passes(user, "account")
    for user in ("dora", "susan", "ghost"):
        assert passes(user, "account") == (answer == "SUCCESS")


@pytest.mark.parametrize("answer", CODES)
def test_auth_answers(scripted, answer):
    scripted(answer, "dora susan ghost")
    for user in ("dora", "susan", "ghost"):
        assert passes(user, "auth") == (answer == "SUCCESS")
    local_users_unaffected()


@pytest.mark.parametrize("damage", ["missing", "empty", "header", "random", "no permission", "directory"])
def test_module_file(damage):
    """A file cut off in the middle is not among them: the loader maps it and dies of SIGBUS, whatever library it
    is. dpkg and install(1) put a whole new file in place."""
    data = MODULE.read_bytes()
    with restored(MODULE):
        MODULE.unlink()
        if damage == "directory":
            MODULE.mkdir()
        elif damage != "missing":
            MODULE.write_bytes({"empty": b"", "header": data[:64], "random": os.urandom(len(data)),
                                "no permission": data}[damage])
            MODULE.chmod(0o600 if damage == "no permission" else 0o644)
        try:
            for user in ("dora", "susan", "ghost"):
                usable = damage == "no permission" and user == "dora"  # root reads it all the same
                assert passes(user, "account") == usable
                assert passes(user, "auth") == usable
            local_users_unaffected()
        finally:
            if damage == "directory":
                MODULE.rmdir()
    assert passes("dora", "auth") and passes("dora", "account")


def damage_file(path, damage):
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "symlink":
        path.rename(path.with_name("elsewhere"))
        path.symlink_to("elsewhere")
    elif damage == "fifo":
        path.unlink()
        os.mkfifo(path, 0o600)
    elif damage == "readable":
        path.chmod(0o644)
    elif damage == "foreign":
        os.chown(path, 65534, 65534)
    else:
        path.write_bytes({"empty": b"", "truncated": data[:len(data) // 2], "random": os.urandom(len(data))}[damage])


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "random", "symlink", "fifo", "readable", "foreign"])
def test_snapshot_file(damage):
    with restored(*SNAPSHOTS):
        for path in SNAPSHOTS:
            damage_file(path, damage)
        for user in ("dora", "susan", "ghost"):
            assert code("mt-one", user, "account") == "AUTHINFO_UNAVAIL"
            assert code("mt-one", user, "auth") == "AUTHINFO_UNAVAIL"
            assert not passes(user, "account")
            assert not passes(user, "auth")
        for user in LOCAL:
            assert code("mt-one", user, "account") == "USER_UNKNOWN"
            assert code("mt-one", user, "auth") == "USER_UNKNOWN"
        local_users_unaffected()


def test_transaction():
    steps = ("auth", "account", "setcred", "open", "close")
    for service in ("mt-one", "mt-all"):
        assert pamt(service, "dora", *steps).codes == [(s, "SUCCESS") for s in steps]
    assert pamt("mt-all", "alice", *steps, password=LOCAL_PASSWORD).codes == [(s, "SUCCESS") for s in steps]
    said = pamt("mt-all", "susan", "auth", "account")
    assert said.codes == [("auth", "AUTH_ERR"), ("account", "ACCT_EXPIRED")]
    assert said.says == ["This account is suspended."] * 2


def test_one_prompt_for_both_modules():
    """pam_unix asks; use_first_pass takes its answer."""
    done = run("script", "-qec", f"{PAMT} mt-all dora auth", "/dev/null", env={**os.environ, "PASSWORD": PASSWORD})
    assert done.stdout.split() == ["auth", "SUCCESS"]


def test_change_of_password():
    said = pamt("mt-all", "dora", "chauthtok")
    assert said.codes == [("chauthtok", "PERM_DENIED")]
    assert said.says == ["Your password cannot be changed here. Ask your administrator."]
    before = pathlib.Path("/etc/shadow").read_text()
    run("passwd", "dora", check=False, input="one two three\none two three\n")
    assert pathlib.Path("/etc/shadow").read_text() == before


@pytest.mark.parametrize("caller", ["dora", "alice", "nobody"])
def test_caller_without_privileges(caller):
    """A screen locker, while there is no agent: nobody is let in, and nothing is learnt."""
    for user in ("dora", "susan", "ghost"):
        for step in ("auth", "account"):
            assert code("mt-one", user, step, as_user=caller) == "AUTHINFO_UNAVAIL"
            assert code("mt-all", user, step, as_user=caller) != "SUCCESS"
    assert code("mt-one", "alice", "auth", as_user=caller) == "USER_UNKNOWN"
    if caller == "alice":
        assert passes("alice", "auth", password=LOCAL_PASSWORD, as_user="alice")


def test_gate_bites_where_pam_unix_is_content():
    """A left-over line in /etc/shadow makes pam_unix accept the account, and its jump passes our Primary line by."""
    shadow = pathlib.Path("/etc/shadow")
    with restored(shadow):
        with shadow.open("a") as f:
            f.write("susan:*:19000:0:99999:7:::\ndora:*:19000:0:99999:7:::\n")
        said = pamt("mt-all", "susan", "account")
        assert said.codes == [("account", "ACCT_EXPIRED")] and said.says == []
        assert passes("dora", "account")
        with restored(*SNAPSHOTS):
            for path in SNAPSHOTS:
                path.unlink()
            assert not passes("susan", "account") and not passes("dora", "account")
            local_users_unaffected()
        with restored(MODULE):
            MODULE.unlink()
            assert not passes("susan", "account") and not passes("dora", "account")
            local_users_unaffected()


@pytest.fixture
def other_provider():
    """Another directory's module behind ours, with a user of its own: luke."""
    profile = pathlib.Path("/usr/share/pam-configs/mt-other")
    module = SECURITY / "pam_mt_other.so"
    build_script_module(module, OTHER_ANSWER)
    OTHER_ANSWER.write_text("0 luke\n")
    profile.write_text("Name: other\nDefault: yes\nPriority: 128\n"
                       "Auth-Type: Primary\nAuth:\n\t[success=end default=ignore] pam_mt_other.so\n"
                       "Account-Type: Primary\nAccount:\n\t[success=end default=ignore] pam_mt_other.so\n")
    run("pam-auth-update", "--package", "--enable", "mt-other")
    yield
    run("pam-auth-update", "--package", "--remove", "mt-other")
    profile.unlink()
    module.unlink()
    OTHER_ANSWER.unlink()


def test_other_providers_users(other_provider):
    assert "pam_mt_other.so" in pathlib.Path("/etc/pam.d/common-account").read_text()
    assert passes("luke", "auth") and passes("luke", "account")
    assert passes("dora", "auth") and passes("dora", "account")
    assert not passes("susan", "auth") and not passes("susan", "account")
    assert not passes("ghost", "auth") and not passes("ghost", "account")
    OTHER_ANSWER.write_text("0 luke susan\n")  # who is ours and refused stays refused
    assert not passes("susan", "auth") and not passes("susan", "account")
    local_users_unaffected()


def lines_of(kind):
    text = pathlib.Path("/etc/pam.d", f"common-{kind}").read_text()
    return [" ".join(l.split()) for l in text.splitlines() if l and not l.startswith("#")]


def test_stacks():
    """The jumps that pam-auth-update worked out."""
    auth, account, password = lines_of("auth"), lines_of("account"), lines_of("password")
    assert auth[:3] == [
        "auth [success=2 default=ignore] pam_unix.so nullok",
        "auth [success=1 ignore=ignore user_unknown=ignore authinfo_unavail=ignore default=die] pam_muster.so"
        " use_first_pass",
        "auth requisite pam_deny.so"]
    assert account[:4] == [
        "account [success=2 new_authtok_reqd=done default=ignore] pam_unix.so",
        "account [success=1 user_unknown=ignore module_unknown=ignore default=die] pam_muster.so",
        "account requisite pam_deny.so",
        "account required pam_permit.so"]
    assert account[4:6] == [
        "account [success=1 default=ignore] pam_localuser.so",
        "account [success=ok new_authtok_reqd=bad user_unknown=ignore default=die] pam_muster.so gate"]
    assert password[1] == "password [success=1 user_unknown=ignore default=die] pam_muster.so adopt use_authtok" \
        " try_first_pass"
    assert "session optional pam_muster.so" in lines_of("session")


def test_without_pam_unix():
    """Ours is then the first in the stack, and asks for the password itself."""
    run("pam-auth-update", "--package", "--remove", "unix")
    try:
        assert lines_of("auth")[0].endswith("pam_muster.so")
        assert passes("dora", "auth") and passes("dora", "account")
        assert not passes("dora", "auth", password="wrong")
        assert not passes("susan", "auth") and not passes("susan", "account")
        assert not passes("ghost", "auth") and not passes("ghost", "account")
    finally:
        run("pam-auth-update", "--package", "--enable", "unix")
    test_stacks()


def test_profiles_come_off_without_a_trace():
    before = {k: lines_of(k) for k in ("auth", "account", "password", "session")}
    run("pam-auth-update", "--package", "--remove", "muster", "muster-gate")
    assert not any("pam_muster" in l for k in before for l in lines_of(k))
    for user in LOCAL:
        assert passes(user, "auth", password=LOCAL_PASSWORD) and passes(user, "account")
    assert not passes("dora", "account")
    run("pam-auth-update", "--package", "--enable", "muster", "muster-gate")
    assert {k: lines_of(k) for k in before} == before


def traced(tmp_path, user, *steps, password=PASSWORD):
    """The files that the steps open and the sockets they connect to."""
    log = tmp_path / "strace"
    run("strace", "-f", "-o", log, "-e", "trace=file,connect", PAMT, "mt-one", user, *steps,
        env={**os.environ, "PASSWORD": password})
    return log.read_text()


def test_nothing_of_ours_is_touched_for_local_users(tmp_path):
    for user in LOCAL:
        trace = traced(tmp_path, user, "auth", "account", "setcred", "open", "close", password=LOCAL_PASSWORD)
        assert user == "root" or "/etc/passwd" in trace
        for folder in (RUN, STATE, "/etc/muster"):
            assert f'"{folder}' not in trace
        assert "connect(" not in trace


def test_files_touched_for_directory_users(tmp_path):
    """A tally is written, nothing else; no home folder, no temporary one."""
    trace = traced(tmp_path, "dora", "auth", "account", "setcred", "open", "close")
    written = re.findall(r'openat\(AT_FDCWD, "([^"]*)", [^)]*(?:O_WRONLY|O_RDWR|O_CREAT)', trace)
    assert written and all(str(path).startswith(f"{RUN}/tally/") for path in written)
    for folder in ("/home", "/root", "/tmp/", "/var/tmp", "/dev/shm"):
        assert f'open({folder}' not in trace and f'AT_FDCWD, "{folder}' not in trace.replace(str(PAMT), "")


@pytest.fixture
def authselect():
    """The stack of docs/authselect.md."""
    text = (TREE / "docs/authselect.md").read_text()
    stack = re.findall(r"(?m)^ +((?:auth|account) .*\.so.*)$", text)
    assert len(stack) == 8
    service = pathlib.Path("/etc/pam.d/mt-authselect")
    service.write_text("\n".join(stack) + "\n")
    yield service.name
    service.unlink()


def test_authselect(scripted, authselect):
    """As test_account_answers() and test_auth_answers()."""
    for answer in CODES:
        scripted(answer)
        for user in LOCAL:
            assert code(authselect, user, "account") == "SUCCESS"
            assert code(authselect, user, "auth", password=LOCAL_PASSWORD) == "SUCCESS"
            assert code(authselect, user, "auth", password="wrong") != "SUCCESS"
        for user in ("dora", "susan", "ghost"):
            assert (code(authselect, user, "account") == "SUCCESS") == (answer == "SUCCESS")
            assert (code(authselect, user, "auth") == "SUCCESS") == (answer == "SUCCESS")
    MODULE.unlink()
    assert code(authselect, "root", "account") == "SUCCESS" != code(authselect, "dora", "account")
    assert code(authselect, "alice", "auth", password=LOCAL_PASSWORD) == "SUCCESS" != code(authselect, "dora", "auth")
