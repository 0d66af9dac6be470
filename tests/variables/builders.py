"""Plays, roles and tasks for tests, and a store over a real inventory on disk."""

from pathlib import Path
from typing import Any

import inventory
from orchestrator.content.loader import ContentLoader
from orchestrator.content.trust import trust
from orchestrator.content.yaml import load_yaml
from orchestrator.errors import Origin
from orchestrator.model import Play, Role, Task
from orchestrator.template.engine import Engine
from orchestrator.template.types import Map
from orchestrator.variables.store import VariableStore

HERE = Origin("site.yml", 1, 1)


def vars_of(text: str | dict[str, Any]) -> Map:
    return load_yaml(text, file="site.yml") if isinstance(text, str) else Map(text, origin=HERE)


def make_role(name: str, path: str = "", **given: Any) -> Role:
    maps = {key: vars_of(given.pop(key, {})) for key in ("defaults", "vars", "params")}
    return Role(name=name, path=path or f"/roles/{name}", origin=HERE, **maps, **given)


def make_task(**given: Any) -> Task:
    return Task(id="t1", origin=given.pop("origin", HERE), action="debug", action_written="debug", args=Map(), **given)


def make_play(**given: Any) -> Play:
    return Play(
        id="p1",
        index=0,
        origin=HERE,
        name=given.pop("name", "the play"),
        hosts="all",
        sections=[],
        handlers=[],
        roles=given.pop("roles", []),
        vars=vars_of(given.pop("vars", {})),
        **given,
    )


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def make_store(folder: Path, hosts: str = "all:\n  hosts:\n    h1: {}\n    h2: {}\n", **given: Any) -> VariableStore:
    """Inventory in ``inv/hosts.yml``, the playbook in ``play/``."""
    write(folder, {"inv/hosts.yml": hosts, "play/.keep": ""})
    loaded = inventory.load(
        [str(folder / "inv" / "hosts.yml")],
        parse_yaml=lambda text, file: load_yaml(text, file=file),
        trust=lambda text, file, line, column: trust(text, Origin(file, line, column)),
    )
    return VariableStore(
        loaded,
        Engine(),
        ContentLoader(),
        playbook_dir=str(folder / "play"),
        inventory_dirs=[str(folder / "inv")],
        **given,
    )
