"""A project folder of its own for each test, and `orch` called the way the console script calls it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.cli.main import main

INVENTORY = """\
all:
  vars: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}", port: 80}
  children:
    web:
      hosts:
        web1: {port: 8080}
        web2:
    db:
      hosts:
        db1:
"""


@dataclass
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Orch = Callable[..., Said]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with ``inv.yml``: web1 and web2 in web, db1 in db, all of them this machine."""
    for name in ("NO_COLOR", "FORCE_COLOR", "ANSIBLE_FORCE_COLOR", "ANSIBLE_INVENTORY", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ORCH_STATE_DIR", str(tmp_path / "state"))
    # Files are read for excerpts once in a process; here each test is a process to itself.
    monkeypatch.setattr("orchestrator.cli.display.excerpt._files", {})
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "inv.yml").write_text(INVENTORY)
    return folder


@pytest.fixture
def orch(project: Path, capfd: pytest.CaptureFixture[str]) -> Orch:
    """``orch("run", "site.yml")``: in this process, with the exit code it would have had."""

    def call(*argv: str) -> Said:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(argv))
        out, err = capfd.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0 if code is None else 1, out, err)

    return call


def unstamped(text: str) -> str:
    """Times and durations that commands report, as fixed words."""
    return re.sub(r'"(start|end|delta)": "[^"]*"', r'"\1": "…"', text)
