"""`orch serve` for people, as a process: its first start, TLS, names, ports, its end while somebody listens."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from orchestrator.security.ca import CertificateAuthority

ORCH = str(Path(sys.executable).with_name("orch"))
PASSWORD = "four words are enough"


class Serving:
    def __init__(self, folder: Path, *arguments: str) -> None:
        self.state = folder / "state"
        self.environment = {**os.environ, "ORCH_STATE_DIR": str(self.state)}
        self.environment.pop("ORCH_STORE", None)
        command = [ORCH, "serve", "--agents-host", "127.0.0.1", "--agents-port", "0", *arguments]
        self.process = subprocess.Popen(command, cwd=folder, env=self.environment, text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.said: list[str] = []

    def line(self, pattern: str) -> re.Match[str]:
        """The next line that matches; those before it are kept in ``said``."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            found = re.search(pattern, line)
            if found:
                return found
        raise AssertionError("".join(self.said) + self.process.communicate()[1])

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=60)
        assert self.process.returncode == 0
        return errors


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    running: list[Serving] = []

    def act(*arguments: str) -> Serving:
        running.append(Serving(tmp_path, *arguments))
        return running[-1]

    yield act
    for one in running:
        one.process.kill()
        one.process.communicate()


def test_the_first_start_lets_an_admin_in_and_the_link_is_good_once(serve: Callable[..., Serving]) -> None:
    first = serve("--page-port", "0")
    assert first.line(r"^page: (http://127\.0\.0\.1:\d+)$")
    old = first.line(r"(http://127\.0\.0\.1:\d+)/link/(\S+)$")
    first.stop()
    second = serve("--page-port", "0")
    link = second.line(r"(http://127\.0\.0\.1:\d+)/link/(\S+)$")
    assert link[2] != old[2]
    with httpx.Client(base_url=link[1], timeout=60) as client:
        refused = client.post("/api/v1/auth/links", json={"token": old[2], "password": PASSWORD})
        assert refused.status_code == 401
        made = client.post("/api/v1/auth/links", json={"token": link[2], "password": PASSWORD})
        assert made.status_code == 200 and made.json()["user"]["role"] == "admin"
        assert client.get("/api/v1/auth/me").json()["user"]["name"] == "admin"
        assert client.get("/health").json()["parts"]["database"]["state"] == "ok"
        assert client.get("/api/v1/users?search=a%20secret").status_code == 200
    log = second.stop()
    lines = [json.loads(line) for line in log.splitlines()]
    assert any(one.get("route") == "/api/v1/auth/me" and one["user"] == "admin" and one["request"] for one in lines)
    assert not any(secret in log for secret in (PASSWORD, link[2], "a%20secret", "a secret"))
    third = serve("--page-port", "0")
    third.line(r"^page: ")
    third.stop()
    assert not any("/link/" in line for line in third.said)


def test_with_tls_of_its_own_authority(serve: Callable[..., Serving], tmp_path: Path) -> None:
    one = serve("--page-port", "0", "--page-tls", "--name", "127.0.0.1")
    address = one.line(r"^page: (https://127\.0\.0\.1:\d+)$")[1]
    authority = CertificateAuthority(tmp_path / "state" / "ca")
    trusting = ssl.create_default_context(cadata=authority.bundle())
    with httpx.Client(base_url=address, verify=trusting, timeout=60) as client:
        assert client.get("/health/live").json() == {"state": "ok"}
        assert client.get("/health/live", headers={"Host": "evil.example.com"}).status_code == 421
        assert "max-age" in client.get("/health/live").headers["strict-transport-security"]
    assert "warning" not in "".join(one.said)
    one.stop()


def test_without_tls_on_other_addresses_it_says_what_that_means(serve: Callable[..., Serving]) -> None:
    one = serve("--page-port", "0", "--page-host", "0.0.0.0")
    one.line(r"^page: http://localhost:\d+$")
    assert one.line(r"^warning: without TLS")
    one.stop()


def test_a_port_that_was_asked_for_and_is_taken_is_said(serve: Callable[..., Serving]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        one = serve("--page-port", str(other.getsockname()[1]))
        _, said = one.process.communicate(timeout=60)
    assert one.process.returncode == 1 and "--page-port" in said and "Traceback" not in said


def test_it_stops_while_requests_come(serve: Callable[..., Serving]) -> None:
    one = serve("--page-port", "0")
    address = one.line(r"^page: (http://127\.0\.0\.1:\d+)$")[1]
    told: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=address, timeout=60) as client:
            try:
                while True:
                    told.append(client.get("/api/v1/auth/me").status_code)
            except httpx.TransportError:
                return

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    while len(told) < 20:
        pass
    one.stop()
    for thread in asking:
        thread.join(30)
    assert set(told) <= {401, 429, 503}


def test_users_from_the_command_line(tmp_path: Path) -> None:
    environment = {**os.environ, "ORCH_STATE_DIR": str(tmp_path / "state")}

    def orch(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run([ORCH, "users", *arguments], cwd=tmp_path, env=environment, text=True, input=typed,
                              capture_output=True, timeout=120)

    made = orch("add", "ann", "--role", "admin")
    assert made.returncode == 0 and made.stdout.startswith("/link/"), made.stderr
    assert orch("add", "ann").returncode == 1
    assert orch("passwd", "ann", typed=f"{PASSWORD}\n{PASSWORD}\n").returncode == 0
    refused = orch("lock", "ann")
    assert refused.returncode == 1 and "last admin" in refused.stderr and "Traceback" not in refused.stderr
    listed = [json.loads(line) for line in orch("list", "--json").stdout.splitlines()]
    assert [(one["name"], one["role"], one["state"]) for one in listed] == [("ann", "admin", "active")]
    assert "password" not in json.dumps([{**one, "must_change_password": None} for one in listed]).replace(
        "must_change_password", "")
    assert orch("link", "nobody").returncode == 1
