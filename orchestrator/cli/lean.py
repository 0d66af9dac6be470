"""Libraries that look for others which a run has no use for: they do without what they do not find, and load sooner."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(name: str) -> Iterator[None]:
    """What is imported within does not find the module ``name``; who asks for it afterwards does.

    Where it is loaded already, nothing is hidden.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # the import system's word for "there is none"
    try:
        yield
    finally:
        del sys.modules[name]


def import_lean() -> None:
    """Import asyncio without its TLS (a run's SSH brings its own ciphers; `orch serve` does not come here), and msgspec
    without what newer Pythons have built in. 6 ms of a run's start.
    """
    with without("ssl"):
        import asyncio  # noqa: F401
    with without("typing_extensions"):
        import msgspec  # noqa: F401
