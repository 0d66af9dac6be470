"""Tests of text: regular expressions, versions, kinds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import TemplateError
from orchestrator.template.filters.regex import compiled
from orchestrator.template.filters.versions import KINDS, SEMVER
from orchestrator.template.types import Sealed, TrustedText, VaultedText
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
        raise TemplateError("Input version value cannot be empty")
    if not str(version):
        raise TemplateError("Version parameter to compare against cannot be empty")
    if strict is not None and version_type is not None:
        raise TemplateError("version: Cannot specify both 'strict' and 'version_type'")
    kind = version_type or ("strict" if strict else "loose")
    read = KINDS.get(kind)
    if read is None:
        raise TemplateError(f"version: there is no version_type {kind!r}", hint=f"there are: {', '.join(KINDS)}")
    try:
        return bool(_OPERATORS[operator](read(str(value)), read(str(version))))
    except TypeError:
        raise TemplateError(f"version: {value} and {version} cannot be compared") from None


def semver(value: Any) -> bool:
    return SEMVER.match(str(value)) is not None


def uri(value: Any, schemes: list[str] | None = None) -> bool:
    """Can be read as one; with ``schemes``, has one of them."""
    try:
        scheme = urlsplit(value).scheme if isinstance(value, str) else None
    except ValueError:
        return False
    return scheme is not None and (not schemes or scheme in schemes)


def url(value: Any, schemes: list[str] | None = None) -> bool:
    """Has a scheme and a host."""
    try:
        parts = urlsplit(str(value))
        return bool(uri(value, schemes) and parts.scheme and (parts.netloc or parts.scheme == "file"))
    except ValueError:
        return False


def urn(value: Any) -> bool:
    return uri(value, ["urn"])


def vault_encrypted(value: Any) -> bool:
    """Whether the value is a vault text (``!vault``), opened or not; a plain string that looks like one is none."""
    return isinstance(value, (Sealed, VaultedText))


def vaulted_file(value: Any) -> bool:
    """Whether the file on the controller is a vault."""
    sys.audit("orch.content", str(value))
    try:
        with open(str(value), "rb") as file:
            return file.read(len(HEADER)) == HEADER.encode()
    except OSError as error:
        raise TemplateError(f"vaulted_file: cannot read {value}: {error.strerror}") from error


def tagged_with(value: Any, *tags: str) -> bool:
    """Whether Ansible's own mark is on the value; of those, the two that types tell here: vault and trusted texts."""
    kinds: dict[str, Any] = {"VaultedValue": (Sealed, VaultedText), "TrustedAsTemplate": TrustedText}
    return bool(tags) and all(isinstance(value, kinds.get(tag, ())) for tag in tags)
