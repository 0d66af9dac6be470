"""A scope for tests: a mapping of raw values, as loaded from trusted YAML, and data."""

from typing import Any

from orchestrator.content.yaml import load_yaml
from orchestrator.template.omit import OMIT


class TableScope:
    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.memo: dict[str, Any] = {"omit": OMIT}

    def lookup(self, name: str) -> Any:
        return self.values[name]

    def names(self) -> set[str]:
        return set(self.values)


def scope_of(trusted: str = "", /, **data: Any) -> TableScope:
    """``trusted``: YAML from a vars file. ``data``: values that came from a host."""
    return TableScope({**(load_yaml(trusted, file="vars.yml") or {}), **data})
