"""`orch serve` behind a real nginx that ends TLS, with a real OpenID provider behind another port of it."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestrator.access.identities import by_command_line
from orchestrator.control.control import Control, open_control
from tests.e2e.outside.parties import Party, free_port, nginx, provider_folder

ROOT = Path(__file__).parents[3]
BY_HAND = by_command_line("tests")
PASSWORD = "four words are enough"
CLIENT_SECRET = "100% p+l/us: =secret"
"""With what breaks where it is not encoded."""
PROVIDER_SERVER = """\
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name localhost;
        ssl_certificate {pem};
        ssl_certificate_key {key};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
"""


def documented(port: int, upstream: int, pem: str, key: str) -> str:
    """The configuration of nginx as docs/access.md shows it, for this machine."""
    text = (ROOT / "docs" / "access.md").read_text()
    found = re.search(r"^    server \{\n.*?^    \}\n", text, re.MULTILINE | re.DOTALL)
    assert found is not None, "docs/access.md shows how nginx is set up"
    shown = found[0]
    for words, ours in (("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"), ("orch.example.com", "localhost"),
                        ("/etc/ssl/orch.pem", pem), ("/etc/ssl/orch.key", key), ("127.0.0.1:8080",
                        f"127.0.0.1:{upstream}")):
        assert words in shown, f"docs/access.md: {words}"
        shown = shown.replace(words, ours)
    return shown


class Site:
    """``url``: where people reach it; ``port``: where `orch serve` itself listens; ``provider_url``: the provider's."""

    def __init__(self, folder: Path, certificate: Path) -> None:
        self.folder, self.certificate = folder, certificate
        self.front, self.port = free_port(), free_port()
        self.provider_front, self.provider_port = free_port(), free_port()
        # Two sites for a browser, so that cookies are tried as they are between an orch and its provider.
        self.url, self.provider_url = f"https://localhost:{self.front}", f"https://127.0.0.1:{self.provider_front}"
        self.state_dir = folder / ".orch"
        self.accounts = folder / "accounts.json"
        self.parties: list[Party] = []

    def open(self) -> None:
        pem, key = str(self.certificate), str(self.certificate.with_name("key.pem"))
        servers = documented(self.front, self.port, pem, key) + PROVIDER_SERVER.format(
            port=self.provider_front, upstream=self.provider_port, pem=pem, key=key)
        self.parties.append(nginx(self.folder / "nginx", self.front, servers))
        self.start_orch()
        with self.client() as client:
            made = client.post("/api/v1/auth/links", json={
                "token": self._said(r"^https://\S+/link/(\S+)$"), "password": PASSWORD})
            assert made.status_code == 200, made.text

    def start_orch(self) -> None:
        self.orch = self.start("orch", [
            sys.executable, "-m", "orchestrator.cli.main", "serve", "--agents-host", "127.0.0.1", "--agents-port", "0",
            "--page-port", str(self.port), "--behind-proxy", "--page-url", self.url, "--capacity", "0"], self.port,
            ORCH_STATE_DIR=str(self.state_dir), SSL_CERT_FILE=str(self.certificate))

    def start(self, name: str, command: list[str], port: int, **environment: str) -> Party:
        inherited = {one: value for one, value in os.environ.items() if not one.startswith(("ORCH_", "ANSIBLE_"))}
        self.parties.append(Party(command, port, self.folder / f"{name}.log", {**inherited, **environment}))
        return self.parties[-1]

    def _said(self, pattern: str) -> str:
        deadline = time.monotonic() + 60
        while True:
            found = re.search(pattern, self.orch.log.read_text(), re.MULTILINE)
            if found:
                return found[1]
            assert time.monotonic() < deadline, self.orch.log.read_text()[-3000:]
            time.sleep(0.1)

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def client(self, address: str = "127.0.0.1", **options: Any) -> httpx.Client:
        """Comes from that address of this machine; at the proxy, unless ``base_url`` says otherwise."""
        return httpx.Client(transport=httpx.HTTPTransport(verify=self.context, local_address=address), timeout=60,
                            **{"base_url": self.url, **options})

    def control(self) -> Control:
        """The tests' own, on the same store; to be closed."""
        return open_control(self.state_dir)

    def admin(self) -> httpx.Client:
        """Logged in by the password; to be closed."""
        client = self.client()
        answer = client.post("/api/v1/auth/login", json={"name": "admin", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["x-csrf-token"] = answer.json()["csrf_token"]
        return client

    def start_provider(self, **changes: Any) -> Party:
        settings = {"issuer": self.provider_url, "port": self.provider_port, "client_id": "orch",
                    "client_secret": CLIENT_SECRET, "redirect_uri": f"{self.url}/api/v1/auth/oidc/callback",
                    "auth_method": "client_secret_basic", "conform": True, "accounts": str(self.accounts),
                    "modules": str(provider_folder()), **changes}
        return self.start("provider", ["node", str(Path(__file__).with_name("provider.mjs")), json.dumps(settings)],
                          self.provider_port, NODE_NO_WARNINGS="1")

    def close(self) -> None:
        for party in reversed(self.parties):
            party.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signed by itself; key.pem is beside it."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")], check=True,
                   capture_output=True)
    return folder / "cert.pem"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"), certificate)
    try:
        made.open()
        yield made
    finally:
        made.close()
