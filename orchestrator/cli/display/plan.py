"""`orch plan`: every change that would be made, host by host, as one page."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli.display.diff import unified
from orchestrator.cli.display.safe import safe
from orchestrator.engine.events import Event, HostRecap, Notice, RunEnded, TaskDone, TaskResult

DIFF_LINES = 60
"""Of one file's differences; the rest is counted."""


class PlanDisplay:
    """Collects, and prints when the run has ended. ``changes`` counts what would be changed."""

    def __init__(self) -> None:
        self.changes = 0
        self._results: dict[str, list[TaskResult]] = {}

    def on(self, event: Event) -> None:
        if isinstance(event, TaskDone) and event.result.status not in ("ok", "skipped"):
            self._results.setdefault(event.result.host, []).append(event.result)
            self.changes += event.result.status == "changed"
        elif isinstance(event, Notice) and event.level == "warning":
            click.echo(click.style(f"[WARNING]: {safe(event.message)}", fg="yellow"), err=True)
        elif isinstance(event, RunEnded):
            self._print(event)

    def close(self) -> None:
        """Nothing is kept open."""

    def _print(self, ended: RunEnded) -> None:
        for host in ended.recap:
            for result in self._results.get(host, ()):
                click.echo("\n".join(_lines(result)))
        for host, line in ended.recap.items():
            click.echo(_summary(host, line))
        total = f"{self.changes} change{'' if self.changes == 1 else 's'} would be made"
        click.secho(f"\n{total}." if self.changes else "\nNothing would be changed.", bold=True)


def _lines(result: TaskResult) -> list[str]:
    mark, colour = {"changed": ("~", "yellow")}.get(result.status, ("!", "red"))
    role = f"{result.role} : " if result.role else ""
    head = click.style(f"{mark} {result.host}", fg=colour, bold=True)
    lines = [f"{head}  {role}{safe(result.task_name)}  {click.style(result.task_origin, dim=True)}"]
    if result.status != "changed":
        lines.append(f"    {result.status}: {safe(result.message)}")
        if result.hint:
            lines.append(f"    hint: {safe(result.hint)}")
    for entry in result.diff:
        lines += [f"    {text}" for text in _rows(entry)]
    return lines


def _rows(entry: dict[str, Any]) -> list[str]:
    rows = unified(entry, context=2)
    shown = [_coloured(row) for row in rows[:DIFF_LINES]]
    if len(rows) > DIFF_LINES:
        shown.append(f"… {len(rows) - DIFF_LINES} more lines")
    return shown


def _coloured(row: str) -> str:
    shown = safe(row)
    colour = {"+": "green", "-": "red", "@": "cyan"}.get(row[:1])
    return click.style(shown, fg=colour) if colour and not row.startswith(("+++", "---")) else shown


def _summary(host: str, line: HostRecap) -> str:
    words = [f"{line.changed} to change", f"{line.ok - line.changed} as wanted"]
    words += [f"{getattr(line, name)} {name}" for name in ("skipped", "failed", "unreachable") if getattr(line, name)]
    return f"{host}: {', '.join(words)}"
