"""A module and everything it imports as one archive, which Python runs as it is. Same content, same bytes."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator

from msgspec import Struct

from orchestrator.bridge.found import Found
from orchestrator.bridge.imports import Need, needs
from orchestrator.bridge.sources import UTILS, Source, Sources

BASIC = "ansible.module_utils.basic"
RESPAWN = "ansible.module_utils.common.respawn"
PROFILES = "ansible.module_utils._internal._json._profiles"
ANSIBALLZ = "ansible.module_utils._internal._ansiballz"
MAX_SOURCES = 2000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEVEL = 6

Stamp = tuple[str, int, int]
_parsed: dict[tuple[Stamp, str], tuple[str, tuple[Need, ...]]] = {}
"""Sources read and parsed so far, by file and state: parsing ansible's own takes most of the time."""


class PackingError(Exception):
    """The archive cannot be made; the text says of which module and why."""


class Archive(Struct, frozen=True):
    """``data`` is a zip whose ``__main__`` runs the module; ``sources`` the dotted names in it."""

    data: bytes
    sources: tuple[str, ...]


def pack(found: Found, sources: Sources) -> Archive:
    """Everything that ``found`` imports, transitively. Raises `PackingError` for a required import that nobody has."""
    gathered = _Gathered(found, sources)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in sorted(gathered.members()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text, compresslevel=_LEVEL)
    return Archive(buffer.getvalue(), tuple(sorted(gathered.texts)))


class _Gathered:
    """Follows imports from one module until nothing new comes up."""

    def __init__(self, found: Found, sources: Sources) -> None:
        self._found = found
        self._sources = sources
        self.texts: dict[str, tuple[Source, str]] = {}
        self._open: list[Source] = [Source(found.dotted, is_package=False, path=found.path)]
        self._follow()
        self._add_unwritten()
        self._follow()

    def members(self) -> Iterator[tuple[str, str]]:
        yield "__main__.py", _start_text()
        for source, text in self.texts.values():
            yield source.member, text

    def _follow(self) -> None:
        while self._open:
            source = self._open.pop()
            if source.dotted in self.texts:
                continue
            if len(self.texts) >= MAX_SOURCES:
                raise PackingError(f"{self._found.name} imports more than {MAX_SOURCES} files")
            text, wanted = self._read(source)
            self.texts[source.dotted] = source, text
            self._add_parents(source.dotted)
            for need in wanted:
                self._add(need)
            if source.moved_to:
                self._add(Need((source.moved_to,), optional=False))

    def _read(self, source: Source) -> tuple[str, tuple[Need, ...]]:
        if source.path is None:
            return source.text, ()
        try:
            return _parse(source, source.path)
        except SyntaxError as error:
            raise PackingError(f"{source.path}:{error.lineno}: this is no Python 3 source: {error.msg}") from error
        except (OSError, ValueError) as error:
            raise PackingError(f"{source.path} cannot be read: {error}") from error

    def _add(self, need: Need) -> None:
        for name in need.names:
            source = self._sources.find(name)
            if source is not None:
                self._open.append(source)
                return
        if not need.optional:
            raise PackingError(f"Could not find imported module support code for {self._found.dotted}. "
                               f"Looked for ({list(need.names)})")

    def _add_parents(self, dotted: str) -> None:
        parent = dotted.rpartition(".")[0]
        if parent and parent not in self.texts:
            self._open.append(self._sources.find(parent) or Source(parent, is_package=True))

    def _add_unwritten(self) -> None:
        """What no import statement names: `basic` itself, the profiles it loads by name, the halves of respawn."""
        self._add(Need((BASIC,), optional=UTILS not in " ".join(self.texts)))
        self._follow()
        names = _siblings(self._sources.find(PROFILES), "_module_") if BASIC in self.texts else []
        if RESPAWN in self.texts:
            names += _siblings(self._sources.find(ANSIBALLZ), "_respawn")
        for name in names:
            self._add(Need((name,), optional=True))


def _siblings(package: Source | None, prefix: str) -> list[str]:
    if package is None or package.path is None:
        return []
    files = sorted(os.listdir(os.path.dirname(package.path)))
    return [f"{package.dotted}.{name[:-3]}" for name in files if name.startswith(prefix) and name.endswith(".py")]


def _parse(source: Source, path: str) -> tuple[str, tuple[Need, ...]]:
    state = os.stat(path)
    key = (path, state.st_mtime_ns, state.st_size), source.dotted
    known = _parsed.get(key)
    if known is None:
        with open(path, encoding="utf-8") as opened:
            text = opened.read()
        known = _parsed[key] = text, tuple(needs(text, source.dotted, source.is_package, path))
    return known


def _start_text() -> str:
    from orchestrator.bridge import start

    with open(start.__file__, encoding="utf-8") as opened:
        return opened.read()
