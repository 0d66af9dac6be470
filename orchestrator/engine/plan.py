"""Segments: how many tasks a host can be handed at once. Pure.

A segment is a run of consecutive tasks that need nothing from the controller in between. It ends before a task that
uses what an earlier one in it produces (a registered result, a fact), and around everything that only the controller
can do at its time: includes, handler flushes, loops, retries, another host's turn. One segment is one round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from orchestrator.model import Task

MAX_TASKS = 50
"""Bounds what is lost to sight when a host vanishes, and the size of one job."""

INLINE = frozenset({"debug", "set_fact", "assert", "fail"})
"""Done on the controller without a word to the host: they may stand between two tasks of one job."""
OUTSIDE = frozenset({
    "include_tasks", "include_role", "include_vars", "import_tasks", "import_role", "meta", "pause", "add_host",
    "group_by", "raw", "script", "fetch", "setup", "gather_facts", "wait_for_connection", "reboot", "async_status",
    "validate_argument_spec", "action", "package_facts", "service_facts", "set_stats",
})
"""Never part of a longer segment: they change what is known, take files back, or break the connection."""
ANYTHING = frozenset({"vars", "hostvars"})
"""A task that uses these may depend on whatever was produced."""

Uses = Callable[[Task], frozenset[str]]


def segment(tasks: Sequence[Task], uses: Uses, needs_receipt: Callable[[Task], bool]) -> list[Task]:
    """The longest segment that ``tasks`` (in order, on the assumption that each succeeds) begins with; at least one.

    ``uses`` gives the variables a task depends on, directly or through others. At most one task that needs a receipt
    is in a segment: a resumed run finds the receipt by that task's name.
    """
    chosen: list[Task] = []
    receipts = 0
    produced: set[str] = set()
    for task in tasks[:MAX_TASKS]:
        if chosen and (not fits(task) or _depends(uses(task), produced)):
            break
        receipts += needs_receipt(task)
        if receipts > 1:
            break
        chosen.append(task)
        if not fits(task):
            break
        produced |= products(task)
        if task.failed_when is not None:
            break
    return chosen


def fits(task: Task) -> bool:
    """Whether a task may share a segment with others at all."""
    return not (
        task.action in OUTSIDE or task.bridged is not None
        or task.loop is not None or task.until or task.retries is not None
        or task.delegate_to is not None or task.run_once or task.throttle is not None or task.async_s is not None
        or (task.action == "set_fact" and any("{{" in str(name) for name in task.args))
        or task.any_errors_fatal or task.connection is not None or task.remote_user is not None or task.port is not None
    )


def products(task: Task) -> set[str]:
    """The variables that a task sets when it ends."""
    names = {task.register} if task.register else set()
    if task.action == "set_fact":
        names |= {str(name) for name in task.args}
    return names


def _depends(used: Iterable[str], produced: set[str]) -> bool:
    names = set(used)
    return bool(produced) and (not produced.isdisjoint(names) or not ANYTHING.isdisjoint(names))
