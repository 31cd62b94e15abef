"""A real slapd on loopback, with TLS and the password policy overlay."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

SUFFIX = "dc=muster,dc=test"
ORG = "5cdc80416e59bc2c5bbe63ef"
TEMPLATE = f"uid=%u,ou=Users,o=%o,{SUFFIX}"
NAME = "ldap.muster.test"  # of 127.0.0.1, and it does not look like this computer: StartTLS is needed

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
{tls}
allow bind_v2
database mdb
suffix "{suffix}"
directory {db}
access to attrs=userPassword by anonymous auth by * none
access to * by * read
overlay ppolicy
ppolicy_default "cn=policy,{suffix}"
ppolicy_use_lockout
"""

LDIF = """
dn: {suffix}
objectClass: domain
dc: muster

dn: o={org},{suffix}
objectClass: organization
o: {org}

dn: ou=Users,o={org},{suffix}
objectClass: organizationalUnit
ou: Users

dn: cn=policy,{suffix}
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 5
pwdFailureCountInterval: 3600
pwdMaxAge: 31536000
pwdMustChange: TRUE
"""

PERSON = """
dn: uid={name},ou=Users,o={org},{suffix}
objectClass: inetOrgPerson
uid: {name}
cn: {name}
sn: {name}
userPassword: {password}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Slapd:
    """Users are added with add() before start(). A certificate of None: no TLS at all."""

    def __init__(self, path, cert=None, key=None):
        self.path, self.process = pathlib.Path(path), None
        self.path.mkdir(parents=True)
        (self.path / "db").mkdir()
        tls = f"TLSCertificateFile {cert}\nTLSCertificateKeyFile {key}" if cert else ""
        self.conf = self.path / "slapd.conf"
        self.conf.write_text(CONF.format(tls=tls, suffix=SUFFIX, db=self.path / "db"))
        self.port, self.tls_port = free_port(), free_port()
        self.urls = [f"ldap://127.0.0.1:{self.port}"] + ([f"ldaps://127.0.0.1:{self.tls_port}"] if cert else [])
        self.plain = self.urls[0]
        self.tls = f"ldaps://localhost:{self.tls_port}"
        self.start_tls = f"ldap://{NAME}:{self.port}"
        self.log_path = self.path / "log"
        hosts = pathlib.Path("/etc/hosts")
        if NAME not in hosts.read_text():
            with open(hosts, "a") as f:
                f.write(f"127.0.0.1 {NAME}\n")
        self.tool("slapadd", LDIF.format(suffix=SUFFIX, org=ORG))

    def tool(self, name, ldif):
        """slapadd or slapmodify, while slapd does not run."""
        assert not self.process
        done = subprocess.run([f"/usr/sbin/{name}", "-f", str(self.conf)], input=ldif, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr

    def add(self, name, password):
        self.tool("slapadd", PERSON.format(name=name, org=ORG, suffix=SUFFIX, password=password))

    def set(self, name, **attributes):
        """Replace attributes of a user; slapd is started again when it ran."""
        lines = [f"dn: uid={name},ou=Users,o={ORG},{SUFFIX}", "changetype: modify"]
        for key, value in attributes.items():
            lines += [f"replace: {key}", *([f"{key}: {value}"] if value is not None else []), "-"]
        ran = self.process
        self.stop()
        self.tool("slapmodify", "\n".join(lines) + "\n")
        if ran:
            self.start()

    def start(self):
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(["/usr/sbin/slapd", "-f", str(self.conf), "-h", " ".join(self.urls), "-d",
                                             "stats"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 30
        while True:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            assert self.process.poll() is None and time.monotonic() < end, self.log()
            time.sleep(0.05)

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def log(self):
        return self.log_path.read_text()

    def binds(self):
        """The names that somebody has tried to bind as, so far, and got as far as asking."""
        return re.findall(r'BIND dn="([^"]*)" method=128', self.log())
