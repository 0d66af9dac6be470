"""Versions as values that can be compared: loose, strict, semantic, Python's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from orchestrator.errors import TemplateError

_COMPONENT = re.compile(r"(\d+|[a-z]+|\.)")


def loose(text: str) -> list[Any]:
    """Numbers and words in turn, as distutils' LooseVersion had them."""
    parts = [part for part in _COMPONENT.split(text) if part and part != "."]
    return [int(part) if part.isdigit() else part for part in parts]


_STRICT = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?\Z")
SEMVER = re.compile(
    r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?\Z"
)


def _strict(text: str) -> tuple[Any, ...]:
    found = _STRICT.match(text)
    if found is None:
        raise TemplateError(f"version: {text!r} is no strict version", hint="one looks like 1.2.3 or 1.2.3b1")
    major, minor, patch, letter, number = found.groups()
    pre = (letter, int(number)) if letter else ("z", 0)
    return (int(major), int(minor), int(patch or 0), pre)


def _semver(text: str) -> tuple[Any, ...]:
    found = SEMVER.match(text)
    if found is None:
        raise TemplateError(f"version: {text!r} is no semantic version", hint="one looks like 1.2.3-rc.1")
    major, minor, patch, pre = found.groups()
    parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in pre.split(".")) if pre else ()
    return (int(major), int(minor), int(patch), (0, parts) if pre else (1, ()))


def _pep440(text: str) -> Any:
    try:
        from packaging.version import InvalidVersion, Version
    except ImportError:
        raise TemplateError("version_type pep440 needs the package packaging") from None
    try:
        return Version(text)
    except InvalidVersion as error:
        raise TemplateError(f"version: {error}") from None


KINDS: dict[str, Callable[[str], Any]] = {
    "loose": loose, "strict": _strict, "semver": _semver, "semantic": _semver, "pep440": _pep440,
}
