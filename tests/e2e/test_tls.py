"""`orch serve` with a certificate of one's own, and its gateway's: what a client sees, and how they are renewed."""

from __future__ import annotations

import base64
import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from orchestrator.security.ca import CertificateAuthority
from tests.e2e.conftest import wait_for
from tests.e2e.servers import PASSWORD, SERVE


def new_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody else has signed, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-out",
                    str(certificate), "-keyout", str(key)], check=True, capture_output=True)
    return certificate, key


def shown(port: int) -> x509.Certificate:
    """What the server shows to a new connection."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=60) as raw, context.wrap_socket(raw) as line:
        der = line.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def name_of(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string().removeprefix("CN=")


@pytest.fixture
def serving(project: Any) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A server with the pair in site.pem and site.key, and what it said of itself."""
    certificate, key = new_pair(project.folder, "first")
    for made, place in ((certificate, "site.pem"), (key, "site.key")):
        (project.folder / place).write_bytes(made.read_bytes())
    process = project.start(*SERVE, "--tls-cert", "site.pem", "--tls-key", "site.key", "--capacity", "0")
    said: dict[str, str] = {}
    for line in process.stdout:
        for what, pattern in (("agents", r"agents: https://\S+:(\d+)"), ("pin", r"the server's key: (\S+)"),
                              ("page", r"page: https://127\.0\.0\.1:(\d+)"), ("link", r"https://\S+/link/(\S+)")):
            if found := re.match(pattern, line):
                said[what] = found[1]
        if "link" in said:
            break
    assert len(said) == 4, process.communicate(timeout=60)[1]
    yield process, said
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_sessions_are_for_tls_alone_and_a_renewed_certificate_is_taken(project: Any, serving: Any) -> None:
    process, said = serving
    port = int(said["page"])
    trusted = ssl.create_default_context(cafile=str(project.folder / "first.pem"))
    with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusted, timeout=60) as client:
        made = client.post("/api/v1/auth/links", json={"token": said["link"], "password": PASSWORD})
        assert made.status_code == 200, made.text
        cookie = [part.strip().lower() for part in made.headers["set-cookie"].split(";")]
        assert cookie[0].startswith("__host-orch=")  # so: Secure, the whole site, and no Domain
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= set(cookie)
        assert not any(part.startswith("domain") for part in cookie)
        assert int(made.headers["strict-transport-security"].removeprefix("max-age=")) >= 31_536_000
        assert client.get("/api/v1/auth/me").json()["user"]["name"] == "admin"

        second, key = new_pair(project.folder, "second")
        (project.folder / "site.pem").write_bytes(second.read_bytes())
        process.send_signal(signal.SIGHUP)  # in the middle of a renewal: this key is not this certificate's
        assert client.get("/health/live").status_code == 200 and name_of(shown(port)) == "first"
        (project.folder / "site.key").write_bytes(key.read_bytes())
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: name_of(shown(port)) == "second", "the next connection sees the new one", 60)
        assert client.get("/api/v1/auth/me").status_code == 200, "nobody was cut off"
    with pytest.raises(ssl.SSLError):
        old = ssl.create_default_context(cafile=str(second))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", port), timeout=60) as raw:
            old.wrap_socket(raw, server_hostname="127.0.0.1")


def test_the_gateway_shows_the_key_that_was_said_and_keeps_it(project: Any, serving: Any) -> None:
    process, said = serving
    port = int(said["agents"])
    authority = CertificateAuthority(project.folder / "state" / "ca")
    before = shown(port)
    key = before.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert said["pin"] == "sha256//" + base64.b64encode(sha256(key).digest()).decode()
    authority.rotate()
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: shown(port).issuer != before.issuer or shown(port).serial_number != before.serial_number,
             "a certificate of the new authority", 60)
    assert shown(port).public_key() == before.public_key(), "the pin holds"
    with httpx.Client(verify=ssl.create_default_context(cadata=authority.bundle()), timeout=60) as client:
        answer = client.get(f"https://127.0.0.1:{port}/agent/v1/config", headers={"Orch-Protocol": "1"})
        assert answer.status_code == 401, answer.text
