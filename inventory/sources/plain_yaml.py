"""YAML read by PyYAML alone: for who uses the inventory without the rest of orch."""

from __future__ import annotations

from typing import Any

import yaml

from inventory.errors import InventoryError

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str, file: str) -> Any:
    """The document as plain data; raises InventoryError with line and column for malformed YAML."""
    try:
        return yaml.load(text, _LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InventoryError(
            f"malformed YAML: {error.problem or error.context}", file,
            mark.line + 1 if mark else 0, mark.column + 1 if mark else 0,
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InventoryError(f"malformed YAML: {error}", file) from error
