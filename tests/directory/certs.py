"""Certificates made by openssl: an authority of our own, and what it and others issue."""
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile


class Authority:
    """A certificate authority in a directory of its own; one that is there already is used again."""

    CONFIG = """[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""

    def __init__(self, path):
        self.path = path
        if not path.is_dir():
            self.make()
        self.pem = (path / "ca.pem").read_text()

    def make(self):
        self.path.mkdir()
        (self.path / "index.txt").touch()
        (self.path / "ca.cnf").write_text(self.CONFIG)
        self.openssl("req", "-x509", *self.new_key("ca"), "-subj", f"/CN={self.path.name}", "-days", "365",
                     "-out", "ca.pem")

    def openssl(self, *argv):
        done = subprocess.run(["openssl", *argv], cwd=self.path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def new_key(self, name):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"

    def issue(self, name, san="DNS:localhost,IP:127.0.0.1", start="20200101000000Z", end="20490101000000Z"):
        """Returns the paths of certificate and key."""
        self.openssl("req", *self.new_key(name), "-subj", f"/CN={name}", "-addext", f"subjectAltName={san}",
                     "-out", f"{name}.csr")
        self.openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key",
                     "-startdate", start, "-enddate", end, "-in", f"{name}.csr", "-out", f"{name}.pem")
        return self.path / f"{name}.pem", self.path / f"{name}.key"


class Certificates:
    """What the double shows to its clients: "good", or one of FAULTS."""

    FAULTS = ("expired", "not yet valid", "wrong name", "self-signed", "unknown CA", "TLS 1.1", "plain",
              "hang up", "stall")

    def __init__(self, folder, name):
        """FOLDER keeps all of it, None is a temporary one; NAME is what clients call this server."""
        self.temporary = tempfile.mkdtemp(prefix="double-") if folder is None else None
        self.folder = pathlib.Path(folder or self.temporary)
        self.san = f"DNS:{name},DNS:localhost,IP:127.0.0.1"
        self.own = Authority(self.folder / "own")
        self.ca_file = self.own.path / "ca.pem"
        self.contexts = {}
        self.present("good")

    def pair(self, certificate):
        issue = lambda authority=self.own, san=self.san, **dates: authority.issue("server", san, **dates)
        return {
            "expired": lambda: issue(end="20200201000000Z"),
            "not yet valid": lambda: issue(start="20480101000000Z"),
            "wrong name": lambda: issue(san="DNS:other.test"),
            "self-signed": lambda: (self.ca_file, self.own.path / "ca.key"),
            "unknown CA": lambda: issue(Authority(self.folder / "unknown")),
        }.get(certificate, issue)()

    def present(self, certificate):
        if certificate not in ("good", *self.FAULTS):
            raise KeyError(certificate)
        if certificate not in self.contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.pair(certificate))
            if certificate == "TLS 1.1":
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
                context.set_ciphers("ALL:@SECLEVEL=0")
            self.contexts[certificate] = context
        self.presented = certificate

    def accept(self, raw):
        """The connection after the handshake; None when it ends here."""
        if self.presented == "plain":
            return raw
        if self.presented == "stall":
            while raw.recv(65536):
                pass
            return None
        if self.presented == "hang up":
            raw.recv(100)
            return None
        raw.settimeout(60)
        return self.contexts[self.presented].wrap_socket(raw, server_side=True)

    def remove(self):
        if self.temporary:
            shutil.rmtree(self.temporary, ignore_errors=True)
