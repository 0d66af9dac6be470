"""`orch serve` as a process: its first start, its words, its end."""

from __future__ import annotations

import os
import re
import signal
import socket
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
    assert process.wait(10) == 0
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
        assert process.wait(10) == 0
    assert keys[0] == keys[1]


def test_a_port_that_is_taken_is_said_with_a_way_out(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = start("--agents-host", "127.0.0.1", "--agents-port", str(other.getsockname()[1]))
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "cannot listen" in said and "--agents-port" in said and "Traceback" not in said


def test_without_tls_it_listens_on_this_machine_alone(start: Start) -> None:
    process = start("--proxy", "--agents-port", "0")
    assert line(process).startswith("agents: http://127.0.0.1:")
    other = start("--proxy", "--agents-host", "0.0.0.0")
    _, said = other.communicate(timeout=20)
    assert other.returncode != 0 and "--agents-host 127.0.0.1" in said


def test_names_of_this_machine_come_last_and_known_ones_stay() -> None:
    names = default_names(("old.example.com", "localhost"))
    assert names[0] == "old.example.com" and names[-2:] == ("localhost", "127.0.0.1")
    assert len(set(names)) == len(names)
