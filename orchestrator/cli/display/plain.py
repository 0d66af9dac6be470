"""Plain lines in the shape of Ansible's default callback, down to the recap: people's scripts parse them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from orchestrator.cli.display.diff import unified
from orchestrator.cli.display.errors import source_lines
from orchestrator.cli.display.safe import safe
from orchestrator.engine.events import (
    Event,
    HostRecap,
    Included,
    ItemDone,
    Notice,
    PlaySkipped,
    PlayStarted,
    RunEnded,
    TaskDone,
    TaskResult,
    TaskRetry,
    TaskStarted,
)

WIDTH = 79
COLOURS = {"ok": "32", "changed": "33", "skipped": "36", "failed": "31", "unreachable": "1;31", "warning": "1;35",
           "rescued": "32", "ignored": "34", "diff+": "32", "diff-": "31", "diff@": "36"}
HIDDEN = frozenset({"failed", "skipped", "invocation", "exception", "warnings", "diff", "error_code", "hint", "origin",
                    "ignored", "deprecations"})
HIDDEN_IN_DEBUG = HIDDEN | {"changed", "ansible_loop_var", "ansible_index_var"}
INCLUDES = frozenset({"include_tasks", "include_role"})
COLUMNS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")


class PlainDisplay:
    """Writes each event as it comes. Host text is made harmless when the output is a terminal."""

    def __init__(self, out: TextIO, err: TextIO, *, verbosity: int = 0, diff: bool = False) -> None:
        self._out = out
        self._err = err
        self._verbosity = verbosity
        self._diff = diff
        self._colour = _wants_colour(out)
        self._terminal = out.isatty()
        self._banner_of: tuple[str, bool] | None = None
        self._handlers = {
            PlayStarted: self._play_started, PlaySkipped: self._play_skipped, TaskStarted: self._task_started,
            ItemDone: self._item_done, TaskDone: self._task_done, TaskRetry: self._task_retry,
            Included: self._included, Notice: self._notice, RunEnded: self._run_ended,
        }
        for stream in (out, err):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="surrogateescape")

    def on(self, event: Event) -> None:
        handler: Any = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def close(self) -> None:
        self._out.flush()

    # Lines

    def _say(self, text: str, colour: str | None = None) -> None:
        if self._terminal:
            text = safe(text)
        if colour and self._colour:
            text = f"\033[0;{COLOURS[colour]}m{text}\033[0m"
        self._out.write(text + "\n")

    def _banner(self, text: str) -> None:
        self._out.write(f"\n{text} {'*' * max(3, WIDTH - len(text))}\n")
        self._out.flush()

    # Plays and tasks

    def _play_started(self, event: PlayStarted) -> None:
        self._banner_of = None
        self._banner(f"PLAY [{event.name}]")

    def _play_skipped(self, event: PlaySkipped) -> None:
        self._banner(f"PLAY [{event.name}]")
        self._say(f"skipping: {event.reason}", "skipped")

    def _task_started(self, event: TaskStarted) -> None:
        key = (event.task_id, event.handler)
        if key == self._banner_of and event.module not in INCLUDES:
            return  # free: the same task begins on one more host
        self._banner_of = key
        name = f"{event.role} : {event.name}" if event.role else event.name
        self._banner(f"{'RUNNING HANDLER' if event.handler else 'TASK'} [{name}]")

    def _item_done(self, event: ItemDone) -> None:
        result = event.result
        if result.module in INCLUDES and result.status in ("ok", "changed"):
            return
        self._diffs(result)
        label = f"(item={result.item_label})"
        if result.status == "skipped":
            self._line("skipping", result, f" => {label} ", "skipped")
        elif result.status in ("ok", "changed"):
            self._line(result.status, result, f" => {label}", result.status)
        else:
            self._error(result)
            self._say(f"failed: [{_where(result)}] {label} => {self._json(result)}", "failed")
            self._ignoring(bool(result.values.get("_ansible_ignored")))

    def _task_done(self, event: TaskDone) -> None:
        result = event.result
        self._warnings(result)
        if event.looped and self._items_told(result):
            if result.ignored and result.status == "failed":
                return
            if result.status == "skipped":
                self._line("skipping", result, "", "skipped")
            return
        if result.module in INCLUDES and result.status in ("ok", "changed"):
            return
        self._diffs(result)
        if result.status == "unreachable":
            self._say(f"fatal: [{_where(result)}]: UNREACHABLE! => {self._json(result, unreachable=True)}", "unreachable")
            self._ignoring(result.ignored)
        elif result.status in ("ok", "changed"):
            self._line(result.status, result, "", result.status)
        elif result.status == "skipped":
            self._line("skipping", result, "", "skipped")
        else:
            self._error(result)
            word = "FAILED" if result.status == "failed" else result.status.upper()
            self._say(f"fatal: [{_where(result)}]: {word}! => {self._json(result)}", "failed")
            self._ignoring(result.ignored)

    def _items_told(self, result: TaskResult) -> bool:
        """Whether the lines of the items have said it all: not for a loop that was empty or could not begin."""
        return bool(result.values.get("results")) or result.status == "skipped"

    def _line(self, word: str, result: TaskResult, item: str, colour: str) -> None:
        text = f"{word}: [{_where(result)}]{item}"
        verbose = self._verbosity > 0 and result.status != "skipped" or self._verbosity > 0 and "results" not in result.values
        if result.values.get("_ansible_verbose_always") or (verbose and self._verbosity > 0):
            text += f" => {self._json(result)}"
        self._say(text, colour)

    def _json(self, result: TaskResult, **more: Any) -> str:
        values = result.values
        hidden = HIDDEN_IN_DEBUG if result.module == "debug" and result.status in ("ok", "changed") else HIDDEN
        shown = {k: v for k, v in values.items() if k not in hidden and not str(k).startswith("_ansible")}
        if result.module == "debug" and result.status == "ok":
            shown.pop(_loop_variable(values), None) if values.get("ansible_loop_var") and len(shown) > 1 else None
        elif "results" in shown:
            shown.pop("results")
        shown.update(more)
        indent = 4 if values.get("_ansible_verbose_always") else None
        return json.dumps(shown, indent=indent, sort_keys=True, ensure_ascii=False, default=str)

    def _ignoring(self, ignored: bool) -> None:
        if ignored:
            self._say("...ignoring", "skipped")

    def _error(self, result: TaskResult) -> None:
        """What Ansible says of a failure before its result: the sentence, the place, the line; and our hint."""
        if result.no_log:
            message = "Task failed: the reason has been hidden due to no_log"
        else:
            message = f"Task failed: {result.message or result.status}"
        self._say(f"[ERROR]: {message}", "failed")
        place = result.values.get("origin") or result.task_origin
        for text in (f"Origin: {place}", "", *source_lines(str(place)), *(f"via {t}" for t in result.trail)):
            self._say(text, "failed" if text else None)
        if result.hint:
            self._say(f"hint: {result.hint}", "failed")
        self._out.write("\n")

    def _task_retry(self, event: TaskRetry) -> None:
        self._say(f"FAILED - RETRYING: [{_where(event.result)}]: {event.result.task_name} "
                  f"({event.retries_left} retries left).", "warning")

    def _included(self, event: Included) -> None:
        item = f" => (item={event.item_label})" if event.item_label is not None else ""
        self._say(f"included: {event.path} for {', '.join(event.hosts)}{item}", "skipped")

    def _diffs(self, result: TaskResult) -> None:
        if not self._diff and not result.diff:
            return
        for entry in result.diff:
            for row in unified(entry):
                self._say(row, {"+": "diff+", "-": "diff-", "@": "diff@"}.get(row[:1]))
            self._out.write("\n")

    # Notices and the end

    def _warnings(self, result: TaskResult) -> None:
        for text in result.warnings:
            self._notice(Notice("warning", text, result.host))

    def _notice(self, event: Notice) -> None:
        if event.level == "info":
            self._say(event.message)
            return
        place = f" ({event.origin})" if event.origin else ""
        text = f"[WARNING]: {event.message}{place}"
        self._out.flush()
        self._err.write((f"\033[0;{COLOURS['warning']}m{text}\033[0m" if _wants_colour(self._err) else text) + "\n")
        self._err.flush()

    def _run_ended(self, event: RunEnded) -> None:
        if event.recap and all(r.failed or r.unreachable for r in event.recap.values()):
            pass
        self._banner("PLAY RECAP")
        for host in sorted(event.recap):
            self._out.write(self._recap_line(host, event.recap[host]) + "\n")
        self._out.write("\n")
        for text in event.left:
            self._say(text, "warning")
        self._out.flush()

    def _recap_line(self, host: str, line: HostRecap) -> str:
        state = "failed" if line.failed or line.unreachable else "changed" if line.changed else "ok"
        head = f"{host:<26}"
        if self._colour:
            head = f"\033[0;{COLOURS[state]}m{host}\033[0m" + " " * max(0, 26 - len(host))
        return f"{head} : " + " ".join(self._column(name, getattr(line, name)) for name in COLUMNS)

    def _column(self, name: str, count: int) -> str:
        text = f"{name}={count:<4}"
        return f"\033[0;{COLOURS[name]}m{text}\033[0m" if self._colour and count else text


def _where(result: TaskResult) -> str:
    return f"{result.host} -> {result.delegated_to}" if result.delegated_to else result.host


def _loop_variable(values: Mapping[str, Any]) -> str:
    return str(values.get("ansible_loop_var", "item"))


def _wants_colour(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("ANSIBLE_NOCOLOR"):
        return False
    return bool(os.environ.get("ANSIBLE_FORCE_COLOR")) or stream.isatty()


__all__: Iterable[str] = ("PlainDisplay",)
