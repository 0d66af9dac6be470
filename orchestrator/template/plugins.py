"""Filters, tests and lookups by name: ours are imported when used; playbooks and collections bring files of theirs."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestrator.template.plugin_calls import as_filter, as_test, full_name
from orchestrator.template.plugin_files import Unloadable, own_plugins

NAMESPACES = frozenset({
    "ansible.builtin", "ansible.legacy", "ansible.posix", "ansible.utils", "ansible.netcommon", "ansible.windows",
    "community.general", "community.crypto", "community.docker",
})
"""Collections whose plugins go by their bare name as well."""

_NAMESAKES = frozenset({"ansible.utils.keep_keys", "ansible.utils.remove_keys", "ansible.utils.replace_keys"})
"""Others than those of community.general, which ours are."""

Found = tuple[dict[str, Callable[..., Any]], list[Unloadable]]


class PluginTable(dict[str, Any]):
    """Name to function. ``known`` maps names to ``module:function``, imported when asked for.

    A playbook's own, from ``<kind>_plugins/*.py``, go before ours, as in Ansible; those of collections go by their
    whole name. A file that cannot be loaded is skipped with a warning; `hint` has its reason for a name not found.
    """

    def __init__(
        self, loaded: Mapping[str, Any], known: Mapping[str, str], kind: str, warn: Callable[[str], None] | None = None
    ) -> None:
        super().__init__(loaded)
        self.warn = warn
        self.known = known
        self.kind = kind
        self.directories: list[str] = []
        self.collections: list[str] = []
        """Folders that hold ``ansible_collections``."""
        self.find_collections: Callable[[], Iterable[str]] | None = None
        """Finds more of them, asked once, when a plugin is in none of those."""
        self._searched: set[str] = set()
        self._own: dict[str, Any] = {}
        self._whole: dict[str, Found] = {}
        self._broken: list[Unloadable] = []

    def add_directory(self, directory: str) -> None:
        if directory not in self.directories and os.path.isdir(directory):
            self.directories.append(directory)

    def __missing__(self, name: str) -> Any:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        self[name] = found
        return found

    def get(self, name: str, default: Any = None) -> Any:
        if len(self._searched) != len(self.directories):
            self._search()
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def all_names(self) -> list[str]:
        return sorted({*self, *self.known})

    def hint(self) -> str | None:
        """Which file could not be loaded, and why: what a name that is nowhere may be about."""
        return next((f"{one.path} could not be loaded: {one.reason}" for one in self._broken), None)

    def _listen(self) -> None:
        """What a plugin warns of is said where this table's warnings are."""
        if self.warn is not None:
            from orchestrator.template.shim.display import sinks

            sinks[:] = [self.warn]

    def _search(self) -> None:
        for directory in [one for one in self.directories if one not in self._searched]:
            self._searched.add(directory)
            for name, function in self._all_in(directory)[0].items():
                if name not in self._own:
                    self._own[name] = self[name] = function

    def _all_in(self, folder: str) -> Found:
        """The plugins of all files in a folder, read once; tells of those that cannot be loaded."""
        if folder not in self._whole:
            self._listen()
            self._whole[folder] = own_plugins(folder, self.kind)
            for one in self._whole[folder][1]:
                self._broken.append(one)
                if self.warn is not None:
                    self.warn(f"Skipping {self.kind[:-1]} plugin {one.path}: an error occurred while loading: "
                              f"{one.reason}")
        return self._whole[folder]

    def _find(self, name: str) -> Any:
        target = self.known.get(name)
        if target is not None:
            if self.kind == "lookups":
                return imported(target)
            wrap = as_filter if self.kind == "filters" else as_test
            return wrap(name, imported(target), full_name(name))
        namespace, _, bare = name.rpartition(".")
        if namespace in NAMESPACES and name not in _NAMESAKES and bare in self:
            return self[bare]
        return self._of_collection(name) if namespace.count(".") >= 1 else None

    def _of_collection(self, name: str) -> Any:
        self._listen()
        author, collection, bare = name.split(".", 2)
        if self.find_collections is not None:
            self.collections += [root for root in self.find_collections() if root not in self.collections]
            self.find_collections = None
        for root in self.collections:
            folder = os.path.join(root, "ansible_collections", author, collection, "plugins", self.kind[:-1])
            if os.path.isdir(folder):
                found = own_plugins(folder, self.kind, only=bare)[0]
                if bare not in found:
                    found = self._all_in(folder)[0]
                if bare in found:
                    return found[bare]
        return None


def imported(target: str) -> Any:
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)


def table(package: str, **files: str) -> dict[str, str]:
    """``table("x.filters", paths="dirname basename:base_name")``: name to target; ``a:b`` calls b what users call a."""
    known = {}
    for file, names in files.items():
        for entry in names.split():
            name, _, function = entry.partition(":")
            known[name] = f"{package}.{file}:{function or name}"
    return known
