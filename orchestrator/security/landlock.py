"""Landlock (Linux 5.13, landlock(7)): a process gives up, for good and for all it starts, what it need not reach of the
file system. It needs no privileges, and the kernel holds to it whatever happens within the process.

Names and attributes of files stay visible: it is about their content.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""The same numbers on every architecture."""
PATH_BENEATH, VERSION_FLAG = 1, 1
PR_SET_NO_NEW_PRIVS = 38
EXECUTE, WRITE_FILE, READ_FILE = 1 << 0, 1 << 1, 1 << 2
CHANGE_FOLDER = sum(1 << bit for bit in range(4, 13))
"""Making and removing files and folders of every kind."""
REFER, TRUNCATE = 1 << 13, 1 << 14
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
WRITE = WRITE_FILE | CHANGE_FOLDER | REFER | TRUNCATE


def version() -> int:
    """What the kernel has of it; 0 for nothing, or where it is forbidden to ask."""
    try:
        return max(0, int(_libc().syscall(CREATE_RULESET, None, 0, VERSION_FLAG)))
    except (OSError, AttributeError):
        return 0


def handled(of_version: int) -> int:
    """The rights that a kernel of this version can take away: reading, writing and running. Pure."""
    rights = READ_FILE | EXECUTE | WRITE_FILE | CHANGE_FOLDER
    return rights | (REFER if of_version >= 2 else 0) | (TRUNCATE if of_version >= 3 else 0)


def restrict(read: Iterable[str], write: Iterable[str]) -> bool:
    """From now on this thread, and what it starts, reads below ``read``, reads and writes below ``write``, and runs no
    program. False, and nothing has changed, where the kernel has no Landlock. Paths are without links; one that is not
    there is passed over.

    Call it before there are other threads. Raises OSError when the kernel refuses what it said it can do.
    """
    known = version()
    if known == 0:
        return False
    libc, rights = _libc(), handled(known)
    attribute = ctypes.create_string_buffer(struct.pack("=Q", rights), 8)
    ruleset = _checked(libc.syscall(CREATE_RULESET, attribute, 8, 0))
    try:
        for paths, allowed in ((read, READ_FILE), (write, READ_FILE | WRITE)):
            for path in paths:
                _add(libc, ruleset, path, allowed & rights)
        _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(libc.syscall(RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return True


def _add(libc: ctypes.CDLL, ruleset: int, path: str, allowed: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rights = allowed if is_folder else allowed & OF_FILES
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor), 12)
        _checked(libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, rule, 0))
    finally:
        os.close(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
