"""Filters, tests and lookups by name: ours are imported when used, a playbook's own when nothing else has the name."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestrator.errors import ContentError, Origin
from orchestrator.template.undefined import Undefined

NAMESPACES = frozenset({
    "ansible.builtin", "ansible.legacy", "ansible.posix", "ansible.utils", "ansible.netcommon", "ansible.windows",
    "community.general", "community.crypto", "community.docker",
})
"""Collections whose plugins go by their bare name as well."""


class PluginTable(dict[str, Any]):
    """Name to function. ``known`` maps names to ``module:function``, imported when asked for.

    ``own`` is the attribute that yields a playbook's own (``filters``, ``tests``) from ``<kind>_plugins/*.py``.
    """

    def __init__(self, loaded: Mapping[str, Any], known: Mapping[str, str], kind: str) -> None:
        super().__init__(loaded)
        self.known = known
        self.kind = kind
        self.directories: list[str] = []
        self._searched: set[str] = set()

    def __missing__(self, name: str) -> Any:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        self[name] = found
        return found

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def all_names(self) -> list[str]:
        return sorted({*self, *self.known})

    def _find(self, name: str) -> Any:
        target = self.known.get(name)
        if target is not None:
            return imported(target)
        namespace, _, bare = name.rpartition(".")
        if namespace in NAMESPACES:
            return self.get(bare)
        for directory in self.directories:
            if directory not in self._searched:
                self._searched.add(directory)
                for key, function in own_plugins(directory, self.kind).items():
                    if not dict.__contains__(self, key):
                        self[key] = function
        return dict.get(self, name)


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


def own_plugins(directory: str, kind: str) -> dict[str, Callable[..., Any]]:
    """The functions of every ``FilterModule``, ``TestModule`` or lookup in a folder of a playbook or role.

    Such files are code of the operator's own, run on the controller. Raises `ContentError` naming a file that fails.
    """
    found: dict[str, Callable[..., Any]] = {}
    for path in _sources(directory):
        module = load_source(path)
        factory = getattr(module, _FACTORIES[kind], None)
        if kind == "lookups":
            function = getattr(module, "run", None) or (factory and _from_class(factory))
            if function is not None:
                found[os.path.basename(path)[:-3]] = function
        elif factory is not None:
            found.update(getattr(factory(), kind)())
    return found


_FACTORIES = {"filters": "FilterModule", "tests": "TestModule", "lookups": "LookupModule"}


def _from_class(factory: Callable[..., Any]) -> Callable[..., Any]:
    """A lookup written as Ansible's ``LookupModule``: it is given the variables as a mapping."""

    def run(terms: list[Any], call: Any, **options: Any) -> Any:
        names = {name: call.variable(name) for name in call.scope.names()}
        return factory().run(terms, variables=names, **options)

    return run


def load_source(path: str) -> Any:
    """A Python file as a module. Raises `ContentError` when it cannot be imported."""
    name = "orch_plugin_" + os.path.basename(path)[:-3] + f"_{abs(hash(path)):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ContentError(
            f"the plugin cannot be loaded: {type(error).__name__}: {error}", origin=Origin(path),
            hint="plugins written for Ansible that import ansible itself need changing",
        ) from error
    return module


def _sources(directory: str) -> Iterable[str]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    return [os.path.join(directory, name) for name in names if name.endswith(".py") and not name.startswith("_")]


def needs_value(test: Callable[..., Any]) -> Callable[..., Any]:
    """A test that fails on an undefined value instead of answering about it."""

    @functools.wraps(test)
    def checked(value: Any, *args: Any) -> Any:
        if isinstance(value, Undefined):
            raise value.fault()
        return test(value, *args)

    return checked
