"""Host names as sources write them: ranges to expand, ports to split off. Pure."""

from __future__ import annotations

import re
from itertools import product

from inventory.errors import InventoryError

MAX_EXPANDED = 1_000_000
"""Hosts that one range may make: beyond that it is a typing error, and would fill the memory."""

MAX_LENGTH = 253
"""Of a host's name, as in DNS; databases index it."""

_RANGE = re.compile(r"\[([^\[\]]*:[^\[\]]*)\]")
_PORT = re.compile(
    r"^(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<plain>[^:\[\]]+(?:\[[^\[\]]*\][^:\[\]]*)*)):(?P<port>\d{1,5})$"
)
_IPV6 = re.compile(r"^[0-9A-Fa-f:.]+(?:%\w+)?$")


def split_port(text: str) -> tuple[str, int | None]:
    """``host:2222`` is host and port; ``[fe80::1]:22`` too; a bare IPv6 address has no port."""
    if ":" not in text:
        return text, None
    found = _PORT.match(text)
    if found:
        return found["bracketed"] or found["plain"], int(found["port"])
    if text.startswith("[") and text.endswith("]") and _is_ipv6(text[1:-1]):
        return text[1:-1], None
    return text, None


def _is_ipv6(text: str) -> bool:
    return text.count(":") > 1 and _IPV6.match(text) is not None and ":::" not in text


def expand(text: str) -> tuple[list[str], int | None]:
    """The host names that an entry of an inventory means, and their port: ``web[01:03]:22`` is three.

    Raises InventoryError (without a place) for a range that has no meaning.
    """
    if "[" not in text:
        return _without_range(text)
    name, port = split_port(text)
    if _is_ipv6(name):
        return [name], port
    parts = _RANGE.split(name)  # text, range, text, range, text
    if len(parts) == 1:
        return _without_range(text)
    choices = [_values(part) if index % 2 else [part] for index, part in enumerate(parts)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MAX_EXPANDED:
        raise InventoryError(f"the range {text!r} makes {count} hosts", hint=f"at most {MAX_EXPANDED} at a time")
    check_length("".join(choice[-1] for choice in choices))
    return ["".join(combination) for combination in product(*choices)], port


def _without_range(text: str) -> tuple[list[str], int | None]:
    name, port = split_port(text)
    check_length(name)
    if not name:
        raise InventoryError(f"{text!r} is no host name")
    if ":" in name and not _is_ipv6(name):
        raise InventoryError(f"{text!r} is no host name", hint="a port is written host:2222 or [ipv6]:2222")
    if port is not None and not 0 < port < 65536:
        raise InventoryError(f"{port} in {text!r} is no port", hint="ports go from 1 to 65535")
    return [name], port


def check_length(name: str) -> None:
    """Raises InventoryError for a name that is longer than any host's."""
    if len(name) > MAX_LENGTH:
        raise InventoryError(f"the host name {name[:40]!r}… is {len(name)} characters long",
                             hint=f"at most {MAX_LENGTH}")


def _values(text: str) -> list[str]:
    first, last, *rest = text.split(":")
    if len(rest) > 1 or (rest and not rest[0].isdigit()) or rest == ["0"]:
        raise InventoryError(f"the range [{text}] has no meaning", hint="write [first:last] or [first:last:step]")
    step = int(rest[0]) if rest else 1
    first = first or "0"
    if first.isdigit() and last.isdigit():
        return _numbers(text, first, last, step)
    if len(first) == len(last) == 1 and first.isalpha() and last.isalpha() and first.isascii() and last.isascii():
        return _letters(text, first, last, step)
    raise InventoryError(f"the range [{text}] has no meaning",
                         hint="ranges go from number to number or from letter to letter")


def _numbers(text: str, first: str, last: str, step: int) -> list[str]:
    if len(first) > 1 and first[0] == "0" and len(first) != len(last):
        raise InventoryError(f"the range [{text}] must have both ends of equal length",
                             hint="leading zeros set the width: [01:50]")
    if int(last) < int(first):
        raise InventoryError(f"the range [{text}] ends before it begins")
    if (int(last) - int(first)) // step >= MAX_EXPANDED:
        raise InventoryError(f"the range [{text}] is too long", hint=f"at most {MAX_EXPANDED} hosts at a time")
    width = len(first) if first[0] == "0" else 0
    return [str(number).zfill(width) for number in range(int(first), int(last) + 1, step)]


def _letters(text: str, first: str, last: str, step: int) -> list[str]:
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    begin, end = alphabet.index(first), alphabet.index(last)
    if end < begin:
        raise InventoryError(f"the range [{text}] ends before it begins")
    return list(alphabet[begin:end + 1:step])
