"""What `pipx install` gives: the wheel alone, without this checkout, runs a playbook and records it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel's contents, unpacked as an installer would."""
    pytest.importorskip("hatchling", reason="hatchling is not installed: `./dev env` brings it")
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)], cwd=ROOT, check=True,
                   capture_output=True)
    with zipfile.ZipFile(next(out.glob("*.whl"))) as archive:
        archive.extractall(out / "site")
    return out / "site"


def test_the_wheel_alone_runs_and_records(project, wheel):
    project.env.update(PYTHONPATH=str(wheel), PYTHONSAFEPATH="1")
    ended = project.run("-c", "local", playbook=str(wheel / "playbooks" / "quickstart.yml"))
    assert ended.rc == 0, ended.out + ended.err
    assert ended.recap("localhost")["failed"] == 0
    assert len(project.results()) > 5


def test_tests_stay_out_of_the_wheel(wheel):
    assert not (wheel / "tests").exists()
    assert (wheel / "orchestrator" / "store" / "schema_sqlite.sql").exists()
