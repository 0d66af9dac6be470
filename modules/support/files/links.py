"""Symbolic and hard links for `file`: what would have to change, and making one in a single rename."""

import os
import stat

from modules.api import Failed
from modules.support.files.attributes import plan, stat_values, state_of


class Link(object):
    """A link to be (``is_new``: it must be made), and [(path, `Planned`)] for what its attributes belong to."""

    __slots__ = ("path", "src", "is_new", "planned", "before")

    def __init__(self, path, src, is_new, planned, before):
        self.path = path
        self.src = src
        self.is_new = is_new
        self.planned = planned
        self.before = before


def symbolic(args, host):
    """The `Link` for state=link. Raises `Failed` where something that may not be replaced is in its place."""
    path, src = args["path"].rstrip("/") or "/", args["src"]
    now = _lstat(path)
    is_link = now is not None and stat.S_ISLNK(now.st_mode)
    if src is None:
        if not is_link:
            raise Failed("bad_arguments", "src is required for creating new symlinks", path=path)
        src = os.readlink(path)
    target = os.path.join(os.path.dirname(path), src)
    if is_link and os.readlink(path) == src:
        return Link(path, src, False, _attributes(path, target, args, host, new=False), {})
    if not args["force"] and not os.path.exists(target):
        raise Failed("no_source", "src file does not exist, use 'force=yes' if you really want to create the link: "
                     "{}".format(target), path=path, src=src)
    if not is_link:
        _may_replace(path, now, args["force"])
    before = {"state": state_of(now) if now else "absent"}
    if is_link:
        before["src"] = os.readlink(path)
    return Link(path, src, True, _attributes(path, target, args, host, new=True), before)


def hard(args, host):
    """The `Link` for state=hard."""
    path, src = args["path"], args["src"]
    if src is None:
        raise Failed("bad_arguments", "src is required for creating new hardlinks", path=path)
    if os.path.isdir(path) and not os.path.islink(path):
        path = os.path.join(path, os.path.basename(src))
    if not os.path.exists(src):
        raise Failed("no_source", "src does not exist", dest=path, src=src, **stat_values(path))
    now = _lstat(path)
    if now is not None and os.path.samestat(now, os.stat(src)):
        return Link(path, src, False, [(path, plan(path, args, host))], {})
    if now is not None and not args["force"]:
        raise Failed("wrong_type", "Cannot link, different file exists at destination {}".format(path),
                     "force: true replaces it", dest=path, src=src)
    _may_replace(path, now, args["force"])
    before = {"state": state_of(now) if now else "absent"}
    return Link(path, src, True, [(path, plan(os.path.realpath(src), args, host))], before)


def make(link, state):
    """Make the link under a name that nobody can guess, and rename it over its path in one act."""
    if os.path.isdir(link.path) and not os.path.islink(link.path):
        os.rmdir(link.path)
    temp = os.path.join(os.path.dirname(link.path), ".orch-" + os.urandom(8).hex())
    if state == "link":
        os.symlink(link.src, temp)
    else:
        os.link(os.path.realpath(link.src), temp, follow_symlinks=False)
    try:
        os.rename(temp, link.path)
    finally:
        # After a rename that failed; and after one between two names of one file, which POSIX lets do nothing.
        if os.path.lexists(temp):
            os.unlink(temp)


def _attributes(path, target, args, host, new):
    if not args["follow"]:
        return [(path, plan(path, dict(args, mode=None), host, new=new))]
    if os.path.exists(target):
        real = os.path.realpath(target)
        return [(real, plan(real, args, host))]
    host.warn("Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.")
    return []


def _may_replace(path, now, force):
    if now is None:
        folder = os.path.dirname(path) or "."
        if not os.path.isdir(folder):
            raise Failed("no_directory", "Error while linking: there is no directory {}".format(folder), path=path)
    elif not force:
        raise Failed("wrong_type", "refusing to convert from {} to symlink for {}".format(state_of(now), path),
                     "force: true replaces it", path=path)
    elif stat.S_ISDIR(now.st_mode) and os.listdir(path):
        raise Failed("not_empty", "the directory {} is not empty, refusing to convert it".format(path),
                     **dict(stat_values(path), path=path))


def _lstat(path):
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
