"""Text from a host, made harmless for a terminal or a log: it cannot move the cursor, ring or reorder the output."""

from __future__ import annotations

import re
import unicodedata

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 (but tab and newline), C1, what changes the direction of text, and bytes that were not UTF-8."""


def safe(text: str) -> str:
    r"""``text`` with control characters written out: ``\x1b``, ``\u202e``; newlines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return CONTROL.sub(_written_out, text)


def safe_json(text: str) -> str:
    r"""The same within JSON text, where ``\u001b`` is the escape and nothing is lost."""
    if text.isascii() and "\x7f" not in text:
        return text
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """For places that hold one line: newlines are written out as well."""
    return safe(text).replace("\n", "\\n")


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def width(text: str) -> int:
    """Columns that ``text`` takes: East Asian wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
