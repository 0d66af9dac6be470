"""An agentlet as a host runs it: the one file, a Python, a folder for its state; and a double of its gateway."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agents.bundle import build_pyz
from tests.agentlet.pull.gateway_double import GatewayDouble
from tests.agentlet.pull.helper_double import Helpers, me
from tests.contract.conftest import FOUND, pytest_generate_tests  # noqa: F401  one test on every Python

QUICK = {"first_s": 0, "interval_s": 0.2, "hold_s": 1, "heartbeat_s": 1,
         "retry_s": [0.1, 0.2, 0.5], "refused_s": [0.3, 0.6]}
"""The owner's settings of a test: what takes minutes in the field takes tenths of a second."""


class Host:
    """One agentlet. Processes are started by `enroll` and `run`."""

    def __init__(self, program: Path, folder: Path, gateway: GatewayDouble, python: str) -> None:
        self.program = program
        self.gateway = gateway
        self.python = python
        self.state = folder / "state"
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    def call(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """One command, as a person types it."""
        command = [self.python, "-IS", str(self.program), arguments[0], *arguments[1:], "--state", str(self.state)]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, env=self._environment())

    def enroll(self, *options: str, token: str = "good-token") -> None:
        done = self.call("enroll", self.gateway.url, *(options or ("--pin", self.gateway.ca.pin())), stdin=token + "\n")
        assert done.returncode == 0, done.stderr
        self.set()

    def set(self, **settings: Any) -> None:
        (self.state / "settings.json").write_text(json.dumps({**QUICK, **settings}))

    def run(self, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        command = [self.python, "-IS", str(self.program), "run", "--state", str(self.state)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**self._environment(), **(environment or {})},
                                            start_new_session=True)
        return self.process

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def await_said(self, text: str, timeout_s: float = 60.0) -> None:
        end = time.monotonic() + timeout_s
        while text not in self.said():
            assert time.monotonic() < end, self.said()
            time.sleep(0.02)

    def allow(self, **rules: Any) -> None:
        """The owner's policy."""
        (self.state / "policy.json").write_text(json.dumps(rules))

    def folders(self) -> list[Path]:
        return sorted((self.state / "jobs").glob("?" * 40 + "-*"))

    def _environment(self) -> dict[str, str]:
        return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agentlet's one file."""
    path = tmp_path_factory.mktemp("agentlet") / "agentlet.pyz"
    path.write_bytes(build_pyz())
    return path


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayDouble]:
    made = GatewayDouble(tmp_path / "gateway")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def host(program: Path, tmp_path: Path, gateway: GatewayDouble) -> Iterator[Host]:
    """On one Python: what does not depend on the version."""
    yield from _host(program, tmp_path, gateway, FOUND.get((3, 11)) or FOUND[max(FOUND)])


@pytest.fixture
def any_host(python: str, program: Path, tmp_path: Path, gateway: GatewayDouble) -> Iterator[Host]:
    """On each Python that this machine has."""
    yield from _host(program, tmp_path, gateway, python)


@pytest.fixture
def helpers(program: Path, tmp_path: Path) -> Iterator[Helpers]:
    """The root helper of an agentlet that is this user, on the oldest Python."""
    with Helpers(program, tmp_path / "helper", FOUND.get((3, 6)) or FOUND[min(FOUND)], me()) as made:
        yield made


def _host(program: Path, tmp_path: Path, gateway: GatewayDouble, python: str) -> Iterator[Host]:
    folder = tmp_path / "host"
    folder.mkdir()
    made = Host(program, folder, gateway, python)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()
    if os.environ.get("SHOW_LOG"):
        print(made.said())


def task(number: int, module: str, /, _args: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A task with every field of the wire."""
    default = {"id": f"t{number}", "become": None, "environment": {}, "check": False, "diff": False, "timeout_s": None,
               "retry_safe": True, "receipt": False, "no_log": False, "continue_on_failure": False, "cwd": None}
    return {**default, "module": module, "args": _args or {}, **fields}


def command(number: int, line: str, **fields: Any) -> dict[str, Any]:
    """A task that must not run twice."""
    return task(number, "shell", {"_raw_params": line}, **{"retry_safe": False, "receipt": True, **fields})
