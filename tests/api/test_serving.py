"""`orch serve` as a process: its first start, its words, its end."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.serving import default_names

ORCH = str(Path(sys.executable).with_name("orch"))
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def act(*arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "ORCH_STATE_DIR": str(tmp_path / "state")}
        environment.pop("ORCH_STORE", None)
        running.append(subprocess.Popen([ORCH, "serve", *arguments], cwd=tmp_path, env=environment, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return running[-1]

    yield act
    for process in running:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_first_start_makes_everything_and_says_where_it_listens(start: Start, tmp_path: Path) -> None:
    process = start("--agents-host", "127.0.0.1", "--agents-port", "0", "--name", "orch.example.com",
                    "--name", "127.0.0.1")
    assert re.fullmatch(r"agents: https://127\.0\.0\.1:\d+, as orch\.example\.com, 127\.0\.0\.1\n", line(process))
    assert re.fullmatch(r"the server's key: sha256//[A-Za-z0-9+/]{43}=\n", line(process))
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    state = tmp_path / "state"
    assert stat.S_IMODE(state.stat().st_mode) == stat.S_IMODE((state / "ca").stat().st_mode) == 0o700
    for path in state.rglob("*"):
        if path.is_file() and path.suffix in (".key", ".db"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert process.stderr is not None and process.stderr.read() == ""


def test_the_key_stays_from_start_to_start(start: Start) -> None:
    keys = []
    for _ in range(2):
        process = start("--agents-host", "127.0.0.1", "--agents-port", "0", "--name", "127.0.0.1")
        line(process)
        keys.append(line(process))
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert keys[0] == keys[1]


def test_a_port_that_is_taken_is_said_with_a_way_out(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = start("--agents-host", "127.0.0.1", "--agents-port", str(other.getsockname()[1]))
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cannot listen" in said and "--agents-port" in said and "Traceback" not in said


def test_without_tls_it_listens_on_this_machine_alone(start: Start) -> None:
    process = start("--proxy", "--agents-port", "0")
    assert line(process).startswith("agents: http://127.0.0.1:")
    other = start("--proxy", "--agents-host", "0.0.0.0")
    _, said = other.communicate(timeout=60)
    assert other.returncode != 0 and "--agents-host 127.0.0.1" in said


def invite(state: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ORCH_STATE_DIR": str(state)}
    for name in ("ORCH_STORE", "ORCH_AGENTS_URL"):
        environment.pop(name, None)
    return subprocess.run([ORCH, "agents", "invite", "laptop7", *options], env=environment, text=True,
                          capture_output=True, timeout=60)


def test_an_invitation_knows_where_the_server_listens_while_it_runs(start: Start, tmp_path: Path) -> None:
    process = start("--agents-host", "127.0.0.1", "--agents-port", "0", "--name", "orch.example.com")
    found = re.search(r":(\d+), as", line(process))
    assert found is not None
    assert f" https://orch.example.com:{found[1]}/install/" in invite(tmp_path / "state").stdout
    process.kill()  # it cannot say that it ends
    process.wait(60)
    assert " https://orch.example.com:8444/install/" in invite(tmp_path / "state").stdout
    process = start("--agents-host", "127.0.0.1", "--agents-port", "0", "--name", "orch.example.com",
                    "--url", "https://nat.example.com:7443")
    line(process)
    assert " https://nat.example.com:7443/install/" in invite(tmp_path / "state").stdout
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    with sqlite3.connect(tmp_path / "state" / "orch.db") as store:
        (count,) = store.execute("SELECT count(*) FROM servers").fetchone()
    assert count == 1, "the one that was killed; the one that ended took its row with it"


def test_behind_a_proxy_an_invitation_needs_the_proxys_address(start: Start, tmp_path: Path) -> None:
    process = start("--proxy", "--agents-port", "0")
    line(process)
    refused = invite(tmp_path / "state")
    assert refused.returncode == 1 and "--proxy --url" in refused.stderr, refused.stdout
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    process = start("--proxy", "--agents-port", "0", "--url", "https://orch.example.com/")
    line(process)
    said = invite(tmp_path / "state").stdout
    assert re.fullmatch(r"curl -fsS https://orch\.example\.com/install/[\w-]+ \| sh\n", said), said


def test_a_rollout_is_begun_at_the_first_start_and_kept_at_later_ones(start: Start) -> None:
    for ring, is_other in (("10", False), ("10", False), ("1", True)):
        process = start("--agents-host", "127.0.0.1", "--agents-port", "0", "--name", "a.example", "--rollout", ring)
        line(process)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        rest = process.stdout.read()
        assert ("updates are let to 10 %" in rest) == is_other, rest


def test_names_of_this_machine_come_last_and_known_ones_stay() -> None:
    names = default_names(("old.example.com", "localhost"))
    assert names[0] == "old.example.com" and names[-2:] == ("localhost", "127.0.0.1")
    assert len(set(names)) == len(names)
