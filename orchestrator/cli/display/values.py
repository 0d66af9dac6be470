"""Which of a task's values are shown, and how: what Ansible's default callback keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.cli.display.safe import safe_json
from orchestrator.events import TaskResult

CENSORED = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"
_NEVER = frozenset({"failed", "skipped", "diff", "warnings", "deprecations", "exception", "results", "error_code",
                    "hint", "origin", "expression", "ignored", "retries"})
"""Told in words beside the values, or item by item."""
_ALWAYS = "_ansible_verbose_always"
"""Set by actions whose values are what one runs them for (debug, assert): always shown, one a line."""
QUIET = frozenset({"setup", "gather_facts"})
"""Facts fill pages: shown from -vv."""


def is_shown(result: TaskResult, verbosity: int) -> bool:
    """Whether the values of a result that went well are shown."""
    if result.values.get(_ALWAYS) and not result.no_log:
        return True
    return verbosity > (1 if result.module in QUIET else 0)


def shown_values(result: TaskResult, verbosity: int = 0) -> dict[str, Any]:
    """The values of a result without those that other parts of the output tell."""
    values = result.values
    if result.no_log:
        return {"censored": values.get("censored", CENSORED), "changed": bool(values.get("changed"))}
    hidden = _NEVER
    if result.module == "debug" or "skipped_reason" in values:
        hidden = _NEVER | {"changed", "ansible_loop_var", "ansible_index_var", "ansible_loop"}
        if "msg" in values or result.module != "debug":  # what `debug: var` printed may be the item itself
            hidden |= {str(values.get("ansible_loop_var", ""))}
    shown = {name: value for name, value in values.items()
             if name not in hidden and not (isinstance(name, str) and name.startswith("_ansible_"))}
    if verbosity < 3 and result.module != "debug":
        shown.pop("invocation", None)  # what a bridged module was given, repeated by it
    if result.status == "unreachable":
        shown["unreachable"] = True
    elif result.status != "lost":
        shown.pop("unreachable", None)
    if result.status not in ("ok", "changed", "skipped") and "msg" not in shown:
        shown["msg"] = result.message
    return shown


def dumped(result: TaskResult, verbosity: int) -> str:
    """The values of a result as JSON: on one line, or indented for those modules and from -vvv."""
    indent = 4 if (result.values.get(_ALWAYS) and not result.no_log) or verbosity > 2 else None
    return to_json(shown_values(result, verbosity), indent)


def to_json(values: Mapping[str, Any], indent: int | None = None) -> str:
    try:
        text = json.dumps(values, ensure_ascii=False, sort_keys=True, indent=indent, default=str)
    except TypeError:  # keys of several types have no order
        text = json.dumps(values, ensure_ascii=False, indent=indent, default=str)
    return safe_json(text)
