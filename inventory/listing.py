"""What ``orch inventory list``, ``graph`` and ``host`` show, in the shapes of ansible-inventory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from inventory.inventory import Inventory
from inventory.model import Group

HostVars = Callable[[str], Mapping[str, Any]]
"""All variables of a host as they are to be shown. The default merges what the sources say; the CLI hands in one that
knows group_vars, host_vars and how to show templates and sealed values."""


def merged_vars(inventory: Inventory, host: str) -> dict[str, Any]:
    """What the sources say about a host, its groups included, in Ansible's order; group_vars files are not read."""
    merged: dict[str, Any] = {}
    for group in inventory.groups_of(host):
        merged.update(group.vars)
    found = inventory.hosts.get(host)
    if found is not None:
        merged.update(found.vars)
    return merged


def as_list(inventory: Inventory, host_vars: HostVars | None = None) -> dict[str, Any]:
    """The JSON of ``--list``: groups with hosts and children, empty ones left out, and ``_meta.hostvars``."""
    of_host = host_vars or (lambda name: merged_vars(inventory, name))
    hostvars = {name: dict(of_host(name)) for name, host in inventory.hosts.items() if not host.implicit}
    listed: dict[str, Any] = {"_meta": {"hostvars": {n: v for n, v in sorted(hostvars.items()) if v}}}
    for name in sorted(inventory.groups):
        shown = _group(inventory.groups[name])
        if shown:
            listed[name] = shown
    return listed


def _group(group: Group) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if group.children:
        shown["children"] = list(group.children)
    if group.hosts and group.name != "all":
        shown["hosts"] = list(group.hosts)
    return shown


def as_graph(
    inventory: Inventory, group: str = "all", host_vars: HostVars | None = None, with_vars: bool = False
) -> str:
    """The text of ``--graph``: groups with ``@``, indented; ``with_vars`` adds the variables."""
    of_host = host_vars or (lambda name: merged_vars(inventory, name))
    return "\n".join(_graph(inventory, inventory.groups[group], 0, of_host if with_vars else None))


def _graph(inventory: Inventory, group: Group, depth: int, of_host: HostVars | None) -> Iterator[str]:
    yield _line(f"@{group.name}:", depth)
    for child in group.children:
        yield from _graph(inventory, inventory.groups[child], depth + 1, of_host)
    if group.name != "all":
        for name in group.hosts:
            yield _line(name, depth + 1)
            if of_host is not None:
                yield from _variables(of_host(name), depth + 2)
    if of_host is not None:
        yield from _variables(group.vars, depth + 1)


def _variables(values: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name in sorted(values):
        yield _line(f"{{{name} = {values[name]}}}", depth)


def _line(text: str, depth: int) -> str:
    return "  |" * depth + f"--{text}" if depth else text


def as_host(inventory: Inventory, host: str, host_vars: HostVars | None = None) -> dict[str, Any]:
    """The JSON of ``--host``: the host's variables alone. Raises KeyError for a host that is not there."""
    found = inventory.host(host)
    if found is None:
        raise KeyError(host)
    return dict(sorted((host_vars or (lambda name: merged_vars(inventory, name)))(host).items()))
