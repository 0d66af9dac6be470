"""A directory as an inventory: every file in it, sorted by name, except what clearly is none."""

from __future__ import annotations

import os

from inventory.errors import InventoryError

IGNORED_ENDINGS = ("~", ".orig", ".bak", ".cfg", ".retry", ".pyc", ".pyo", ".swp", ".rpm", ".md", ".txt", ".rst")
IGNORED_NAMES = frozenset({"group_vars", "host_vars", "vars_plugins"})


def entries(path: str) -> list[str]:
    """Paths of the sources in a directory, subdirectories among them, in order of their names."""
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise InventoryError(f"cannot read the inventory directory: {error.strerror}", path) from error
    return [os.path.join(path, name) for name in names if not _ignored(name)]


def _ignored(name: str) -> bool:
    return name.startswith(".") or name in IGNORED_NAMES or name.endswith(IGNORED_ENDINGS)
