"""Regular expressions, Python's."""

from __future__ import annotations

import functools
import re
from typing import Any

from orchestrator.errors import TemplateError


@functools.lru_cache(maxsize=1000)
def _compile(pattern: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        raise TemplateError(str(error), hint=f"the regular expression {pattern!r} is malformed") from error


def compiled(pattern: Any, ignorecase: Any = False, multiline: Any = False) -> re.Pattern[str]:
    """The pattern with its flags. Raises TemplateError when it is malformed."""
    return _compile(str(pattern), (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0))


def regex_replace(
    value: Any = "", pattern: Any = "", replacement: Any = "", ignorecase: bool = False, multiline: bool = False,
    count: int = 0, mandatory_count: int = 0,
) -> str:
    """Every match replaced; ``\\1`` and ``\\g<name>`` stand for groups."""
    text, made = compiled(pattern, ignorecase, multiline).subn(str(replacement), str(value), count)
    if mandatory_count and made != mandatory_count:
        raise TemplateError(f"{str(pattern)!r} should match {mandatory_count} times, but matches {made} times")
    return text


def regex_search(value: Any, pattern: Any, *groups: Any, ignorecase: bool = False, multiline: bool = False) -> Any:
    """The first match, or null; with groups (``\\1``, ``\\g<name>``) a list of theirs."""
    match = compiled(pattern, ignorecase, multiline).search(str(value))
    if match is None:
        return None
    if not groups:
        return match.group()
    return [_group(match, str(group)) for group in groups]


def _group(match: re.Match[str], wanted: str) -> str | None:
    named = re.fullmatch(r"\\g<(\S+)>", wanted)
    numbered = re.fullmatch(r"\\(\d+)", wanted)
    if named is None and numbered is None:
        raise TemplateError(f"regex_search: {wanted!r} names no group", hint="write '\\\\1' or '\\\\g<name>'")
    try:
        return match.group(int(numbered[1])) if numbered else match.group(named[1] if named else 0)
    except IndexError:
        raise TemplateError(f"regex_search: the expression has no group {wanted!r}") from None


def regex_findall(value: Any, regex: Any, multiline: bool = False, ignorecase: bool = False) -> list[Any]:
    """All matches; with groups in the expression, those."""
    found = compiled(regex, ignorecase, multiline).findall(str(value))
    return [list(item) if isinstance(item, tuple) else item for item in found]


def regex_escape(value: Any, re_type: str = "python") -> str:
    """The text as an expression that matches itself."""
    text = str(value)
    if re_type == "python":
        return re.escape(text)
    if re_type == "posix_basic":
        return re.sub(r"([].[^$*\\])", r"\\\1", text)
    if re_type == "posix_extended":
        raise TemplateError("Regex type (posix_extended) not yet implemented", hint="there are: python, posix_basic")
    raise TemplateError(f"Invalid regex type ({re_type})", hint="there are: python, posix_basic")
