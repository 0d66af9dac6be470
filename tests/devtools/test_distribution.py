"""Tests in several processes: what shares something stays together, and what happens is said as it happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import distribution
from tests.distribution import LONGEST, TOGETHER, group_of, in_order

ROOT = Path(__file__).resolve().parents[2]
FILE = """
import os, pytest
from pathlib import Path

@pytest.fixture
def broken():
    raise RuntimeError("the ground is not there\\nand more")

@pytest.mark.parametrize("number", range(4))
def test_pid(number):
    with Path(__file__).with_suffix(".pids").open("a") as file:
        file.write(f"{os.getpid()}\\n")
"""
FAULTS = """
def test_cannot_begin(broken): ...

def test_wrong():
    assert 1 == 2, "one is not two"

def test_left_out():
    pytest.skip("not today")
"""


def test_every_file_that_is_named_is_there() -> None:
    assert [file for file in (*TOGETHER, *LONGEST) if not (ROOT / file).exists()] == []


@pytest.mark.parametrize(("test", "group"), [
    ("tests/a/test_a.py::test_x[1::2]", "tests/a/test_a.py"),
    ("tests/bench/test_mixes.py::test_x", "this machine's accounts"),
    ("tests/contract/test_become.py::test_y", "this machine's accounts"),
], ids=["a file", "a shared thing", "in another file"])
def test_a_test_has_a_group(test: str, group: str) -> None:
    assert group_of(test) == group


def test_the_longest_begin_and_nothing_else_changes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "LONGEST", ("slow.py", "slower.py", "bound.py"))
    monkeypatch.setattr(distribution, "TOGETHER", {"bound.py": "it", "other.py": "it"})
    tests = ["a.py::1", "slower.py::1", "other.py::1", "slow.py::2", "b.py::1", "slow.py::1", "bound.py::1"]
    assert [tests[place] for place in in_order(tests)] == [
        "slow.py::2", "slow.py::1", "slower.py::1", "other.py::1", "bound.py::1", "a.py::1", "b.py::1"]


def test_two_processes_keep_together_what_belongs_together_and_name_what_fails(tmp_path: Path) -> None:
    files = [*(tmp_path / file for file in TOGETHER), *(tmp_path / f"tests/test_{name}.py" for name in "abc")]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(FILE + (FAULTS if file.name == "test_b.py" else ""))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n2", "-p", "xdist", "-p", "tests.distribution",
         "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir", ".", "tests"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True, text=True, timeout=300)
    pids = {file: file.with_suffix(".pids").read_text().split() for file in files}
    assert {len(found) for found in pids.values()} == {4}
    assert all(len(set(found)) == 1 for found in pids.values()), "a file's tests run in one process"
    assert len({pids[tmp_path / file][0] for file in TOGETHER}) == 1
    assert len({pid for found in pids.values() for pid in found}) == 2, "there are two"
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "FAILED in setup: tests/test_b.py::test_cannot_begin: RuntimeError: the ground is not there" in lines
    assert "FAILED tests/test_b.py::test_wrong: AssertionError: one is not two" in lines
    assert re.search(r"^\[ *\d+%\] tests/test_b\.py: 7 in \d+\.\d s$", done.stdout, re.MULTILINE), done.stdout
    assert any(line.startswith("[100%] ") for line in lines)
    assert "E       AssertionError: one is not two" in lines, "the whole story is told in the end"
    assert any(line.startswith("ERROR tests/test_b.py::test_cannot_begin") for line in lines)
    assert lines[-1].startswith("1 failed, 20 passed, 1 skipped, 1 error in ")
