"""An endpoint that obeys JumpCloud: muster configured for the test double in tests/directory."""
import json
import pathlib
import sys

from endpoint import ETC, RUN, STATE, make_key, run

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
from directory import Double, Tenant  # noqa: E402

PUBLISHED = [folder / name for folder in (RUN, STATE) for name in ("pam.snapshot", "nss.snapshot")]


class Jumpcloud:
    """`tenant`, `faults` and `journal` are the double's; the rest is muster's side of it."""

    def __init__(self, endpoint, **settings):
        self.endpoint = endpoint
        self.double = Double(Tenant())
        self.tenant, self.faults, self.journal = self.double.tenant, self.double.faults, self.double.journal
        self.ca_file = ETC / "directory-ca.pem"
        self.ca_file.write_bytes(self.double.ca_file.read_bytes())
        self.write_secret("api.key", self.tenant.api_key)
        self.write_secret("client.secret", self.tenant.client_secret)
        self.configure(**settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.double.stop()

    def write_secret(self, name, text):
        path = ETC / name
        path.touch(mode=0o600)
        path.write_text(text + "\n")
        return path

    def configure(self, text="", **keys):
        """[directory] with KEYS added, changed, or left out (None); TEXT is what else muster.conf has."""
        keys = {"driver": "jumpcloud", "url": self.double.url + "/api", "system_id": self.tenant.system,
                "ca_file": self.ca_file, "api_key_file": ETC / "api.key", **keys}
        lines = "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)
        self.endpoint.conf.write_text(f"[directory]\n{lines}{text}")

    def add_user(self, name, **fields):
        """A bound user, active, whom the test's ssh key opens; FIELDS as Tenant.add_user() has them."""
        uid = self.tenant.add_user(name, **{"bound": True, **fields})
        if "ssh_keys" not in fields:
            self.tenant.add_key(uid, make_key(self.endpoint.key))
        return uid

    def sync(self, *argv, code=0):
        """musterd --once; what it said."""
        done = run("musterd", "--once", *argv, check=False, timeout=300)
        assert done.returncode == code, done
        return done.stderr

    def status(self):
        return json.loads(self.endpoint.musterctl("status", "--json").stdout)

    def requests_of(self, action):
        """How many requests it takes to do ACTION()."""
        before = self.journal.count()
        action()
        return self.journal.count() - before


def published():
    return {path: path.read_bytes() for path in PUBLISHED if path.exists()}
