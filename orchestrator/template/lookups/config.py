"""``config``: settings of ansible.cfg that playbooks ask for, at their defaults: orch does not have most of them."""

from __future__ import annotations

import os
from typing import Any

from orchestrator.errors import TemplateError
from orchestrator.template.filters.values import to_bool
from orchestrator.template.lookups.call import LookupCall

SETTINGS = {
    "ALLOW_BROKEN_CONDITIONALS": False, "ANSIBLE_HOME": "~/.ansible", "ANSIBLE_PIPELINING": False,
    "CACHE_PLUGIN": "memory", "COLOR_CHANGED": "yellow", "COLOR_ERROR": "red", "COLOR_OK": "green",
    "DEFAULT_BECOME": False, "DEFAULT_BECOME_ASK_PASS": False, "DEFAULT_BECOME_EXE": None,
    "DEFAULT_BECOME_FLAGS": None, "DEFAULT_BECOME_METHOD": "sudo", "DEFAULT_BECOME_USER": "root",
    "DEFAULT_EXECUTABLE": "/bin/sh", "DEFAULT_FORCE_HANDLERS": False, "DEFAULT_FORKS": 50,
    "DEFAULT_GATHERING": "implicit", "DEFAULT_HASH_BEHAVIOUR": "replace", "DEFAULT_HOST_LIST": ["/etc/ansible/hosts"],
    "DEFAULT_LOCAL_TMP": "/tmp", "DEFAULT_MANAGED_STR": "Ansible managed", "DEFAULT_MODULE_NAME": "command",
    "DEFAULT_MODULE_PATH": ["~/.ansible/plugins/modules", "/usr/share/ansible/plugins/modules"],
    "DEFAULT_PRIVATE_ROLE_VARS": False, "DEFAULT_REMOTE_PORT": None, "DEFAULT_REMOTE_USER": None,
    "DEFAULT_ROLES_PATH": ["~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles"],
    "DEFAULT_STRATEGY": "linear", "DEFAULT_TIMEOUT": 10, "DEFAULT_TRANSPORT": "ssh",
    "DEFAULT_UNDEFINED_VAR_BEHAVIOR": True, "DEFAULT_VAULT_IDENTITY": "default", "HOST_KEY_CHECKING": True,
    "INJECT_FACTS_AS_VARS": True, "INTERPRETER_PYTHON": "auto", "RETRY_FILES_ENABLED": False,
    "TASK_TIMEOUT": 0, "TRANSFORM_INVALID_GROUP_CHARS": "never",
}

_PLUGINS: dict[tuple[str, str, str], tuple[Any, tuple[str, ...]]] = {
    ("become", "sudo", "become_exe"): ("sudo", ("ansible_sudo_exe", "ansible_become_exe")),
    ("become", "sudo", "become_flags"): ("-H -S -n", ("ansible_sudo_flags", "ansible_become_flags")),
    ("become", "sudo", "become_user"): ("root", ("ansible_sudo_user", "ansible_become_user")),
    ("connection", "ssh", "host"): ("inventory_hostname", ("ansible_ssh_host", "ansible_host")),
    ("connection", "ssh", "port"): (None, ("ansible_ssh_port", "ansible_port")),
    ("connection", "ssh", "private_key_file"): (
        None, ("ansible_ssh_private_key_file", "ansible_private_key_file"),
    ),
    ("connection", "ssh", "remote_user"): (None, ("ansible_ssh_user", "ansible_user")),
    ("shell", "sh", "remote_tmp"): ("~/.ansible/tmp", ("ansible_remote_tmp",)),
}
"""Options of plugins: their default, and the variables that set them, the strongest first."""


def config(
    terms: list[Any], call: LookupCall, on_missing: str = "error", plugin_type: str | None = None,
    plugin_name: str | None = None, show_origin: bool = False,
) -> list[Any]:
    """Settings by name; with ``show_origin`` each as [value, where it came from]."""
    if on_missing not in ("error", "warn", "skip"):
        raise TemplateError(f"Invalid value {on_missing!r} for on_missing", hint="there are: error, warn, skip")
    if (plugin_type is None) != (plugin_name is None):
        raise TemplateError("Both plugin_type and plugin_name are required, cannot use one without the other")
    found: list[Any] = []
    for term in terms:
        if not isinstance(term, str):
            raise TemplateError(f"Invalid setting identifier, {term!r} is not a string, it is a {type(term).__name__}")
        answer = _plugin(term, plugin_type, str(plugin_name), call) if plugin_type else _setting(term, call)
        if answer is not None:
            found.append(list(answer) if show_origin else answer[0])
        elif on_missing == "error":
            raise TemplateError(f"No config definition exists for {term!r}")
        elif on_missing == "warn":
            call.engine.warn(f"the lookup 'config' knows no setting {term!r}; it is left out")
    return found


def _setting(name: str, call: LookupCall) -> tuple[Any, str] | None:
    if name == "ALLOW_BROKEN_CONDITIONALS":
        return call.engine.allow_broken_conditionals, "default"
    if name == "DEFAULT_PRIVATE_ROLE_VARS" and os.environ.get("ANSIBLE_PRIVATE_ROLE_VARS"):
        return to_bool(os.environ["ANSIBLE_PRIVATE_ROLE_VARS"]), "env: ANSIBLE_PRIVATE_ROLE_VARS"
    return (_home(SETTINGS[name]), "default") if name in SETTINGS else None


def _home(value: Any) -> Any:
    if isinstance(value, list):
        return [_home(item) for item in value]
    return os.path.expanduser(value) if isinstance(value, str) else value


def _plugin(name: str, kind: str, plugin: str, call: LookupCall) -> tuple[Any, str] | None:
    if not any(known[:2] == (kind, plugin) for known in _PLUGINS):
        raise TemplateError(f"Unable to load {kind} plugin {plugin!r}", hint="orch knows ssh, sh and sudo")
    option = _PLUGINS.get((kind, plugin, name))
    if option is None:
        return None
    default, variables = option
    for variable in variables:
        value = call.variable(variable)
        if value is not None:
            return value, f"var: {variable}"
    return default, "default"
