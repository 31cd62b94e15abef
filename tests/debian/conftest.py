"""No fixture of tests/system that installs: here packages do, and after a module they are gone, however it ended."""
import shutil

import pytest

from endpoint import ETC, run
from packaged import NAMES, Packaged


@pytest.fixture(scope="module")
def endpoint():
    yield Packaged()
    run("dpkg", "--purge", *NAMES, check=False)
    run("pam-auth-update", "--disable", "mkhomedir")
    shutil.rmtree(ETC, ignore_errors=True)
