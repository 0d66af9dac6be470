"""YAML that is data: PyYAML's safe loader, with aliases bounded, and nothing that could become a template."""

from __future__ import annotations

from typing import Any

import yaml

from orchestrator.errors import TemplateError

MAX_BYTES = 16 * 1024 * 1024
MAX_NODES = 2_000_000
MAX_DEPTH = 100

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def yaml_data(text: str) -> Any:
    """The first document of ``text``. Raises yaml.YAMLError or `TemplateError`."""
    text = str(text)  # the parser takes no subclass of str
    _bounded(text)
    return yaml.load(text, Loader=_Loader)


def yaml_all(text: str) -> list[Any]:
    """All documents of ``text``."""
    text = str(text)
    _bounded(text)
    return list(yaml.load_all(text, Loader=_Loader))


def _bounded(text: str) -> None:
    """Refuses what would nest or, by its aliases, expand beyond reason, before anything is built from it."""
    if len(text) > MAX_BYTES:
        raise TemplateError(f"the text is larger than {MAX_BYTES // 2**20} MiB")
    if "*" not in text and len(text) < MAX_DEPTH:
        return
    sizes: dict[str, int] = {}
    stack: list[list[Any]] = [[None, 0]]
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            stack.append([event.anchor, 1])
            if len(stack) > MAX_DEPTH:
                raise TemplateError(f"the YAML is nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = stack.pop()
            stack[-1][1] += size
            if anchor:
                sizes[anchor] = size
        elif isinstance(event, yaml.AliasEvent):
            stack[-1][1] += sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            stack[-1][1] += 1
        if stack[-1][1] > MAX_NODES:
            raise TemplateError("the YAML expands to too many values")
