"""-e: ``name=value`` pairs, a JSON or YAML mapping, or ``@file``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from orchestrator.errors import Origin, UsageError


def parse_extra_vars(given: Sequence[str]) -> dict[str, Any]:
    """The variables of all -e options; later ones win. Pairs are text, mappings keep their types, as in Ansible."""
    found: dict[str, Any] = {}
    for text in given:
        found.update(_parse(text))
    return found


def _parse(text: str) -> dict[str, Any]:
    from orchestrator.content.loader import ContentLoader
    from orchestrator.content.yaml import load_yaml

    text = text.strip()
    if text.startswith("@"):
        return dict(ContentLoader().read_vars(text[1:]))
    if text[:1] in "{[":
        value = load_yaml(text, file="<extra vars>")
        if not isinstance(value, dict):
            raise UsageError("-e takes name=value pairs or a mapping, not a list", origin=Origin("-e"))
        return dict(value)
    return dict(_pair(word) for word in _split(text))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"-e {text}: {error}", hint="quote the value") from None


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name.isidentifier():
        raise UsageError(f"-e {word}: this is no name=value", hint="-e 'version=1.2 debug=yes', -e @vars.yml, or JSON")
    return name, value
