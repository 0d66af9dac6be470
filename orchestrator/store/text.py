"""Text and data on their way into a database and back: nothing that a host can print is lost or refused.

What is not text for a database, lone surrogates (bytes that were not UTF-8) and NUL, is written as DLE and four hex
digits; so is DLE itself, hence the way back is exact. JSON escapes all of these on its own.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_AWKWARD = re.compile("[\x00\x10\ud800-\udfff]")
_ESCAPED = re.compile("\x10([0-9a-f]{4})")


def escape(text: str) -> str:
    """``text`` as every database takes it; `unescape` gives back the same."""
    if text.isascii() and "\x00" not in text and "\x10" not in text:
        return text
    return _AWKWARD.sub(lambda found: f"\x10{ord(found[0]):04x}", text)


def unescape(text: str) -> str:
    """What `escape` was given."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "\x10" in text else text


def to_json(value: Any) -> str:
    """``value`` as ASCII JSON. What JSON has no word for (dates, paths) becomes text, NaN and infinities too."""
    try:
        return json.dumps(value, allow_nan=False, default=_word, separators=(",", ":"))
    except (ValueError, TypeError):
        return json.dumps(_plain(value), allow_nan=False, default=_word, separators=(",", ":"))


def _word(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k if isinstance(k, str) else str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; raises ValueError for one without a time zone, whose meaning nobody knows."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; the store keeps UTC")
    return moment.astimezone(UTC)
