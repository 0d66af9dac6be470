"""Our authority, with real TLS on both sides: what it signs is let in, what it did not sign is not."""

from __future__ import annotations

import hashlib
import socket
import ssl
import stat
import subprocess
import threading
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from orchestrator.errors import UsageError
from orchestrator.security.ca import CertificateAuthority
from tests.agents.conftest import Clock, make_csr


@pytest.fixture
def clock() -> Clock:
    """Of now: OpenSSL judges by the machine's own."""
    clock = Clock()
    clock.now = datetime.now(UTC).replace(microsecond=0)
    return clock


@pytest.fixture
def ca(tmp_path: Path, clock: Clock) -> CertificateAuthority:
    ca = CertificateAuthority(tmp_path / "ca", clock)
    ca.create()
    return ca


class Client:
    """An agentlet's end: key, certificate, and the bundle it was given."""

    def __init__(self, folder: Path, ca: CertificateAuthority, name: str = "a1") -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        issued = ca.sign_agent(make_csr("evil", key), name)
        self.files = (folder / f"{name}.pem", folder / f"{name}.key")
        self.files[0].write_text(issued.pem)
        self.files[1].write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        self.bundle = ca.bundle()

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.bundle)
        context.load_cert_chain(*map(str, self.files))
        return context


def shake(ca: CertificateAuthority, client: ssl.SSLContext, name: str = "orch.example") -> bytes:
    """One exchange over TLS 1.3; what the server saw of the client's certificate. Raises `ssl.SSLError`."""
    made = ca.issue_server(["orch.example", "127.0.0.1"])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    server.load_cert_chain(made.chain_path, made.key_path)
    server.load_verify_locations(cadata=ca.bundle())
    server.verify_mode = ssl.CERT_REQUIRED
    ours, theirs = socket.socketpair()
    found: list[bytes | Exception] = []

    def serve() -> None:
        try:
            with server.wrap_socket(ours, server_side=True) as line:
                line.sendall(b"x")
                found.append(line.getpeercert(binary_form=True) or b"")
        except (ssl.SSLError, OSError) as error:
            found.append(error)
            ours.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname=name) as line:
            assert line.recv(1) == b"x"
    except (ssl.SSLError, OSError, AssertionError) as error:
        found.insert(0, error if isinstance(error, ssl.SSLError) else ssl.SSLError(str(error)))
    finally:
        theirs.close()
        thread.join(60)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def test_both_sides_know_each_other(ca: CertificateAuthority, tmp_path: Path) -> None:
    client = Client(tmp_path, ca)
    seen = x509.load_der_x509_certificate(shake(ca, client.context()))
    assert seen.subject.rfc4514_string() == "CN=a1"
    shake(ca, client.context(), "127.0.0.1")


def test_its_folder_is_for_its_owner_alone(ca: CertificateAuthority) -> None:
    ca.issue_server(["orch.example"])
    assert stat.S_IMODE(ca.folder.stat().st_mode) == 0o700
    assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in ca.folder.iterdir()
            if stat.S_IMODE(path.stat().st_mode) & 0o077} == {}


def test_it_is_created_once(ca: CertificateAuthority) -> None:
    before = ca.bundle()
    ca.create()
    assert ca.bundle() == before


def test_of_a_request_only_the_key_is_taken(ca: CertificateAuthority, tmp_path: Path, clock: Clock) -> None:
    """This one asks to be an authority, for another name, by the host's own openssl."""
    config = tmp_path / "c.cnf"
    config.write_text("[req]\ndistinguished_name=dn\nreq_extensions=e\nprompt=no\n[dn]\nCN=root\nO=evil\n"
                      "[e]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\nsubjectAltName=URI:urn:orch:agent:b\n")
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", tmp_path / "k", "-out", tmp_path / "r", "-config", config], check=True,
                   capture_output=True)
    issued = ca.sign_agent((tmp_path / "r").read_text(), "a1")
    made = x509.load_pem_x509_certificate(issued.pem.encode())
    assert made.subject.rfc4514_string() == "CN=a1"
    extensions = made.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in names] == ["urn:orch:agent:a1"]
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert made.not_valid_before_utc == clock.now - timedelta(minutes=15)
    assert made.not_valid_after_utc == clock.now + timedelta(days=7)
    assert issued.digest == hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()
    assert int(issued.serial, 16) == made.serial_number


@pytest.mark.parametrize("case", ["empty", "garbage", "large", "forged", "weak_rsa", "weak_curve", "certificate"])
def test_a_bad_request_is_refused(ca: CertificateAuthority, case: str) -> None:
    good = make_csr()
    lines = good.splitlines()
    csr = {
        "empty": "", "garbage": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "large": good + "x" * 20_000, "forged": "\n".join([*lines[:-2], lines[-2][:-8] + "AAAAAAA=", lines[-1]]),
        "weak_rsa": make_csr(key=rsa.generate_private_key(65537, 1024)),
        "weak_curve": make_csr(key=ec.generate_private_key(ec.SECP192R1())), "certificate": ca.bundle(),
    }[case]
    with pytest.raises(UsageError) as refused:
        ca.sign_agent(csr, "a1")
    assert refused.value.code == "csr" and refused.value.hint


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
                         ids=["p384", "rsa2048"])
