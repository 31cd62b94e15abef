"""debian/tests, run as autopkgtest does: on a machine with the packages installed, in the source tree."""
import pathlib
import re
import shutil

import pytest

from endpoint import TREE
from packaged import NAMES, Debian, left_behind, packages

COPY = pathlib.Path("/var/tmp/source")  # the tree may be in /tmp, which is another one in there


@pytest.fixture(scope="module")
def machine(endpoint):
    shutil.copytree(TREE / "debian", COPY / "debian")
    with Debian() as m:
        m.run("mkdir", "/tmp/autopkgtest")
        yield m


@pytest.mark.parametrize("name", re.findall(r"(?m)^Tests: (.*)", (TREE / "debian/tests/control").read_text()))
def test_passes(machine, name):
    before = left_behind()
    machine.install(packages())
    machine.run("env", "-C", COPY, "AUTOPKGTEST_TMP=/tmp/autopkgtest", f"debian/tests/{name}")
    machine.dpkg("--purge", *NAMES)
    assert left_behind() == before
