"""Several `orch serve` processes on one PostgreSQL store: what one has heard, another does not hear again."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.agents.opening import open_desk
from tests.api.gateway import claims, signature_headers

ORCH = str(Path(sys.executable).with_name("orch"))
Start = Callable[[], int]


@pytest.fixture
def start(tmp_path: Path, fresh_postgres_url: str) -> Iterator[Start]:
    """Starts a process behind a proxy that ends TLS; returns its port."""
    running: list[subprocess.Popen[str]] = []

    def act() -> int:
        environment = {**os.environ, "ORCH_STATE_DIR": str(tmp_path / "state"), "ORCH_STORE": fresh_postgres_url}
        running.append(subprocess.Popen(
            [ORCH, "serve", "--proxy", "--agents-port", "0", "--url", f"https://s{len(running)}.example.com"],
            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        said = running[-1].stdout.readline()  # type: ignore[union-attr]
        found = re.search(r":(\d+),", said)
        assert found is not None, said + running[-1].communicate(timeout=20)[1]
        return int(found[1])

    yield act
    for process in running:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def get(port: int, headers: dict[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/agent/v1/config", headers={"Orch-Protocol": "1", **headers})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_a_signed_request_is_good_at_one_of_them(start: Start, tmp_path: Path, fresh_postgres_url: str) -> None:
    ports = [start(), start()]
    desk = open_desk(tmp_path / "state", fresh_postgres_url)
    try:
        enrolled = desk.enrol(desk.invite("web1").token, None, claims("", None))
        assert [one.url for one in desk.servers.running()] == ["https://s1.example.com", "https://s0.example.com"]
    finally:
        desk.close()
        desk.database.close()
    for first, second in (ports, ports[::-1]):
        sent = signature_headers(enrolled.agent_id, enrolled.token, "GET", "/agent/v1/config", b"")
        assert get(first, sent)[0] == 200
        for port in (second, first):
            status, body = get(port, sent)
            assert status == 401 and '"nonce"' in body, body
