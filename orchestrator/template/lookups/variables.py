"""Lookups of variables, of the controller's environment and of the inventory."""

from __future__ import annotations

import os
import re
from typing import Any

from jinja2.utils import missing

from orchestrator.errors import TemplateError, UndefinedVariable
from orchestrator.template.lookups.call import LookupCall

_NOT_GIVEN = object()


def variables(terms: list[Any], call: LookupCall, default: Any = _NOT_GIVEN) -> list[Any]:
    """The values of the variables named."""
    return [_variable(str(term), call, default) for term in terms]


def _variable(name: str, call: LookupCall, default: Any) -> Any:
    value = call.evaluation.resolve(name)
    if value is not missing:
        return value
    if default is _NOT_GIVEN:
        raise UndefinedVariable(f"No variable named {name!r} was found.")
    return default


def varnames(terms: list[Any], call: LookupCall) -> list[Any]:
    """Names of variables that match any of the expressions."""
    names = sorted(name for name in call.scope.names() if not name.startswith("\0"))
    found: list[str] = []
    for term in terms:
        try:
            pattern = re.compile(str(term))
        except re.error as error:
            raise TemplateError(f"varnames: the expression {term!r} is malformed: {error}") from error
        found += [name for name in names if pattern.search(name)]
    return found


def environment(terms: list[Any], call: LookupCall, default: Any = "") -> list[Any]:
    """The controller's environment."""
    found = []
    for term in terms:
        name = str(term).split()[0] if str(term).split() else ""
        value = os.environ.get(name, default)
        if not isinstance(value, (str, int, float, bool, list, dict, type(None))):
            raise UndefinedVariable(f"the environment variable {name} is not set")
        found.append(value)
    return found


_CONFIG = {
    "DEFAULT_BECOME_USER": "root", "DEFAULT_BECOME_METHOD": "sudo", "DEFAULT_FORKS": 50, "DEFAULT_TIMEOUT": 10,
    "DEFAULT_ROLES_PATH": ["roles"], "DEFAULT_MANAGED_STR": "Ansible managed", "RETRY_FILES_ENABLED": False,
    "DEFAULT_REMOTE_USER": None, "DEFAULT_TRANSPORT": "ssh", "HOST_KEY_CHECKING": True, "COLOR_OK": "green",
    "DEFAULT_LOCAL_TMP": "/tmp", "DEFAULT_GATHERING": "implicit", "DEFAULT_BECOME": False,
    "DEFAULT_MODULE_NAME": "command",
    "DEFAULT_HASH_BEHAVIOUR": "replace", "INJECT_FACTS_AS_VARS": True, "ALLOW_BROKEN_CONDITIONALS": False,
    "become_flags": "-H -S -n", "become_exe": "sudo", "become_user": "root", "remote_tmp": "~/.ansible/tmp",
}


def config(terms: list[Any], call: LookupCall, on_missing: str = "error", **options: Any) -> list[Any]:
    """A few settings of ansible.cfg that playbooks ask for, at their defaults."""
    found: list[Any] = []
    for term in terms:
        if term == "ALLOW_BROKEN_CONDITIONALS":
            found.append(call.engine.allow_broken_conditionals)
        elif term in _CONFIG:
            found.append(_CONFIG[term])
        elif on_missing == "error":
            raise TemplateError(f"config: there is no setting {term!r}", hint=f"there are: {', '.join(_CONFIG)}")
    return found


def inventory_hostnames(terms: list[Any], call: LookupCall) -> list[Any]:
    """Hosts that a pattern names."""
    inventory = getattr(getattr(call.scope, "store", None), "inventory", None)
    if inventory is None:
        raise TemplateError("inventory_hostnames: there is no inventory here")
    pattern = ":".join(str(term) for term in terms)
    return list(inventory.match(pattern))
