"""What a command does not need, it does not load: start-up is paid by everybody, every time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("alembic", "asyncssh", "cryptography", "dbos", "pydantic", "rich", "sqlalchemy", "sqlmodel")
ENGINE = ("asyncio", "jinja2", "yaml", "sqlite3")
CASES = [
    ("orch --help", ["--help"], HEAVY + ENGINE),
    ("run --help", ["run", "--help"], HEAVY + ENGINE),
    ("runs list", ["runs", "list"], (*HEAVY, "jinja2", "yaml", "asyncio")),
    ("agents list", ["agents", "list"], (*HEAVY, "jinja2", "yaml", "asyncio")),
    ("doc", ["doc", "copy"], HEAVY),
    ("run", ["run", "site.yml", "-i", "h1,", "-c", "local"], HEAVY),
    ("exec", ["exec", "all", "-i", "h1,", "-c", "local", "-a", "true"], HEAVY),
]


@pytest.mark.parametrize(("argv", "unwanted"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_loads_nothing_heavy(project: Path, argv: list[str], unwanted: tuple[str, ...]) -> None:
    (project / "site.yml").write_text("- hosts: all\n  gather_facts: false\n  tasks: [{command: 'true'}]\n")
    code = f"""
import sys
from orchestrator.cli.main import main
try:
    main({argv!r})
except SystemExit as ended:
    assert not ended.code, ended.code
sys.stderr.write("loaded: " + " ".join(sorted({{name.partition('.')[0] for name in sys.modules}})))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin",
                               "ORCH_STATE_DIR": str(project / "state"), "HOME": str(project)})
    loaded = done.stderr.rpartition("loaded: ")[2].split()
    assert set(loaded) & set(unwanted) == set()


def test_an_ssh_host_loads_asyncssh_without_its_unused_parts(project: Path) -> None:
    code = """
import sys
import orchestrator.carriers.ssh
print(" ".join(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[2])
    loaded = set(done.stdout.split())
    assert "asyncssh" in loaded
    assert loaded & {"cryptography.x509", "email.utils", "OpenSSL", "jinja2", "sqlite3", "yaml"} == set()
