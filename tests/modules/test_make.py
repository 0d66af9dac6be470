"""make, on a Makefile of the test."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.modules.conftest import OnHost

MAKEFILE = """WORD = hello
out: in
\tcp in out; echo $(WORD) >> out
other:
\ttouch other
broken:
\t@echo it breaks >&2; exit 3
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    if not shutil.which("make"):
        pytest.skip("there is no make on this machine")
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / "in").write_text("in\n")
    return tmp_path


CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "the first target": ({}, "out", "in\nhello\n"), "a target": ({"target": "other"}, "other", ""),
    "several targets": ({"targets": ["other", "out"]}, "out", "in\nhello\n"),
    "a variable": ({"params": {"WORD": "bye"}, "jobs": 2}, "out", "in\nbye\n"),
    "a variable without a value": ({"target": "out", "params": {"other": None}}, "other", ""),
    "another file": ({"file": "Makefile", "target": "out"}, "out", "in\nhello\n"),
}


@pytest.mark.parametrize(("args", "made", "content"), CASES.values(), ids=CASES.keys())
def test_targets_are_made_once(on_host: OnHost, project: Path, args: dict[str, Any], made: str, content: str) -> None:
    done = on_host.converge("make", {"chdir": str(project), **args})["values"]
    assert (project / made).read_text() == content
    assert done["rc"] == 0 and "make" in done["command"]


def test_a_failure_shows_makes_words(on_host: OnHost, project: Path) -> None:
    on_host.fails("make", {"chdir": str(project), "target": "broken"}, code="make_failed", says="it breaks")
    for check in (True, False):
        on_host.fails("make", {"chdir": str(project), "target": "nosuch"}, code="make_failed",
                      says="No rule to make target", check=check)
    on_host.fails("make", {"chdir": str(project / "nosuch")}, code="no_directory")
    on_host.fails("make", {"chdir": str(project), "make": "nosuchmake"}, code="no_make")
