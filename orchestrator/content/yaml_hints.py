"""libyaml's complaints in words that say what to do."""

from __future__ import annotations

import re
from typing import Any

import yaml
from msgspec import Struct

from orchestrator.template.types import Map


class Problem(Struct, frozen=True):
    message: str
    line: int
    column: int
    hint: str | None


def describe(error: yaml.YAMLError, text: str) -> Problem:
    """Message, place (from 1) and hint for a parser error in ``text``."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else _character_place(error, text)
    lines = text.splitlines()
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    shown = lines[line - 1] if 0 < line <= len(lines) else ""
    before = lines[line - 2] if 1 < line <= len(lines) + 1 else ""
    context = getattr(error, "context_mark", None)
    opened = lines[context.line] if context and context.line < len(lines) else ""
    return Problem(f"invalid YAML: {problem}", line, column, _hint(problem, shown, before, opened))


def _character_place(error: yaml.YAMLError, text: str) -> tuple[int, int]:
    position = getattr(error, "position", None)
    if not isinstance(position, int) or position < 0:
        return 1, 0
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


_UNQUOTED = re.compile(r"(?:^|[:\-]\s+|=\s*)\{\{")
_QUOTE_THEN_TEXT = re.compile(r""":\s+(?:"[^"]*"|'[^']*')\s*[^\s#,}\]]""")


def _hint(problem: str, shown: str, before: str, opened: str) -> str | None:
    indent = shown[: len(shown) - len(shown.lstrip())]
    if "\t" in indent or "'\\t'" in problem:
        return "YAML is indented with spaces, never with tabs"
    for line in (shown, before):
        if _UNQUOTED.search(line):
            return 'a value that begins with {{ must be quoted: "{{ name }}"'
        if _QUOTE_THEN_TEXT.search(line):
            return "a value that begins with a quote must end with it: quote the whole value"
    for line in (shown, opened, before):
        if line.count('"') % 2 or line.count("'") % 2:
            return "a quote is not closed: look for an odd number of ' or \" on this line or above"
    if "mapping values are not allowed" in problem:
        return 'a value that holds ": " must be quoted; or the line is indented too far'
    if "could not find expected ':'" in problem:
        return 'a key needs ": " behind it (a colon and a space)'
    if "did not find expected key" in problem or "did not find expected '-' indicator" in problem:
        return "the indentation does not fit the lines above"
    if "cannot start any token" in problem or "unacceptable" in problem or "not allowed" in problem:
        return "a value that begins with @ ` % & * or a control character must be quoted"
    return None


def unhashable_hint(key: Any) -> str | None:
    """The usual cause of a mapping as key: ``name: {{ value }}`` without quotes."""
    if isinstance(key, Map):
        return 'a value that begins with {{ must be quoted: "{{ name }}"'
    return None
