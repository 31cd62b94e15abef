"""A machine with systemd on which muster comes from its packages: what installs, upgrades and removes them."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess

from booted import Machine
from endpoint import ETC, Endpoint, run

BUILT = pathlib.Path("/build/debian")  # tests/debs
NAMES = ("musterd", "libnss-muster", "libpam-muster")
NEW = "0.1.0+new"
SAMPLE = pathlib.Path("/usr/share/musterd/muster.conf")
SWITCHED = [pathlib.Path("/etc/nsswitch.conf"), *sorted(pathlib.Path("/etc/pam.d").glob("common-*"))]


def packages():
    """The packages as built, by name."""
    found = {path.name.partition("_")[0]: path for path in BUILT.glob("*.deb") if "-dbgsym_" not in path.name}
    assert sorted(found) == sorted(NAMES)
    return [found[name] for name in NAMES]


def newer_packages():
    """The same with a higher version, and another sample of the configuration."""
    folder = pathlib.Path("/var/tmp/newer")
    if not folder.exists():
        aside = folder.with_suffix(".new")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        for path in packages():
            tree = aside / path.name.partition("_")[0]
            run("dpkg-deb", "--raw-extract", path, tree)
            control = tree / "DEBIAN/control"
            version, = re.findall(r"(?m)^Version: (.*)", control.read_text())
            control.write_text(control.read_text().replace(version, NEW))
            with contextlib.suppress(FileNotFoundError), open(tree / SAMPLE.relative_to("/"), "r+", encoding="utf-8") as sample:
                sample.seek(0, os.SEEK_END)
                sample.write("# of the new version\n")
            run("dpkg-deb", "--root-owner-group", "--build", tree, aside / (tree.name + ".deb"))
            shutil.rmtree(tree)
        aside.rename(folder)
    return [folder / (name + ".deb") for name in NAMES]


class Packaged(Endpoint):
    """An endpoint that no test installs anything on but with apt: nothing of muster is there at first."""

    def __init__(self):
        pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)  # which keeps services of new packages from starting
        pathlib.Path("/var/lib/man-db/auto-update").unlink(missing_ok=True)  # it takes longer than all the rest of dpkg
        shutil.rmtree("/var/lib/systemd/linger", ignore_errors=True)
        super().__init__()

    def reset(self):
        self.conf = ETC / "muster.conf"
        self.document = {"format": "muster-directory/1", "users": [], "groups": []}


class Debian(Machine):
    """Commands of an administrator."""

    def apt(self, *argv, **kwargs):
        return self.dpkg_run("apt-get", "-y", "-o", "Dpkg::Options::=--force-unsafe-io", *argv, **kwargs)

    def dpkg(self, *argv, **kwargs):
        return self.dpkg_run("dpkg", "--force-unsafe-io", *argv, **kwargs)

    def dpkg_run(self, *argv, path=os.environ["PATH"], **kwargs):
        return self.run(*argv, env={"PATH": path, "DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8"},
                        stdin=subprocess.DEVNULL, **kwargs)

    def install(self, debs):
        return self.apt("install", "--allow-downgrades", *debs)

    def show(self, unit, what):
        return self.run("systemctl", "show", "-P", what, unit).stdout.strip()

    def resolves(self, name):
        return self.run("getent", "passwd", name, check=False).returncode == 0


def left_behind():
    """What is on the disk of muster; its two system users stay, as Debian's packages have it."""
    return run("find", "/etc", "/usr", "/var", "-xdev", "(", "-path", "/var/cache", "-o", "-path", "/var/log", "-o", "-path",
               "/var/tmp", ")", "-prune", "-o", "-path", "*muster*", "-print").stdout.splitlines()


def switched():
    """What says whether muster is asked: nsswitch.conf and PAM."""
    return {path: path.read_text() for path in SWITCHED}
