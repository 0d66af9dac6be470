"""A process that reads content which must not act on this machine: it runs no program, loads no plugin that came with
the content, reads none of the server's secrets, and writes nothing but what is its own.

Two fences, one inside the other. Python's audit hook (PEP 578) sees each file that is opened and each program that is
started, and refuses in words, at the task that wanted it. Where the kernel has Landlock, it refuses the same to what
gets past Python. Neither can be taken down again.

Rooms below that open files which content names say so: ``sys.audit("orch.content", path)``; ``orch.plugin`` before code
is loaded, ``orch.local`` before tasks go to this machine. Without a fence these are nothing.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from orchestrator.errors import TaskFault, TemplateError
from orchestrator.security import landlock

CODE = "server_bounds"
HINT = "an admin may allow it to the project: “may run on the server itself” (orch projects change NAME --runs-here)"
PROGRAMS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn"})
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/shm")
PLUGINS = ("/usr/share/ansible", "/etc/ansible")
SET_UP = ("_PLUGINS", "_PATH", "_PATHS", "_LIBRARY", "_UTILS")
"""How the settings end, behind ``ANSIBLE_``, that say where such things are."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Bounds(Struct, frozen=True):
    """Folders or files, with all that is below them, links followed."""

    own: tuple[str, ...]
    """The content's own: read and written."""
    files: tuple[str, ...]
    """What else the process reads and writes, as the store's database."""
    scratch: tuple[str, ...]
    installed: tuple[str, ...]
    """Roles, collections and plugins that whoever runs the server has put there: a playbook may name these as well."""
    secrets: tuple[str, ...] = ()
    """The server's: all else on the machine is read, as keys for hosts are, but what is below these is not."""

    def opens(self, path: str, *, to_write: bool) -> bool:
        """Whether the process may open this file."""
        whole = os.path.realpath(path)
        if self._is_secret(whole, (*self.own, *self.files)):
            return False
        return not to_write or is_below(whole, (*self.own, *self.files, *self.scratch))

    def names(self, path: str) -> bool:
        """Whether a playbook may name this file."""
        whole = os.path.realpath(path)
        return not self._is_secret(whole, self.own) and is_below(whole, (*self.own, *self.installed))

    def loads(self, path: str) -> bool:
        """Whether code of this file may run: none that came with the content."""
        return not is_below(os.path.realpath(path), self.own) and self.names(path)

    def beside_secrets(self, folder: str) -> list[str]:
        """See `without`; a folder that lies in a secret one is its own."""
        return without(folder, [secret for secret in self.secrets if not is_below(folder, (secret,))])

    def _is_secret(self, whole: str, besides: Sequence[str]) -> bool:
        """The nearest folder says: a project may hold the state directory, and that the tree of a project."""
        return nearest(whole, self.secrets) >= max(0, nearest(whole, besides))


def bounds(folders: Iterable[str], files: Iterable[str] = (), *, secrets: Iterable[str] = (), home: str | None = None,
           environ: Mapping[str, str] = os.environ) -> Bounds:
    """For content in ``folders``. ``home``: whose ``~/.ansible`` counts as installed; None: nobody's."""
    set_up = [os.path.abspath(os.path.expanduser(part)) for name, value in environ.items()
              if name.startswith("ANSIBLE_") and name.endswith(SET_UP)
              for part in value.split(":") if part.startswith(("/", "~"))]
    python = [path for path in sys.path if path and os.path.realpath(path) != "/"]
    own = [os.path.join(home, ".ansible")] if home else []
    return Bounds(
        own=_real(folders), files=_real(files), scratch=_real([tempfile.gettempdir(), "/var/tmp", *DEVICES]),
        installed=_real([*python, *set_up, *PLUGINS, *own]), secrets=_real(secrets))


def _real(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(os.path.realpath(path) for path in paths))


def is_below(path: str, folders: Sequence[str]) -> bool:
    """Pure; both are whole paths without links."""
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def nearest(path: str, folders: Sequence[str]) -> int:
    """How long the longest of ``folders`` is that ``path`` is below; -1 for none. Pure."""
    return max((len(folder) for folder in folders if is_below(path, (folder,))), default=-1)


class Fence:
    """The hook itself. Its methods raise, or let pass."""

    def __init__(self, within: Bounds, *, checks_files: bool) -> None:
        self._within = within
        self._checks_files = checks_files

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            if self._checks_files:
                self._file(args)
        elif event.startswith("orch."):
            self._named(event, str(args[0]))
        elif event in PROGRAMS:
            raise TaskFault("this project may not start programs on the server", code=CODE, hint=HINT)

    def _named(self, event: str, what: str) -> None:
        if event == "orch.local":
            raise TaskFault(f"{what}: this project may not run tasks on the server", code=CODE, hint=HINT)
        if event == "orch.content" and not self._within.names(what):
            raise TemplateError(f"this project may not use a file of the server that is not its own: {what}", code=CODE,
                                hint=HINT)
        if event == "orch.plugin" and not self._within.loads(what):
            raise PermissionError(errno.EACCES, f"this project may not run code on the server; {HINT}", what)

    def _file(self, args: tuple[Any, ...]) -> None:
        path, _, flags = (*args, None, None, None)[:3]
        if not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.fsdecode(path)
        to_write = isinstance(flags, int) and bool(flags & WRITING)
        if not self._within.opens(name, to_write=to_write):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)


def confine(within: Bounds) -> bool:
    """From now on, and for good. Returns whether the kernel holds to it as well. Before there are threads."""
    reads = without("/", within.secrets)
    writes = [part for path in (*within.own, *within.scratch) for part in within.beside_secrets(path)]
    by_kernel = landlock.restrict(reads, [*writes, *within.files])
    sys.addaudithook(Fence(within, checks_files=not by_kernel))
    return by_kernel


def without(folder: str, secrets: Sequence[str]) -> list[str]:
    """What to allow so that all below ``folder`` is, but for ``secrets``: itself, or the entries beside them.

    Links are left out: where one leads is allowed by where that is, and one may lead to what holds a secret.
    """
    if is_below(folder, secrets):
        return []
    if not any(is_below(secret, [folder]) for secret in secrets):
        return [folder]
    try:
        with os.scandir(folder) as found:
            entries = [entry.path for entry in found if not entry.is_symlink()]
    except OSError:
        return []
    return [part for entry in entries for part in without(entry, secrets)]
