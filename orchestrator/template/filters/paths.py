"""Filters on paths. They look at the controller's files only where they say so."""

from __future__ import annotations

import glob
import ntpath
import os
from typing import Any

from orchestrator.errors import TemplateError


def basename(path: Any) -> str:
    return os.path.basename(str(path))


def dirname(path: Any) -> str:
    return os.path.dirname(str(path))


def expanduser(path: Any) -> str:
    return os.path.expanduser(str(path))


def expandvars(path: Any) -> str:
    return os.path.expandvars(str(path))


def realpath(path: Any) -> str:
    """Links on the controller are followed."""
    return os.path.realpath(str(path))


def relpath(path: Any, start: Any = os.curdir) -> str:
    return os.path.relpath(str(path), str(start))


def normpath(path: Any) -> str:
    return os.path.normpath(str(path))


def path_join(paths: Any) -> str:
    """One path, or a list of parts joined."""
    if isinstance(paths, str):
        return paths
    if not isinstance(paths, (list, tuple)):
        str(paths)
        raise TemplateError("|path_join expects string or sequence, got neither")
    return os.path.join(*[str(part) for part in paths])


def splitext(path: Any) -> list[str]:
    return list(os.path.splitext(str(path)))


def commonpath(paths: Any) -> str:
    if not isinstance(paths, (list, tuple)):
        str(paths)
        raise TemplateError("|commonpath expects sequence, got a text or something else instead")
    return os.path.commonpath([str(path) for path in paths])


def fileglob(pattern: Any) -> list[str]:
    """Files on the controller that match."""
    return [path for path in glob.glob(str(pattern)) if os.path.isfile(path)]


def win_basename(path: Any) -> str:
    return ntpath.basename(str(path))


def win_dirname(path: Any) -> str:
    return ntpath.dirname(str(path))


def win_splitdrive(path: Any) -> list[str]:
    return list(ntpath.splitdrive(str(path)))
