"""Runs modules on this machine in a network of its own: what they do to tables of packets is gone with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.modules.trial import Result, Trial

ROOT = Path(__file__).resolve().parents[2]
DRIVER = """
import json, subprocess, sys
from agentlet.execute import execute
from agentlet.host import local_host
for line in sys.stdin:
    ask = json.loads(line)
    if "shell" in ask:
        done = subprocess.run(ask["shell"], shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        answer = done.stdout.decode()
    else:
        answer = execute(ask["module"], ask["args"], local_host(check_mode=ask["check"], diff=True))
    print(json.dumps(answer), flush=True)
"""


class OwnNetwork(Trial):
    """A process in a network namespace."""

    def __init__(self) -> None:
        argv = ["unshare", "-n", "-m", sys.executable, "-c", DRIVER]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def _ask(self, **ask: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        print(json.dumps(ask), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def shell(self, command: str) -> str:
        return str(self._ask(shell=command)).strip()

    def seen(self, look: str) -> str:
        return self.shell(look)

    def run(self, module: str, args: dict[str, Any], *, check: bool = False) -> Result:
        result: Result = self._ask(module=module, args=args, check=check)
        return result

    def close(self) -> None:
        self.process.stdin.close()  # type: ignore[union-attr]
        self.process.wait(10)


def needs(*programs: str) -> None:
    """Skip unless this machine can make a network namespace and has these programs."""
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        pytest.skip(f"this machine has no {missing[0]}")
    tried = subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True)
    if os.geteuid() != 0 or tried.returncode:
        pytest.skip("no network namespace can be made here")
