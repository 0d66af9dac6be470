"""What a plain YAML scalar means: YAML 1.1 as PyYAML and Ansible read it (yes/no/on/off are booleans)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import yaml

_RESOLVERS: dict[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers
_ANY = _RESOLVERS.get(None, [])  # type: ignore[call-overload]
_PREFIX = "tag:yaml.org,2002:"
_TRUE = frozenset({"yes", "true", "on"})


def _bool(text: str) -> bool:
    return text.lower() in _TRUE


def _sexagesimal(text: str, number: Callable[[str], Any]) -> Any:
    total = number("0")
    for part in text.split(":"):
        total = total * 60 + number(part)
    return total


def _int(text: str) -> int:
    text = text.replace("_", "")
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.lstrip("+"))
    if digits.startswith("0b"):
        return sign * int(digits[2:], 2)
    if digits.startswith("0x"):
        return sign * int(digits[2:], 16)
    if ":" in digits:
        return sign * int(_sexagesimal(digits, int))
    if len(digits) > 1 and digits[0] == "0":
        return sign * int(digits, 8)
    return sign * int(digits)


def _float(text: str) -> float:
    text = text.replace("_", "").lower()
    sign, digits = (-1.0, text[1:]) if text[0] == "-" else (1.0, text.lstrip("+"))
    if digits == ".inf":
        return sign * float("inf")
    if digits == ".nan":
        return float("nan")
    return sign * float(_sexagesimal(digits, float) if ":" in digits else digits)


_PARTS = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?"
    r"(?:[ \t]*(Z|([-+])(\d\d?)(?::(\d\d))?))?)?$"
)


def _timestamp(text: str) -> dt.date | dt.datetime:
    match = _PARTS.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a timestamp")
    year, month, day, hour, minute, second, fraction, zone, sign, zone_h, zone_m = match.groups()
    if hour is None:
        return dt.date(int(year), int(month), int(day))
    micro = int((fraction or "").ljust(6, "0")[:6])
    tz = None
    if sign:
        delta = dt.timedelta(hours=int(zone_h), minutes=int(zone_m or 0))
        tz = dt.timezone(-delta if sign == "-" else delta)
    elif zone:
        tz = dt.UTC
    return dt.datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), micro, tz)


_CONSTRUCT: dict[str, Callable[[str], Any]] = {
    _PREFIX + "bool": _bool,
    _PREFIX + "int": _int,
    _PREFIX + "float": _float,
    _PREFIX + "null": lambda text: None,
    _PREFIX + "timestamp": _timestamp,
    _PREFIX + "str": lambda text: text,
}


def plain(text: str) -> Any:
    """The value of an unquoted scalar. Raises ValueError for one that looks like a type and is none (2024-99-99)."""
    for tag, pattern in _RESOLVERS.get(text[:1], _ANY):
        if pattern.match(text):
            construct = _CONSTRUCT.get(tag)
            return construct(text) if construct else text
    return text


def tagged(tag: str, text: str) -> Any:
    """The value of a scalar with an explicit standard tag (``!!int``). Raises KeyError for an unknown tag."""
    if tag == _PREFIX + "binary":
        import base64

        return base64.b64decode(text)
    return _CONSTRUCT[tag](text)
