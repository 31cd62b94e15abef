"""The packages themselves: lintian, what AppArmor takes, and that a second build gives the same."""
import hashlib
import os
import pathlib
import re
import shutil

import pytest

from endpoint import STATE, TREE, run
from packaged import BUILT, NAMES, SWITCHED, left_behind, packages, switched

IN_ROOT = ["etc/debconf.conf", "etc/group", "etc/gshadow", "etc/nsswitch.conf", "etc/pam.d", "etc/passwd", "etc/shadow",
           "usr/share/pam", "usr/share/pam-configs", "var/cache/debconf", "var/lib/pam"]  # what the scripts ask for there
AS_BUILDER = ["setpriv", "--reuid", "builder", "--regid", "builder", "--init-groups", "--"]


def test_lintian():
    """What it may not say is overridden, with a reason, in debian/*.lintian-overrides."""
    changes, = BUILT.glob("*.changes")
    done = run(*AS_BUILDER, "lintian", "--pedantic", "--display-info", "--fail-on", "error,warning,info,pedantic", changes,
               check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_apparmor(tmp_path):
    """A profile that includes abstractions/nameservice may read the two published files, and no other of muster's."""
    run("dpkg-deb", "--extract", packages()[1], tmp_path)
    profile = "include <tunables/global>\nprofile muster-test { include <abstractions/nameservice> }\n"
    parser = ["apparmor_parser", "--skip-kernel-load", "--skip-cache", "--base", "/etc/apparmor.d"]
    ours = tmp_path / "etc/apparmor.d"
    without = run(*parser, "--preprocess", input=profile)
    assert "muster/" not in without.stdout
    done = run(*parser, "--Include", ours, "--preprocess", input=profile)
    rules = [line.strip() for line in done.stdout.splitlines() if "/muster/" in line and not line.startswith("#")]
    assert rules == ["/run/muster/nss.snapshot r,", "/var/lib/muster/nss.snapshot r,"]
    run(*parser, "--Include", ours, input=profile)


def test_units_of_scripts(tmp_path):
    """An upgrade restarts the agent and its socket, and undoes no trial of musterctl setup."""
    run("dpkg-deb", "--control", packages()[0], tmp_path)
    units = set(re.findall(r"muster[\w@-]*\.(?:service|socket)", (tmp_path / "postinst").read_text()))
    assert units == {"musterd.service", "muster-fetch.socket"}


def test_another_root(tmp_path):
    """dpkg --root --force-script-chrootless, as programs that make images call it: all is done in there, and nothing here."""
    run("cp", "-a", "--parents", *IN_ROOT, tmp_path, cwd="/")
    for folder in ("info", "updates"):
        (tmp_path / "var/lib/dpkg" / folder).mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").touch()
    dpkg = ["env", "DEBIAN_FRONTEND=noninteractive", "dpkg", f"--root={tmp_path}", "--force-script-chrootless,depends,unsafe-io"]
    there = [tmp_path / path.relative_to("/") for path in SWITCHED]
    STATE.mkdir()
    try:
        (STATE / "something").touch()
        before = left_behind(), switched(), [path.read_text() for path in there]
        run(*dpkg, "--install", *packages())
        assert all("muster" in path.read_text() for path in there)
        assert (tmp_path / "etc/muster/muster.conf").exists() and (tmp_path / "etc/ssh/sshd_config.d/muster.conf").exists()
        run(*dpkg, "--purge", *NAMES)
        assert (left_behind(), switched(), [path.read_text() for path in there]) == before
        assert not [path for path in ("etc/muster", "var/lib/muster", "run/muster") if (tmp_path / path).exists()]
        assert not list((tmp_path / "etc/ssh").rglob("*muster*"))
    finally:
        shutil.rmtree(STATE)


@pytest.mark.skipif(not os.environ.get("MUSTER_LONG"), reason="a second build: ./check --long")
def test_reproducible(tmp_path):
    """At another time, in another place, language and time zone."""
    tmp_path.chmod(0o755)
    again = pathlib.Path("/var/tmp/again")
    run(TREE / "tests/debs", again, timeout=900,
        env={**os.environ, "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "SOME_VARIABLE": "set"})
    assert sums(again) == sums(BUILT)


def sums(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.deb")}
