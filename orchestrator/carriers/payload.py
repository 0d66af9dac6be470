"""What a carrier sends to boot a runtime: one command line, and the bundle on stdin."""

from __future__ import annotations

import json
import marshal
import zlib
from functools import cache
from pathlib import Path

from msgspec import Struct

import agentlet
import modules
from agentlet import launch
from orchestrator.carriers import compiled
from orchestrator.errors import UsageError

BUNDLE = (
    "agentlet.boot", "agentlet.arguments", "agentlet.become", "agentlet.blobs", "agentlet.child",
    "agentlet.childleg", "agentlet.commands", "agentlet.digests", "agentlet.execute", "agentlet.files",
    "agentlet.host", "agentlet.job", "agentlet.launch", "agentlet.lines", "agentlet.output", "agentlet.processes",
    "agentlet.reactor", "agentlet.receipts", "agentlet.runtime", "agentlet.termination", "agentlet.unstored",
    "agentlet.wire", "agentlet.worker", "agentlet.workerleg", "agentlet.workerlink", "agentlet.workerprocess",
    "modules.api",
)
"""The modules of every runtime. Those that a task needs besides follow as `source` frames."""


class BootLine(Struct, frozen=True):
    """The marker line: ``status`` is ok, old or none; ``version`` that of a Python too old; ``rest`` what followed."""

    status: str
    version: str
    rest: bytes


@cache
def boot_payload() -> bytes:
    """The zlib-compressed JSON object ``{module name: source}`` that the loader reads from stdin; always the same."""
    return zlib.compress(json.dumps(_sources()).encode())


@cache
def compiled_payload() -> bytes:
    """`boot_payload` for a pipe: not compressed, and followed by the marshalled code of all its modules.

    That begins with the magic number of the Python that compiled them; any other one takes the sources. Without it
    when not all can be had.
    """
    sources = _sources()
    codes = {name: compiled.code_of(name, source) for name, source in sources.items()}
    packed = zlib.compress(json.dumps(sources).encode(), 0)
    return packed if None in codes.values() else packed + bytes.fromhex(compiled.MAGIC) + marshal.dumps(codes)


def boot_command(marker: str, python: str | None = None) -> str:
    """The line for the login shell (of any kind) of the host. Send it, and `boot_payload` on its stdin at once.

    ``marker``: 16 to 64 random letters and digits. ``python``: the value of ``ansible_python_interpreter``, if any.
    `UsageError` when that cannot be an interpreter.
    """
    line: str = launch.command(marker, len(boot_payload()), _interpreters(python))
    return line


def boot_argv(marker: str, python: str | None = None, payload: bytes | None = None) -> list[str]:
    """`boot_command` as an argument list, for starting a runtime without a login shell. None: with `boot_payload`."""
    size = len(boot_payload() if payload is None else payload)
    words: list[str] = launch.argv(marker, size, _interpreters(python))
    return words


def parse_boot(data: bytes, marker: str) -> BootLine | None:
    """Finds the marker line in the first bytes from the host, after any banners; None while it has not come."""
    found = launch.parse(data, marker)
    return BootLine(*found) if found else None


def _interpreters(python: str | None) -> tuple[str, ...]:
    try:
        return tuple(launch.interpreters_of(python))
    except ValueError as error:
        raise UsageError(str(error), hint="Give the path of a Python 3.6 or later, such as /usr/bin/python3") from error


def _sources() -> dict[str, str]:
    return {name: _source(name) for name in BUNDLE}


def _source(name: str) -> str:
    package, _, module = name.partition(".")
    folder = Path((agentlet if package == "agentlet" else modules).__file__ or "").parent
    return (folder / f"{module}.py").read_text("utf-8")
