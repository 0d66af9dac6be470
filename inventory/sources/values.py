"""INI values as Ansible types them: a Python literal when the text is one, else the text. Pure."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

MAX_LITERAL_LENGTH = 64 * 1024
"""A longer value is text: a literal parser's memory grows a hundred times faster than its input."""

_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
_NEVER = re.compile(r"[A-Za-z_./~$%@{][\w./@:-]*")
_WORDS = {"True": True, "False": False, "None": None}


def typed(text: str) -> Any:
    """``80`` is a number, ``True`` a boolean, ``['a']`` a list; ``yes``, ``007`` and ``1.2.3`` stay text."""
    if _NUMBER.fullmatch(text):
        return int(text)
    if _NEVER.fullmatch(text):  # most values: spare them the parser
        return _WORDS.get(text, text)
    if len(text) > MAX_LITERAL_LENGTH:
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a host's variable is not a fault of our source
            return _plain(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def _plain(value: Any) -> Any:
    """Only what JSON knows, as in Ansible: tuples and sets are lists, bytes are text, the rest stays as written."""
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [_plain(item) for item in sorted(value, key=repr)]
    if isinstance(value, dict):
        return {_plain(key) if not isinstance(key, tuple) else str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if value is ...:
        return "..."
    return str(value) if isinstance(value, complex) else value


def split_line(line: str) -> list[str]:
    """The words of a host line: quotes group, backslashes escape, ``#`` begins a comment.

    Raises ValueError for a quote that is not closed.
    """
    if not any(mark in line for mark in "\"'\\#"):
        return line.split()
    return _Words(line).read()


class _Words:
    """POSIX shell words as Python's shlex reads them with comments on, without its cost per character read."""

    _PLAIN = re.compile(r"[^\s\"'\\#]+")

    def __init__(self, line: str) -> None:
        self.line = line
        self.at = 0

    def read(self) -> list[str]:
        words: list[str] = []
        word: list[str] | None = None
        while self.at < len(self.line):
            char = self.line[self.at]
            if char == "#":
                break
            if char.isspace():
                if word is not None:
                    words.append("".join(word))
                    word = None
                self.at += 1
                continue
            word = [] if word is None else word
            word.append(self._part(char))
        if word is not None:
            words.append("".join(word))
        return words

    def _part(self, char: str) -> str:
        if char == "'":
            return self._single()
        if char == '"':
            return self._double()
        if char == "\\":
            return self._escaped()
        plain = self._PLAIN.match(self.line, self.at)
        assert plain is not None
        self.at = plain.end()
        return plain[0]

    def _single(self) -> str:
        end = self.line.find("'", self.at + 1)
        if end < 0:
            raise ValueError("No closing quotation")
        text, self.at = self.line[self.at + 1:end], end + 1
        return text

    def _double(self) -> str:
        out: list[str] = []
        at = self.at + 1
        while at < len(self.line):
            char = self.line[at]
            if char == '"':
                self.at = at + 1
                return "".join(out)
            if char == "\\" and at + 1 < len(self.line):
                at += 1
                out.append(self.line[at] if self.line[at] in '"\\' else "\\" + self.line[at])
            else:
                out.append(char)
            at += 1
        raise ValueError("No closing quotation")

    def _escaped(self) -> str:
        if self.at + 1 >= len(self.line):
            raise ValueError("No escaped character")
        text, self.at = self.line[self.at + 1], self.at + 2
        return text
