"""A Control on SQLite and on PostgreSQL, with identities of each role."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.access.rights import ROLES, Grant, Identity
from orchestrator.control.control import Control, open_control
from orchestrator.projects.projects import Project
from orchestrator.store.database import database_for
from tests.agents.conftest import Clock, clock, emptied  # noqa: F401  fixtures are found by name
from tests.lab import postgresql

_numbers = itertools.count(1)
ADMIN = Identity("u-admin", "ann", "admin", address="192.0.2.7")


def identity(role: str, *grants: Grant) -> Identity:
    return Identity(f"u-{role}", role, role, grants=grants)


BY_ROLE = {role: identity(role) for role in ROLES}


@pytest.fixture(scope="session")
def migrated_url(postgres_cluster: postgresql.Cluster) -> str:
    """One database for all tests of a folder: its schema takes a second to make."""
    url = postgres_cluster.create_database(f"projects{next(_numbers)}")
    database = database_for(url)
    database.open()
    database.close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """None: the state directory's own SQLite file."""
    return None if request.param == "sqlite" else emptied(request.getfixturevalue("migrated_url"))


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder below which projects may lie."""
    folder = tmp_path / "roots"
    folder.mkdir()
    monkeypatch.setenv("ORCH_PROJECT_ROOTS", str(folder))
    return folder


@pytest.fixture
def control(tmp_path: Path, store_url: str | None, roots: Path, clock: Clock) -> Iterator[Control]:  # noqa: F811
    opened = open_control(tmp_path / "state", store_url, clock)
    yield opened
    opened.close()


@pytest.fixture
def project(control: Control, roots: Path) -> Project:
    """A directory with a playbook, a role, and an inventory."""
    folder = roots / "web"
    write(folder, {
        "site.yml": "- name: Web servers\n  hosts: web\n  vars_prompt:\n    - name: release\n      prompt: Which?\n"
                    "      private: false\n  tasks:\n    - debug: msg=hello\n",
        "ops/reboot.yml": "- hosts: \"{{ target }}\"\n  tasks: []\n",
        "notes.yml": "hosts: are not here\n",
        "roles/nginx/tasks/main.yml": "- debug: msg=hi\n",
        "roles/nginx/meta/main.yml": "galaxy_info:\n  description: A web server\n",
        "inventory.yml": "web:\n  hosts:\n    web1: {http_port: 80}\n    web2:\n  vars:\n    db_password: geheimnis\n"
                         "    url: \"http://{{ inventory_hostname }}\"\n",
        "group_vars/web.yml": "http_port: 8080\n",
    })
    return control.projects.create(ADMIN, "web", "directory", path=str(folder))


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def git(folder: Path, *arguments: str) -> str:
    """git with an identity of its own, for making repositories to fetch from."""
    settings = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main",
                "-c", "protocol.file.allow=always")
    return subprocess.run(["git", *settings, "-C", str(folder), *arguments], check=True, capture_output=True,
                          text=True, timeout=60).stdout.strip()


def committed(folder: Path, files: dict[str, str]) -> str:
    """The commit of these files, in a repository that is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    write(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "x")
    return git(folder, "rev-parse", "HEAD")
