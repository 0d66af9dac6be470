"""How a case is called: command line, folder and environment, as ansible-core's own test runner would do it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.compat.cases import HOST, Case
from tests.compat.engines import environment
from tests.compat.tree import Tree

NAME = "testhost"
GROUP = "testgroup"


@dataclass(frozen=True)
class Invocation:
    argv: list[str]
    cwd: Path
    env: dict[str, str]


def prepare(case: Case, tree: Tree, scratch: Path, engine: Sequence[str], variables: Mapping[str, str]) -> Invocation:
    """Write the inventory (and a role's play) and say how to call ``engine``. ``variables``: those of the lab host."""
    output = scratch / "output"
    output.mkdir(parents=True)
    inventory = scratch / "inventory"
    inventory.write_text(inventory_text(variables))
    tree.cut(case.target, case.cut)
    cwd = tree.targets / case.target if case.playbook else tree.integration
    playbook = case.playbook or _play_of_role(case, tree.integration, output)
    places = {"@tests@": str(tree.integration), "@output@": str(output), HOST: str(inventory)}
    sources = case.inventory if case.playbook else (HOST,)
    argv = [*engine, playbook, *(part for name in sources for part in ("-i", places.get(name, name)))]
    shared = environment(scratch)
    env = {
        **shared, "PATH": f"{tree.bin}:{shared['PATH']}", "OUTPUT_DIR": str(output), "INVENTORY_PATH": str(inventory),
        "ANSIBLE_PLAYBOOK_DIR": str(cwd), "ANSIBLE_ROLES_PATH": "" if case.playbook else str(tree.targets),
        **{name: _filled(value, places) for name, value in case.env.items()},
    }
    return Invocation([*argv, *(_filled(part, places) for part in case.args)], cwd, _without_empty(env))


def local_variables() -> dict[str, str]:
    return {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


def host_variables(variables: Mapping[str, str]) -> dict[str, str]:
    return {**variables, "ansible_python_interpreter": "/usr/bin/python3", "ansible_pipelining": "yes"}


def inventory_text(variables: Mapping[str, str], group: str = GROUP) -> str:
    quoted = " ".join(f"{name}={json.dumps(value)}" for name, value in variables.items())
    return f"[{group}]\n{NAME} {quoted}\n"


def _play_of_role(case: Case, folder: Path, output: Path) -> str:
    play = {"hosts": NAME, "gather_facts": case.gather_facts, "vars": {"output_dir": str(output)},
            "roles": [case.target]}
    path = folder / f"{case.slug}.yml"
    path.write_text(json.dumps([play], indent=1))
    return path.name


def _filled(text: str, places: Mapping[str, str]) -> str:
    for mark, place in places.items():
        text = text.replace(mark, place)
    return text


def _without_empty(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if value}
