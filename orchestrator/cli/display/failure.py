"""A failure for people: what, where, what the command said, what to do."""

from __future__ import annotations

from rich.text import Text

from orchestrator.cli.display.excerpt import excerpt, origin_of
from orchestrator.cli.display.safe import one_line, safe
from orchestrator.events import TaskResult

OUTPUT_LINES = 10
"""Of what a command said, from its end: most often the reason."""
NOT_ITS_FAULT = frozenset({"unreachable", "lost", "cancelled"})
"""Nothing is wrong with the task's text then: it is not shown."""


def failure_lines(result: TaskResult) -> list[Text]:
    """Headline first. A failure that was ignored or rescued takes two lines."""
    mild = result.ignored or result.rescued
    tail = " (ignored)" if result.ignored else " (rescued)" if result.rescued else ""
    where = f" on {one_line(result.delegated_to)}" if result.delegated_to else ""
    head = f"  ✗ {one_line(result.host)} {result.status}{where}{tail}  "
    title = (f"{result.role} : " if result.role else "") + one_line(result.task_name)
    details = [Text(f"      {line}", style) for line, style in _details(result, mild)]
    return [Text.assemble((head, "yellow" if mild else "bold red"), title), *details]


def _details(result: TaskResult, mild: bool) -> list[tuple[str, str]]:
    message = safe(result.message or "failed without a message").removeprefix("Task failed: ")
    details = [(line, "") for line in message.splitlines()]
    if mild:
        return details[:1]
    details += _output(result)
    if result.status not in NOT_ITS_FAULT:
        place = str(result.values.get("origin") or result.task_origin)
        shown = excerpt(origin_of(place))
        details += [(place, "dim"), *((line, "dim") for line in shown)]
        expression = safe(str(result.values.get("expression") or ""))
        if expression and not any(expression in line for line in shown):
            details.append((f"in: {expression}", "dim"))
    details += [(f"via {step}", "dim") for step in result.trail]
    if result.hint:
        details.append((f"→ {safe(result.hint)}", "bold"))
    return details


def _output(result: TaskResult) -> list[tuple[str, str]]:
    if result.no_log:
        return []
    for name in ("stderr", "stdout"):
        lines = safe(str(result.values.get(name) or "")).splitlines()
        if lines:
            more = [(f"{name}: … {len(lines) - OUTPUT_LINES} lines before", "dim")] * (len(lines) > OUTPUT_LINES)
            return more + [(f"{name}: {line}", "dim") for line in lines[-OUTPUT_LINES:]]
    return []