def test_other_strong_keys_are_signed(ca: CertificateAuthority, key: object) -> None:
    assert ca.sign_agent(make_csr(key=key), "a1").serial


def test_another_authority_is_not_let_in(ca: CertificateAuthority, tmp_path: Path, clock: Clock) -> None:
    other = CertificateAuthority(tmp_path / "other", clock)
    other.create()
    stranger = Client(tmp_path, other)
    with pytest.raises(ssl.SSLError):  # it does not trust our server
        shake(ca, stranger.context())
    stranger.bundle = ca.bundle()
    with pytest.raises(ssl.SSLError):  # and our server does not trust it
        shake(ca, stranger.context())


def test_an_agentlets_certificate_is_not_good_for_a_server(ca: CertificateAuthority, tmp_path: Path) -> None:
    client = Client(tmp_path, ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, client.files))
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=lambda: _quietly(context, ours))
    thread.start()
    check = ssl.create_default_context(cadata=ca.bundle())
    check.check_hostname = False
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        check.wrap_socket(theirs)
    theirs.close()
    thread.join(60)


def _quietly(context: ssl.SSLContext, line: socket.socket) -> None:
    try:
        context.wrap_socket(line, server_side=True)
    except (ssl.SSLError, OSError):
        line.close()


def test_the_pin_is_the_servers_key_and_stays(ca: CertificateAuthority, clock: Clock) -> None:
    pin = ca.pin()
    made = ca.issue_server(["orch.example"])
    leaf = x509.load_pem_x509_certificate(Path(made.chain_path).read_bytes())
    spki = leaf.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert made.pin == pin == "sha256//" + b64encode(hashlib.sha256(spki).digest()).decode()
    clock.tick(80 * 86_400)
    assert ca.issue_server(["orch.example", "10.0.0.1"]).pin == pin
    ca.rotate()
    assert ca.issue_server(["orch.example"]).pin == pin


def test_the_servers_certificate_is_made_anew_when_it_is_time(ca: CertificateAuthority, clock: Clock) -> None:
    def serial(*names: str) -> int:
        return x509.load_pem_x509_certificate(Path(ca.issue_server(names).chain_path).read_bytes()).serial_number

    first = serial("orch.example")
    assert serial("orch.example") == first
    clock.tick(59 * 86_400)
    assert serial("orch.example") == first
    clock.tick(2 * 86_400)
    second = serial("orch.example")
    assert second != first
    assert serial("orch.example", "10.0.0.1") != second
    assert ca.server_names() == ("orch.example", "10.0.0.1")


@pytest.mark.parametrize("name", ["https://orch", "a b", "", "orch:8444", "ü.example"])
def test_what_is_no_name_is_refused(ca: CertificateAuthority, name: str) -> None:
    with pytest.raises(UsageError, match="no host name"):
        ca.issue_server([name])


def test_after_a_rotation_old_and_new_are_let_in_and_trust_the_server(
    ca: CertificateAuthority, tmp_path: Path, clock: Clock
) -> None:
    old = Client(tmp_path, ca, "old")
    before = ca.version()
    ca.issue_server(["orch.example", "127.0.0.1"])
    ca.rotate()
    assert ca.version() != before
    shake(ca, old.context())  # it knows the old authority alone; the chain brings the new one along
    shake(ca, Client(tmp_path, ca, "new").context())
    newcomer = Client(tmp_path, ca, "newcomer")
    newcomer.bundle = ca.bundle().split("-----END CERTIFICATE-----\n")[-2] + "-----END CERTIFICATE-----\n"
    shake(ca, newcomer.context())  # it knows the new one alone
    ca.rotate()
    shake(ca, old.context())  # twice, one behind the other
    assert len(ca.authorities()) == 3


def test_the_old_authority_is_trusted_until_its_last_certificate_is_over(
    ca: CertificateAuthority, clock: Clock
) -> None:
    first = ca.authorities()[-1].name
    second = ca.rotate().name
    assert [one.name for one in ca.authorities()] == [first, second]
    clock.tick(7 * 86_400 - 1)
    assert [one.name for one in ca.authorities()] == [first, second]
    before = ca.version()
    clock.tick(2)
    assert ca.version() != before  # a server that runs notices, though no file was written
    assert [one.name for one in ca.authorities()] == [second]
    assert ca.bundle().count("BEGIN CERTIFICATE") == 1


def test_a_retired_authority_is_refused_at_once(ca: CertificateAuthority, tmp_path: Path) -> None:
    old = Client(tmp_path, ca, "old")
    name = ca.authorities()[-1].name
    ca.rotate()
    new = Client(tmp_path, ca, "new")
    assert ca.retire() == [name]
    with pytest.raises(ssl.SSLError):
        shake(ca, old.context())
    shake(ca, new.context())
    assert not (ca.folder / f"{name}.key").exists()
    assert ca.retire() == []


def test_where_there_is_none_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        CertificateAuthority(tmp_path / "ca").bundle()
    assert refused.value.hint == "orch ca init"


def test_ed25519_keys_are_taken(ca: CertificateAuthority) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, None)
    assert ca.sign_agent(csr.public_bytes(serialization.Encoding.PEM).decode(), "a1").serial
