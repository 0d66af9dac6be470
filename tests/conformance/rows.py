"""Rows of `orch runs show --json`, laid side by side: pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
Key = tuple[Any, ...]
ABSENT = "<absent>"


@dataclass(frozen=True)
class Difference:
    """A kind of difference that is allowed, as differences.yml has it."""

    where: str
    why: str
    module: str = ".*"
    origin: str = ".*"
    ways: tuple[str, ...] = ()

    def allows(self, way: str, row: Row, where: str) -> bool:
        asked = [(self.module, str(row["module"])), (self.origin, str(row["task_origin"])), (self.where, where)]
        return (not self.ways or way in self.ways) and all(re.fullmatch(*pair) for pair in asked)


def keyed(rows: Iterable[Row], host: str) -> dict[Key, Row]:
    """The rows of ``host`` by what they are the result of: the play, the task, its item, and how many there were."""
    seen: Counter[Key] = Counter()
    found: dict[Key, Row] = {}
    for row in rows:
        if row["host"] == host:
            key = (row["play_id"], row["play_name"], row["task_id"], row["task_name"], row["item_index"])
            seen[key] += 1
            found[(*key, seen[key])] = row
    return found


def changes(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ, as far out as they are of one shape: path (joined by points), and both."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in sorted({*one, *other}):
            if not str(name).endswith("_lines"):  # made from the text beside it
                yield from changes(one.get(name, ABSENT), other.get(name, ABSENT), f"{path}.{name}" if path else name)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from changes(mine, theirs, f"{path}.{number}")
    elif one != other or type(one) is not type(other):
        yield path, one, other


def unlike(
    one: Mapping[Key, Row], other: Mapping[Key, Row], way: str, allowed: Sequence[Difference]
) -> Iterator[str]:
    """A line for each value that differs and is not ``allowed``; for rows of one alone, too."""
    for key in [*one, *(key for key in other if key not in one)]:
        mine, theirs = one.get(key), other.get(key)
        if mine is None or theirs is None:
            yield f"{key[3]} ({key[2]}): a row on {'one' if theirs is None else 'the other'} alone: {mine or theirs}"
            continue
        for where, a, b in changes(mine, theirs):
            if not any(rule.allows(way, mine, where) for rule in allowed):
                origin = str(mine["task_origin"]).rpartition("/")[2]
                yield f"{origin} {mine['module']} {where}: {_short(a)} | {_short(b)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:120]} … {text[-60:]}"
