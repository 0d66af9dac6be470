"""Finds modules that orch does not have: in ``library/`` folders, plugin paths, collections, installed ansible-core."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from modules import collection_names
from orchestrator.bridge.action_halves import NEEDED_FOR, verdict
from orchestrator.bridge.collections import Collections, is_name, load_groups, load_routing, split
from orchestrator.bridge.found import Found
from orchestrator.bridge.installed import Installed, find_installed

_NO_MODULES = frozenset({".pyc", ".pyo", ".swp", ".bak", ".rpm", ".md", ".txt", ".rst", ".yaml", ".yml", ".ini",
                         ".json"})
_DEFAULT_PATHS = "~/.ansible/plugins/{}:/usr/share/ansible/plugins/{}"
BUILTIN, LEGACY = "ansible.builtin.", "ansible.legacy."


class ModuleSearch:
    """Answers where a module is. Folders are listed once: what is added during a run is not seen."""

    def __init__(self, collection_paths: Iterable[str], environ: Mapping[str, str]) -> None:
        self._collection_paths = tuple(collection_paths)
        self._environ = dict(environ)
        self._paths = _paths(environ.get("ANSIBLE_LIBRARY"), "modules")
        self._actions = _paths(environ.get("ANSIBLE_ACTION_PLUGINS"), "action")
        self._utils = _paths(environ.get("ANSIBLE_MODULE_UTILS"), "module_utils")
        self._listings: dict[str, Mapping[str, str]] = {}

    @cached_property
    def installed(self) -> Installed | None:
        """The operator's ansible-core; looked for when it is first needed."""
        return find_installed(self._environ)

    @cached_property
    def _everywhere(self) -> tuple[str, ...]:
        beside = (os.fspath(self.installed.collections),) if self.installed else ()
        return self._collection_paths + beside

    def collections(self, folders: Iterable[str]) -> Collections:
        """The collections that count for a playbook or role in ``folders``."""
        return Collections([*(os.path.join(folder, "collections") for folder in folders), *self._everywhere])

    def action_groups(self, collection: str, collections: Collections) -> Mapping[str, Any]:
        """The ``action_groups`` of a collection, or of the installed ansible-core; empty when it is not here."""
        if collection == BUILTIN.rstrip("."):
            return load_groups(self._core_routing()) if self.installed else {}
        folder = collections.folder(collection)
        return load_groups(os.path.join(folder, "meta", "runtime.yml")) if folder else {}

    def _core_routing(self) -> str:
        assert self.installed is not None
        return os.fspath(self.installed.folder / "config" / "ansible_builtin_runtime.yml")

    def own(self, written: str, folders: Sequence[str]) -> Found | None:
        """A module of people's own, from ``library/`` in ``folders`` or the plugin paths.

        It wins over one of the same name that orch has, unless that one was asked for as ``ansible.builtin``.
        """
        bare = written.removeprefix(LEGACY)
        if "." in bare:
            return None
        path = self._first(bare, "library", folders, self._paths)
        plugin = self._first(bare, "action_plugins", folders, self._actions)
        if path is None and plugin is None:
            return None
        return Found(bare, f"ansible.legacy.{bare}", path or "", self.utils(folders), own=True, plugin=plugin)

    def _first(self, bare: str, kind: str, folders: Sequence[str], paths: Sequence[str]) -> str | None:
        places = (*(os.path.join(folder, kind) for folder in folders), *paths)
        return next((path for place in places if (path := self._listing(place).get(bare)) is not None), None)

    def other(self, written: str, folders: Sequence[str], collections: Sequence[str]) -> Found | None:
        """A module that orch has not, from a collection or from ansible-core itself; None when nobody has it."""
        if not is_name(written):
            return None
        if written.startswith((BUILTIN, LEGACY)):
            return self._core(written.rpartition(".")[2], folders)
        if written.count(".") >= 2:
            return self._collected(written, folders)
        if "." in written:
            return None
        for collection in collections:
            found = self._collected(f"{collection}.{written}", folders)
            if found is not None:
                return found
        return self._core(written, folders) or self._moved(written, folders)

    def utils(self, folders: Iterable[str]) -> tuple[str, ...]:
        """The ``module_utils`` folders of people's own, in the order in which they are searched."""
        return (*(os.path.join(folder, "module_utils") for folder in folders), *self._utils)

    def _core(self, bare: str, folders: Sequence[str]) -> Found | None:
        if self.installed is None or not bare.isidentifier():
            return None
        root = self.installed.folder
        path = root / "modules" / f"{bare}.py"
        if not path.is_file():
            return None
        refused, only_without = verdict(BUILTIN + bare, (root / "plugins" / "action" / f"{bare}.py").is_file())
        return Found(bare, f"ansible.modules.{bare}", os.fspath(path), self.utils(folders), refused=refused,
                     only_without=only_without)

    def _collected(self, full_name: str, folders: Sequence[str]) -> Found | None:
        collections = self.collections(folders)
        try:
            place = collections.plugin("modules", full_name)
        except LookupError as removed:
            return Found(full_name, full_name, "", refused=str(removed))
        if place is None:
            return None
        name, stem = place
        if name.startswith(BUILTIN):
            return self._core(split(name)[1], folders)
        path = self._listing(os.path.dirname(stem)).get(os.path.basename(stem))
        plugin = collections.action(name)
        if path is None and plugin is None:
            return None
        collection, bare = split(name)
        only_without = NEEDED_FOR.get(name)
        return Found(name, f"ansible_collections.{collection}.plugins.modules.{bare}", path or "", self.utils(folders),
                     plugin=plugin if only_without is None else None, only_without=only_without or frozenset())

    def _moved(self, bare: str, folders: Sequence[str]) -> Found | None:
        """A bare name that once was ansible's own: by our table, then by the installed one's."""
        home = collection_names.home(bare)
        if home not in (collection_names.OWN, "ansible.builtin"):
            return self._collected(f"{home}.{bare}", folders)
        if self.installed is None or not bare.isidentifier():
            return None
        table = load_routing(self._core_routing(), "modules")
        route = table.get(bare)
        target = route.get("redirect") if isinstance(route, Mapping) else None
        return self._collected(target, folders) if isinstance(target, str) and target.count(".") >= 2 else None

    def _listing(self, folder: str) -> Mapping[str, str]:
        """Bare name to file, for a folder of modules and the folders in it."""
        known = self._listings.get(folder)
        if known is None:
            known = self._listings[folder] = dict(reversed(list(_modules_in(folder))))
        return known


def _modules_in(folder: str) -> Iterator[tuple[str, str]]:
    """Names and files, those that win first: what lies higher, then ``.py`` before other endings."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(files, key=lambda name: (not name.endswith(".py"), name)):
            stem, ending = os.path.splitext(name)
            if ending in _NO_MODULES or name.endswith("~") or name.startswith((".", "__init__")):
                continue
            yield stem, os.path.join(place, name)
            if stem.startswith("_"):
                yield stem[1:], os.path.join(place, name)  # deprecated, and called without its mark


def _paths(setting: str | None, kind: str) -> tuple[str, ...]:
    text = setting or _DEFAULT_PATHS.format(kind, kind)
    return tuple(os.path.abspath(os.path.expanduser(part)) for part in text.split(":") if part)
