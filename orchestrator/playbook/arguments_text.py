"""``src=a dest="b c"``: arguments written as text, split as Ansible splits them. Pure; works on plain source text.

Quotes and Jinja blocks hold a word together. For modules that take free text, only a few names are taken out of it as
arguments, and everything else stays as it was written, inner spaces and line ends included.
"""

from __future__ import annotations

import re

from msgspec import Struct

FREE_TEXT_OPTIONS = frozenset({
    "creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends",
})
"""What may stand beside the free text of command, shell, raw and script."""

_JINJA = {"{{": "}}", "{%": "%}", "{#": "#}"}
_ESCAPE = re.compile(r"\\(U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\\'\"abfnrtv])")
_CONTINUES = "\\"
"""A backslash that stands alone is dropped, and no line ends where one stood, as in Ansible: in a folded YAML text
(``>``) what were ends of lines are spaces."""

_AFTER_OPTION = re.compile(r"[ \t]*\n?")


class Unbalanced(ValueError):
    """A quote or a Jinja block is opened and never closed; ``at`` is where."""

    def __init__(self, opened: str, at: int) -> None:
        super().__init__(f"{opened} is opened and never closed")
        self.opened = opened
        self.at = at


class Word(Struct, frozen=True):
    text: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text with their places. Raises `Unbalanced`."""
    found: list[Word] = []
    position, size = 0, len(text)
    while position < size:
        if text[position].isspace():
            position += 1
            continue
        end = _word_end(text, position)
        found.append(Word(text[position:end], position, end))
        position = end
    return found


def _word_end(text: str, position: int) -> int:
    size = len(text)
    while position < size and not text[position].isspace():
        pair = text[position:position + 2]
        if pair in _JINJA:
            position = _jinja_end(text, position)
        elif text[position] in "'\"":
            position = _quote_end(text, position)
        else:
            position += 2 if text[position] == "\\" and pair[1:] in ("'", '"', "\\") else 1
    return min(position, size)


def _quote_end(text: str, start: int) -> int:
    quote, position = text[start], start + 1
    while position < len(text):
        pair = text[position:position + 2]
        if pair in _JINJA:
            position = _jinja_end(text, position)
        elif text[position] == "\\":
            position += 2
        elif text[position] == quote:
            return position + 1
        else:
            position += 1
    raise Unbalanced(quote, start)


def _jinja_end(text: str, start: int) -> int:
    opened = text[start:start + 2]
    closing, position = _JINJA[opened], start + 2
    while position < len(text):
        if text.startswith(closing, position):
            return position + 2
        if text[position] in "'\"" and opened != "{#":
            position = _jinja_string_end(text, position, closing)
        else:
            position += 1
    raise Unbalanced(opened, start)


def _jinja_string_end(text: str, start: int, closing: str) -> int:
    """The end of a string within a Jinja block; a lone apostrophe there counts as nothing."""
    position = start + 1
    while position < len(text):
        if text[position] == "\\":
            position += 2
        elif text[position] == text[start]:
            return position + 1
        else:
            position += 1
    return start + 1


def split_pair(word: str) -> tuple[str, str] | None:
    """``name=value`` at the first ``=`` without a backslash before it; None when there is none."""
    for position, char in enumerate(word):
        if char == "=" and (position == 0 or word[position - 1] != "\\"):
            return word[:position].strip(), word[position + 1:].strip()
    return None


def unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[-2] != "\\":
        return text[1:-1]
    return text


def decode_escapes(text: str) -> str:
    r"""``\n``, ``\t``, ``\x41``, ``\u00e4`` and kin as the characters they stand for."""
    return _ESCAPE.sub(lambda match: match.group(0).encode("ascii").decode("unicode_escape"), text)


def split_arguments(text: str, *, free_text: bool) -> tuple[dict[str, str], str]:
    """The arguments in a text, and what is left of it as free text ("" when nothing is).

    ``free_text``: only `FREE_TEXT_OPTIONS` are taken as arguments. Raises `Unbalanced`.
    """
    pairs: dict[str, str] = {}
    taken: list[Word] = []
    rest: list[str] = []
    for word in words(text):
        if word.text == _CONTINUES:
            taken.append(word)
            continue
        pair = split_pair(word.text if free_text else decode_escapes(word.text))
        if pair is None or (free_text and pair[0] not in FREE_TEXT_OPTIONS):
            rest.append(word.text)
            continue
        pairs[pair[0]] = unquote(decode_escapes(pair[1]) if free_text else pair[1])
        taken.append(word)
    return pairs, _without(text, taken) if free_text else " ".join(rest)


def _without(text: str, taken: list[Word]) -> str:
    """The text without these words; what parted them from their neighbours goes with them."""
    joined = {text.find("\n", word.start) for word in taken if word.text == _CONTINUES} - {-1}
    # A text block's last line ending belongs to the command as it is registered, unless an option stood there.
    size = len(text.rstrip())
    is_last_taken = bool(taken) and taken[-1].end == size or text.find("\n", size) in joined
    last = "\n" if text.rstrip(" \t").endswith("\n") and not is_last_taken else ""
    cuts = [*((word.start, word.end) for word in taken), *((at, at) for at in joined)]
    for start, end in sorted(cuts, reverse=True):
        before, after = text[:start], text[end:]
        if start == end:  # a line that is joined with the next
            text = before.rstrip(" ") + " " + after[1:].removeprefix(" ")
        elif text[start:end] == _CONTINUES:
            text = before + after.removeprefix(" ")
        else:  # an option takes what follows it along, the line's end too
            text = before + _AFTER_OPTION.sub("", after, count=1)
    return text.strip() + (last if text.strip() else "")
