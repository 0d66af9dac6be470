"""``sequence``: numbers as texts, counted or from a start to an end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from orchestrator.errors import TemplateError
from orchestrator.template.lookups.call import LookupCall, options_in

MAX_NUMBERS = 1_000_000

_NAMES = frozenset({"start", "end", "count", "stride", "format"})
_SHORT = re.compile(r"(?:([^\s=:/]+?)-)?([^\s=:/]+)(?:/([^\s=:]+))?(?::(.+))?\Z")
_WHOLE = re.compile(r"-?(?:0x[0-9a-f]+|0o[0-7]+|\d+)\Z", re.IGNORECASE)


def sequence(terms: list[Any], call: LookupCall, **options: Any) -> list[Any]:
    """``start=1 end=5 stride=2 format=host%02d``, or for short ``1-5/2:host%02d``; the end counts in.

    A term's own options go before those given by name. No terms and no options give nothing.
    """
    made: list[Any] = []
    for term in terms or ([""] if options else []):
        made += _numbers({**options, **_read(str(term).strip())})
    return made


def _read(term: str) -> dict[str, Any]:
    short = _SHORT.match(term)
    if short:
        named = zip(("start", "end", "stride", "format"), short.groups(), strict=True)
        return {name: value for name, value in named if value is not None}
    rest, options = options_in(term, _NAMES)
    if rest:
        raise TemplateError(
            f"unrecognized arguments to with_sequence: {rest!r}", hint="write start=1 end=5 stride=2 format=%02d"
        )
    return dict(options)


def _numbers(options: Mapping[str, Any]) -> list[str]:
    start, stride = _whole(options, "start", 1), _whole(options, "stride", 1)
    end = _end(options, start, stride)
    if end is None or stride == 0:
        return []
    if stride > 0 and end < start:
        raise TemplateError("to count backwards make stride negative")
    if stride < 0 and end > start:
        raise TemplateError("to count forward don't make stride negative")
    values = range(start, end + (1 if stride > 0 else -1), stride)
    if len(values) > MAX_NUMBERS:
        raise TemplateError(f"sequence: more than {MAX_NUMBERS} numbers")
    form = str(options.get("format", "%d"))
    return [_formatted(form, value) for value in values]


def _end(options: Mapping[str, Any], start: int, stride: int) -> int | None:
    """The last number; None when there are to be none."""
    counted = options.get("count") is not None
    if not counted and options.get("end") is None:
        raise TemplateError("must specify count or end in with_sequence")
    if not counted:
        return _whole(options, "end", 0)
    if options.get("end") is not None:
        raise TemplateError("can't specify both count and end in with_sequence")
    count = _whole(options, "count", 0)
    # With a negative stride Ansible counts one further than asked: playbooks rely on what they see.
    return start + count * stride - 1 if count else None


def _whole(options: Mapping[str, Any], name: str, default: int) -> int:
    text = str(options.get(name, default)).strip()
    if not _WHOLE.match(text):
        raise TemplateError(f"sequence: {name!r} has an invalid value: {text!r}", hint="write a whole number")
    return int(text, 10 if text.lstrip("-").isdigit() else 0)


def _formatted(form: str, value: int) -> str:
    try:
        return form % value
    except (ValueError, TypeError):
        raise TemplateError(f"bad formatting string: {form}", hint="it holds one %d, or %02d, %x") from None
