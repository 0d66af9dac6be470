"""Adds a host to the inventory for the rest of the run.

Example:

    - add_host:
        name: db9.example.net
        groups: [db, new]
        ansible_user: deploy

Returns: ``add_host``. Runs once for all hosts of a play.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.api import Arg
from orchestrator.engine.call import Call
from orchestrator.engine.outcome import Value
from orchestrator.errors import TaskFault

ARGS = {
    "name": Arg("str", aliases=("host", "hostname"), help="The host's name in the inventory; host:port is understood."),
    "groups": Arg("raw", aliases=("group", "groupname"), help="Groups to put it into; made when they do not exist."),
}
ALLOW_UNKNOWN = True
ONCE = True
"""Runs on the first host of a batch only; its effect is the run's."""


async def run(call: Call) -> Value:
    args = dict(call.args)
    args.pop("_raw_params", None)
    name = _taken(args, "name", "host", "hostname")
    groups = _taken(args, "groups", "group", "groupname")
    if not name:
        raise TaskFault("name, host or hostname needs to be provided", code="arguments", origin=call.task.origin)
    if not isinstance(name, str):
        raise TaskFault(f"the host name must be a string, not {type(name).__name__}", code="arguments",
                        origin=call.task.origin)
    name, port = _split_port(name)
    variables = args if port is None else {"ansible_ssh_port": port, **args}
    listed = _groups(groups, call)
    known = call.run.inventory.hosts.get(name)
    changed = known is None or _differs(call, name, listed, variables)
    return {"changed": changed,
            "add_host": {"host_name": name, "groups": listed, "host_vars": variables}}


def _taken(args: dict[str, Any], *names: str) -> Any:
    found = [args.pop(n) for n in names if n in args]
    return found[0] if found else None


def _split_port(name: str) -> tuple[str, int | None]:
    host, colon, port = name.rpartition(":")
    return (host, int(port)) if colon and port.isdigit() and ":" not in host else (name, None)


def _groups(groups: Any, call: Call) -> list[str]:
    if not groups:
        return []
    if isinstance(groups, str):
        return [g.strip() for g in groups.split(",") if g.strip()]
    if not isinstance(groups, list):
        raise TaskFault("Groups must be specified as a list.", code="arguments", origin=call.task.origin)
    return [str(g).strip() for g in groups]


def _differs(call: Call, name: str, groups: list[str], variables: Mapping[str, Any]) -> bool:
    host = call.run.inventory.hosts[name]
    names = {g.name for g in call.run.inventory.groups_of(name)}
    return any(host.vars.get(k) != v for k, v in variables.items()) or not set(groups) <= names
