"""Where the operator's own ansible-core is: its module_utils and modules are read from there. Nothing of it is run."""

from __future__ import annotations

import importlib.machinery
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

PROGRAMS = ("ansible-playbook", "ansible")
_LIBRARIES = ("lib/python3*/site-packages", "lib/python3/dist-packages", "local/lib/python3*/dist-packages")
_VERSION = re.compile(r"^__version__\s*=\s*['\"]([^'\"]+)", re.MULTILINE)
_SCRIPT_HEAD_BYTES = 4096


class Installed(Struct, frozen=True):
    """One ansible-core. ``folder`` is the package ``ansible``; collections may lie beside it."""

    folder: Path
    version: str

    @property
    def collections(self) -> Path:
        """The folder that holds ``ansible_collections``, where the package ``ansible`` brings some."""
        return self.folder.parent


def find_installed(environ: Mapping[str, str]) -> Installed | None:
    """The ansible-core beside orch (the extra ``orch-fleet[ansible]``), or the one whose commands are in PATH."""
    for libraries in (_own_libraries(), _libraries_of_commands(environ.get("PATH", ""))):
        for library in libraries:
            found = _installed_in(library / "ansible")
            if found is not None:
                return found
    return None


def _own_libraries() -> Iterator[Path]:
    spec = importlib.machinery.PathFinder.find_spec("ansible", sys.path)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place).parent


def _libraries_of_commands(path: str) -> Iterator[Path]:
    for folder in filter(None, path.split(os.pathsep)):
        for program in PROGRAMS:
            script = Path(folder, program)
            if script.is_file():
                for prefix in _prefixes(script):
                    for pattern in _LIBRARIES:
                        yield from sorted(prefix.glob(pattern), reverse=True)


def _prefixes(script: Path) -> Iterator[Path]:
    """Environments that a command may belong to: where it lies really, and whose interpreter its first line names."""
    yield Path(os.path.realpath(script)).parent.parent
    interpreter = _interpreter(script)
    if interpreter:
        yield Path(interpreter).parent.parent


def _interpreter(script: Path) -> str | None:
    try:
        with open(script, "rb") as opened:
            line = opened.read(_SCRIPT_HEAD_BYTES).split(b"\n", 1)[0]
    except OSError:
        return None
    words = line[2:].decode("utf-8", "replace").split() if line.startswith(b"#!") else []
    return words[0] if words and "python" in os.path.basename(words[0]) else None


def _installed_in(folder: Path) -> Installed | None:
    if not (folder / "module_utils" / "basic.py").is_file():
        return None
    try:
        match = _VERSION.search((folder / "release.py").read_text("utf-8", "replace"))
    except OSError:
        match = None
    return Installed(folder, match.group(1) if match else "0")
