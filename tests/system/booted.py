"""This machine, booted: systemd as process 1, with logind, sshd, cron and what else is installed, in namespaces of its own.

Files are the sandbox's own (/run and /tmp are not), so that what tests write to /etc is there; the network is, too, so that
ssh goes to 127.0.0.1. Nothing is left when it is powered off, or when the sandbox ends.
"""
import contextlib
import os
import pathlib
import signal
import subprocess
import time

import pytest

from endpoint import WORK, Session, Sshd, run

CGROUPS = WORK / "cgroup"
ROOT = "/var/cache/muster/mnt/root"  # where tests/sandbox has its root: from a chroot no user namespace can be made
BOOT = f"""
set -e
cd {ROOT}
pivot_root . mnt
umount -l /mnt
hostname >etc/hostname
mount -t proc proc /proc
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /tmp
exec env -i container=muster PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system
"""
POWER_OFF = signal.SIGRTMIN + 4


class Ssh(Sshd):
    """Its sshd."""
    PORT = 22

    def __init__(self):  # pylint: disable=super-init-not-called
        self.write_askpass()


class Machine:
    """`with Machine() as machine:` from boot to power-off."""

    def __enter__(self):
        self.mount_cgroups()
        self.group = CGROUPS / f"muster-{os.urandom(8).hex()}"  # other sandboxes see the same folder
        self.group.mkdir()
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--cgroup", "--pid", "--ipc", "--uts", "--fork", "--kill-child",
             "nsenter", "--mount=/proc/self/ns/mnt", "sh", "-c", BOOT],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=lambda: (self.group / "cgroup.procs").write_text(str(os.getpid())))
        try:
            self.wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def mount_cgroups(self):
        CGROUPS.mkdir(parents=True, exist_ok=True)
        if not os.path.ismount(CGROUPS) and run("mount", "-t", "cgroup2", "none", CGROUPS, check=False).returncode:
            pytest.skip("no systemd can be booted here: cgroup2 cannot be mounted")
        for old in CGROUPS.glob("muster-*"):  # of one that was killed
            with contextlib.suppress(FileNotFoundError):
                if time.time() - old.stat().st_ctime > 600 and "populated 0" in (old / "cgroup.events").read_text():
                    remove_groups(old)

    def wait_until_up(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        end = time.monotonic() + 120
        state = "has not begun"
        while time.monotonic() < end and self.process.poll() is None:
            self.pid = children.read_text().strip()
            if self.pid:
                state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
                if state in ("running", "degraded"):
                    return
            time.sleep(0.2)
        if self.process.poll() is not None:
            state = self.process.stdout.read()
        pytest.skip(f"no systemd can be booted here: {state}")

    def __exit__(self, *_):
        if self.process.poll() is None and getattr(self, "pid", None):
            os.kill(int(self.pid), POWER_OFF)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        remove_groups(self.group)

    def run(self, *argv, **kwargs):
        """endpoint.run() in there."""
        return run("nsenter", "-t", self.pid, "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--root", "--wd", "--",
                   *argv, **kwargs)

    def session(self, user, key):
        return Ssh().session(user, key)


def remove_groups(top):
    """A cgroup and those in it, once all processes in there have ended."""
    end = time.monotonic() + 60
    for folder, _, _ in os.walk(top, topdown=False):
        while True:
            try:
                os.rmdir(folder)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
