"""Variables that come from the run itself. Each is computed when asked for; KeyError means: not here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.template.omit import OMIT
from orchestrator.variables.hostvars import HostVars, VarsView

if TYPE_CHECKING:
    from orchestrator.model import Role
    from orchestrator.variables.scope import Scope

ANSIBLE_VERSION = {"full": "2.19.0", "major": 2, "minor": 19, "revision": 0, "string": "2.19.0"}
"""The version of the language that is spoken here: playbooks ask for it to choose their syntax."""

_NOTHING: Mapping[str, Any] = {}


def _host(scope: Scope) -> str:
    if scope.host is None:
        raise KeyError("inventory_hostname")
    return scope.host


def _role(scope: Scope) -> Role:
    if scope.role is None:
        raise KeyError("role_name")
    return scope.role


def _play(scope: Scope) -> Any:
    if scope.play is None:
        raise KeyError("ansible_play_name")
    return scope.play


def _in_play(scope: Scope) -> Any:
    if scope.store.state is None:
        raise KeyError("play_hosts")
    return scope.store.state


def _group_names(scope: Scope) -> list[str]:
    return scope.store.listed.group_names(_host(scope))


def _play_role_names(scope: Scope) -> list[str]:
    """Roles of the play without their dependencies."""
    return [role.fqcn for role in _play(scope).roles if not role.parents]


def _role_names(scope: Scope) -> list[str]:
    return list(dict.fromkeys(role.fqcn for role in _play(scope).roles))


def _dependent_names(scope: Scope) -> list[str]:
    return list(dict.fromkeys(role.fqcn for role in _play(scope).roles if role.parents))


def _search_path(scope: Scope) -> list[str]:
    """Where files are looked for: the role and those that pulled it in, the task's folder, the playbook's."""
    paths: list[str] = []
    if scope.role is not None:
        paths += [scope.role.path, *(role.path for role in reversed(scope.role.parents))]
    if scope.task is not None and scope.task.origin.file:
        folder = os.path.dirname(os.path.abspath(scope.task.origin.file))
        if os.path.basename(folder) in ("tasks", "handlers") and scope.role is None:
            paths.append(os.path.dirname(folder))
        paths.append(folder)
    paths.append(scope.store.playbook_dir)
    return list(dict.fromkeys(paths))


def _inventory_file(scope: Scope) -> Any:
    origin = getattr(scope.store.inventory.hosts.get(_host(scope)), "origin", None)
    if origin is not None and origin.file:
        return origin.file
    if scope.store.options.inventory_sources:
        return scope.store.options.inventory_sources[0]
    raise KeyError("inventory_file")


def _inventory_dir(scope: Scope) -> Any:
    file = _inventory_file(scope)
    return file if os.path.isdir(file) else os.path.dirname(os.path.abspath(file))


def _facts(scope: Scope) -> Any:
    return scope.store.facts.get(_host(scope), _NOTHING)


MAGIC: dict[str, Callable[[Any], Any]] = {
    "omit": lambda s: OMIT,
    "vars": lambda s: VarsView(s),
    "hostvars": lambda s: HostVars(s.store),
    "groups": lambda s: s.store.listed.group_hosts(),
    "group_names": _group_names,
    "inventory_hostname": _host,
    "inventory_hostname_short": lambda s: _host(s).split(".")[0],
    "inventory_file": _inventory_file,
    "inventory_dir": _inventory_dir,
    "ansible_inventory_sources": lambda s: list(s.store.options.inventory_sources),
    "ansible_facts": lambda s: dict(_facts(s)),
    "playbook_dir": lambda s: s.store.playbook_dir,
    "ansible_playbook_python": lambda s: s.store.options.python,
    "ansible_config_file": lambda s: s.store.options.config_file,
    "ansible_version": lambda s: dict(ANSIBLE_VERSION),
    "ansible_check_mode": lambda s: s.store.options.check_mode,
    "ansible_diff_mode": lambda s: s.store.options.diff_mode,
    "ansible_forks": lambda s: s.store.options.forks,
    "ansible_verbosity": lambda s: s.store.options.verbosity,
    "ansible_limit": lambda s: _or_missing(s.store.options.limit),
    "ansible_run_tags": lambda s: list(s.store.options.run_tags),
    "ansible_skip_tags": lambda s: list(s.store.options.skip_tags),
    "ansible_search_path": _search_path,
    "ansible_play_name": lambda s: s.store.play_name(_play(s)),
    "ansible_play_hosts": lambda s: list(_in_play(s).active()),
    "ansible_play_hosts_all": lambda s: list(_in_play(s).hosts_all),
    "ansible_play_batch": lambda s: list(_in_play(s).active()),
    "play_hosts": lambda s: list(_in_play(s).active()),
    "ansible_play_role_names": _play_role_names,
    "ansible_role_names": _role_names,
    "ansible_dependent_role_names": _dependent_names,
    "role_names": _play_role_names,
    "role_name": lambda s: _role(s).name,
    "role_path": lambda s: _role(s).path,
    "role_uuid": lambda s: f"{id(_role(s)):x}",
    "ansible_role_name": lambda s: _role(s).fqcn,
    "ansible_collection_name": lambda s: _or_missing(_role(s).collection),
    "ansible_parent_role_names": lambda s: _or_missing([role.name for role in reversed(_role(s).parents)] or None),
    "ansible_parent_role_paths": lambda s: _or_missing([role.path for role in reversed(_role(s).parents)] or None),
}


def _or_missing(value: Any) -> Any:
    if value is None:
        raise KeyError
    return value
