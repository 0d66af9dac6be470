"""The arguments beginning with ``_ansible_`` that a module of Ansible's kind is given beside its own. Pure."""

from __future__ import annotations

from typing import Any

SELINUX_SPECIAL = ("fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat")
DEFAULT_VERSION = "2.19.0"


def settings_of(name: str, version: str | None, *, check: bool, diff: bool, no_log: bool,
                verbosity: int) -> dict[str, Any]:
    """As ansible-core 2.19 gives them; the host adds ``_ansible_tmpdir`` and ``_ansible_remote_tmp``."""
    return {
        "_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_no_log": no_log, "_ansible_debug": False,
        "_ansible_verbosity": verbosity, "_ansible_version": version or DEFAULT_VERSION,
        "_ansible_module_name": name, "_ansible_syslog_facility": "LOG_USER",
        "_ansible_selinux_special_fs": list(SELINUX_SPECIAL),
        "_ansible_socket": None, "_ansible_shell_executable": "/bin/sh", "_ansible_keep_remote_files": False,
        "_ansible_ignore_unknown_opts": False, "_ansible_target_log_info": None, "_ansible_tracebacks_for": [],
    }
