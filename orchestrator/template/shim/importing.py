"""While a plugin is imported or runs, ``import ansible…`` finds something; at any other time nothing has changed."""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

from orchestrator.template.shim.modules import MODULES

_OURS_ALWAYS = frozenset({"ansible.plugins.lookup"})
_UTILS = "ansible.module_utils"


class _Shim:
    """Makes the modules of `MODULES`; where ansible-core is installed only those that are always ours."""

    def __init__(self, real: bool) -> None:
        self.names = _OURS_ALWAYS if real else frozenset(MODULES)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name not in self.names:
            return None
        is_package = any(other.startswith(name + ".") for other in MODULES)
        return importlib.machinery.ModuleSpec(name, self, is_package=is_package)  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(MODULES[module.__name__]())


class _ModuleUtils:
    """The last resort for ``ansible.module_utils.x``: module_utils/ folders of playbooks and roles."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if not name.startswith(_UTILS + "."):
            return None
        inside = name[len(_UTILS) + 1:].split(".")[:-1]
        folders = [os.path.join(folder, *inside) for folder in places.module_utils]
        return importlib.machinery.PathFinder.find_spec(name, folders)


class Places:
    """Where plugins find code of their own: module_utils/ folders, and folders with ``ansible_collections`` in them."""

    def __init__(self) -> None:
        self.module_utils: list[str] = []
        self.collections: list[str] = []


places = Places()
_kept: dict[str, ModuleType] = {}
_depth = 0


@contextlib.contextmanager
def importable() -> Iterator[None]:
    """Within, plugins' imports work. The modules are kept between uses, out of ``sys.modules``.

    An ansible-core that is installed stays imported: its own code imports more of itself when it runs.
    """
    global _depth
    if _depth:
        yield
        return
    real = importlib.machinery.PathFinder.find_spec("ansible", sys.path) is not None
    before = {name: module for name, module in sys.modules.items() if _is_swapped(name, real)}
    for name in before:
        del sys.modules[name]
    sys.modules.update(_kept)
    sys.modules.setdefault("ansible_collections", _collections())
    shim = _Shim(real)
    sys.meta_path.insert(0, shim)
    sys.meta_path.append(_ModuleUtils)
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        sys.meta_path.remove(shim)
        sys.meta_path.remove(_ModuleUtils)
        for name in [name for name in sys.modules if _is_swapped(name, real)]:
            _kept[name] = sys.modules.pop(name)
        sys.modules.update(before)


def _is_swapped(name: str, real: bool) -> bool:
    root = name.partition(".")[0]
    return root == "ansible_collections" or (name in _OURS_ALWAYS if real else root == "ansible")


def _collections() -> ModuleType:
    package = ModuleType("ansible_collections")
    package.__path__ = [path for path in (os.path.join(root, "ansible_collections") for root in places.collections)
                        if os.path.isdir(path)]
    return package


def add_collections(roots: Sequence[str]) -> None:
    """Folders that hold ``ansible_collections``."""
    new = [root for root in roots if root not in places.collections]
    if new:
        places.collections += new
        _kept.pop("ansible_collections", None)


def add_module_utils(folder: str) -> None:
    """A module_utils/ folder of a playbook or role."""
    if folder not in places.module_utils:
        places.module_utils.append(folder)


def within(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """``function(…)`` while plugins' imports work."""
    with importable():
        return function(*args, **options)
