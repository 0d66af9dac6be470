"""Filters, tests and lookups by name: ours are imported when used; playbooks and collections bring files of theirs."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from orchestrator.errors import ContentError, Origin, UndefinedVariable
from orchestrator.template.plain import SCALARS, to_plain
from orchestrator.template.undefined import Undefined

NAMESPACES = frozenset({
    "ansible.builtin", "ansible.legacy", "ansible.posix", "ansible.utils", "ansible.netcommon", "ansible.windows",
    "community.general", "community.crypto", "community.docker",
})
"""Collections whose plugins go by their bare name as well."""

_NAMESAKES = frozenset({"ansible.utils.keep_keys", "ansible.utils.remove_keys", "ansible.utils.replace_keys"})
"""Others than those of community.general, which ours are."""


class PluginTable(dict[str, Any]):
    """Name to function. ``known`` maps names to ``module:function``, imported when asked for.

    A playbook's own, from ``<kind>_plugins/*.py``, go before ours, as in Ansible; those of collections go by their
    whole name. A file that cannot be loaded is a `ContentError` only when a name is found nowhere else.
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
        self._broken: list[ContentError] = []

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
        try:
            return isinstance(name, str) and self.get(name) is not None
        except ContentError:  # its file cannot be loaded: whoever uses it is told why
            return False

    def all_names(self) -> list[str]:
        return sorted({*self, *self.known})

    def _listen(self) -> None:
        """What a plugin warns of is said where this table's warnings are."""
        if self.warn is not None:
            from orchestrator.template.shim.display import sinks

            sinks[:] = [self.warn]

    def _search(self) -> None:
        self._listen()
        for directory in [one for one in self.directories if one not in self._searched]:
            self._searched.add(directory)
            found, broken = own_plugins(directory, self.kind)
            self._skipped(broken)
            for name, function in found.items():
                if name not in self._own:
                    self._own[name] = self[name] = function

    def _skipped(self, broken: list[ContentError]) -> None:
        self._broken += broken
        for error in broken:
            if self.warn is not None:
                self.warn(f"Skipping {self.kind[:-1]} plugin {error.origin}: {error}")

    def _find(self, name: str) -> Any:
        target = self.known.get(name)
        if target is not None:
            return as_filter(name, imported(target)) if self.kind == "filters" else imported(target)
        namespace, _, bare = name.rpartition(".")
        if namespace in NAMESPACES and name not in _NAMESAKES and bare in self:
            return self[bare]
        if namespace.count(".") >= 1:
            found = self._of_collection(name)
            if found is not None:
                return found
        if self._broken:
            raise self._broken[0]
        return None

    def _of_collection(self, name: str) -> Any:
        self._listen()
        author, collection, bare = name.split(".", 2)
        if self.find_collections is not None:
            self.collections += [root for root in self.find_collections() if root not in self.collections]
            self.find_collections = None
        for root in self.collections:
            folder = os.path.join(root, "ansible_collections", author, collection, "plugins", self.kind[:-1])
            if os.path.isdir(folder):
                found, broken = own_plugins(folder, self.kind, only=bare)
                if bare not in found:
                    found, broken = own_plugins(folder, self.kind)
                if bare in found:
                    return found[bare]
                if broken:
                    raise next((one for one in broken if str(one.origin).endswith(f"{os.sep}{bare}.py")), broken[0])
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


def own_plugins(
    directory: str, kind: str, only: str | None = None
) -> tuple[dict[str, Callable[..., Any]], list[ContentError]]:
    """The functions of every ``FilterModule``, ``TestModule`` or lookup in a folder (of the file ``only``), and faults.

    Such files are code of the operator's own, run on the controller.
    """
    found: dict[str, Callable[..., Any]] = {}
    broken: list[ContentError] = []
    for path in _sources(directory, only):
        name = os.path.basename(path)[:-3]
        if kind == "lookups":
            found[name] = _lookup(path)
            continue
        try:
            found.update(_functions(path, kind))
        except ContentError as error:
            broken.append(error)
    return found, broken


