"""``ansible.cfg``: what it says about paths, inventory and defaults, as ``ANSIBLE_*`` variables of the same meaning.

Everything that reads such a variable so hears of the file as well, and what is set in the environment wins, as in
Ansible. Settings that orch has no use for (callbacks, pipelining, control paths …) are passed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.errors import Origin, SyntaxFault

PLAIN, PATH, PATHS, SOURCES = "plain", "path", "paths", "sources"

SETTINGS = {
    "defaults": """
        inventory:ANSIBLE_INVENTORY:sources roles_path:ANSIBLE_ROLES_PATH:paths
        collections_path:ANSIBLE_COLLECTIONS_PATH:paths collections_paths:ANSIBLE_COLLECTIONS_PATH:paths
        library:ANSIBLE_LIBRARY:paths module_utils:ANSIBLE_MODULE_UTILS:paths
        action_plugins:ANSIBLE_ACTION_PLUGINS:paths filter_plugins:ANSIBLE_FILTER_PLUGINS:paths
        lookup_plugins:ANSIBLE_LOOKUP_PLUGINS:paths test_plugins:ANSIBLE_TEST_PLUGINS:paths
        vault_password_file:ANSIBLE_VAULT_PASSWORD_FILE:path private_key_file:ANSIBLE_PRIVATE_KEY_FILE:path
        become_password_file:ANSIBLE_BECOME_PASSWORD_FILE:path playbook_dir:ANSIBLE_PLAYBOOK_DIR:path
        vault_identity_list:ANSIBLE_VAULT_IDENTITY_LIST
        connection_password_file:ANSIBLE_CONNECTION_PASSWORD_FILE:path
        remote_user:ANSIBLE_REMOTE_USER remote_port:ANSIBLE_REMOTE_PORT timeout:ANSIBLE_TIMEOUT
        interpreter_python:ANSIBLE_PYTHON_INTERPRETER host_key_checking:ANSIBLE_HOST_KEY_CHECKING
        gathering:ANSIBLE_GATHERING facts_modules:ANSIBLE_FACTS_MODULES
        strategy:ANSIBLE_STRATEGY force_handlers:ANSIBLE_FORCE_HANDLERS
        any_errors_fatal:ANSIBLE_ANY_ERRORS_FATAL task_timeout:ANSIBLE_TASK_TIMEOUT
        duplicate_dict_key:ANSIBLE_DUPLICATE_YAML_DICT_KEY error_on_missing_handler:ANSIBLE_ERROR_ON_MISSING_HANDLER
        allow_broken_conditionals:ANSIBLE_ALLOW_BROKEN_CONDITIONALS nocolor:ANSIBLE_NOCOLOR
        force_color:ANSIBLE_FORCE_COLOR hash_behaviour:ANSIBLE_HASH_BEHAVIOUR
        private_role_vars:ANSIBLE_PRIVATE_ROLE_VARS show_custom_stats:ANSIBLE_SHOW_CUSTOM_STATS
        become:ANSIBLE_BECOME become_user:ANSIBLE_BECOME_USER become_method:ANSIBLE_BECOME_METHOD""",
    "privilege_escalation": """
        become:ANSIBLE_BECOME become_user:ANSIBLE_BECOME_USER become_method:ANSIBLE_BECOME_METHOD
        become_ask_pass:ANSIBLE_BECOME_ASK_PASS""",
    "su_become_plugin": "localized_prompts:ANSIBLE_SU_PROMPT_L10N",
    "ssh_connection": """
        ssh_args:ANSIBLE_SSH_ARGS ssh_common_args:ANSIBLE_SSH_COMMON_ARGS ssh_extra_args:ANSIBLE_SSH_EXTRA_ARGS
        host_key_checking:ANSIBLE_SSH_HOST_KEY_CHECKING""",
    "tags": "run:ANSIBLE_RUN_TAGS skip:ANSIBLE_SKIP_TAGS",
    "diff": "always:ANSIBLE_DIFF_ALWAYS",
}


def with_config(environ: Mapping[str, str], folder: Path | None = None,
                warn: Callable[[str], None] = lambda text: None) -> dict[str, str]:
    """The environment, with what the nearest ``ansible.cfg`` says behind it. Raises `SyntaxFault` for a broken file."""
    path = find(environ, folder or Path.cwd(), warn)
    return {**(read(path) if path is not None else {}), **environ}


def find(environ: Mapping[str, str], folder: Path, warn: Callable[[str], None]) -> Path | None:
    """The file that counts: ``ANSIBLE_CONFIG``, then the folder's, the user's, the machine's."""
    named = environ.get("ANSIBLE_CONFIG")
    candidates = [Path(named).expanduser()] if named else []
    here = folder / "ansible.cfg"
    if here.exists() and folder.stat().st_mode & stat.S_IWOTH:
        warn(f"{here} is not read: everybody may write in its folder, and it says what is run")
    else:
        candidates.append(here)
    candidates += [Path(environ.get("HOME") or "~").expanduser() / ".ansible.cfg", Path("/etc/ansible/ansible.cfg")]
    for path in candidates:
        path = path / "ansible.cfg" if path.is_dir() else path
        if path.is_file() and os.access(path, os.R_OK):
            return path
    return None


def read(path: Path) -> dict[str, str]:
    """What a file says, by the names of the environment variables."""
    import configparser  # 3 ms, and most projects have no such file

    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(";",), strict=False)
    try:
        parser.read_string(path.read_text("utf-8"), str(path))
    except (configparser.Error, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", 0) or next((n for n, _ in getattr(error, "errors", ())), 0)
        raise SyntaxFault(f"this is no ansible.cfg: {error.__class__.__name__}", origin=Origin(str(path), line, 1),
                          hint="sections in brackets, and name = value below them") from error
    found: dict[str, str] = {}
    for section, table in SETTINGS.items():
        for name, variable, kind in map(_row, table.split()):
            value = parser.get(section, name, fallback="").strip()
            if value:
                found[variable] = _resolved(value, kind, path.absolute().parent)
    return found


def _row(text: str) -> tuple[str, str, str]:
    name, variable, *kind = text.split(":")
    return name, variable, kind[0] if kind else PLAIN


def _resolved(value: str, kind: str, base: Path) -> str:
    """Paths count from the file's own folder."""
    if kind == PLAIN:
        return _unquoted(value)
    if kind == PATH:
        return _path(value, base)
    separator = "," if kind == SOURCES else ":"
    parts = [part.strip() for part in value.split(separator) if part.strip()]
    return separator.join(_path(part, base) for part in parts)


def _path(text: str, base: Path) -> str:
    text = os.path.expandvars(os.path.expanduser(_unquoted(text).replace("{{CWD}}", os.getcwd())))
    return os.path.normpath(base / text)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
