"""Values by dotted paths, in the names of ansible.utils: ``a.b[0]``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import pass_environment

from orchestrator.errors import TemplateError

_PLAIN = re.compile(r"[A-Za-z_]\w*\Z")
_STEP = re.compile(r"""\.?([^.\[\]]+)|\[\s*(?:'([^']*)'|"([^"]*)"|(-?\d+))\s*\]""")


def to_paths(var: Any, prepend: str | None = None) -> dict[str, Any]:
    """Every value within, by its path."""
    return dict(_leaves(var, prepend or ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key in value:
            plain = isinstance(key, str) and _PLAIN.match(key)
            step = (f".{key}" if path else key) if plain else f"[{key!r}]"
            yield from _leaves(value[key], path + step)
    elif isinstance(value, (list, tuple)) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value


@pass_environment
def get_path(environment: Any, var: Any, path: str, wantlist: bool = False) -> Any:
    """The value at a path."""
    found, at = var, 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise TemplateError(f"get_path: the path {path!r} is malformed from {path[at:]!r}")
        name, quoted, double, index = step.groups()
        key: Any = int(index) if index is not None else next(one for one in (name, quoted, double) if one is not None)
        found, at = environment.getitem(found, key), step.end()
    return [found] if wantlist and not isinstance(found, list) else found


@pass_environment
def index_of(
    environment: Any, data: Any, test: str, value: Any = None, key: Any = None, fail_on_missing: bool = False,
    wantlist: bool = False,
) -> Any:
    """Where in the list the test holds: the place, or a list when there is none or more than one."""
    found = []
    for index, item in enumerate(data):
        if key is not None and not (isinstance(item, Mapping) and key in item):
            if fail_on_missing:
                raise TemplateError(f"index_of: an item has no {key!r}")
            continue
        given = item if key is None else item[key]
        if environment.call_test(test, given, [] if value is None else [value]):
            found.append(index)
    return found[0] if len(found) == 1 and not wantlist else found
