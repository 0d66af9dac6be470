"""Every interpreter from 3.6 to 3.13 that this machine has; what is absent is printed, and counted as a skip."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlet.launch import INTERPRETERS
from tests.contract.driver import Runtime

VERSIONS = tuple((3, minor) for minor in range(6, 14))


def interpreters() -> dict[tuple[int, int], str]:
    """The interpreters found, by version: pyenv's, then the system's."""
    candidates = [str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))]
    candidates += [f"/usr/bin/{name}" for name in INTERPRETERS if "/" not in name]
    found: dict[tuple[int, int], str] = {}
    for path in candidates:
        if Path(path).exists():
            asked = subprocess.run([path, "-c", "import sys;print(list(sys.version_info[:2]))"], capture_output=True)
            major, minor = json.loads(asked.stdout or b"[0, 0]")
            found.setdefault((major, minor), path)
    return {version: path for version, path in found.items() if version in VERSIONS}


FOUND = interpreters()
ABSENT = [f"{major}.{minor}" for major, minor in VERSIONS if (major, minor) not in FOUND]


def pytest_report_header() -> str:
    have = ", ".join(f"{major}.{minor}" for major, minor in sorted(FOUND))
    return f"contract tests run on Python {have}; absent: {', '.join(ABSENT) or 'none'}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "python" in metafunc.fixturenames:
        params = [
            pytest.param(
                FOUND.get(version, ""),
                id=f"py{version[0]}.{version[1]}",
                marks=() if version in FOUND else pytest.mark.skip(reason="this interpreter is not here"),
            )
            for version in VERSIONS
        ]
        metafunc.parametrize("python", params)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def runtime(python: str) -> Iterator[Runtime]:
    """A booted runtime that is told of the modules in `programs`."""
    with Runtime(python) as booted:
        yield booted


@pytest.fixture(scope="session")
def newest() -> str:
    """One interpreter, for what does not depend on the version."""
    return FOUND[max(FOUND)]
