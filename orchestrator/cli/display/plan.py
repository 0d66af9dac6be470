"""`orch plan`: every change that would be made, task by task, as one page. Hosts with the same change share it."""

from __future__ import annotations

from typing import Any, TextIO

import click
from msgspec import Struct, field

from orchestrator.cli.display.diff import unified
from orchestrator.cli.display.jsonl import JsonLines
from orchestrator.cli.display.left import left_lines
from orchestrator.cli.display.safe import one_line, safe
from orchestrator.cli.display.styles import named
from orchestrator.events import Event, HostRecap, Notice, RunEnded, TaskDone, TaskResult

DIFF_LINES = 60
"""Of one file's differences; the rest is counted."""


class Entry(Struct):
    """What one task comes to, word by word the same, on these hosts."""

    result: TaskResult
    hosts: list[str] = field(default_factory=list)


class PlanDisplay:
    """Collects, and prints when the run has ended. ``changes`` counts what would be changed."""

    def __init__(self) -> None:
        self.changes = 0
        self._unknown = 0
        self._entries: dict[tuple[str, ...], Entry] = {}
        self._told: set[str] = set()

    def on(self, event: Event) -> None:
        if isinstance(event, TaskDone):
            self._result(event.result)
        elif isinstance(event, Notice) and event.level == "warning":
            self._warn(f"{event.host}: {event.message}" if event.host else event.message)
        elif isinstance(event, RunEnded):
            self._print(event)

    def close(self) -> None:
        """Nothing is kept open."""

    def _warn(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            click.echo(click.style(f"[WARNING]: {safe(text)}", fg="yellow"), err=True)

    def _result(self, result: TaskResult) -> None:
        self.changes += result.status == "changed"
        self._unknown += _cannot_tell(result)
        if result.status in ("ok", "skipped"):
            return
        rows = [row for entry in result.diff for row in unified(entry)]
        key = (result.task_id, result.path, result.status, result.message, *rows)
        self._entries.setdefault(key, Entry(result)).hosts.append(result.host)

    def _print(self, ended: RunEnded) -> None:
        for entry in self._entries.values():
            click.echo("\n".join(_lines(entry)))
        if self._entries:
            click.echo()
        click.echo("\n".join(_summaries(ended.recap)))
        if self._unknown:
            click.echo(click.style(f"{self._unknown} skipped: what a command would do cannot be known in check mode",
                                   dim=True))
        for line in left_lines(ended):
            self._warn(line)
        total = f"{self.changes} change{'' if self.changes == 1 else 's'} would be made"
        click.secho(f"\n{total}." if self.changes else "\nNothing would be changed.", bold=True)


class JsonPlan(JsonLines):
    """The events as JSON lines; counts the changes as well."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        self.changes = 0

    def on(self, event: Event) -> None:
        if isinstance(event, TaskDone):
            self.changes += event.result.status == "changed"
        super().on(event)


def _cannot_tell(result: TaskResult) -> bool:
    """Skipped because nothing may be changed, not because of a condition or an empty list."""
    return result.status == "skipped" and not any(
        name in result.values for name in ("false_condition", "skip_reason", "skipped_reason", "results"))


def _lines(entry: Entry) -> list[str]:
    result = entry.result
    mark, colour = {"changed": ("~", "yellow")}.get(result.status, ("✗", "red"))
    role = f"{result.role} : " if result.role else ""
    head = click.style(f"{mark} {role}{one_line(result.task_name)}", fg=colour, bold=True)
    hosts = named([one_line(host) for host in sorted(entry.hosts)])
    lines = [f"{head}  {hosts}  {click.style(result.task_origin, dim=True)}"]
    if result.status != "changed":
        lines.append(f"    {result.status}: {safe(result.message)}")
        if result.hint:
            lines.append(f"    hint: {safe(result.hint)}")
    for difference in result.diff:
        lines += [f"    {text}" for text in _rows(difference)]
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


def _summaries(recap: dict[str, HostRecap]) -> list[str]:
    """A line for hosts that fare alike."""
    alike: dict[str, list[str]] = {}
    for host, line in recap.items():
        alike.setdefault(_summary(line), []).append(one_line(host))
    return [f"{named(sorted(hosts))}: {text}" for text, hosts in alike.items()]


def _summary(line: HostRecap) -> str:
    words = [f"{line.changed} to change", f"{line.ok - line.changed} as wanted"]
    words += [f"{getattr(line, name)} {name}" for name in ("skipped", "failed", "unreachable") if getattr(line, name)]
    return ", ".join(words)
