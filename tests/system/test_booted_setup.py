"""musterctl setup --try on a machine with systemd: undone in time by a timer, and by a boot at once."""
import pathlib
import shutil

import pytest

from agent import wait_for
from booted import Machine
from endpoint import STATE
from test_setup import read, seen_ours, switched_off  # noqa: F401  pylint: disable=unused-import

SERVICE = "muster-setup-rollback.service"


@pytest.fixture(autouse=True)
def off(switched_off):  # noqa: F811  pylint: disable=redefined-outer-name
    before = read()
    yield before
    shutil.rmtree(STATE / "setup", ignore_errors=True)


def timers(machine):
    return machine.run("systemctl", "list-timers", "--all", "--no-legend").stdout


def test_rolled_back(off):
    with Machine() as machine:
        assert "systemd" not in machine.run("musterctl", "setup", "--try", "10").stderr
        assert "muster-setup-rollback.timer" in timers(machine)
        assert machine.run("getent", "passwd", "dora").returncode == 0
        assert read() != off
    with Machine() as machine:
        assert read() == seen_ours(off) and not (STATE / "setup/try").exists()
        log = machine.run("journalctl", "-o", "cat").stdout
        assert "setup: undoing what was on trial" in log and "setup: PAM is as it was before" in log
        assert "systemctl stop" not in log and log.index("PAM is as it was before") < log.rindex("Starting systemd-user-sessions")
        assert "0 loaded units" in machine.run("systemctl", "list-units", "--failed").stdout
        before = read()
        machine.run("musterctl", "setup", "--try", "25s")
        on = read()
        wait_for(lambda: not (STATE / "setup/try").exists(), 120)
        wait_for(lambda: machine.run("systemctl", "is-active", SERVICE, check=False).stdout == "inactive\n", 30)
        assert read() == before != on
        machine.run("musterctl", "setup", "--try", "1")
        machine.run("musterctl", "setup", "--confirm")
        assert "muster-setup-rollback" not in timers(machine)
        machine.run("systemctl", "start", SERVICE)  # as the next boot does
        assert read() == on
    assert pathlib.Path(f"/usr/lib/systemd/system/multi-user.target.wants/{SERVICE}").exists()
