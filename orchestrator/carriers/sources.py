"""Module sources as frames ready to send: read and compressed once per process, sent once per connection."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from agentlet import wire
from orchestrator.errors import TaskFault

SourceReader = Callable[[str], list[tuple[str, str]]]

_modules: dict[tuple[SourceReader, str], tuple[str, ...]] = {}
_frames: dict[tuple[SourceReader, str], bytes] = {}


def missing_frames(module: str, had: set[str], read: SourceReader) -> list[bytes]:
    """``source`` frames of what ``module`` needs and is not in ``had``, in order of import; ``had`` is updated."""
    if module in had:
        return []
    frames = []
    for dotted in _needed(module, read):
        if dotted not in had:
            had.add(dotted)
            frames.append(_frames[read, dotted])
    had.add(module)
    return frames


def _needed(module: str, read: SourceReader) -> tuple[str, ...]:
    found = _modules.get((read, module))
    if found is None:
        found = _modules[read, module] = tuple(_load(module, read))
    return found


def _load(module: str, read: SourceReader) -> list[str]:
    try:
        sources = read(module)
    except (KeyError, OSError) as exc:
        raise TaskFault(f"the source of module {module!r} cannot be read: {exc}", code="module_source") from exc
    for dotted, text in sources:
        if (read, dotted) not in _frames:
            body = zlib.compress(text.encode("utf-8", "surrogateescape"), 9)
            _frames[read, dotted] = wire.encode({"t": "source", "name": dotted}, body)
    return [dotted for dotted, _ in sources]
