"""Syntax faults that carry the faulty line, so that whoever shows them needs no file."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import Origin, SyntaxFault


class SourceFault(SyntaxFault):
    """Malformed source. ``excerpt`` holds the line and a caret below the faulty column ("" when unknown)."""

    def __init__(self, message: str, *, excerpt: str = "", **place: Any) -> None:
        super().__init__(message, **place)
        self.excerpt = excerpt


def excerpt(text: str, line: int, column: int = 0) -> str:
    """The line numbered from 1 and, when ``column`` is known, a caret line; "" when there is no such line."""
    lines = text.splitlines()
    if not 1 <= line <= len(lines):
        return ""
    shown = lines[line - 1].replace("\t", "→")[:200]
    return f"{shown}\n{' ' * (column - 1)}^" if 0 < column <= 200 else shown


def shortened(source: str) -> str:
    """An expression or a line in one line of bounded length."""
    shown = " ".join(source.split())
    return shown[:200] + ("…" if len(shown) > 200 else "")


def words_of(error: BaseException) -> str:
    """What any exception says of itself, in one sentence that knows nothing of our own types."""
    if isinstance(error, KeyError):
        return f"there is no key {error}"
    text = str(error) or type(error).__name__
    return text.replace("LazyMap", "dict").replace("LazySeq", "list")


def source_fault(message: str, text: str, origin: Origin, hint: str | None = None) -> SourceFault:
    """A fault at ``origin`` in ``text``, the whole content of that file."""
    return SourceFault(message, excerpt=excerpt(text, origin.line, origin.column), origin=origin, hint=hint)
