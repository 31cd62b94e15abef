"""musterd.service and muster-fetch.socket under a real systemd, which is process 1 of namespaces of its own."""
import contextlib
import json
import pathlib
import subprocess
import time

import pytest

from endpoint import run
from test_web import own, web  # noqa: F401: fixtures

BOOT = r"""
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs /run && mount -t tmpfs -o mode=1777 tmpfs /tmp && mount -t proc proc /proc && mount -t tmpfs tmpfs /sys || exit 77
mkdir -p /sys/fs/cgroup /run/systemd/system
mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 77
for unit in systemd-udevd systemd-udev-trigger systemd-networkd systemd-resolved systemd-timesyncd systemd-update-utmp; do
	ln -s /dev/null /run/systemd/system/$unit.service
done
printf '[Unit]\nWants=muster-fetch.socket musterd.service\n' >/run/systemd/system/muster-test.target
exec env -i container=test /lib/systemd/systemd --unit=muster-test.target --log-target=null
"""


class Booted:
    def __init__(self):
        self.outer = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount", "--cgroup", "--uts", "--ipc",
                                       "sh", "-c", BOOT], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)

    def pid(self):
        """Of process 1 in there, as seen from here."""
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        return children[0] if children else None

    def run(self, *argv, **kwargs):
        return run("nsenter", "-t", self.pid(), "-m", "-p", "-r", "-w", "--", *argv, check=False, **kwargs)

    def wait_for(self, condition):
        for _ in range(100):
            if self.outer.poll() == 77:
                pytest.skip("no systemd can be booted here")
            if self.pid() and condition():
                return
            time.sleep(0.2)
        raise AssertionError(self.run("systemctl", "status", "--no-pager", "-n", "40", "--failed", "muster*").stdout +
                             self.run("journalctl", "--no-pager", "-n", "60").stdout)


@pytest.fixture
def booted(web):
    web.configure(web.server.url, poll_interval="1s")
    b = Booted()
    try:
        yield b
    finally:
        b.outer.kill()
        b.outer.wait()


def show(booted, unit, *properties):
    out = booted.run("systemctl", "show", unit, *(f"--property={p}" for p in properties)).stdout
    return dict(line.split("=", 1) for line in out.splitlines())


def status(booted):
    with contextlib.suppress(ValueError):
        return json.loads(booted.run("musterctl", "status", "--json").stdout)
    return {}


def test_boot(web, booted):
    """It syncs over https through the socket, without a network of its own; bad news arrives, and one muster-fetch is kept."""
    booted.wait_for(lambda: status(booted).get("online"))
    assert booted.run("id", "-un", "dora").stdout == "dora\n"
    daemon = show(booted, "musterd.service", "ActiveState", "MainPID")
    assert daemon["ActiveState"] == "active"
    nets = [booted.run("readlink", f"/proc/{pid}/ns/net").stdout for pid in (1, daemon["MainPID"])]
    assert nets[0].startswith("net:") and nets[1].startswith("net:") and nets[0] != nets[1]
    web.endpoint.user("dora", suspended=True)
    booted.wait_for(lambda: "suspended" in booted.run("musterctl", "explain", "dora").stdout)
    time.sleep(3)
    assert web.server.connections == 1
    instances = booted.run("systemctl", "list-units", "--plain", "--no-legend", "muster-fetch@*").stdout.split("\n")
    assert len([i for i in instances if i]) == 1
    assert booted.run("systemctl", "stop", "musterd.service").returncode == 0
    booted.wait_for(lambda: not booted.run("systemctl", "list-units", "--plain", "--no-legend", "muster-fetch@*").stdout)
    assert booted.run("id", "-un", "dora").stdout == "dora\n"
