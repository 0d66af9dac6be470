"""The names that only a template file sees: ``template_path``, ``ansible_managed`` and their kin."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.template.evaluation import ScopeLike

MANAGED = "Ansible managed"
"""Ansible's own default; a changed text would change every file on the first run."""


def template_vars(path: str, destination: str | None = None, managed: str = MANAGED) -> dict[str, Any]:
    """Variables for `Engine.render_text` (``locals``) when the template at ``path`` makes the file ``destination``."""
    about = os.stat(path)
    try:
        owner: Any = pwd.getpwuid(about.st_uid).pw_name
    except KeyError:
        owner = about.st_uid
    changed = dt.datetime.fromtimestamp(about.st_mtime)
    return {
        "ansible_managed": _managed(managed, path, owner, changed),
        "template_host": socket.gethostname(),
        "template_path": path,
        "template_mtime": changed,
        "template_uid": owner,
        "template_run_date": dt.datetime.now(),
        "template_destpath": destination,
        "template_fullpath": os.path.abspath(path),
    }


def file_names(scope: ScopeLike, path: str, destination: str | None = None) -> dict[str, Any]:
    """`template_vars`, less ``ansible_managed`` where a variable of the playbook sets it."""
    names = template_vars(path, destination)
    try:
        scope.lookup("ansible_managed")
    except KeyError:
        return names
    del names["ansible_managed"]
    return names


def _managed(text: str, path: str, owner: Any, changed: dt.datetime) -> str:
    for name, value in (("{host}", socket.gethostname()), ("{uid}", str(owner)), ("{file}", path)):
        text = text.replace(name, value)
    return changed.strftime(text) if "%" in text else text
