"""The packages themselves: lintian, what AppArmor takes, and that a second build gives the same."""
import hashlib
import os
import pathlib
import re

import pytest

from endpoint import TREE, run
from packaged import BUILT, packages

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