_FACTORIES = {"filters": "FilterModule", "tests": "TestModule"}


def _functions(path: str, kind: str) -> dict[str, Callable[..., Any]]:
    from orchestrator.template.shim.importing import within

    factory = getattr(load_source(path), _FACTORIES[kind], None)
    if factory is None:
        return {}
    try:
        functions = within(getattr(factory(), kind))
    except Exception as error:
        raise _unloadable(path, error) from error
    if kind == "filters":
        return {name: as_filter(name, own_filter(function)) for name, function in functions.items()}
    return {name: needs_value(function) for name, function in functions.items()}


def _lookup(path: str) -> Callable[..., Any]:
    """A lookup that is imported when it is used first: ``run(terms, call, **options)``, or a ``LookupModule``."""

    @functools.cache
    def load() -> Callable[..., Any]:
        from orchestrator.template.shim.lookup import from_class

        module = load_source(path)
        factory = getattr(module, "LookupModule", None)
        function = from_class(factory) if factory is not None else getattr(module, "run", None)
        if function is None:
            raise ContentError("the file has no LookupModule", origin=Origin(path))
        return function  # type: ignore[no-any-return]

    def run(terms: list[Any], call: Any, /, **options: Any) -> Any:
        return called(load(), terms, call, **options)

    return run


def load_source(path: str) -> Any:
    """A Python file as a module. Raises `ContentError` when it cannot be imported."""
    from orchestrator.template.shim import importing

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
            raise _unloadable(path, error) from error
    return module


def _module_name(path: str) -> str:
    """A name of its own for each file; in a collection the one that its relative imports need."""
    _, marker, inside = os.path.abspath(path).partition(f"{os.sep}ansible_collections{os.sep}")
    if marker:
        return f"ansible_collections.{inside[:-3].replace(os.sep, '.')}"
    return f"orch_plugin_{os.path.basename(path)[:-3]}_{abs(hash(path)):x}"


def _unloadable(path: str, error: Exception) -> ContentError:
    hint = None
    if isinstance(error, ImportError):
        hint = "it imports what is not installed beside orch"
        if (error.name or "").partition(".")[0] in ("ansible", "ansible_collections"):
            hint = "ansible-core itself may help: install orch-fleet[ansible]"
    return ContentError(
        f"the plugin cannot be loaded: {type(error).__name__}: {error}", origin=Origin(path), hint=hint,
    )


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
        return value
    try:
        return to_plain(value, lambda raw: raw)
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


def needs_value(test: Callable[..., Any]) -> Callable[..., Any]:
    """A test that fails on an undefined value instead of answering about it."""

    @functools.wraps(test)
    def checked(value: Any, *args: Any, **options: Any) -> Any:
        if isinstance(value, Undefined):
            raise value.fault()
        return test(value, *args, **options)

    return checked


def passing_undefined(function: Callable[..., Any], arguments: int | None = None) -> Callable[..., Any]:
    """A filter that gives an undefined value back, if it gets one, and lists instead of iterators.

    So ``{{ nothing | upper | default('x') }}`` is x, as in Ansible 2.19. ``arguments``: how many are looked at.
    """
    position = 1 if hasattr(function, "jinja_pass_arg") else 0
    end = None if arguments is None else position + arguments

    @functools.wraps(function)
    def passing(*args: Any, **options: Any) -> Any:
        for one in args[position:end]:
            if isinstance(one, Undefined):
                return one
        if options and end is None:
            for one in options.values():
                if isinstance(one, Undefined):
                    return one
        result = function(*args, **options)
        return list(result) if isinstance(result, Iterator) else result

    return passing


_TAKE_UNDEFINED = frozenset({"default", "d", "mandatory", "type_debug"})
_ONLY_FIRST = frozenset({"ternary"})


def as_filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter as the language has it; a few are there to be given what is undefined."""
    bare = name.rpartition(".")[2]
    if bare in _TAKE_UNDEFINED:
        return function
    return passing_undefined(function, 1 if bare in _ONLY_FIRST else None)
