"""Folders and what lies below them: attributes of a whole tree, folders that are missing, a listing for the diff."""

import os
import stat

from modules.api import Failed
from modules.support.files.attributes import plan

LISTED = 1000


def plan_tree(root, args, host):
    """[(path, `Planned`)] for ``root`` and everything below, root first; only what is there now.

    A link inside the tree is followed (with ``follow``) only when root or this task's user made it: a link that
    somebody else planted must not lead root's chown out of the tree. Its own owner and group are set instead.
    """
    planned, seen = [], set()
    waiting = [root]
    while waiting:
        path = waiting.pop()
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode) and args["follow"] and status.st_uid in (0, host.uid) and os.path.exists(path):
            path = os.path.realpath(path)
            status = os.lstat(path)
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        planned.append((path, plan(path, args, host)))
        if stat.S_ISDIR(status.st_mode):
            waiting += sorted((os.path.join(path, name) for name in os.listdir(path)), reverse=True)
    return planned


def missing_folders(path):
    """The folders to make for ``path``, outermost first. Raises `Failed` where something else stands in the way."""
    missing = []
    path = os.path.normpath(path)
    while path and not os.path.isdir(path):
        if os.path.lexists(path):
            raise Failed("wrong_type", "There was an issue creating {} as requested: it is no directory".format(path),
                         path=path)
        missing.insert(0, path)
        path = os.path.dirname(path)
    return missing


def make_folders(missing):
    """Make the folders in order; one that somebody else made meanwhile is fine."""
    for folder in missing:
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise


def contents(path):
    """{"directories": […], "files": […]} below ``path``, at most 1000 of each: what a removal takes away."""
    folders, files = [], []
    for folder, names, plain in os.walk(path):
        folders += [os.path.join(folder, name) for name in names]
        files += [os.path.join(folder, name) for name in plain]
        if len(folders) + len(files) > LISTED:
            break
    return {"directories": folders[:LISTED], "files": files[:LISTED]}
