"""The same playbooks by SSH, by the mailbox and locally leave the same results in the store, and the same files."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modules import registry
from tests.conformance.rows import Difference, keyed, unlike
from tests.conformance.twins import HOST_NAME, WAYS, Twins
from tests.e2e.conftest import Project
from tests.lab.engine import docker
from tests.lab.hosts import Lab

HERE = Path(__file__).parent
PLAYS = HERE / "plays"
SHIPPED = HERE.parents[1] / "playbooks"
BRIDGED = "bridged"
"""Stands for what is in plays/library; no task names it."""
ROUNDS = [
    *[("files", PLAYS / "files.yml", words) for words in ("--check --diff", "--diff", "")],
    *[("commands", PLAYS / "commands.yml", words) for words in ("",)],
    *[("system", PLAYS / "system.yml", words) for words in ("--check --diff", "--diff", "")],
    *[("absent", PLAYS / "absent.yml", words) for words in ("", "--check")],
    *[(name, SHIPPED / f"{name}.yml", words) for name in ("quickstart", "webserver") for words in ("", "--diff")],
]
"""Run one after the other on the same hosts: planned, done, and done again."""
LARGE_BYTES = 3_000_000


@pytest.fixture(scope="module")
def twins(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    hosts = lab.add(2, prefix=HOST_NAME)
    with Twins(Project(tmp_path_factory.mktemp("conformance")), *hosts) as found:
        folder = found.project.folder
        (folder / "large.bin").write_bytes(random.Random(1).randbytes(LARGE_BYTES))
        yield found
    for host in hosts:
        docker("rm", "--force", "--volumes", host.container)
        lab.hosts.remove(host)


@pytest.fixture(scope="module")
def allowed() -> list[Difference]:
    return [Difference(**row) for row in yaml.safe_load((HERE / "differences.yml").read_text())]


@pytest.mark.parametrize(("playbook", "words"), [row[1:] for row in ROUNDS],
                         ids=[f"{name} {words}".strip() for name, _, words in ROUNDS])
def test_every_way_leaves_the_same(twins: Twins, allowed: list[Difference], playbook: Path, words: str) -> None:
    project = twins.project
    given = (f"large={project.folder}/large.bin", f"fetched={project.folder}/fetched",
             f"quickstart_folder={twins.area}/quickstart")
    ended = project.run(*words.split(), *(word for one in given for word in ("-e", one)), playbook=str(playbook))
    assert ended.rc == 0, ended.out[-3000:] + ended.err
    rows = project.results()
    first, *others = (keyed(rows, way) for way in WAYS)
    assert first
    assert {row["carrier"] for row in others[0].values()} <= {"mailbox", "controller", "local"}
    found = [f"{way}: {line}" for way, other in zip(WAYS[1:], others, strict=True) if other
             for line in unlike(first, other, way, allowed)]
    assert not found, "\n".join(found)


def test_every_module_has_a_case() -> None:
    named = set().union(*(_names(yaml.safe_load(path.read_text())) for path in PLAYS.glob("*.yml")))
    modules = {name for name in registry.names() if (Path(registry.FOLDER) / f"{name}.py").exists()}  # no mere actions
    assert len(modules) > 100
    assert modules - named - {BRIDGED} == set()


def _names(node: Any) -> set[str]:
    """The modules that tasks anywhere below ``node`` name."""
    if isinstance(node, list):
        return set().union(*map(_names, node))
    if not isinstance(node, dict):
        return set()
    tasks = {name for key in node if (name := registry.canonical(key))}
    return tasks.union(*(_names(node[key]) for key in ("tasks", "block", "rescue", "always") if key in node))
