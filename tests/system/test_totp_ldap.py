"""Codes that an LDAP server checks, which gets them joined to the password: slapd with its otp overlay, as JumpCloud's LDAP does."""
import base64
import os

import pytest

from agent import Agent
from endpoint import PASSWORD, STATE
from fetch import Authority
from slapd import NAME, ORG, PERSON, SUFFIX, TEMPLATE, Slapd
from test_totp import at_once, ssh
from totp import code

SECRET = "LDAPGEZDGNBVGY3TQOJQGEZDGNBVGY3T"
OWN = "OWNSGEZDGNBVGY3TQOJQGEZDGNBVGY3T"  # the document's, of which the server knows nothing
TOTP = """objectClass: oathTOTPUser
objectClass: oathTOTPToken
objectClass: oathTOTPParams
oathTOTPToken: uid={name},ou=Users,o={org},{suffix}
oathTOTPParams: uid={name},ou=Users,o={org},{suffix}
oathSecret:: {secret}
oathOTPLength: 6
oathHMACAlgorithm: 1.2.840.113549.2.7
oathTOTPTimeStepPeriod: 30
oathTOTPTimeStepWindow: 3
"""


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("ldap")
    authority = Authority(tmp / "ca")
    s = Slapd(tmp / "slapd", *authority.issue("ldap", san=f"DNS:localhost,DNS:{NAME}"))
    s.conf.write_text(s.conf.read_text().replace("moduleload ppolicy", "moduleload ppolicy\nmoduleload otp") + "overlay otp\n")
    s.ca = tmp / "ca.pem"
    s.ca.write_text(authority.pem)
    raw = base64.b64encode(base64.b32decode(SECRET)).decode()
    for name in ("dora", "emil", "lena"):  # the overlay wants password and code without anything between
        person = PERSON.format(name=name, org=ORG, suffix=SUFFIX, password=PASSWORD + ",").strip()
        s.tool("slapadd", person + "\n" + TOTP.format(name=name, org=ORG, suffix=SUFFIX, secret=raw))
    s.add("olga", PASSWORD)
    s.add("plain", PASSWORD)
    yield s.start()
    s.stop()


@pytest.fixture(scope="module", autouse=True)
def world(endpoint, slapd):
    for name in ("dora", "emil", "lena"):
        endpoint.user(name, password=None, totp_enabled=True)
    endpoint.user("olga", password=None, totp_secret=OWN)
    endpoint.user("plain", password=None)
    settings = {"password": "ldap", "ldap_url": slapd.tls, "ldap_bind_dn": TEMPLATE, "org_id": ORG,
                "ldap_ca_file": slapd.ca}
    with endpoint.configured(**settings):
        endpoint.publish()
        yield


@pytest.fixture
def agent(endpoint):
    with Agent() as a:
        a.wait_until_synced()
        yield a


def test_the_server_judges(endpoint, slapd, sshd, agent):
    joined = f"{PASSWORD},{code(SECRET)}"
    asked, field, none, plain = at_once(
        (ssh, sshd, "dora", PASSWORD, code(SECRET)), (sshd.login, "emil", joined), (sshd.login, "lena", PASSWORD),
        (ssh, sshd, "plain", PASSWORD, ""))
    assert asked[0] and field.output == "emil" and plain[0]
    assert not none.ok and not [b for b in slapd.binds() if "uid=lena" in b]  # without a code nobody is asked
    wrong, again = at_once((ssh, sshd, "lena", PASSWORD, "000000"), (sshd.login, "emil", joined))
    assert not wrong[0] and not again.ok


def test_a_secret_of_our_own(sshd, slapd, agent):
    """What the document has the code checked with is checked here, and the server gets the password alone."""
    good, wrong = at_once((ssh, sshd, "olga", PASSWORD, code(OWN)), (ssh, sshd, "olga", PASSWORD, "000000"))
    assert good[0] and not wrong[0]


def test_off_line(endpoint, slapd, sshd, agent):
    """A code that only the server could check lets nobody in; the verifier that is kept is the password's alone."""
    assert sshd.login("dora", f"{PASSWORD},{code(SECRET, 1)}").ok and sshd.login("olga", f"{PASSWORD},{code(OWN, 1)}").ok
    slapd.stop()
    try:
        theirs, ours = at_once((ssh, sshd, "dora", PASSWORD, "123456"), (sshd.login, "olga", PASSWORD))
        assert not theirs[0] and not ours.ok
        with endpoint.configured(totp_services=""):
            endpoint.publish()
            assert sshd.login("dora", PASSWORD).ok and sshd.login("dora", PASSWORD + ",123456").ok
            assert not sshd.login("dora", "wrong,123456").ok
    finally:
        endpoint.publish()
        slapd.start()
    assert b"$y$" in b"".join((STATE / "user" / name).read_bytes() for name in os.listdir(STATE / "user"))
