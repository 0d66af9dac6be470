"""Where roles are found: beside the playbook, in the role paths, in collections."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import ContentError, Origin
from orchestrator.playbook.faults import did_you_mean


class RolePlace(Struct, frozen=True):
    name: str
    path: str
    """Without symlinks and `..`, as `role_path` has it; relative when the playbook's own path was."""
    collection: str | None = None


class RoleSearch:
    """Finds roles by name. ``role_paths`` are searched between the playbook's ``roles/`` and its own folder."""

    def __init__(self, role_paths: Iterable[str | Path], collection_paths: Iterable[str | Path] = ()) -> None:
        self.role_paths = tuple(os.fspath(path) for path in role_paths)
        self.collection_paths = tuple(os.fspath(path) for path in collection_paths)

    def find(self, name: str, *, base_dirs: Sequence[str], collections: Sequence[str] = (), beside: str | None = None,
             origin: Origin | None = None) -> RolePlace:
        """The place of a role. ``beside``: the role that asks. Raises `ContentError` that lists what was searched."""
        base_dirs = tuple(dict.fromkeys(base_dirs))
        if name.count(".") >= 2 and "/" not in name:
            place = self._in_collection(name, base_dirs)
            if place:
                return place
        for collection in collections:
            place = self._in_collection(f"{collection}.{name}", base_dirs)
            if place:
                return place
        folders = self._folders(base_dirs, beside)
        for folder in folders:
            path = _resolved(os.path.join(folder, name))
            if os.path.isdir(path):
                return RolePlace(name, path)  # `./own/r` too is called as it is written
        path = _resolved(os.path.expanduser(name))
        if "/" in name and os.path.isdir(path):
            return RolePlace(os.path.basename(name), path)
        raise self._missing(name, folders, base_dirs, origin, collections)

    def _folders(self, base_dirs: Sequence[str], beside: str | None) -> list[str]:
        folders = [os.path.join(base, "roles") for base in base_dirs]
        folders += self.role_paths
        if beside:
            folders.append(os.path.dirname(beside))
        return list(dict.fromkeys([*folders, *(base or "." for base in base_dirs)]))

    def _in_collection(self, full_name: str, base_dirs: Sequence[str]) -> RolePlace | None:
        namespace, _, rest = full_name.partition(".")
        collection, _, role = rest.partition(".")
        for root in self._collection_roots(base_dirs):
            path = os.path.join(root, namespace, collection, "roles", *role.split("."))
            if role and os.path.isdir(path):
                return RolePlace(role, path, f"{namespace}.{collection}")
        return None

    def _collection_roots(self, base_dirs: Sequence[str]) -> list[str]:
        roots = [os.path.join(base, "collections") for base in base_dirs] + list(self.collection_paths)
        return [root if os.path.basename(root) == "ansible_collections" else os.path.join(root, "ansible_collections")
                for root in roots]

    def playbook(self, full_name: str, base_dirs: Sequence[str]) -> str | None:
        """The path of ``namespace.collection.playbook``, or None."""
        namespace, _, rest = full_name.partition(".")
        collection, _, name = rest.partition(".")
        for root in self._collection_roots(base_dirs):
            for ending in (".yml", ".yaml"):
                path = os.path.join(root, namespace, collection, "playbooks", *name.split(".")) + ending
                if name and os.path.isfile(path):
                    return path
        return None

    def _missing(self, name: str, folders: list[str], base_dirs: Sequence[str], origin: Origin | None,
                 collections: Sequence[str]) -> ContentError:
        hint = f"searched: {_listed(folders)}"
        if name.count(".") >= 2:
            hint += f" and {_listed(self._collection_roots(base_dirs))}"
        elif collections:
            hint += f" and the collections {', '.join(collections)} in {_listed(self._collection_roots(base_dirs))}"
        close = did_you_mean(name, _names_in(folders))
        return ContentError(f"the role '{name}' was not found", origin=origin,
                            hint=f"{close} {hint}" if close else hint, code="role_missing")


def _resolved(path: str) -> str:
    """The path without symlinks, and without `..`, which may lead through a `roles/` that is not there."""
    real = os.path.realpath(path)
    if real == os.path.abspath(path):
        return os.path.normpath(path)
    near = os.path.relpath(real)
    return real if os.path.isabs(path) or near.startswith("..") else near


def _listed(folders: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(os.path.abspath(folder) for folder in folders))


def _names_in(folders: Iterable[str]) -> list[str]:
    names = []
    for folder in folders:
        try:
            names += [entry.name for entry in os.scandir(folder) if entry.is_dir()]
        except OSError:
            continue  # a search path that does not exist is normal
    return names
