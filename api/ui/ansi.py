"""Output of programs as HTML: ANSI colours become classes, everything else plain text.

Of escape sequences only SGR (ECMA-48, 8.3.117) means something; cursor movements, titles, links and what is malformed
are left out, so that nothing a host prints reaches beyond its box. Pure, linear in its input, and bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from markupsafe import Markup, escape

MOST_CHARACTERS = 256 * 1024
CUT = "\n… cut here: all of it is stored with the run\n"
ESCAPE = re.compile(
    "\x1b\\[([0-9;:]*)m"                                 # 1: SGR
    "|[\x1b\x9b](?:\\[)?[0-?]{0,64}[ -/]{0,16}[@-~]"      # another control sequence, or a two-character escape
    "|\x1b[\\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\\\)?"  # a string for the terminal: title, link
    "|\x1b")
STRING = re.compile("\x1b[\\]PX^_][^\x07\x1b\x9c]{0,65536}(?:\x07|\x1b\\\\|\x9c)?")
FLAGS = {1: "a-b", 2: "a-d", 3: "a-i", 4: "a-u", 7: "a-v", 9: "a-s"}
ENDS = {22: (1, 2), 23: (3,), 24: (4,), 27: (7,), 29: (9,)}
LEVELS = (0, 95, 135, 175, 215, 255)
PALETTE = ((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205),
           (229, 229, 229), (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255),
           (255, 0, 255), (0, 255, 255), (255, 255, 255))
PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"} | {127: "\u2421"} | {
    code: "\ufffd" for code in (*range(0x80, 0xa0), *range(0x202a, 0x202f), *range(0x2066, 0x206a))}
"""Control characters shown as what they are; those that reverse the direction of text are replaced."""


class Style:
    """What SGR has set up to now."""

    def __init__(self) -> None:
        self.flags: set[int] = set()
        self.front: int | None = None
        self.back: int | None = None

    def reset(self) -> None:
        self.flags.clear()
        self.front = self.back = None

    def classes(self) -> str:
        names = [FLAGS[flag] for flag in sorted(self.flags)]
        if self.front is not None:
            names.append(f"f{self.front}")
        if self.back is not None:
            names.append(f"g{self.back}")
        return " ".join(names)

    def apply(self, codes: list[int]) -> None:
        """One sequence of parameters, in order; those that are unknown do nothing."""
        rest = iter(codes or [0])
        for code in rest:
            if code == 0:
                self.reset()
            elif code in FLAGS:
                self.flags.add(code)
            elif code in ENDS:
                self.flags.difference_update(ENDS[code])
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.front = code - 30 if code < 90 else code - 82
            elif 40 <= code <= 47 or 100 <= code <= 107:
                self.back = code - 40 if code < 100 else code - 92
            elif code == 39:
                self.front = None
            elif code == 49:
                self.back = None
            elif code == 38:
                self.front = _extended(rest)
            elif code == 48:
                self.back = _extended(rest)


def _extended(rest: Iterator[int]) -> int | None:
    """``5;n`` of 256 colours, or ``2;r;g;b``: the nearest of the sixteen that have a class."""
    kind = next(rest, 0)
    if kind == 5:
        number = next(rest, 0)
        return number if number < 16 else nearest(_of_256(number))
    if kind == 2:
        return nearest((next(rest, 0), next(rest, 0), next(rest, 0)))
    return None


def _of_256(number: int) -> tuple[int, int, int]:
    if number >= 232:
        grey = min(8 + (number - 232) * 10, 255)
        return grey, grey, grey
    number -= 16
    return LEVELS[number // 36 % 6], LEVELS[number // 6 % 6], LEVELS[number % 6]


def nearest(colour: tuple[int, int, int]) -> int:
    return min(range(16), key=lambda n: sum((a - b) ** 2 for a, b in zip(PALETTE[n], colour)))


def runs(text: str) -> Iterator[tuple[str, str]]:
    """(classes, text) in order, without escape sequences."""
    style, at = Style(), 0
    for found in ESCAPE.finditer(text):
        if found.start() > at:
            yield style.classes(), text[at:found.start()]
        at = found.end()
        if found[1] is not None:
            style.apply([int(code or 0) for code in re.split("[;:]", found[1][:256])][:64])
    if at < len(text):
        yield style.classes(), text[at:]


def overwritten(text: str) -> str:
    """Lines as a terminal leaves them: what follows a carriage return replaces what was before it."""
    text = text.replace("\r\n", "\n")
    if "\r" not in text:
        return text
    return "\n".join(next((part for part in reversed(line.split("\r")) if part), "") for line in text.split("\n"))


def bounded(text: str, most: int = MOST_CHARACTERS) -> str:
    """Head and tail of what is too long for a view."""
    if len(text) <= most:
        return text
    return text[:most // 2] + CUT + text[-most // 2:]


def to_html(text: str, most: int = MOST_CHARACTERS) -> Markup:
    """Safe HTML: text and ``<span class>`` and nothing else. Bytes that were no UTF-8 are shown as U+FFFD."""
    plain = bounded(text, most).encode("utf-8", "replace").decode("utf-8", "replace")
    plain = overwritten(STRING.sub("", plain))
    parts = []
    for classes, run in groupby(runs(plain), key=lambda pair: pair[0]):
        inner = escape("".join(part for _, part in run).translate(PICTURES))
        parts.append(Markup('<span class="{}">{}</span>').format(classes, inner) if classes else inner)
    return Markup("").join(parts)
