"""`orch plan`: every change that would be made, host by host, as one page."""

from __future__ import annotations

import difflib
import json
from typing import Any

import click

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
            click.echo(click.style(f"[WARNING]: {event.message}", fg="yellow"), err=True)
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
    lines = [f"{head}  {role}{result.task_name}  {click.style(result.task_origin, dim=True)}"]
    if result.status != "changed":
        lines.append(f"    {result.status}: {result.message}")
        if result.hint:
            lines.append(f"    hint: {result.hint}")
    for entry in result.diff:
        lines += [f"    {text}" for text in unified(entry)]
    return lines


def unified(entry: dict[str, Any]) -> list[str]:
    """One ``diff`` entry of a result as coloured lines of a unified diff."""
    if "prepared" in entry:
        return str(entry["prepared"]).splitlines()
    before, after = (_text(entry.get(side)).splitlines() for side in ("before", "after"))
    rows = list(difflib.unified_diff(before, after, entry.get("before_header") or "before",
                                     entry.get("after_header") or "after", lineterm="", n=2))
    shown = [_coloured(row) for row in rows[:DIFF_LINES]]
    if len(rows) > DIFF_LINES:
        shown.append(f"… {len(rows) - DIFF_LINES} more lines")
    return shown


def _text(side: Any) -> str:
    if side is None:
        return ""
    return side if isinstance(side, str) else json.dumps(side, indent=2, sort_keys=True, default=str)


def _coloured(row: str) -> str:
    safe = "".join(c if c == "\t" or c.isprintable() else "\ufffd" for c in row)
    colour = {"+": "green", "-": "red", "@": "cyan"}.get(row[:1])
    return click.style(safe, fg=colour) if colour and not row.startswith(("+++", "---")) else safe


def _summary(host: str, line: HostRecap) -> str:
    words = [f"{line.changed} to change", f"{line.ok - line.changed} as wanted"]
    words += [f"{getattr(line, name)} {name}" for name in ("skipped", "failed", "unreachable") if getattr(line, name)]
    return f"{host}: {', '.join(words)}"
