"""docker_compose_v2 against the compose plugin, where it is installed; what it says is read without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.docker_compose_v2 import entries, events
from tests.lab.engine import LabError, docker
from tests.modules.docker import Corner, corner

MODULE = "docker_compose_v2"


@pytest.fixture
def own() -> Iterator[Corner]:
    with corner() as made:
        yield made


@pytest.fixture
def project(own: Corner, tmp_path: Path) -> Iterator[dict[str, Any]]:
    try:
        docker("compose", "version")
    except LabError:
        pytest.skip("there is no docker compose plugin here")
    service = f"    image: {own.image}\n    command: sleep 1000\n    init: true\n    stop_grace_period: 1s\n"
    (tmp_path / "compose.yml").write_text(f"services:\n  a:\n{service}  b:\n{service}")
    args = {"project_src": str(tmp_path), "project_name": own.name("p")}
    yield args
    own.run(MODULE, {**args, "state": "absent"})


def test_a_project_comes_changes_stops_and_goes(own: Corner, project: dict[str, Any]) -> None:
    made = own.converge(MODULE, project)["values"]
    assert {entry["Service"] for entry in made["containers"]} == {"a", "b"}
    own.converge(MODULE, {**project, "scale": {"a": 2}})
    own.converge(MODULE, {**project, "state": "stopped"})
    own.converge(MODULE, project)
    assert own.run(MODULE, {**project, "state": "restarted", "services": ["a"]})["status"] == "changed"
    assert own.run(MODULE, {**project, "recreate": "always"})["status"] == "changed"
    own.converge(MODULE, {**project, "state": "absent"})


def test_a_project_may_be_in_the_task(own: Corner, project: dict[str, Any]) -> None:
    definition = {"services": {"c": {"image": own.image, "command": "sleep 1000", "init": True}}}
    args = {"definition": definition, "project_name": own.name("d")}
    own.converge(MODULE, args)
    own.converge(MODULE, {**args, "state": "absent", "timeout": 1})


def test_what_cannot_be_is_said(own: Corner, project: dict[str, Any], tmp_path: Path) -> None:
    own.fails(MODULE, {**project, "services": ["nosuch"]}, "compose_failed", "nosuch")
    own.fails(MODULE, {"project_src": str(tmp_path / "x")}, "no_project", "is not a directory")
    own.fails(MODULE, {**project, "files": ["nosuch.yml"]}, "no_project", "Cannot find Compose file")
    (tmp_path / "empty").mkdir()
    own.fails(MODULE, {"project_src": str(tmp_path / "empty")}, "no_project", "does not contain")


SAID = """ Network p_default  Creating
 Network p_default  Created
 Container p-a-1  Created 0.1s
 DRY-RUN MODE -  Container p-b-1  Started
 Container p-c-1  Running
"""


def test_events_are_read() -> None:
    assert [(entry["what"], entry["id"], entry["status"]) for entry in events(SAID)] == [
        ("network", "p_default", "Created"), ("container", "p-a-1", "Created"), ("container", "p-b-1", "Started")]
    assert entries('[{"a": 1}]') == entries('{"a": 1}\n') == [{"a": 1}] and entries("") == []
