"""Directories for copy: a list of entries, from the controller or from a folder on the host, below a destination.

An entry is a dict with ``path`` (relative, parents first) and one of ``dir``: true, ``link``: target, ``blob`` and
``size``, or ``file``: a path on the host; ``mode`` is the source's.
"""

import os
import stat

from modules.api import Change, Failed
from modules.support.files.attributes import plan, put
from modules.support.files.copy_file import look, place
from modules.support.files.copy_source import Blob, HostFile
from modules.support.files.tree import make_folders, missing_folders


class Folder(object):
    """A folder to make, or whose owner differs."""

    def __init__(self, path, missing, planned):
        self.path = path
        self.missing = missing
        self.planned = planned
        self.diff = [{"before": {"path": path, "state": "absent"}, "after": {"path": path, "state": "directory"}}]
        if not missing:
            self.diff = [{"before": dict(planned.before, path=path), "after": dict(planned.after, path=path)}]

    def place(self, args, host):
        make_folders(self.missing)
        put(self.path, self.planned, host, created=bool(self.missing))


class Symlink(object):
    """A link to make as it was in the source."""

    def __init__(self, path, target):
        self.path = path
        self.target = target
        before = os.readlink(path) if os.path.islink(path) else None
        self.diff = [{"before": {"path": path, "src": before}, "after": {"path": path, "src": target}}]

    def place(self, args, host):
        temp = os.path.join(os.path.dirname(self.path), ".orch-" + os.urandom(8).hex())
        os.symlink(self.target, temp)
        os.rename(temp, self.path)


def check(dest, entries, args, host):
    """The `Change` that brings ``entries`` below ``dest``, or None when all is there."""
    dest = dest.rstrip("/") or "/"
    if os.path.lexists(dest) and not os.path.isdir(dest):
        raise Failed("wrong_type", "cannot copy directory to file: {}".format(dest), dest=dest)
    works, coming = [], set()
    if not os.path.isdir(dest):
        works.append(_folder(dest, {}, args, host, coming))
    for entry in entries:
        path = below(dest, entry.get("path"))
        work = _work(path, entry, args, host, coming)
        if work is not None:
            works.append(work)
    if not works:
        return None
    return Change(diff=[part for work in works for part in work.diff], data=works)


def apply(works, args, host):
    for work in works:
        if isinstance(work, (Folder, Symlink)):
            work.place(args, host)
        else:
            place(work, args, host)


def entries_of(root, name, follow):
    """The entries for a folder on the host; ``name`` ("" for its contents alone) stands before every path."""
    entries = [{"path": name, "dir": True, "mode": _mode(root)}] if name else []
    _list(root, name, follow, entries, (os.path.realpath(root),))
    return entries


def below(dest, relative):
    """``dest/relative``. Raises `Failed` for a path that would lead out of ``dest`` (CVE-2020-11652 and its kin)."""
    parts = relative.split("/") if isinstance(relative, str) else [""]
    if not relative or relative.startswith("/") or ".." in parts or "\0" in relative:
        raise Failed("path_denied", "refusing a path that leads out of the destination: {!r}".format(relative))
    return os.path.join(dest, relative)


def _list(folder, prefix, follow, entries, parents):
    for name in sorted(os.listdir(folder)):
        path, relative = os.path.join(folder, name), os.path.join(prefix, name)
        real = os.path.realpath(path)
        # Also with follow, a link to nothing, or to a folder that it lies in, stays a link: it has no end.
        if os.path.islink(path) and (not follow or not os.path.exists(path) or _holds(real, parents)):
            entries.append({"path": relative, "link": os.readlink(path)})
        elif os.path.isdir(path):
            entries.append({"path": relative, "dir": True, "mode": _mode(path)})
            _list(path, relative, follow, entries, parents + (real,))
        elif os.path.isfile(path):
            entries.append({"path": relative, "file": path, "mode": _mode(path)})
        else:
            raise Failed("wrong_type", "{} is neither file, folder nor a link to one".format(path))


def _holds(real, parents):
    """Whether a folder is one of those that the walk came through, or lies above them."""
    return any((each + "/").startswith(real.rstrip("/") + "/") for each in parents)


def _work(path, entry, args, host, coming):
    if entry.get("dir"):
        if os.path.lexists(path) and not os.path.isdir(path):
            raise Failed("wrong_type", "{} is in the way: it should be a directory".format(path))
        return _folder(path, entry, args, host, coming)
    if "link" in entry:
        is_same = os.path.islink(path) and os.readlink(path) == entry["link"]
        if os.path.isdir(path) and not os.path.islink(path):
            raise Failed("wrong_type", "{} is in the way: it should be a link".format(path))
        return None if is_same else Symlink(path, entry["link"])
    if os.path.lexists(path) and not args["force"]:
        return None
    source = HostFile(entry["file"]) if "file" in entry else Blob(entry)
    mode = entry.get("mode") if args["mode"] == "preserve" else args["mode"]
    if mode is None and "file" in entry and not os.path.lexists(path):
        mode = entry["mode"]
    return look(path, source, dict(args, mode=None), host, mode=mode)


def _folder(path, entry, args, host, coming):
    """The `Folder` to make, with directory_mode for a new one; owner and group for one that is there."""
    missing = [each for each in missing_folders(path) if each not in coming]
    coming.update(missing)
    mode = args["directory_mode"]
    if mode is None and args["remote_src"]:
        mode = entry.get("mode")
    planned = plan(path, dict(args, mode=mode if missing else None, attributes=None), host, is_dir=True)
    return Folder(path, missing, planned) if missing or planned.changed else None


def _mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)
