"""Text from a host, made harmless for a terminal: it can neither move the cursor nor change the title."""

from __future__ import annotations

import re

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def safe(text: str) -> str:
    """``text`` with every control character, direction mark and undecodable byte as U+FFFD; tabs and newlines stay."""
    return CONTROL.sub("\ufffd", text) if CONTROL.search(text) else text
