"""What a host printed, as JSON can carry it: bytes that were no UTF-8 are stored as lone surrogates, and shown as �."""

from __future__ import annotations

from typing import Any


def printable(value: Any) -> Any:
    """``value``, with a replacement character for what no JSON in UTF-8 can hold."""
    if isinstance(value, str):
        if value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return value
    if isinstance(value, dict):
        return {printable(key): printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [printable(item) for item in value]
    return value
