"""Where the files are that a module imports: ``module_utils`` of people's own, of collections, of ansible-core."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from msgspec import Struct

from orchestrator.bridge.collections import Collections, routing
from orchestrator.bridge.installed import Installed

UTILS = "ansible.module_utils"
_COLLECTIONS = "ansible_collections"
_MOVED = """\
import importlib
import sys

sys.modules[__name__] = importlib.import_module({target!r})
"""


class Source(Struct, frozen=True):
    """A Python file for the archive. ``path`` is None for one made up here, whose text is ``text``."""

    dotted: str
    is_package: bool
    path: str | None = None
    text: str = ""
    moved_to: str | None = None

    @property
    def member(self) -> str:
        """Its name in the archive."""
        return self.dotted.replace(".", "/") + ("/__init__.py" if self.is_package else ".py")


class Sources:
    """Finds sources by dotted name. ``utils``: folders searched before the installed ansible-core's own."""

    def __init__(self, utils: Sequence[str], collections: Collections, installed: Installed | None) -> None:
        self._utils = utils
        self._collections = collections
        self._installed = installed

    def find(self, dotted: str) -> Source | None:
        """The file of a module or package; a folder without ``__init__.py`` is a package as well. None: no such."""
        if dotted.startswith(UTILS + "."):
            return self._in_utils(dotted)
        parts = dotted.split(".")
        if parts[0] == _COLLECTIONS:
            return self._in_collection(dotted, parts)
        if dotted in ("ansible", UTILS):
            return self._made_up(dotted)
        return Source(dotted, is_package=True) if parts[0] == "ansible" and len(parts) == 2 else None

    def _in_utils(self, dotted: str) -> Source | None:
        relative = dotted[len(UTILS) + 1:].split(".")
        folders = [*self._utils, *([os.path.join(self._installed.folder, "module_utils")] if self._installed else [])]
        # A folder that is only on the way to others must not hide a file of that name farther on.
        return next((found for bare in (False, True) for folder in folders
                     if (found := _python_at(os.path.join(folder, *relative), dotted, bare)) is not None), None)

    def _in_collection(self, dotted: str, parts: list[str]) -> Source | None:
        if len(parts) <= 3:
            return Source(dotted, is_package=True)
        folder = self._collections.folder(".".join(parts[1:3]))
        if folder is None:
            return None
        moved = self._moved(folder, dotted, parts)
        return moved or _python_at(os.path.join(folder, *parts[3:]), dotted, bare_folder=True)

    def _moved(self, folder: str, dotted: str, parts: list[str]) -> Source | None:
        """A file of module_utils that its collection has moved elsewhere: a stand-in that leads there."""
        if parts[3:5] != ["plugins", "module_utils"] or len(parts) < 6:
            return None
        route = routing(folder, "module_utils").get(".".join(parts[5:]))
        target = route.get("redirect") if isinstance(route, Mapping) else None
        if not isinstance(target, str):
            return None
        if not target.startswith((_COLLECTIONS + ".", "ansible.")):
            words = target.split(".")
            target = ".".join([_COLLECTIONS, *words[:2], "plugins", "module_utils", *words[2:]])
        return Source(dotted, is_package=False, text=_MOVED.format(target=target), moved_to=target)

    def _made_up(self, dotted: str) -> Source:
        """Packages at the top: only what modules ask them for, and room for what a host has installed itself."""
        version = self._installed.version if self._installed else "2.19.0"
        text = f"__version__ = {version!r}\n" if dotted == "ansible" else ""
        return Source(dotted, is_package=True, text=text)


def _python_at(stem: str, dotted: str, bare_folder: bool) -> Source | None:
    package = os.path.join(stem, "__init__.py")
    if os.path.isfile(package):
        return Source(dotted, is_package=True, path=package)
    if os.path.isfile(stem + ".py"):
        return Source(dotted, is_package=False, path=stem + ".py")
    return Source(dotted, is_package=True) if bare_folder and os.path.isdir(stem) else None
