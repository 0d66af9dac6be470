"""A row of any table, with something harmless in every column."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from orchestrator.store.columns import TABLES

DEFAULTS: dict[str, Any] = {"text": "x", "json": {}, "time": datetime(2026, 1, 1, tzinfo=UTC), "int": 0, "bool": False,
                            "float": 0.0, "bytes": b""}


def row_of(table: str, **values: Any) -> dict[str, Any]:
    return {**{name: DEFAULTS[kind] for name, kind in TABLES[table].items()}, **values}
