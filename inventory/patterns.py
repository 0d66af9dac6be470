"""Host patterns: ``web:&prod:!db3``, ``web[0:5]``, ``~regex``. Pure: names in, names out.

Terms are separated by commas, or by colons where no comma is. First come the plain terms, in order, then every ``&``
narrows, then every ``!`` takes away, wherever they stand. A term means the group of that name, else the host; with
wildcards or ``~`` it means every group and every host that matches. Source: the Ansible guide, "Patterns: targeting
hosts and groups", and ansible-core 2.19's behaviour where the guide is silent.
"""

from __future__ import annotations

import difflib
import fnmatch
import random
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from inventory.errors import InventoryError
from inventory.names import split_port

ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")
MAX_NAMES_TO_COMPARE = 5000
MAX_LIMIT_BYTES = 4 * 1024 * 1024
Members = Callable[[str], Sequence[str]]

_SUBSCRIPT = re.compile(r"^(?P<name>.+)\[(?:(?P<index>-?\d+)|(?P<first>\d+)(?P<sep>[:-])(?P<last>\d*))\]$")
_WORD = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
"""A term between colons: brackets are kept whole, since ``web[0:5]`` has a colon of its own."""
_WILD = re.compile(r"[*?\[]")


class Selection(Struct, frozen=True):
    """Host names, each once, and a sentence for each term that matched nothing."""

    hosts: list[str]
    warnings: list[str]


class Slice(Struct, frozen=True):
    """Which of the hosts of a term: from ``first`` to ``last``, both included; ``last`` None means to the end."""

    first: int
    last: int | None


def split(pattern: str | Iterable[str]) -> list[str]:
    """The terms of a pattern. An IPv6 address, with or without a port, is one term."""
    if not isinstance(pattern, str):
        return [term for part in pattern for term in split(part)]
    pattern = pattern.strip()
    if "," in pattern:
        return [term for part in pattern.split(",") for term in split(part)]
    if ":" not in pattern or pattern.startswith("~") or _is_address(pattern):
        return [pattern] if pattern else []
    return _WORD.findall(pattern) if _balanced(pattern) else _unbalanced(pattern)


def _is_address(text: str) -> bool:
    """``host:port`` and IPv6 addresses are one term and not several; ``web:db`` is two."""
    bare = text[1:] if text[:1] in "!&" else text
    host, port = split_port(bare)
    return port is not None or (host.count(":") > 1 and re.fullmatch(r"[0-9A-Fa-f:.]+(?:%\w+)?", host) is not None)


def _balanced(text: str) -> bool:
    return text.count("[") == text.count("]")


def _unbalanced(text: str) -> list[str]:
    raise InventoryError(f"the brackets in the host pattern {text!r} do not match",
                         hint="a subscript is written web[0], web[-1] or web[0:5]")


def subscript(term: str) -> tuple[str, Slice | None]:
    """``web[0:5]`` is ``("web", Slice(0, 5))``; a term without a subscript comes back as it is."""
    found = _SUBSCRIPT.match(term) if term.endswith("]") and not term.startswith("~") else None
    if found is None:
        return term, None
    if found["index"] is not None:
        index = int(found["index"])
        return found["name"], Slice(index, index)
    return found["name"], Slice(int(found["first"]), int(found["last"]) if found["last"] else None)


def cut(names: Sequence[str], part: Slice | None) -> list[str]:
    """Those of ``names`` that a subscript means; nothing when it points beyond them."""
    if part is None:
        return list(names)
    if part.first < 0:
        return [names[part.first]] if -part.first <= len(names) else []
    return list(names[part.first:] if part.last is None else names[part.first:part.last + 1])


def select(
    pattern: str | Iterable[str],
    hosts: Collection[str],
    groups: Collection[str],
    members: Members,
    fallback: Collection[str] = (),
) -> Selection:
    """The hosts that ``pattern`` means. ``members(group)`` gives a group's hosts, those below it included.

    ``fallback``: names that match themselves although no source has them. Raises InventoryError for a bad regex or
    brackets that do not match.
    """
    plain, narrow, without = _sorted_terms(split(pattern))
    chosen: dict[str, None] = {}
    warnings: list[str] = []
    for term in plain or ["all"]:
        chosen.update(dict.fromkeys(_matches(term, hosts, groups, members, fallback, warnings)))
    for term in narrow:
        within = set(_matches(term, hosts, groups, members, fallback, warnings))
        chosen = {name: None for name in chosen if name in within}
    for term in without:
        for name in _matches(term, hosts, groups, members, fallback, warnings):
            chosen.pop(name, None)
    return Selection(list(chosen), warnings)


