"""Marshalled code of agentlet/ and modules/ for runtimes on this machine, as this Python has compiled it already.

What is in a ``.pyc`` is sent as it is, not even unmarshalled here. The runtime takes it only when its own Python has
the same `MAGIC`, and compiles the source, which always comes along, when it has not.
"""

from __future__ import annotations

import os
import struct
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source
from marshal import dumps

import agentlet

MAGIC = MAGIC_NUMBER.hex()
_ROOT = os.path.dirname(os.path.dirname(agentlet.__file__ or ""))
_HEADER = struct.Struct("<4sIII")
"""PEP 552: the magic number, flags (0: by time), the source's time and size."""


def code_of(dotted: str, source: str) -> bytes | None:
    """The marshalled code of an installed module whose text is ``source``.

    None when it cannot be had: the text is not the installed file's, or this Python leaves out assertions.
    """
    path = os.path.join(_ROOT, *dotted.split(".")) + ".py"
    try:
        stat = os.stat(path)
        if sys.flags.optimize or stat.st_size != len(source.encode("utf-8", "surrogateescape")):
            return None
        return _from_cache(path, stat) or dumps(SourceFileLoader(dotted, path).get_code(dotted))
    except (OSError, SyntaxError, ValueError):
        return None


def _from_cache(path: str, stat: os.stat_result) -> bytes | None:
    """What follows the header of the module's .pyc; None unless that is fresh by the rules of importlib."""
    try:
        with open(cache_from_source(path), "rb") as file:
            data = file.read()
    except (OSError, NotImplementedError):
        return None
    fresh = _HEADER.pack(MAGIC_NUMBER, 0, int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF)
    return data[_HEADER.size :] if data.startswith(fresh) else None
