"""Facts as variables: where they go, and which names a host may not set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.variables.magic import MAGIC

_CONNECTIONS = "ssh paramiko paramiko_ssh winrm psrp local docker podman chroot jail lxc lxd mailbox".split()
_CONNECTION_NAMES = frozenset(
    "host port user password pass connection remote_user remote_addr shell_type shell_executable become become_user "
    "become_method become_pass become_password become_exe become_flags timeout ssh_private_key_file private_key_file "
    "executable pipelining python_interpreter module_compression rsync_path remote_tmp async_dir common_remote_group "
    "system_tmpdirs facts facts_parallel delegated_vars search_path loop loop_var index_var".split()
)


def settable(name: str) -> bool:
    """Whether a fact from a host may become a variable of that name.

    Connection settings, become settings, interpreters and the run's own variables may not (ansible CVE-2020-10684).
    """
    if not isinstance(name, str) or name in MAGIC or name.startswith(("_ansible_", "\0")):
        return False
    if not name.startswith("ansible_"):
        return True
    bare = name[len("ansible_"):]
    if bare in _CONNECTION_NAMES or bare.startswith("become_") or bare.endswith("_interpreter"):
        return False
    if name == "ansible_local" or name.startswith("ansible_ssh_host_key_"):
        return True
    return not any(bare.startswith(connection + "_") for connection in _CONNECTIONS)


def namespaced(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as ``ansible_facts`` holds them: without the prefix ``ansible_``."""
    return {
        (name[len("ansible_"):] if isinstance(name, str) and name.startswith("ansible_") else name): value
        for name, value in facts.items()
    }


def injected(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as top-level variables: those names alone that a host may set."""
    return {name: value for name, value in facts.items() if settable(name)}
