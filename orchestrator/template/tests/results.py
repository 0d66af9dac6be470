"""Tests of a task's registered result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.errors import TemplateError


def _result(value: Any, test: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        str(value)  # an undefined one fails in its own words
        raise TemplateError(f"The {test!r} test expects a dictionary, which a registered result is, not "
                            f"{type(value).__name__!r}")
    return value


def failed(value: Any) -> bool:
    return bool(_result(value, "failed").get("failed", False))


def success(value: Any) -> bool:
    return not failed(value)


def changed(value: Any) -> bool:
    """Also when any item of a loop changed."""
    result = _result(value, "changed")
    if "changed" in result:
        return bool(result["changed"])
    results = result.get("results")
    return isinstance(results, list) and any(isinstance(item, Mapping) and item.get("changed") for item in results)


def skipped(value: Any) -> bool:
    return bool(_result(value, "skipped").get("skipped", False))


def unreachable(value: Any) -> bool:
    return bool(_result(value, "unreachable").get("unreachable", False))


def reachable(value: Any) -> bool:
    return not unreachable(value)


def started(value: Any) -> bool:
    """Of an asynchronous task; any other has started."""
    return bool(_result(value, "started").get("started", 1))


def finished(value: Any) -> bool:
    return bool(_result(value, "finished").get("finished", 1))


def timedout(value: Any) -> bool:
    found = _result(value, "timedout").get("timedout", False)
    return bool(found.get("period")) if isinstance(found, Mapping) else bool(found)
