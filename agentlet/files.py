"""Puts files in place in one act: a temp file beside the destination, synced, then one rename.

A reader sees the old file or the new one, never half of one; a file is never more readable than it will be; a full
disk leaves the old file as it was (code ``no_space``) and no temp file behind.
"""

import errno
import grp
import os
import pwd
import stat

from modules.api import Failed

_KEPT = ("security.selinux", "system.posix_acl_access")


def new_temp(directory, suffix=""):
    """An empty file of mode 0600 with an unpredictable name, opened without following links. ``(fd, path)``."""
    for _ in range(100):
        path = os.path.join(directory, ".orch-%s%s" % (os.urandom(8).hex(), suffix))
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            return os.open(path, flags, 0o600), path
        except FileExistsError:
            continue
        except OSError as error:
            raise failed(error, directory, "create a file in")
    raise Failed("no_temp", "No free name for a temp file in %s" % directory)


def discard(path):
    """Removes a temp file, or a temp folder with all in it; what is gone already is well. Raises `OSError`."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise
        import shutil  # costs 5 ms, and few tasks make a folder
        shutil.rmtree(path)


def write_all(fd, data):
    """Writes every byte; `OSError` when that is not possible."""
    view = memoryview(data)
    while len(view):
        view = view[os.write(fd, view):]


def replace(temp, path, mode=None, owner=None, group=None, unsafe=False):
    """Moves ``temp`` to ``path`` in one rename, with the mode, owner, group, ACL and SELinux label that ``path`` had.

    What is given takes precedence; a new file gets 0666 less the umask. A symbolic link at ``path`` is itself replaced:
    resolve it first to write through it. ``unsafe``: where a rename is refused since ``path`` is a mount point
    (a file bound into a container), the bytes are copied into the file as it is.
    """
    old = lstat(path)
    keep = old if old is not None and stat.S_ISREG(old.st_mode) else None
    try:
        _take_over(temp, path, keep, mode, owner, group)
        with open(temp, "rb") as opened:
            os.fsync(opened.fileno())
        os.rename(temp, path)
    except OSError as error:
        if unsafe and error.errno in (errno.EBUSY, errno.EXDEV, errno.EPERM, errno.EACCES):
            return _copy_into(temp, path)
        raise failed(error, path, "replace")
    sync_directory(os.path.dirname(path) or ".")


def lstat(path):
    """`os.lstat`, or None when there is nothing."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def user_id(name):
    """The uid of a user given by name or number; `Failed` with ``no_user``."""
    return _number(name, lambda text: pwd.getpwnam(text).pw_uid, "user")


def group_id(name):
    """The gid of a group given by name or number; `Failed` with ``no_group``."""
    return _number(name, lambda text: grp.getgrnam(text).gr_gid, "group")


def sync_directory(directory):
    """Makes a rename in ``directory`` durable, where the file system can do that."""
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass  # some file systems (FUSE, NFS) do not sync directories; the rename itself stands
    finally:
        os.close(fd)


def failed(error, path, act):
    """An `OSError` as a `Failed` with a code that people can act upon."""
    number = error.errno
    if number in (errno.ENOSPC, errno.EDQUOT):
        return Failed("no_space", "No space left to %s %s" % (act, path), "Free some space (df -h, df -i) and retry")
    if number in (errno.EACCES, errno.EPERM):
        return Failed("permission_denied", "Not allowed to %s %s" % (act, path), "Does the task need become: true?")
    if number == errno.EROFS:
        return Failed("read_only", "Cannot %s %s: its file system is read-only" % (act, path))
    if number in (errno.ENOENT, errno.ENOTDIR):
        return Failed("no_path", "Cannot %s %s: there is no such file or directory" % (act, path))
    if number in (errno.EBUSY, errno.EXDEV):
        return Failed("busy", "Cannot %s %s by a rename: it is a mount point" % (act, path), "Set unsafe_writes: true")
    return Failed("os_error", "Cannot %s %s: %s" % (act, path, error.strerror or error))


def _number(name, look_up, what):
    text = str(name)
    try:
        return int(text) if text.isdigit() else look_up(text)
    except KeyError:
        raise Failed("no_" + what, "There is no %s %s on this host" % (what, text))


def _take_over(temp, path, old, mode, owner, group):
    uid = user_id(owner) if owner is not None else (old.st_uid if old else -1)
    gid = group_id(group) if group is not None else (old.st_gid if old else -1)
    now = os.lstat(temp)
    if (uid, gid) != (-1, -1) and (uid, gid) != (now.st_uid, now.st_gid):
        _chown(temp, uid, gid, owner is not None or group is not None)
    for attribute in _KEPT if old and hasattr(os, "getxattr") else ():
        try:
            os.setxattr(temp, attribute, os.getxattr(path, attribute))
        except OSError:
            pass  # it has none, or it is not ours to set: the directory's default holds
    os.chmod(temp, mode if mode is not None else (stat.S_IMODE(old.st_mode) if old else 0o666 & ~_umask()))


def _chown(temp, uid, gid, asked_for):
    try:
        os.chown(temp, uid, gid)
    except PermissionError:
        # An unprivileged user cannot keep another's ownership; only what the task asked for is an error.
        if asked_for:
            raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _copy_into(temp, path):
    try:
        with open(temp, "rb") as source, open(path, "r+b") as target:
            for data in iter(lambda: source.read(1 << 18), b""):
                target.write(data)
            target.truncate()
            target.flush()
            os.fsync(target.fileno())
        os.unlink(temp)
    except OSError as error:
        raise failed(error, path, "write into")
