"""``ansible.module_utils.common.text.converters``, ``…parsing.convert_bool``, ``six`` and their kin."""

from __future__ import annotations

import collections.abc
import json
from typing import Any

string_types = (str,)
integer_types = (int,)
class_types = (type,)
text_type = str
binary_type = bytes
PY2 = False
PY3 = True

BOOLEANS_TRUE = frozenset(("y", "yes", "on", "1", "true", "t", 1, 1.0, True))
BOOLEANS_FALSE = frozenset(("n", "no", "off", "0", "false", "f", 0, 0.0, False))
BOOLEANS = BOOLEANS_TRUE | BOOLEANS_FALSE


def to_text(obj: Any, encoding: str = "utf-8", errors: str | None = None, nonstring: str = "simplerepr") -> Any:
    if isinstance(obj, str):
        return obj
    if isinstance(obj, bytes):
        return obj.decode(encoding, _handler(errors))
    return _nonstring(obj, nonstring, "")


def to_bytes(obj: Any, encoding: str = "utf-8", errors: str | None = None, nonstring: str = "simplerepr") -> Any:
    if isinstance(obj, bytes):
        return obj
    if isinstance(obj, str):
        return obj.encode(encoding, _handler(errors))
    made = _nonstring(obj, nonstring, b"")
    return made.encode(encoding, _handler(errors)) if isinstance(made, str) else made


to_native = to_text


def _handler(errors: str | None) -> str:
    return errors if errors and not errors.startswith("surrogate_") else "surrogateescape"


def _nonstring(obj: Any, how: str, empty: Any) -> Any:
    if how == "passthru":
        return obj
    if how == "empty":
        return empty
    if how == "strict":
        raise TypeError(f"obj must be a string type, not {type(obj).__name__}")
    return str(obj)


def jsonify(data: Any, **options: Any) -> str:
    return json.dumps(data, default=str, **options)


def container_to_text(value: Any, encoding: str = "utf-8", errors: str = "surrogate_or_strict") -> Any:
    return value


def boolean(value: Any, strict: bool = True) -> bool:
    """Raises TypeError for what is no boolean, unless not ``strict``."""
    given = value.lower().strip() if isinstance(value, str) else value
    if isinstance(given, collections.abc.Hashable):
        if given in BOOLEANS_TRUE:
            return True
        if given in BOOLEANS_FALSE or not strict:
            return False
    raise TypeError(f"The value {value!r} is not a valid boolean.")


def is_string(value: Any) -> bool:
    return isinstance(value, (str, bytes))


def is_iterable(value: Any, include_strings: bool = False) -> bool:
    return isinstance(value, collections.abc.Iterable) and (include_strings or not is_string(value))


def is_sequence(value: Any, include_strings: bool = False) -> bool:
    return isinstance(value, collections.abc.Sequence) and (include_strings or not is_string(value))


class ImmutableDict(dict):  # type: ignore[type-arg]
    """A mapping that plugins take for constant."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def iteritems(mapping: Any, **options: Any) -> Any:
    return iter(mapping.items(**options))


def itervalues(mapping: Any) -> Any:
    return iter(mapping.values())


def iterkeys(mapping: Any) -> Any:
    return iter(mapping.keys())


def with_metaclass(meta: Any, *bases: type) -> Any:
    return meta("WithMetaclass", bases or (object,), {})


def ensure_text(value: Any, encoding: str = "utf-8", errors: str = "strict") -> str:
    return value if isinstance(value, str) else bytes(value).decode(encoding, errors)


def missing_required_lib(library: str, reason: str | None = None, url: str | None = None) -> str:
    more = f" This is required {reason}." if reason else ""
    return f"Failed to import the required Python library ({library}).{more}" + (f" See {url}" if url else "")
