"""Variables in files: group_vars/ and host_vars/ beside an inventory or playbook, and a play's vars_files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ContentError, UndefinedVariable

if TYPE_CHECKING:
    from orchestrator.content.loader import ContentLoader
    from orchestrator.model import Play

EXTENSIONS = ("", ".yml", ".yaml", ".json")
"""Tried in this order; the first that exists is the one that counts, as in Ansible."""


class VarsDirectory:
    """group_vars/ and host_vars/ in one folder. Listed once; a file is read when its group or host is asked for."""

    def __init__(self, path: str, content: ContentLoader | None) -> None:
        self.path = path
        self.content = content
        self._listed: dict[str, frozenset[str]] = {}
        self._read: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = {}

    def forget(self) -> None:
        """Look at the folder again when next asked, and read its files again."""
        for files in self._read.values():
            for path, _ in files:
                if self.content is not None:
                    self.content.forget(path)
        self._listed.clear()
        self._read.clear()

    def read(self, kind: str, name: str) -> list[tuple[str, Mapping[str, Any]]]:
        """(path, variables) of each file of ``name``, in the order in which they override. Empty when it has none."""
        listed = self._listed.get(kind)
        if listed is None:
            listed = self._listed[kind] = _listing(os.path.join(self.path, kind))
        if not listed:
            return []
        key = (kind, name)
        found = self._read.get(key)
        if found is None:
            entry = next((name + ext for ext in EXTENSIONS if name + ext in listed), None)
            files = _files_of(os.path.join(self.path, kind, entry)) if entry else ()
            found = self._read[key] = [(path, self._load(path)) for path in files]
        return found

    def _load(self, path: str) -> Mapping[str, Any]:
        if self.content is None:
            raise ContentError(f"no loader to read {path}")
        return self.content.read_vars(path)


def _listing(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise ContentError(f"cannot list {folder}: {error.strerror}") from error


def _files_of(path: str) -> Iterator[str]:
    """The file itself, or the files of a folder and those below it, sorted; no hidden or backup files."""
    if not os.path.isdir(path):
        yield path
        return
    for name in sorted(os.listdir(path)):
        if name.startswith(".") or name.endswith("~"):
            continue
        full = os.path.join(path, name)
        if os.path.isdir(full):
            yield from _files_of(full)
        elif os.path.splitext(name)[1] in EXTENSIONS:
            yield full


def vars_files(play: Play, render: Callable[[Any], Any], playbook_dir: str) -> list[str]:
    """The files of ``vars_files:``, each entry a name, or a list of which the first that exists is taken.

    Raises `ContentError` when none exists, `UndefinedVariable` when a name needs a variable that is not known yet.
    """
    return [_first(entry, render, playbook_dir, play) for entry in play.vars_files]


def _first(entry: Any, render: Callable[[Any], Any], playbook_dir: str, play: Play) -> str:
    tried = []
    undefined: UndefinedVariable | None = None
    for candidate in entry if isinstance(entry, list) else [entry]:
        try:
            name = str(render(candidate))
        except UndefinedVariable as error:
            undefined = error
            continue
        for path in _places(name, playbook_dir):
            if os.path.exists(path):
                return path
        tried.append(name)
    if undefined is not None and not tried:
        raise undefined
    raise ContentError(
        f"vars_files: none of these exists: {', '.join(tried)}", origin=getattr(entry, "origin", None) or play.origin,
        hint=f"looked in {playbook_dir} and {os.path.join(playbook_dir, 'vars')}",
    )


def _places(name: str, folder: str) -> list[str]:
    name = os.path.expanduser(name)
    if os.path.isabs(name):
        return [name]
    return [os.path.join(folder, "vars", name), os.path.join(folder, name)]
