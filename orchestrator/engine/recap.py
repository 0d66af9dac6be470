"""Counting results as Ansible's recap does, and the exit code that follows from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.errors import ContentError, Faults, OrchError, TemplateError, VaultError
from orchestrator.events import HostRecap, TaskResult

INCLUDES = frozenset({"include_tasks", "include_role"})
EXIT_OK, EXIT_ERROR, EXIT_FAILED, EXIT_PENDING, EXIT_UNREACHABLE, EXIT_INTERRUPTED = 0, 1, 2, 3, 4, 130
EXIT_CONTENT = 4
"""Ansible's number for what its parser refuses; the same as for a host that could not be reached."""
MISSING = frozenset({"unreadable", "file_missing", "role_missing", "handler_missing"})
"""What content names and nobody has: Ansible's parser has no objection then."""


def count(recap: HostRecap, result: TaskResult) -> None:
    """Add the result of a task (not of one of its items) to its host's line."""
    status = result.status
    if status in ("ok", "changed"):
        recap.ok += _included(result)
        recap.changed += status == "changed"
    elif status == "skipped":
        recap.skipped += 1
    elif status == "unreachable" and not result.ignored:
        recap.unreachable += 1
    elif result.ignored:
        recap.ok += 1
        recap.ignored += 1
        recap.changed += bool(result.values.get("changed"))
    elif result.rescued:
        recap.rescued += 1
    else:
        recap.failed += _included(result) or 1
        if status in ("interrupted", "cancelled", "lost"):
            setattr(recap, status, getattr(recap, status) + 1)


def _included(result: TaskResult) -> int:
    """1; but an include in a loop counts once for each file it brought in, or could not."""
    items = result.values.get("results")
    if result.module not in INCLUDES or not isinstance(items, list):
        return 1
    failed = result.status == "failed"
    return sum(1 for item in items if not item.get("skipped") and bool(item.get("failed")) == failed)


def exit_code(recaps: Mapping[str, HostRecap], *, failed: bool, unreachable: bool, interrupted: bool,
              pending: bool = False) -> int:
    """0 well; 2 some host failed; 3 some host has not called for its job yet; 4 some host could not be reached; 130
    stopped by the operator. The gravest counts."""
    if interrupted:
        return EXIT_INTERRUPTED
    if unreachable:
        return EXIT_UNREACHABLE
    if failed:
        return EXIT_FAILED
    return EXIT_PENDING if pending else EXIT_OK


def error_code(error: OrchError) -> int:
    """4 when content (playbooks, roles, inventory, variables) is malformed or means nothing, as in Ansible; else 1."""
    if isinstance(error, Faults):
        return max((error_code(one) for one in error.errors), default=EXIT_ERROR)
    refused = isinstance(error, (ContentError, TemplateError)) and not isinstance(error, VaultError)
    return EXIT_CONTENT if refused and error.code not in MISSING else EXIT_ERROR


def status_word(code: int) -> str:
    return {EXIT_OK: "ok", EXIT_FAILED: "failed", EXIT_PENDING: "pending", EXIT_UNREACHABLE: "unreachable",
            EXIT_INTERRUPTED: "cancelled"}.get(code, "failed")
