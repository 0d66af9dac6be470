"""`orch` as its users run it: a process of its own, real SSH, real hosts, a database in a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

DEADLINE_S = 600


@dataclass
class Ended:
    """A finished `orch`."""

    rc: int
    out: str
    err: str

    def recap(self, host: str) -> dict[str, int]:
        """The counts of a host's recap line."""
        lines = self.out[self.out.rindex("PLAY RECAP"):].splitlines()
        line = next(text for text in lines if text.startswith(host + " "))
        return {k: int(v) for k, v in (word.split("=") for word in line.split(" : ")[1].split())}


@dataclass
class Project:
    """A folder with a playbook, an inventory and a state directory of its own."""

    folder: Path
    inventory: str = "localhost,"
    env: dict[str, str] = field(default_factory=dict)

    def write(self, **files: str) -> None:
        """``site="…"`` becomes site.yml; a double underscore stands for a slash."""
        for name, text in files.items():
            path = self.folder / (name.replace("__", "/") + ".yml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))

    def hosts(self, *hosts, user: str = "root") -> None:
        path = self.folder / "inventory.ini"
        path.write_text("\n".join(h.inventory_line(user) for h in hosts) + "\n")
        self.inventory = str(path)

    def start(self, *args: str) -> subprocess.Popen:
        """Begin `orch …`; the caller waits for it or kills it."""
        env = {**os.environ, "ORCH_STATE_DIR": str(self.folder / "state"), "NO_COLOR": "1", **self.env}
        command = [sys.executable, "-m", "orchestrator.cli.main", *args]
        return subprocess.Popen(command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, errors="surrogateescape")

    def orch(self, *args: str, timeout: float = DEADLINE_S) -> Ended:
        process = self.start(*args)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Ended(process.returncode, out, err)

    def run(self, *args: str, playbook: str = "site.yml", **options) -> Ended:
        return self.orch("run", playbook, "-i", self.inventory, *args, **options)

    def results(self) -> list[dict]:
        """Every stored result of the latest run."""
        ended = self.orch("runs", "show", "--json")
        assert ended.rc == 0, ended.err
        return [json.loads(line) for line in ended.out.splitlines()]

    def last_run(self) -> str:
        ended = self.orch("runs", "list", "--json", "-n", "1")
        return json.loads(ended.out.splitlines()[0])["id"]


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path)


def wait_for(condition, what: str, seconds: float = 90.0):
    """Poll until ``condition()`` is true; its value. Fails with ``what`` when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    pytest.fail(f"did not happen within {seconds} s: {what}")


def interrupt(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGINT)