def _sorted_terms(terms: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    plain: list[str] = []
    narrow: list[str] = []
    without: list[str] = []
    for term in terms:
        kind = {"&": narrow, "!": without}.get(term[0], plain)
        kind.append(term if kind is plain else term[1:].strip())
    return plain, narrow, without


def _matches(
    term: str, hosts: Collection[str], groups: Collection[str], members: Members, fallback: Collection[str],
    warnings: list[str],
) -> list[str]:
    if term in ("all", "*"):
        return list(members("all"))
    if term in groups:  # before the subscript is looked at: a name may hold brackets
        return list(members(term))
    if term in hosts:
        return [term]
    name, part = subscript(term)
    found = _named(name, hosts, groups, members)
    if not found and name in fallback:
        found = [name]
    if not found:
        warnings.append(_unmatched(term, name, hosts, groups))
    chosen = cut(found, part)
    if found and not chosen:
        warnings.append(f"No hosts matched the subscripted pattern '{term}': {name} has {len(found)}")
    return chosen


def _named(name: str, hosts: Collection[str], groups: Collection[str], members: Members) -> list[str]:
    if name in ("all", "*"):
        return list(members("all"))
    if name in groups:
        return list(members(name))
    if name in hosts:
        return [name]
    matches = _matcher(name)
    if matches is None:
        return []
    found: dict[str, None] = {}
    for group in groups:
        if matches(group):
            found.update(dict.fromkeys(members(group)))
    found.update(dict.fromkeys(filter(matches, hosts)))
    return list(found)


def _matcher(name: str) -> Callable[[str], object] | None:
    if name.startswith("~"):
        try:
            return re.compile(name[1:]).match
        except re.error as error:
            raise InventoryError(f"the host pattern {name!r} is not a regular expression: {error}",
                                 hint="after ~ comes a Python regular expression, matched from the start of the name"
                                 ) from error
    return re.compile(fnmatch.translate(name)).match if _WILD.search(name) else None


def _unmatched(term: str, name: str, hosts: Collection[str], groups: Collection[str]) -> str:
    known = list(groups)
    if len(hosts) <= MAX_NAMES_TO_COMPARE:
        known += hosts
    near = difflib.get_close_matches(name, known, 1, 0.6) if not name.startswith("~") else []
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"Could not match supplied host pattern, ignoring: {term}{hint}"


def in_order(hosts: Sequence[str], order: str | None) -> list[str]:
    """``hosts`` in one of `ORDERS`; None is ``inventory``, the order in which they came."""
    if order in (None, "", "inventory"):
        return list(hosts)
    if order == "reverse_inventory":
        return list(reversed(hosts))
    if order in ("sorted", "reverse_sorted"):
        return sorted(hosts, reverse=order == "reverse_sorted")
    if order == "shuffle":
        return random.sample(list(hosts), len(hosts))
    near = difflib.get_close_matches(str(order), ORDERS, 1)
    raise InventoryError(f"unknown order {order!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
                         hint="one of " + ", ".join(ORDERS))


def read_limit(limit: str | Iterable[str]) -> list[str]:
    """The terms of ``--limit``; ``@path`` stands for the patterns in that file, one a line, ``#`` for comments."""
    terms: list[str] = []
    for term in split(limit):
        terms.extend(_limit_file(term[1:]) if term.startswith("@") else [term])
    return terms


def _limit_file(path: str) -> list[str]:
    try:
        with Path(path).expanduser().open("rb") as stream:
            data = stream.read(MAX_LIMIT_BYTES + 1)
    except OSError as error:
        raise InventoryError(f"cannot read the limit file {path}: {error.strerror}", file=path,
                             hint="--limit @FILE names a file with one host pattern a line") from error
    if len(data) > MAX_LIMIT_BYTES:
        raise InventoryError(f"the limit file {path} is larger than {MAX_LIMIT_BYTES // 2**20} MiB", file=path)
    lines = (line.strip() for line in data.decode("utf-8", "replace").splitlines())
    return [term for line in lines if line and not line.startswith("#") for term in split(line)]
