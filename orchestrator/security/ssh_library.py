"""asyncssh, imported without what orch has no use for: `from orchestrator.security.ssh_library import asyncssh`.

Parts that orch does not use cost a quarter of its import, every time, whether they are there or not:

* To find liboqs (more post-quantum key exchanges) and nettle (UMAC) it calls `ctypes.util.find_library`, which starts
  ldconfig, gcc and ld. The loader's own cache knows the same; both libraries are still used where they are installed.
* X.509 certificates in SSH need pyOpenSSL, and loading `cryptography.x509` to see whether that is there costs as much
  again. orch neither offers nor accepts such certificates.
* SFTP and SCP are 9,000 lines of classes; orch sends files through its own runtime.

CPU of `import asyncssh`: 0.16 s as it is, 0.12 s this way.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import re
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOADER_CACHE = "/etc/ld.so.cache"
UNUSED = "asyncssh.crypto.x509"
NAMED_ONLY = ("asyncssh.sftp", "asyncssh.scp")
"""asyncssh takes names of these into annotations and its own namespace, and calls nothing of them unasked."""

_search = ctypes.util.find_library


def find_library(name: str) -> str | None:
    """The name under which the loader finds a library, as `ctypes.util.find_library` has it, without a process.

    Where there is no cache (musl, macOS), or a path of the user's own comes before it, the original is asked.
    """
    if os.environ.get("LD_LIBRARY_PATH"):
        return _search(name)
    try:
        with open(LOADER_CACHE, "rb") as file:
            names = re.findall(rb"[\0/](lib%s\.so[.0-9]*)\0" % re.escape(name.encode()), file.read())
    except OSError:
        return _search(name)
    # The cache may hold another architecture's, and not yet hold what was installed a moment ago.
    return next((found for found in [*map(os.fsdecode, names), f"lib{name}.so"] if _loads(found)), None)


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


class _Names(types.ModuleType):
    """A module of which every name is there: an empty class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


@contextmanager
def _only_what_is_used() -> Iterator[None]:
    """While asyncssh is imported for the first time, and no longer."""
    if "asyncssh" in sys.modules:
        yield
        return
    ctypes.util.find_library = find_library
    sys.modules[UNUSED] = None  # type: ignore[assignment]  # what importlib documents for "cannot be imported"
    sys.modules.update((name, _Names(name)) for name in NAMED_ONLY)
    try:
        yield
    finally:
        ctypes.util.find_library = _search
        for name in (UNUSED, *NAMED_ONLY):
            del sys.modules[name]


with _only_what_is_used():
    import asyncssh

__all__ = ["asyncssh", "find_library"]
