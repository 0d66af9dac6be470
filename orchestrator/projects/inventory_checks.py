"""What may stand in a managed inventory: names, variables, groups within groups. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.projects.masking import unmasked
from orchestrator.refusals import Malformed

GROUP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@%-]{0,252}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
OWN_GROUPS = frozenset({"all", "ungrouped"})
MOST_VARS_BYTES = 256 * 1024
MOST_NESTING = 20
MOST_VALUES = 50_000
LARGEST_INT = 2**63
TO_CONTROLLER = frozenset({
    "ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_scp_extra_args",
    "ansible_sftp_extra_args", "ansible_ssh_executable", "ansible_scp_executable", "ansible_sftp_executable",
    "ansible_private_key_file", "ansible_ssh_private_key_file", "ansible_ssh_proxy_command", "ansible_playbook_python",
    "ansible_control_path", "ansible_control_path_dir", "ansible_ssh_control_path",
    "ansible_host_key_checking", "ansible_ssh_host_key_checking",
})
"""Variables by which whoever sets them starts programs on the controller, uses files that the server can read, or has
the server's passwords sent to a host that nobody vouches for."""
CONNECTIONS = frozenset({"ansible_connection", "orch_carrier"})
REMOTE = frozenset({"ssh", "ansible.builtin.ssh", "smart", "paramiko", "paramiko_ssh", "auto", "agentlet", "mailbox"})


def check_host_name(name: str, path: str = "name") -> str:
    """A name that no shell, no pattern and no option parser takes for something else. Raises `Malformed`."""
    if not HOST_NAME.fullmatch(name) or name in OWN_GROUPS:
        raise Malformed(f"{name[:80]!r} cannot be the name of a host",
                        fields=[(path, "letters, digits and . _ : @ % -, 253 at most; not '-' first, not all")])
    return name


def check_group_name(name: str, path: str = "name") -> str:
    if not GROUP_NAME.fullmatch(name) or name in OWN_GROUPS:
        raise Malformed(f"{name[:80]!r} cannot be the name of a group",
                        fields=[(path, "letters, digits and _, not beginning with a digit; not all or ungrouped")])
    return name


def check_vars(values: Any, path: str = "vars") -> dict[str, Any]:
    """Variables as JSON: names that a variable can have, bounded in size and depth. Raises `Malformed`."""
    if not isinstance(values, Mapping):
        raise Malformed("variables are an object", fields=[(path, "must be an object")])
    wrong = [(f"{path}.{str(name)[:80]}", "is no name of a variable") for name in values
             if not isinstance(name, str) or not VARIABLE.fullmatch(name)]
    wrong += [(f"{path}.{name}", fault) for name, value in values.items() if (fault := _fault(value, MOST_NESTING))]
    if not wrong and len(json.dumps(values)) > MOST_VARS_BYTES:
        wrong.append((path, f"{MOST_VARS_BYTES >> 10} KiB at most"))
    if wrong:
        raise Malformed("these variables cannot be kept", fields=wrong)
    return dict(values)


def _fault(value: Any, levels: int) -> str | None:
    if levels < 0:
        return f"is nested deeper than {MOST_NESTING} levels"
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            return "has keys that are no text"
        return next((fault for one in value.values() if (fault := _fault(one, levels - 1))), None)
    if isinstance(value, list):
        return next((fault for one in value if (fault := _fault(one, levels - 1))), None)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "is no number that JSON has"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= LARGEST_INT:
        return "is too large a number"
    return None if value is None or isinstance(value, str | int | float | bool) else "is nothing that JSON has"


def is_bounded(value: Any, levels: int = MOST_NESTING) -> bool:
    """Whether it is no deeper and no larger than anything that is kept: aliases in YAML make much of little."""
    left = MOST_VALUES
    waiting = [(value, levels)]
    while waiting:
        one, levels = waiting.pop()
        left -= 1
        if levels < 0 or left < 0:
            return False
        if isinstance(one, Mapping | list | tuple):
            waiting += [(inner, levels - 1) for inner in (one.values() if isinstance(one, Mapping) else one)]
    return True


def reaching_controller(values: Mapping[str, Any]) -> list[str]:
    """Names among ``values`` by which their author acts on the controller itself: for admins only.

    ``ansible_connection: local`` runs tasks as the server's own user, ssh options name programs to start
    (ProxyCommand), and key files are read with the server's rights.
    """
    found = [name for name in values if name in TO_CONTROLLER]
    found += [name for name in CONNECTIONS & set(values) if str(values[name]) not in REMOTE]
    return sorted(found)


def refuse_reaching_controller(values: Mapping[str, Any], *, admin: bool, path: str = "vars") -> None:
    """Raises `Malformed` that names the variables, unless an admin sets them."""
    names = [] if admin else reaching_controller(values)
    if names:
        raise Malformed("these variables act on the server itself: only admins set them", code="controller_variables",
                        fields=[(f"{path}.{name}", "is for admins") for name in names])


def changed_vars(given: Mapping[str, Any], before: Mapping[str, Any], *, admin: bool) -> dict[str, Any]:
    """Variables that replace others; what only admins may set, others may leave as it stands."""
    values = check_vars(unmasked(given, before))
    fresh = {name: value for name, value in values.items() if name not in before or before[name] != value}
    refuse_reaching_controller(fresh, admin=admin)
    return values


def circle(children: Mapping[str, Iterable[str]]) -> list[str]:
    """A chain of groups that leads back to its beginning; empty when there is none."""
    state: dict[str, int] = {}
    for start in children:
        way: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                state[name] = 2
                way.pop()
            elif state.get(name) == 1:
                return [*way[way.index(name):], name]
            elif name not in state:
                state[name] = 1
                way.append(name)
                stack.append((name, True))
                stack += [(child, False) for child in children.get(name, ()) if state.get(child) != 2]
    return []


def refuse_circle(children: Mapping[str, Iterable[str]]) -> None:
    found = circle(children)
    if found:
        raise Malformed(f"groups within groups close a circle: {' -> '.join(found)}", code="group_circle",
                        fields=[("children", " -> ".join(found))])


def groups_above(children: Mapping[str, Iterable[str]], direct: Iterable[str]) -> set[str]:
    """The groups of ``direct`` and all those that hold them."""
    parents: dict[str, list[str]] = {}
    for parent, below in children.items():
        for child in below:
            parents.setdefault(child, []).append(parent)
    found, waiting = set(), list(direct)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += parents.get(name, ())
    return found
