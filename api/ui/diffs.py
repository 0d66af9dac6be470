"""A change, to be looked at: lines beside each other, or one below the other. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

from msgspec import Struct

MOST_LINES = 4_000
"""Of one side; what is longer is compared up to there, and says so."""
MOST_SHOWN = 1_000
"""Lines of one change: a browser, and whoever reads, has enough of them then."""
MOST_PAIRS, MANY_PAIRS = 4_000_000, 250_000
"""Lines of one side times those of the other, without what is alike at both ends. Above the first they are not
compared, above the second lines that come often are no landmarks: it would take seconds."""
AROUND = 3


class Line(Struct, frozen=True):
    """``kind``: same, add, drop, change, gap. Numbers count from 1; a side that has no such line is None."""

    kind: str
    left: str | None = None
    right: str | None = None
    left_number: int | None = None
    right_number: int | None = None


class Shown(Struct, frozen=True):
    """One change: of a file, or of whatever a module compared."""

    title: str
    lines: list[Line]
    text: str = ""
    """What the module prepared itself, in place of lines."""
    cut: bool = False

    @property
    def unified(self) -> list[Line]:
        """The same with one side: what goes before what comes, in each block of changes."""
        return list(_unified(self.lines))


def shown(diffs: Sequence[Mapping[str, Any]]) -> list[Shown]:
    """What a task result's ``diff`` holds, as Ansible's modules return it: before and after, or prepared."""
    return [_one(diff) for diff in diffs if isinstance(diff, Mapping)]


def _one(diff: Mapping[str, Any]) -> Shown:
    after_header, before_header = str(diff.get("after_header") or ""), str(diff.get("before_header") or "")
    title = after_header or before_header
    if "before" not in diff and "after" not in diff:
        return Shown(title, [], str(diff.get("prepared") or diff.get("unified") or ""))
    before, after = _text(diff.get("before")).splitlines(), _text(diff.get("after")).splitlines()
    lines = list(islice(compared(before[:MOST_LINES], after[:MOST_LINES]), MOST_SHOWN + 1))
    cut = len(before) > MOST_LINES or len(after) > MOST_LINES or len(lines) > MOST_SHOWN
    return Shown(title, lines[:MOST_SHOWN], "", cut)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, indent=2, sort_keys=True, default=str)


def compared(before: Sequence[str], after: Sequence[str], around: int = AROUND) -> Iterator[Line]:
    """Both sides by blocks, with ``around`` lines of what is the same; what lies between is a gap."""
    first, last = _alike(before, after)
    first, last = max(first - around, 0), max(last - around, 0)  # so much is left out at both ends, unseen
    left, right = before[first:len(before) - last], after[first:len(after) - last]
    end = 0
    groups = _groups(left, right, around)
    for group in groups:
        if group[0][1] + first > end:
            yield Line("gap")
        for tag, a, a_end, b, b_end in group:
            yield from _block(tag, before, after, (a + first, a_end + first), (b + first, b_end + first))
        end = group[-1][2] + first
    if groups and end < len(before):
        yield Line("gap")


def _alike(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many lines both begin with, and how many both end with behind those."""
    shorter = min(len(before), len(after))
    first = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    rest = shorter - first
    return first, next((n for n in range(rest) if before[-1 - n] != after[-1 - n]), rest)


def _groups(left: Sequence[str], right: Sequence[str], around: int) -> list[list[tuple[str, int, int, int, int]]]:
    pairs = len(left) * len(right)
    if pairs > MOST_PAIRS:
        return [[("replace", 0, len(left), 0, len(right))]]
    return list(SequenceMatcher(None, left, right, autojunk=pairs > MANY_PAIRS).get_grouped_opcodes(around))


def _block(tag: str, before: Sequence[str], after: Sequence[str], left: tuple[int, int],
           right: tuple[int, int]) -> Iterator[Line]:
    (a, a_end), (b, b_end) = left, right
    kinds = {"equal": "same", "insert": "add", "delete": "drop"}
    for offset in range(max(a_end - a, b_end - b)):
        has_left, has_right = a + offset < a_end, b + offset < b_end
        kind = kinds.get(tag) or ("change" if has_left and has_right else "drop" if has_left else "add")
        yield Line(kind, before[a + offset] if has_left else None, after[b + offset] if has_right else None,
                   a + offset + 1 if has_left else None, b + offset + 1 if has_right else None)


def _unified(lines: Sequence[Line]) -> Iterator[Line]:
    coming: list[Line] = []
    for line in lines:
        if line.kind in ("same", "gap"):
            yield from coming
            coming = []
            yield line
            continue
        if line.left is not None:
            yield Line("drop", left=line.left, left_number=line.left_number)
        if line.right is not None:
            coming.append(Line("add", right=line.right, right_number=line.right_number))
    yield from coming
