"""Tests of text: regular expressions, versions, kinds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import TemplateError
from orchestrator.template.filters.regex import compiled
from orchestrator.template.types import Sealed
from orchestrator.template.vault_format import HEADER


def match(value: Any, pattern: Any, ignorecase: bool = False, multiline: bool = False) -> bool:
    """From the beginning of the text."""
    return compiled(pattern, ignorecase, multiline).match(str(value)) is not None


def search(value: Any, pattern: Any, ignorecase: bool = False, multiline: bool = False) -> bool:
    """Anywhere in the text."""
    return compiled(pattern, ignorecase, multiline).search(str(value)) is not None


def regex(
    value: Any = "", pattern: Any = "", ignorecase: bool = False, multiline: bool = False, match_type: str = "search"
) -> bool:
    if match_type not in ("search", "match", "fullmatch"):
        raise TemplateError(f"regex: there is no match_type {match_type!r}")
    return getattr(compiled(pattern, ignorecase, multiline), match_type)(str(value)) is not None


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {}
for _names, _function in (
    (("==", "=", "eq"), lambda a, b: a == b), (("<", "lt"), lambda a, b: a < b), (("<=", "le"), lambda a, b: a <= b),
    ((">", "gt"), lambda a, b: a > b), ((">=", "ge"), lambda a, b: a >= b), (("!=", "<>", "ne"), lambda a, b: a != b),
):
    _OPERATORS.update(dict.fromkeys(_names, _function))


def version(
    value: Any, version: Any, operator: str = "eq", strict: bool | None = None, version_type: str | None = None
) -> bool:
    """Versions compared: loosely, or as ``strict``, ``semver``, ``pep440``."""
    if operator not in _OPERATORS:
        raise TemplateError(f"version: there is no operator {operator!r}", hint=f"there are: {', '.join(_OPERATORS)}")
    if not str(value):
        raise TemplateError("version: the version to compare is empty")
    if not str(version):
        raise TemplateError("version: the version to compare with is empty")
    kind = version_type or ("strict" if strict else "loose")
    read = _VERSIONS.get(kind)
    if read is None:
        raise TemplateError(f"version: there is no version_type {kind!r}", hint=f"there are: {', '.join(_VERSIONS)}")
    try:
        return bool(_OPERATORS[operator](read(str(value)), read(str(version))))
    except TypeError:
        raise TemplateError(f"version: {value} and {version} cannot be compared") from None


_COMPONENT = re.compile(r"(\d+|[a-z]+|\.)")


def _loose(text: str) -> list[Any]:
    """Numbers and words in turn, as distutils' LooseVersion had them."""
    parts = [part for part in _COMPONENT.split(text) if part and part != "."]
    return [int(part) if part.isdigit() else part for part in parts]


_STRICT = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?\Z")
_SEMVER = re.compile(
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
    found = _SEMVER.match(text)
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


_VERSIONS: dict[str, Callable[[str], Any]] = {
    "loose": _loose, "strict": _strict, "semver": _semver, "semantic": _semver, "pep440": _pep440,
}


def semver(value: Any) -> bool:
    return _SEMVER.match(str(value)) is not None


def uri(value: Any, schemes: list[str] | None = None) -> bool:
    """Has a scheme (one of those given)."""
    try:
        parts = urlsplit(str(value))
    except ValueError:
        return False
    return bool(parts.scheme) and (not schemes or parts.scheme in schemes)


def url(value: Any, schemes: list[str] | None = None) -> bool:
    """Has a scheme and a host."""
    try:
        parts = urlsplit(str(value))
        return bool(uri(value, schemes) and (parts.netloc or parts.scheme == "file"))
    except ValueError:
        return False


def urn(value: Any) -> bool:
    return uri(value, ["urn"]) and str(value).count(":") >= 2


def vault_encrypted(value: Any) -> bool:
    """Whether the text is a vault text."""
    return isinstance(value, Sealed) or (isinstance(value, str) and value.startswith(HEADER))


def vaulted_file(value: Any) -> bool:
    """Whether the file on the controller is a vault."""
    try:
        with open(str(value), "rb") as file:
            return file.read(len(HEADER)) == HEADER.encode()
    except OSError as error:
        raise TemplateError(f"vaulted_file: cannot read {value}: {error.strerror}") from error
