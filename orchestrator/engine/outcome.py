"""From what a task returned to what it means: changed, failed, and the one result schema. Pure.

A *value* is the dict a task registers, with Ansible's keys (``changed``, ``failed``, ``msg``, ``rc``, ``results`` …).
It is plain data from the host; nothing here renders it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Value = dict[str, Any]

CENSORED = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"
LISTED_DIFFS = frozenset(("copy", "template", "lineinfile", "blockinfile"))
FLAGS = ("changed", "failed", "skipped", "unreachable", "rc", "attempts", "retries")


def value_of(event: Mapping[str, Any], module: str) -> Value:
    """The registered value of a runtime's ``result`` event."""
    status = event["status"]
    value: Value = dict(event.get("values") or {})
    error = event.get("error") or {}
    value["changed"] = bool(value.get("changed", status == "changed"))
    if status in ("failed", "interrupted", "cancelled"):
        value["failed"] = True
        value.setdefault("msg", error.get("message") or status)
        for source, target in (("code", "error_code"), ("hint", "hint")):
            if error.get(source):
                value[target] = error[source]
        if status != "failed":
            value["error_code"] = status
    elif status == "skipped":
        value["skipped"] = True
    diff = event.get("diff")
    if diff:
        value["diff"] = shaped(diff, module)
    if event.get("warnings"):
        value["warnings"] = list(event["warnings"])
    return add_lines(value)


def shaped(diff: list[Any], module: str) -> Any:
    """A module's diff as it is registered: where Ansible's has one part only, that part itself, else a list.

    The parts about contents that copy (and so template), lineinfile and blockinfile give are in a list always.
    """
    about_contents = len(diff) == 1 and isinstance(diff[0], Mapping) and isinstance(diff[0].get("after"), str)
    return diff if len(diff) != 1 or (about_contents and module in LISTED_DIFFS) else diff[0]


def add_lines(value: Value) -> Value:
    """``stdout_lines`` and ``stderr_lines`` beside ``stdout`` and ``stderr``, as every Ansible result has them."""
    for name in ("stdout", "stderr"):
        text = value.get(name)
        if isinstance(text, str) and f"{name}_lines" not in value:
            value[f"{name}_lines"] = text.splitlines()
    return value


def failure(message: str, code: str, hint: str | None = None, **more: Any) -> Value:
    """The value of a task that failed before or beside its module."""
    value: Value = {"failed": True, "changed": False, "msg": message, "error_code": code, **more}
    if hint:
        value["hint"] = hint
    return value


def is_failed(value: Mapping[str, Any]) -> bool:
    return bool(value.get("failed"))


def status_of(value: Mapping[str, Any]) -> str:
    """The word of the result schema for a value. Ignoring and rescuing are told beside it, never instead of it."""
    if value.get("unreachable"):
        return "lost" if value.get("error_code") == "lost_unconfirmed" else "unreachable"
    if value.get("error_code") in ("interrupted", "cancelled") and value.get("failed"):
        return str(value["error_code"])
    if value.get("failed"):
        return "failed"
    if value.get("skipped"):
        return "skipped"
    return "changed" if value.get("changed") else "ok"


def gather_items(values: Sequence[Value]) -> Value:
    """The value of a looped task: its items' values under ``results``, and what they amount to."""
    if not values:
        return {"changed": False, "skipped": True, "skipped_reason": "No items in the list", "results": []}
    total: Value = {"results": list(values), "changed": any(v.get("changed") for v in values)}
    if all(v.get("skipped") for v in values):
        total.update(msg="All items skipped", skipped=True)
    elif any(is_failed(v) and not v.get("_ignored") for v in values):
        total.update(msg="One or more items failed", failed=True)
        code = next((v.get("error_code") for v in values if is_failed(v) and v.get("error_code")), None)
        if code:
            total["error_code"] = code
    else:
        total.update(msg="All items completed", skipped=False, failed=False)
    if any(v.get("unreachable") for v in values):
        total.update(unreachable=True, skipped=False)
        if not total.get("failed"):
            total.pop("failed", None)  # as of a single task: it did not fail, nobody was there
    return total


def censor(value: Mapping[str, Any]) -> Value:
    """A value with nothing left in it but its flags."""
    kept: Value = {"censored": CENSORED, "changed": bool(value.get("changed"))}
    kept.update({name: value[name] for name in FLAGS if name in value})
    if isinstance(value.get("results"), list):
        kept["results"] = [censor(v) for v in value["results"] if isinstance(v, Mapping)]
    return kept
