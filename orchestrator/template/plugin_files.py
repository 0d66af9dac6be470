"""Filters, tests and lookups in files of the operator's own: code that runs on the controller."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct

from orchestrator.errors import TemplateError, UndefinedVariable
from orchestrator.template.faults import words_of
from orchestrator.template.plain import SCALARS, as_data, to_plain
from orchestrator.template.plugin_calls import as_filter, as_test, needs_value, unusable

_FACTORIES = {"filters": "FilterModule", "tests": "TestModule"}


class Unloadable(Struct, frozen=True):
    """A file whose plugins cannot be had."""

    path: str
    reason: str


class PluginFileError(Exception):
    """Why a file cannot be loaded, in one sentence."""


def own_plugins(
    directory: str, kind: str, only: str | None = None
) -> tuple[dict[str, Callable[..., Any]], list[Unloadable]]:
    """The functions of every ``FilterModule``, ``TestModule`` or lookup in a folder (its file ``only``), and faults."""
    found: dict[str, Callable[..., Any]] = {}
    broken: list[Unloadable] = []
    for path in _sources(directory, only):
        name = os.path.basename(path)[:-3]
        if kind == "lookups":
            found[name] = _lookup(path)
            continue
        try:
            found.update(_functions(path, kind))
        except PluginFileError as error:
            broken.append(Unloadable(path, str(error)))
    return found, broken


def _functions(path: str, kind: str) -> dict[str, Callable[..., Any]]:
    from orchestrator.template.shim.importing import within

    factory = getattr(load_source(path), _FACTORIES[kind], None)
    if factory is None:
        return {}
    try:
        functions = within(getattr(factory(), kind))
        return {name: _usable(name, function, kind) for name, function in dict(functions).items()}
    except Exception as error:
        raise PluginFileError(words_of(error)) from error


def _usable(name: str, function: Any, kind: str) -> Callable[..., Any]:
    try:
        getattr(function, "accept_args_markers", False)  # Ansible asks it first, and a plugin may raise then
        if not callable(function):
            raise TypeError(f"{type(function).__name__!r} object is not callable")
    except Exception as error:
        return unusable(kind[:-1], name, error)
    if kind == "filters":
        return as_filter(name, own_filter(function))
    return as_test(name, needs_value(function))


def _lookup(path: str) -> Callable[..., Any]:
    """A lookup that is imported when it is used first: ``run(terms, call, **options)``, or a ``LookupModule``."""

    @functools.cache
    def load() -> Callable[..., Any]:
        from orchestrator.template.shim.lookup import from_class

        module = load_source(path)
        factory = getattr(module, "LookupModule", None)
        function = from_class(factory) if factory is not None else getattr(module, "run", None)
        if function is None:
            raise PluginFileError("the file has no LookupModule")
        return function  # type: ignore[no-any-return]

    def run(terms: list[Any], call: Any, /, **options: Any) -> Any:
        try:
            function = load()
        except PluginFileError as error:
            name = os.path.basename(path)[:-3]
            raise NotLoaded(f"The lookup plugin {name!r} failed to load: {error}", hint=f"it is {path}") from error
        return called(function, terms, call, **options)

    run.takes_undefined = lambda: getattr(load(), "takes_undefined", False)  # type: ignore[attr-defined]
    return run


class NotLoaded(TemplateError):
    """A lookup is used whose file cannot be loaded."""


def load_source(path: str) -> Any:
    """A Python file as a module. Raises `PluginFileError` when it cannot be imported."""
    from orchestrator.template.shim import importing

    try:
        sys.audit("orch.plugin", path)
    except OSError as error:
        raise PluginFileError(error.strerror) from error
    utils = os.path.join(os.path.dirname(os.path.dirname(path)), "module_utils")
    if os.path.isdir(utils):
        importing.add_module_utils(utils)
    name = _module_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with importing.importable():
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[name]
            raise PluginFileError(_why(error)) from error
    return module


def _module_name(path: str) -> str:
    """A name of its own for each file; in a collection the one that its relative imports need."""
    _, marker, inside = os.path.abspath(path).partition(f"{os.sep}ansible_collections{os.sep}")
    if marker:
        return f"ansible_collections.{inside[:-3].replace(os.sep, '.')}"
    return f"orch_plugin_{os.path.basename(path)[:-3]}_{abs(hash(path)):x}"


def _why(error: Exception) -> str:
    words = words_of(error)
    if not isinstance(error, ImportError):
        return words
    if (error.name or "").partition(".")[0] in ("ansible", "ansible_collections"):
        return f"{words}; ansible-core itself may help: install orch-fleet[ansible]"
    return f"{words}, which is not installed beside orch"


def _sources(directory: str, only: str | None) -> Iterable[str]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    wanted = [f"{only}.py"] if only is not None else names
    return [os.path.join(directory, name) for name in names
            if name in wanted and name.endswith(".py") and not name.startswith("_")]


def own_filter(function: Callable[..., Any]) -> Callable[..., Any]:
    """A plugin's filter: it gets plain data."""

    @functools.wraps(function)
    def filtered(*args: Any, **options: Any) -> Any:
        passed = 1 if hasattr(function, "jinja_pass_arg") else 0
        given = [_ready(value) for value in args[passed:]]
        return called(function, *args[:passed], *given, **{key: _ready(value) for key, value in options.items()})

    return filtered


def _ready(value: Any) -> Any:
    """Plain containers, for code that reads them behind their methods; what holds undefined entries stays lazy."""
    if type(value) in SCALARS or not isinstance(value, (dict, list)):
        return as_data(value)
    try:
        return as_data(to_plain(value, lambda raw: raw))
    except UndefinedVariable:
        return value


def called(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """A plugin's function, which may import Ansible's names when it runs. Iterators become lists."""
    try:
        try:
            result = function(*args, **options)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("ansible", "ansible_collections"):
                raise
            from orchestrator.template.shim.importing import within

            result = within(function, *args, **options)
    except Exception as error:
        if type(error).__name__ == "AnsibleUndefinedVariable":
            raise UndefinedVariable(str(error)) from error
        raise
    return list(result) if isinstance(result, Iterator) else result
