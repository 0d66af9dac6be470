"""YAML read by PyYAML alone: for who uses the inventory without the rest of orch."""

from __future__ import annotations

from typing import Any

import yaml

from inventory.errors import InventoryError


def parse_yaml(text: str, file: str) -> Any:
    """The document as plain data; raises InventoryError with line and column for malformed YAML.

    By PyYAML's own parser: libyaml's runs out of the C stack where text is nested deeply, and ends the process.
    """
    try:
        return yaml.load(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InventoryError(
            f"malformed YAML: {error.problem or error.context}", file,
            mark.line + 1 if mark else 0, mark.column + 1 if mark else 0,
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise InventoryError(f"malformed YAML: {reason}", file) from error
