"""``hash_behaviour: merge``: mappings of one name are merged all the way down; anything else is replaced. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def laid_over(old: Any, new: Any) -> Any:
    """``new`` on top of ``old``."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    from orchestrator.template.filters.collections import merge  # few have the setting

    return merge(old, new, recursive=True, lists="replace")


def all_laid_over(layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Layers of variables as one, the lowest first."""
    found: dict[str, Any] = {}
    for layer in layers:
        found = laid_over(found, layer)
    return found
