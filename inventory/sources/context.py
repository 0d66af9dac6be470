"""What a source may use besides the file system: the YAML reader, the maker of templates, limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from inventory.sources.plain_yaml import parse_yaml

ParseYaml = Callable[[str, str], Any]
"""``parse_yaml(text, file)``: the document as dicts, lists and scalars. It may raise errors of its own."""
Trust = Callable[[str, str, int, int], Any]
"""``trust(text, file, line, column)``: what a string from a trusted file becomes; called for those with a brace."""


def as_it_is(text: str, file: str, line: int, column: int) -> Any:
    """The trust that trusts nothing: text stays text."""
    return text


class Context(Struct, frozen=True):
    parse_yaml: ParseYaml = parse_yaml
    trust: Trust = as_it_is
    script_timeout_s: float = 60.0
    """For all calls of one script together."""
    max_bytes: int = 64 * 1024 * 1024
    """Of a file, or of what a script may print."""
    runs_scripts: bool = True
