"""What a person sees: a line for each task as it ends, failures in full at once, what runs now below, a recap.

Made to be read at three in the morning: nothing moves but the last lines, words stand beside every colour, and a
failure says where it is and what to do.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from orchestrator.cli.display.diff import unified
from orchestrator.cli.display.excerpt import excerpt, origin_of
from orchestrator.cli.display.runs import duration
from orchestrator.cli.display.safe import one_line, safe
from orchestrator.engine.events import (
    Event,
    HostRecap,
    Included,
    ItemDone,
    Notice,
    PlaySkipped,
    PlayStarted,
    RunEnded,
    RunStarted,
    TaskDone,
    TaskResult,
    TaskRetry,
    TaskStarted,
)

STYLES = {"ok": "green", "changed": "yellow", "skipped": "cyan", "failed": "bold red", "unreachable": "bold red",
          "cancelled": "magenta", "interrupted": "magenta", "lost": "magenta", "rescued": "green", "ignored": "blue"}
MARKS = {"ok": "✓", "changed": "~", "skipped": "·", "failed": "✗", "unreachable": "✗"}
WORST = ("unreachable", "failed", "lost", "interrupted", "cancelled", "changed", "ok", "skipped")
HOSTS_NAMED = 4
MAX_DIFF_LINES = 80


class LiveDisplay:
    """Draws on a terminal; everything but the last lines stays in the scrollback."""

    def __init__(self, *, diff: bool = False, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=False)
        self._diff = diff
        self._began = time.monotonic()
        self._task: TaskStarted | None = None
        self._task_began = 0.0
        self._waiting: dict[str, None] = {}
        self._counts: Counter[str] = Counter()
        self._reminder = ""
        self._live = Live(get_renderable=self._now, console=self._console, refresh_per_second=8, transient=True)
        self._live.start()

    def on(self, event: Event) -> None:
        handler: Any = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def close(self) -> None:
        self._live.stop()

    # What stays

    def _print(self, line: RenderableType) -> None:
        self._console.print(line)

    def _run_started(self, event: RunStarted) -> None:
        words = [f"run {event.run_id}", *(["check mode: nothing is changed"] if event.check_mode else []),
                 *(["resumed"] if event.resumed else [])]
        self._print(Text(" · ".join(words), style="dim"))

    def _play_started(self, event: PlayStarted) -> None:
        self._flush_task()
        slice_ = f"  slice {event.batch + 1} of {event.batches}" if event.batches > 1 else ""
        hosts = f"{len(event.hosts)} host{'' if len(event.hosts) == 1 else 's'}{slice_}"
        self._print(Text.assemble("\n", (safe(event.name), "bold"), (f"  {hosts}", "dim")))

    def _play_skipped(self, event: PlaySkipped) -> None:
        self._print(Text.assemble("\n", (safe(event.name), "bold"), (f"  {event.reason}", "cyan")))

    def _task_started(self, event: TaskStarted) -> None:
        if self._task is not None and self._task.task_id == event.task_id:
            self._waiting.update(dict.fromkeys(event.hosts))
            return
        self._flush_task()
        self._task, self._task_began = event, time.monotonic()
        self._waiting = dict.fromkeys(event.hosts)
        self._counts = Counter()
        self._reminder = ""

    def _task_done(self, event: TaskDone) -> None:
        result = event.result
        self._waiting.pop(result.host, None)
        status = result.status
        self._counts["ignored" if result.ignored else "rescued" if result.rescued else status] += 1
        for text in result.warnings:
            self._warn(text, result.host)
        if self._diff or result.diff:
            self._differences(result)
        if status not in ("ok", "changed", "skipped"):
            self._failure(result)
        elif result.module == "debug" and status == "ok" and not event.looped:
            self._said(result)
        if not self._waiting:
            self._flush_task()

    def _item_done(self, event: ItemDone) -> None:
        result = event.result
        if result.module == "debug" and result.status == "ok":
            self._said(result)
        elif result.status == "failed":
            label = one_line(result.item_label or "")
            self._print(Text(f"    ✗ {result.host} (item={label}): {safe(result.message)}", "red"))

    def _said(self, result: TaskResult) -> None:
        shown = {k: v for k, v in result.values.items()
                 if not k.startswith("_") and k not in ("changed", "failed", "ansible_loop_var", "item")}
        for value in shown.values():
            self._print(Text.assemble((f"    {result.host}  ", "dim"), safe(_text(value))))

    def _failure(self, result: TaskResult) -> None:
        style = "yellow" if result.ignored or result.rescued else "bold red"
        tail = "  (ignored)" if result.ignored else "  (rescued)" if result.rescued else ""
        self._print(Text.assemble((f"  ✗ {result.host} {result.status}{tail}  ", style),
                                  (f"{result.role} : " if result.role else "") + safe(result.task_name)))
        if result.ignored or result.rescued:
            self._print(Text(f"      {safe(result.message)}"))
            return
        for line in safe(result.message).splitlines():
            self._print(Text(f"      {line}"))
        self._output(result)
        place = str(result.values.get("origin") or result.task_origin)
        self._print(Text(f"      {place}", "dim"))
        for line in excerpt(origin_of(place)):
            self._print(Text(f"      {line}", "dim"))
        for step in result.trail:
            self._print(Text(f"      via {step}", "dim"))
        if result.hint:
            self._print(Text(f"      → {result.hint}", "bold"))

    def _output(self, result: TaskResult) -> None:
        """The tail of what a command said: most often the reason."""
        for name in ("stderr", "stdout"):
            lines = safe(str(result.values.get(name) or "")).splitlines()
            for line in lines[-10:]:
                self._print(Text(f"      {name}: {line}", "dim"))
            if lines:
                return

    def _differences(self, result: TaskResult) -> None:
        for entry in result.diff:
            rows = unified(entry)
            for row in rows[:MAX_DIFF_LINES]:
                style = {"+": "green", "-": "red", "@": "cyan"}.get(row[:1], "")
                self._print(Text(f"    {result.host}  {safe(row)}", "bold" if row[:3] in ("+++", "---") else style))
            if len(rows) > MAX_DIFF_LINES:
                self._print(Text(f"    … {len(rows) - MAX_DIFF_LINES} more lines", "dim"))

    def _task_retry(self, event: TaskRetry) -> None:
        self._reminder = f"{event.result.host}: not yet, {event.retries_left} tries left"

    def _included(self, event: Included) -> None:
        self._print(Text(f"  ↳ {event.path}", "dim"))

    def _notice(self, event: Notice) -> None:
        self._warn(event.message, event.host)

    def _warn(self, message: str, host: str | None) -> None:
        self._print(Text(f"  ! {host + ': ' if host else ''}{safe(message)}", "yellow"))

    def _flush_task(self) -> None:
        """The line of a task that has ended."""
        task, self._task = self._task, None
        if task is None or not self._counts:
            return
        worst = next((s for s in WORST if self._counts.get(s)), "ok")
        name = f"{task.role} : {task.name}" if task.role else task.name
        line = Text.assemble((f"  {MARKS.get(worst, '✗')} ", STYLES[worst]),
                             ("handler: " if task.handler else "", "dim"), safe(name), "  ")
        for status, count in self._counts.items():
            line.append(f"{count} {status}  ", STYLES.get(status, ""))
        took = time.monotonic() - self._task_began
        line.append(duration(took) if took >= 1 else "", "dim")
        self._print(line)

    # What moves

    def _now(self) -> RenderableType:
        """The last lines: what runs, on how many hosts, which are still out."""
        elapsed = duration(time.monotonic() - self._began)
        if self._task is None:
            return Text(f"  {elapsed}", "dim")
        done = sum(self._counts.values())
        names = list(self._waiting)
        more = f" and {len(names) - HOSTS_NAMED} more" if len(names) > HOSTS_NAMED else ""
        head = Text.assemble((safe(self._task.name), "bold"), f"  {done}/{done + len(names)} hosts  ", (elapsed, "dim"))
        tail = Text(f"    waiting for {', '.join(names[:HOSTS_NAMED])}{more}  {self._reminder}".rstrip(), "dim")
        return Group(Spinner("dots", head), tail) if names else head

    # The end

    def _run_ended(self, event: RunEnded) -> None:
        self._flush_task()
        self._live.stop()
        self._print("")
        self._print(_recap(event.recap))
        for text in event.left:
            self._print(Text(f"! {text}", "yellow"))
        style = "bold green" if event.exit_code == 0 else "bold red"
        self._print(Text(f"{event.status} in {duration(event.duration_s)}   orch runs show {event.run_id}", style))


def _recap(recap: dict[str, HostRecap]) -> Table:
    columns = [n for n in ("ok", "changed", "skipped", "rescued", "ignored", "failed", "unreachable")
               if n in ("ok", "changed", "failed") or any(getattr(line, n) for line in recap.values())]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("host", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right")
    for host, line in sorted(recap.items(), key=lambda pair: (not (pair[1].failed or pair[1].unreachable), pair[0])):
        bad = line.failed or line.unreachable
        cells = [Text(str(getattr(line, n)), STYLES[n] if getattr(line, n) else "dim") for n in columns]
        table.add_row(Text(f"{'✗' if bad else '✓'} {host}", "bold red" if bad else "green"), *cells)
    return table


def _text(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


_HANDLERS: dict[type, Any] = {
    RunStarted: LiveDisplay._run_started, PlayStarted: LiveDisplay._play_started,
    PlaySkipped: LiveDisplay._play_skipped, TaskStarted: LiveDisplay._task_started, TaskDone: LiveDisplay._task_done,
    ItemDone: LiveDisplay._item_done, TaskRetry: LiveDisplay._task_retry, Included: LiveDisplay._included,
    Notice: LiveDisplay._notice, RunEnded: LiveDisplay._run_ended,
}
