"""A line of /etc/shadow whose user is gone from /etc/passwd: pam_unix finds its hash for the directory's user of that name."""
import json
import pathlib

import pytest

from endpoint import PASSWORD, password_hash, run, run_as

SHADOW = pathlib.Path("/etc/shadow")
OLD = "old local one"


@pytest.fixture(scope="module", autouse=True)
def directory(endpoint):
    endpoint.user("dora")
    endpoint.publish()


@pytest.fixture
def leave(endpoint):
    """Leaves a line of dora's in /etc/shadow, with that in the field of the password."""
    before = SHADOW.read_text()

    def add(field):
        SHADOW.write_text(f"{before}dora:{field}:19000:0:99999:7:::\n")
    yield add
    SHADOW.write_text(before)
    endpoint.publish()


def enters(password):
    done = run_as("alice", "su", "dora", "-c", "id -un", input=password + "\n", check=False)
    return done.stdout == "dora\n" and done.returncode == 0


@pytest.mark.parametrize("field,password", [(password_hash(OLD), OLD), ("", "")], ids=["password", "none"])
def test_left_over(endpoint, leave, field, password):
    leave(field)
    assert enters(password)  # pam_unix is asked first, and this is what it says until muster has seen the line
    said = endpoint.publish().stderr
    assert not enters(password) and not enters(PASSWORD)
    assert "left_out kind=user name=dora " in said and " reason=shadow_left: " in said and (not field or field not in said)
    rejected, = json.loads(endpoint.musterctl("status", "--json").stdout)["rejects"]
    assert (rejected["kind"], rejected["name"], rejected["reason"]) == ("user", "dora", "shadow_left")
    findings = json.loads(endpoint.musterctl("doctor", "--json", check=False).stdout)
    finding, = (f for f in findings if f["check"] == "users.rejected")
    assert "shadow_left" in finding["detail"] and "vipw -s" in finding["remedy"]


def test_locked(endpoint, leave):
    leave("!" + password_hash(OLD))
    assert "left_out" not in endpoint.publish().stderr
    assert enters(PASSWORD) and not enters(OLD)


def test_not_to_be_read(endpoint, leave):
    """Mode 0000, as on RHEL, and no capability to read it all the same: all is synced, and that is told."""
    leave(password_hash(OLD))
    before = SHADOW.stat().st_mode
    SHADOW.chmod(0)
    try:
        said = run("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search",
                   "musterd", "--once").stderr
    finally:
        SHADOW.chmod(before)
    assert "left_out kind=local_file name=/etc/shadow " in said and "reason=shadow_unseen: " in said and "name=dora" not in said
    assert endpoint.explain("dora") == "ok" and "reason=shadow_left" in run("musterd", "--once").stderr


def test_next_to_a_local_user(endpoint, leave):
    """Who has a line in /etc/passwd is none that was left over, and is dealt with as before."""
    endpoint.user("alice")
    leave("*")
    assert "name=alice " in (said := endpoint.publish().stderr) and "name_local" in said and "shadow_left" not in said
    endpoint.forget("alice")
