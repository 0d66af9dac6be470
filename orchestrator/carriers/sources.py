"""Module sources as frames ready to send: read and compressed once per process, sent once per connection.

What a runtime has is one number with a bit for each source: a set of names took 2 KiB of memory per connection.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from agentlet import wire
from orchestrator.carriers import compiled
from orchestrator.errors import TaskFault

SourceReader = Callable[[str], list[tuple[str, str]]]
Had = int
"""The sources a runtime has, as bits; 0: none."""

_modules: dict[tuple[SourceReader, bool, str], tuple[Had, tuple[int, ...]]] = {}
"""What a module needs: as bits, and as places in `_frames` in order of import."""
_places: dict[tuple[SourceReader, bool, str], int] = {}
_frames: list[bytes] = []


def missing_frames(
    module: str, had: Had, read: SourceReader, with_code: bool = False
) -> tuple[list[bytes], Had]:
    """``source`` frames of what ``module`` needs and is not in ``had``, in order of import; and what the runtime has
    with them. ``with_code``: over a pipe, so not compressed, and with compiled code where there is any."""
    needed, places = _modules.get((read, with_code, module)) or _load(module, read, with_code)
    if not needed & ~had:
        return [], had
    return [_frames[place] for place in places if not had >> place & 1], had | needed


def _load(module: str, read: SourceReader, with_code: bool) -> tuple[Had, tuple[int, ...]]:
    try:
        sources = read(module)
    except (KeyError, OSError) as exc:
        raise TaskFault(f"the source of module {module!r} cannot be read: {exc}", code="module_source") from exc
    places = tuple(dict.fromkeys(_place(dotted, text, read, with_code) for dotted, text in sources))
    found = _modules[read, with_code, module] = sum(1 << place for place in places), places
    return found


def _place(dotted: str, text: str, read: SourceReader, with_code: bool) -> int:
    place = _places.get((read, with_code, dotted))
    if place is None:
        _frames.append(_frame(dotted, text, with_code))
        place = _places[read, with_code, dotted] = len(_frames) - 1
    return place


def _frame(dotted: str, text: str, with_code: bool) -> bytes:
    header, source = {"t": "source", "name": dotted}, text.encode("utf-8", "surrogateescape")
    if not with_code:
        return wire.encode(header, zlib.compress(source))
    body, code = zlib.compress(source, 0), compiled.code_of(dotted, text)
    return wire.encode(dict(header, magic=compiled.MAGIC), body + code) if code else wire.encode(header, body)
