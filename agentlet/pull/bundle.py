"""Starts a runtime from the agentlet's own file: the same modules that a controller sends to boot one over SSH."""

import json
import os
import sys
import zlib

LIST = "agentlet/pull/runtime.txt"
"""In the agentlet's file: the dotted names of a runtime's modules, a line each."""

UMASK = 0o022
"""A login's: the agentlet keeps its own files for itself alone, and what tasks make is as with any other carrier."""


def sources():
    """{dotted name: source}."""
    names = _data(LIST).decode("ascii").split()
    return {name: _data(name.replace(".", "/") + ".py").decode("utf-8") for name in names}


def start_runtime():
    """Becomes a runtime that speaks frames on stdin and stdout. Does not return."""
    os.umask(UMASK)
    from agentlet import boot
    texts = sources()
    packed = zlib.compress(json.dumps(texts).encode(), 1)
    # Everything anew, from memory: sources that come later replace modules, and the file may be replaced meanwhile.
    for name in [name for name in sys.modules if name.partition(".")[0] in ("agentlet", "modules")]:
        del sys.modules[name]
    boot.start(texts, packed)


def _data(name):
    import agentlet
    loader = agentlet.__loader__
    root = agentlet.__file__[:-len("agentlet/__init__.py")]
    return loader.get_data(root + name)
