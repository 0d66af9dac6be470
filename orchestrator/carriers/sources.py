"""Module sources as frames ready to send: read and compressed once per process, sent once per connection.

What a runtime has is one number with a bit for each source: a set of names took 2 KiB of memory per connection.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from agentlet import wire
from orchestrator.errors import TaskFault

SourceReader = Callable[[str], list[tuple[str, str]]]
Had = int
"""The sources a runtime has, as bits; 0: none."""

_modules: dict[tuple[SourceReader, str], tuple[Had, tuple[int, ...]]] = {}
"""What a module needs: as bits, and as places in `_frames` in order of import."""
_places: dict[tuple[SourceReader, str], int] = {}
_frames: list[bytes] = []


def missing_frames(module: str, had: Had, read: SourceReader) -> tuple[list[bytes], Had]:
    """``source`` frames of what ``module`` needs and is not in ``had``, in order of import; and what the runtime has
    with them."""
    needed, places = _modules.get((read, module)) or _load(module, read)
    if not needed & ~had:
        return [], had
    return [_frames[place] for place in places if not had >> place & 1], had | needed


def _load(module: str, read: SourceReader) -> tuple[Had, tuple[int, ...]]:
    try:
        sources = read(module)
    except (KeyError, OSError) as exc:
        raise TaskFault(f"the source of module {module!r} cannot be read: {exc}", code="module_source") from exc
    places = tuple(dict.fromkeys(_place(dotted, text, read) for dotted, text in sources))
    found = _modules[read, module] = sum(1 << place for place in places), places
    return found


def _place(dotted: str, text: str, read: SourceReader) -> int:
    place = _places.get((read, dotted))
    if place is None:
        body = zlib.compress(text.encode("utf-8", "surrogateescape"))
        _frames.append(wire.encode({"t": "source", "name": dotted}, body))
        place = _places[read, dotted] = len(_frames) - 1
    return place
