"""Where the sockets of kept lines lie, and who may be behind one: this user, and nobody else."""

from __future__ import annotations

import os
import secrets
import select
import socket
import stat
import struct
from collections.abc import Mapping

from msgspec import Struct

BACKLOG = 64
CREDENTIALS = struct.Struct("iII")
"""struct ucred of unix(7): process, user, group."""

supported = hasattr(os, "fork") and hasattr(select, "epoll") and hasattr(socket, "SO_PEERCRED")
"""Linux. Elsewhere a forked process loses the event loop's own descriptor (kqueue), so nothing is kept."""


class Place(Struct, frozen=True):
    """A socket's path, and the file that lies there."""

    path: str
    inode: int

    def remove(self) -> None:
        """Remove the socket, unless another has taken its place."""
        try:
            if os.lstat(self.path).st_ino == self.inode:
                os.unlink(self.path)
        except OSError:
            pass


def folder(environ: Mapping[str, str]) -> str | None:
    """The user's own folder for the sockets, made where it is missing; None when there is none to be trusted.

    It and the one above it must be directories of this user (no links) that nobody else can enter.
    """
    candidates = [os.path.join("/tmp", f"orch-{os.geteuid()}")]
    if environ.get("XDG_RUNTIME_DIR", "").startswith("/"):
        candidates.insert(0, os.path.join(environ["XDG_RUNTIME_DIR"], "orch"))
    for outer in candidates:
        inner = os.path.join(outer, "kept")
        if _own_directory(outer) and _own_directory(inner):
            return inner
    return None


def _own_directory(path: str) -> bool:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError:
        return False
    found = os.lstat(path)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def listen(path: str) -> tuple[socket.socket, Place] | None:
    """A listening socket at ``path``; None when somebody answers there already. Raises OSError.

    It appears there in one rename, over what a dead process left.
    """
    there = reach(path)
    if there is not None:
        there.close()
        return None
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    new = f"{path[:-8]}{secrets.token_hex(4)}"  # no longer than the path itself: what a socket's name may have is short
    before = os.umask(0o177)
    try:
        one.bind(new)
        one.listen(BACKLOG)
        one.setblocking(False)
        inode = os.lstat(new).st_ino
        os.rename(new, path)
    except BaseException:
        one.close()
        raise
    finally:
        os.umask(before)
    return one, Place(path, inode)


def reach(path: str) -> socket.socket | None:
    """A connection to whoever listens at ``path``; None when that is nobody, or another user. A dead socket goes."""
    try:
        inode = os.lstat(path).st_ino
    except OSError:
        return None
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.setblocking(False)
    try:
        one.connect(path)
    except ConnectionRefusedError:
        one.close()
        Place(path, inode).remove()
        return None
    except OSError:  # among them BlockingIOError: a process that takes no connections any more
        one.close()
        return None
    if not is_ours(one):
        one.close()
        return None
    return one


def sweep(inner: str) -> None:
    """Remove the sockets that nobody listens at any more, of processes that were killed."""
    for name in os.listdir(inner):
        found = reach(os.path.join(inner, name))
        if found is not None:
            found.close()


def is_ours(connected: socket.socket) -> bool:
    """Whether this user is at the other end."""
    found = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return bool(CREDENTIALS.unpack(found)[1] == os.geteuid())
