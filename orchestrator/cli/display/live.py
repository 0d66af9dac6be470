"""What a person sees: a line for each task as it ends, failures in full at once, what runs now below, a recap.

Made to be read at three in the morning: nothing moves but the last lines, words stand beside every colour, a failure
says where it is and what to do, and what two hundred hosts say alike is said once.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from orchestrator.cli.display.diff import unified
from orchestrator.cli.display.excerpt import origin_of
from orchestrator.cli.display.failure import failure_lines
from orchestrator.cli.display.left import left_lines
from orchestrator.cli.display.recap import recap_table
from orchestrator.cli.display.runs import duration
from orchestrator.cli.display.safe import one_line, safe, safe_json
from orchestrator.cli.display.styles import GOOD, MARKS, STYLES, named
from orchestrator.cli.display.task_state import TaskState
from orchestrator.cli.display.values import shown_values
from orchestrator.events import (
    Event,
    Included,
    ItemDone,
    Notice,
    PlayEnded,
    PlaySkipped,
    PlayStarted,
    RunEnded,
    RunStarted,
    TaskDone,
    TaskProgress,
    TaskResult,
    TaskRetry,
    TaskStarted,
)

MAX_DIFF_LINES = 80
TASKS_SHOWN = 4
"""Of those that run now, where hosts go at their own pace."""
ASKS = frozenset({"pause"})
"""Modules that talk to the operator: the moving lines keep out of the way meanwhile."""


class LiveDisplay:
    """Draws on a terminal; everything but the last lines stays in the scrollback."""

    def __init__(self, *, diff: bool = False, console: Console | None = None) -> None:
        no_color = True if os.environ.get("ANSIBLE_NOCOLOR") else None
        self._console = console or Console(highlight=False, soft_wrap=False, no_color=no_color)
        self._diff = diff
        self._began = time.monotonic()
        self._play_hosts = 0
        self._tasks: dict[str, TaskState] = {}
        self._own_pace = False
        """Hosts of this play do not wait for each other: a task's line comes when all have done it, or at the end."""
        self._told: set[str] = set()
        self._spinner = Spinner("dots")
        self._live: Live | None = None

    def on(self, event: Event) -> None:
        handler: Any = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def close(self) -> None:
        self._rest()

    # The moving lines are there only while tasks run: between plays the terminal belongs to prompts.

    def _move(self) -> None:
        if self._live is None:
            self._live = Live(get_renderable=self._now, console=self._console, refresh_per_second=8, transient=True,
                              redirect_stdout=False, redirect_stderr=False)
            self._live.start()

    def _rest(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _print(self, line: RenderableType) -> None:
        self._console.print(line)

    # Runs and plays

    def _run_started(self, event: RunStarted) -> None:
        words = [f"run {event.run_id}", *(["check mode: nothing is changed"] if event.check_mode else []),
                 *(["resumed"] if event.resumed else [])]
        self._print(Text(" · ".join(words), style="dim"))

    def _play_started(self, event: PlayStarted) -> None:
        self._flush_all()
        self._own_pace, self._play_hosts = False, len(event.hosts)
        slice_ = f"  batch {event.batch + 1} of {event.batches}" if event.batches > 1 else ""
        hosts = f"{len(event.hosts)} host{'' if len(event.hosts) == 1 else 's'}{slice_}"
        self._print(Text.assemble("\n", (one_line(event.name), "bold"), (f"  {hosts}", "dim")))

    def _play_ended(self, _: PlayEnded) -> None:
        self._flush_all()
        self._rest()

    def _play_skipped(self, event: PlaySkipped) -> None:
        self._print(Text.assemble("\n", (one_line(event.name), "bold"), (f"  {event.reason}", "cyan")))

    # Tasks

    def _task_started(self, event: TaskStarted) -> None:
        state = self._tasks.get(event.task_id)
        if state is None:
            self._own_pace = self._own_pace or any(one.waiting for one in self._tasks.values())
            if not self._own_pace:
                self._flush_all()
            state = self._tasks[event.task_id] = TaskState(event, time.monotonic())
        state.start(event.hosts)
        if event.module in ASKS:
            self._rest()
            self._print(Text.assemble("  … ", one_line(state.title)))
        else:
            self._move()

    def _state(self, result: TaskResult) -> TaskState:
        """The result's task; one that came out of turn (replayed, or told late) is taken up here."""
        state = self._tasks.get(result.task_id)
        if state is None:
            started = TaskStarted(result.task_id, result.task_name, result.module, origin_of(result.task_origin),
                                  (result.host,), result.handler, result.role)
            state = self._tasks[result.task_id] = TaskState(started, time.monotonic())
        return state

    def _task_progress(self, event: TaskProgress) -> None:
        state = self._tasks.get(event.task_id)
        if state is not None and "status" in event.values:
            state.waiting.pop(event.host, None)

    def _task_done(self, event: TaskDone) -> None:
        result = event.result
        state = self._state(result)
        state.end(result)
        for text in result.warnings:
            self._warn(text, None)
        self._differences(state, result)
        if result.status not in GOOD:
            self._failure(state, result)
        elif result.module == "debug" and result.status == "ok" and not event.looped:
            self._said(state, result)
        if not state.waiting and (not self._own_pace or state.done >= self._play_hosts):
            self._flush(state)

    def _item_done(self, event: ItemDone) -> None:
        result = event.result
        state = self._state(result)
        self._differences(state, result)
        if result.module == "debug" and result.status == "ok":
            self._said(state, result)
        elif result.status not in GOOD:
            item = f" (item={one_line(result.item_label or '')})"
            self._print(Text(f"    ✗ {one_line(result.host)}{item}: {safe(result.message)}", "red"))

    def _said(self, state: TaskState, result: TaskResult) -> None:
        for value in shown_values(result).values():
            text = _text(value)
            if state.is_new("said", text, result.host):
                self._print(Text.assemble((f"    {one_line(result.host)}  ", "dim"), text))

    def _failure(self, state: TaskState, result: TaskResult) -> None:
        headline, *details = failure_lines(result)
        text = "\n".join([result.status, *(line.plain.replace(result.host, "\0") for line in details)])
        if not state.is_new("failed", text, result.host):
            return
        for line in (headline, *details):
            self._print(line)

    def _differences(self, state: TaskState, result: TaskResult) -> None:
        if result.no_log:
            return
        for entry in result.diff:
            rows = [safe(row) for row in unified(entry)]
            if not rows or not state.is_new("diff", "\n".join(rows), result.host):
                continue
            self._print(Text(f"    {one_line(result.host)}", "dim"))
            for row in rows[:MAX_DIFF_LINES]:
                style = {"+": "green", "-": "red", "@": "cyan"}.get(row[:1], "")
                self._print(Text(f"      {row}", "bold" if row[:3] in ("+++", "---") else style))
            if len(rows) > MAX_DIFF_LINES:
                self._print(Text(f"      … {len(rows) - MAX_DIFF_LINES} more lines", "dim"))

    def _task_retry(self, event: TaskRetry) -> None:
        state = self._state(event.result)
        left = event.retries_left
        state.reminder = f"{one_line(event.result.host)} tries again, {left} {'try' if left == 1 else 'tries'} left"

    def _included(self, event: Included) -> None:
        item = f"  (item={one_line(event.item_label)})" if event.item_label is not None else ""
        self._print(Text(f"  ↳ {safe(event.path)}{item}", "dim"))

    def _notice(self, event: Notice) -> None:
        self._warn(event.message, event.host)

    def _warn(self, message: str, host: str | None) -> None:
        line = f"  ! {one_line(host) + ': ' if host else ''}{safe(message)}"
        if line not in self._told:
            self._told.add(line)
            self._print(Text(line, "yellow"))

    # A task's last line

    def _flush_all(self) -> None:
        for state in list(self._tasks.values()):
            self._flush(state)

    def _flush(self, state: TaskState) -> None:
        """The line of a task that has ended, after what hosts have said like others before them."""
        self._tasks.pop(state.started.task_id, None)
        if self._live is not None:
            self._live.refresh()  # or the lines below would tell of it until they are drawn next
        for repeated in state.said.values():
            if repeated.others:
                failed = repeated.kind == "failed"
                text = f"  ✗ failed like {repeated.first}: " if failed else f"    like {repeated.first}: "
                names = named([one_line(host) for host in repeated.others], 20 if failed else 4)
                self._print(Text(text + names, "bold red" if failed else "dim"))
        if not state.done:
            return
        line = Text.assemble((f"  {MARKS.get(state.worst, '✗')} ", STYLES[state.worst]),
                             ("handler: " if state.started.handler else "", "dim"), one_line(state.title), "  ")
        for status, count in state.counts.items():
            line.append(f"{count} {status}  ", STYLES.get(status, ""))
        took = time.monotonic() - state.began
        line.append(duration(took) if took >= 1 else "", "dim")
        line.rstrip()
        self._print(line)

    # What moves

    def _now(self) -> RenderableType:
        """The last lines: what runs, on how many hosts, which are still out. Called by the drawing thread as well."""
        running = [state for state in list(self._tasks.values()) if state.waiting]
        elapsed = duration(time.monotonic() - self._began)
        if not running:
            return Text(f"  {elapsed}", "dim")
        rows: list[RenderableType] = []
        for state in running[:TASKS_SHOWN]:
            out = len(state.waiting)
            total = max(state.done + out, len(state.started.hosts))
            head = Text.assemble((one_line(state.title), "bold"), f"  {total - out}/{total} hosts  ",
                                 (duration(time.monotonic() - state.began), "dim"), no_wrap=True, overflow="ellipsis")
            self._spinner.update(text=head)
            rows.append(self._spinner if not rows else Text.assemble("  ", head, no_wrap=True, overflow="ellipsis"))
            waits = [f"waiting for {named([one_line(host) for host in list(state.waiting)])}", state.reminder]
            rows.append(Text("    " + "  ".join(filter(None, waits)), "dim", no_wrap=True, overflow="ellipsis"))
        if len(running) > TASKS_SHOWN:
            rows.append(Text(f"    and {len(running) - TASKS_SHOWN} more tasks", "dim"))
        return Group(*rows)

    # The end

    def _run_ended(self, event: RunEnded) -> None:
        self._flush_all()
        self._rest()
        if event.recap:
            self._print("")
            self._print(recap_table(event.recap))
        for text in left_lines(event):
            self._print(Text(f"! {text}", "yellow"))
        style = "bold green" if event.exit_code == 0 else "bold red"
        last = f"{event.status} in {duration(event.duration_s)}"
        self._print(Text.assemble((last, style), (f"   orch runs show {event.run_id}", "dim")))
        if event.status in ("cancelled", "interrupted", "unreachable"):
            self._print(Text(f"go on where it ended: orch run --resume {event.run_id}", "dim"))


def _text(value: Any) -> str:
    return safe(value) if isinstance(value, str) else safe_json(json.dumps(value, ensure_ascii=False, default=str))


_HANDLERS: dict[type, Any] = {
    RunStarted: LiveDisplay._run_started, PlayStarted: LiveDisplay._play_started, PlayEnded: LiveDisplay._play_ended,
    PlaySkipped: LiveDisplay._play_skipped, TaskStarted: LiveDisplay._task_started, TaskDone: LiveDisplay._task_done,
    TaskProgress: LiveDisplay._task_progress, ItemDone: LiveDisplay._item_done, TaskRetry: LiveDisplay._task_retry,
    Included: LiveDisplay._included, Notice: LiveDisplay._notice, RunEnded: LiveDisplay._run_ended,
}
