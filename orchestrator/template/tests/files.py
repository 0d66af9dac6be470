"""Tests of files on the controller."""

from __future__ import annotations

import os
from typing import Any


def is_file(path: Any) -> bool:
    return os.path.isfile(path)


def is_directory(path: Any) -> bool:
    return os.path.isdir(path)


def exists(path: Any) -> bool:
    return os.path.exists(path)


def is_link(path: Any) -> bool:
    return os.path.islink(path)


def link_exists(path: Any) -> bool:
    return os.path.lexists(path)


def is_abs(path: Any) -> bool:
    return os.path.isabs(path)


def is_mount(path: Any) -> bool:
    return os.path.ismount(path)


def same_file(path: Any, other: Any) -> bool:
    return os.path.samefile(path, other)
