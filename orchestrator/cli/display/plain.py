"""Plain lines in the shape of Ansible's default callback, for pipes, logs, and the scripts that parse them.

Observed from ansible-playbook 2.19: tests hold its own output for a set of playbooks beside ours.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any, TextIO

from orchestrator.cli.display import custom_stats
from orchestrator.cli.display.diff import unified
from orchestrator.cli.display.excerpt import excerpt, origin_of
from orchestrator.cli.display.left import left_lines
from orchestrator.cli.display.safe import one_line, safe, width
from orchestrator.cli.display.values import dumped, is_shown
from orchestrator.errors import Origin
from orchestrator.events import (
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
    TaskProgress,
    TaskResult,
    TaskRetry,
    TaskStarted,
)

COLUMNS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
FURTHER = ("interrupted", "cancelled", "lost")
"""Counts that Ansible does not have: shown only when there are any."""
COLORS = {"ok": "0;32", "changed": "0;33", "skipped": "0;36", "failed": "0;31", "unreachable": "1;31",
          "warning": "1;35", "included": "0;36", "removed": "0;31", "added": "0;32", "hunk": "0;36",
          "rescued": "0;33", "ignored": "1;34"}
DIFF_KINDS = {"+": "added", "-": "removed", "@": "hunk"}
GOOD = frozenset({"ok", "changed", "skipped"})
ROUTINE = frozenset({"include_tasks", "include_role", "meta"})
"""What these did when it went well is told by `Included`, or by nothing."""
HIDDEN = "its output is hidden by no_log"
MODULE_CARRIERS = frozenset({"ssh", "local", "mailbox"})


class PlainDisplay:
    """Writes to ``out``, warnings to ``err``. When a reader goes away, the run goes on and nothing more is written."""

    def __init__(self, out: TextIO, err: TextIO, *, verbosity: int = 0, diff: bool = False,
                 color: bool | None = None) -> None:
        self.out = out
        self.err = err
        self.verbosity = verbosity
        self.diff = diff
        self.color = _wants_color(out) if color is None else color
        self.columns = _columns(out)
        self._task = ""
        self._task_hosts: set[str] = set()
        self._told: set[str] = set()
        """Warnings given, and errors of the current task: each is said once."""
        self._gone: set[int] = set()
        self._handlers: dict[type, Callable[[Any], None]] = {
            RunStarted: self._run_started, PlayStarted: self._play_started, PlaySkipped: self._play_skipped,
            TaskStarted: self._task_started, ItemDone: self._item_done, TaskRetry: self._retry,
            TaskDone: self._task_done, TaskProgress: self._task_progress, Included: self._included,
            Notice: self._notice, RunEnded: self._run_ended,
        }

    def on(self, event: Event) -> None:
        handle = self._handlers.get(type(event))
        if handle is not None:
            handle(event)

    def close(self) -> None:
        """Nothing is kept open: the streams belong to who gave them."""

    # ---- writing

    def _say(self, text: str, kind: str | None = None) -> None:
        if self.color and kind is not None:
            text = "\n".join(f"\x1b[{COLORS[kind]}m{line}\x1b[0m" if line else line for line in text.split("\n"))
        self._write(self.out, text + "\n")

    def _write(self, stream: TextIO, text: str) -> None:
        if id(stream) in self._gone:
            return
        try:
            try:
                stream.write(text)
            except UnicodeEncodeError:
                encoding = stream.encoding or "ascii"
                stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except (OSError, ValueError):  # a closed pipe, a full disk behind it, a closed file: the hosts come first
            self._gone.add(id(stream))

    def _banner(self, text: str) -> None:
        text = safe(text).strip()
        self._say(f"\n{text} " + "*" * max(3, self.columns - width(text)))

    def _warn(self, message: str) -> None:
        line = f"[WARNING]: {safe(message)}"
        if line not in self._told:
            self._told.add(line)
            self._write(self.err, f"\x1b[{COLORS['warning']}m{line}\x1b[0m\n" if self.color else line + "\n")

    # ---- plays and tasks

    def _run_started(self, event: RunStarted) -> None:
        if self.verbosity > 1:
            for path in event.playbooks:
                self._banner(f"PLAYBOOK: {os.path.basename(path)}")
        if event.resumed:
            self._write(self.err, f"resuming run {event.run_id}: what its journal holds is not run again\n")

    def _play_started(self, event: PlayStarted) -> None:
        self._task = ""
        name = event.name.strip()
        self._banner(f"PLAY [{name}]" if name else "PLAY")

    def _play_skipped(self, event: PlaySkipped) -> None:
        self._banner(f"PLAY [{event.name.strip()}]")
        self._say(f"skipping: {event.reason}", "skipped")

    def _task_started(self, event: TaskStarted) -> None:
        if event.task_id == self._task and not self._task_hosts & set(event.hosts):
            self._task_hosts.update(event.hosts)  # strategy free: one more host begins what others have begun
            return
        self._head(event.task_id, event.name, event.role, event.handler, str(event.origin), event.args_text)
        self._task_hosts = set(event.hosts)

    def _head(self, task_id: str, name: str, role: str | None, handler: bool, origin: str, args: str = "") -> None:
        self._task = task_id
        self._task_hosts = set()
        self._told = {line for line in self._told if line.startswith("[WARNING]")}
        shown = f"{role} : {name}" if role else name
        self._banner(f"{'RUNNING HANDLER' if handler else 'TASK'} [{shown}{f' {args}' if args else ''}]")
        if self.verbosity > 1:
            place = origin_of(origin)
            self._say(f"task path: {place.file}:{place.line}")

    def _result_head(self, result: TaskResult) -> None:
        """With strategy free, results of several tasks come mixed: say which task this one is of."""
        if result.task_id != self._task:
            self._head(result.task_id, result.task_name, result.role, result.handler, result.task_origin)
        for warning in result.warnings:
            self._warn(warning)

    # ---- results

    def _item_done(self, event: ItemDone) -> None:
        result = event.result
        if result.module in ROUTINE and result.status in GOOD and result.status != "skipped":
            return
        self._result_head(result)
        label = one_line(result.item_label or "")
        if result.status in GOOD:
            self._show_diff(result)
            word = "skipping" if result.status == "skipped" else result.status
            tail = " " if result.status == "skipped" else ""
            self._good(result, f"{word}: [{_host(result)}] => (item={label}){tail}")
        else:
            self._error(result)
            self._say(f"failed: [{_host(result)}] (item={label}) => {self._json(result)}", "failed")

    def _task_done(self, event: TaskDone) -> None:
        result = event.result
        if result.status in GOOD:
            self._task_good(result, event.looped)
            return
        self._result_head(result)
        if not event.looped or not result.values.get("results"):
            self._error(result)
            word = "UNREACHABLE" if result.status in ("unreachable", "lost") else "FAILED"
            kind = "unreachable" if word == "UNREACHABLE" else "failed"
            self._say(f"fatal: [{_host(result)}]: {word}! => {self._json(result)}", kind)
        elif result.status in ("unreachable", "lost"):
            if not result.values.get("failed"):
                self._say(f"fatal: [{_host(result)}]: UNREACHABLE! => {self._json(result)}", "unreachable")
        elif result.module == "debug" or "origin" in result.values:  # else its items have said it, as in Ansible
            if "origin" in result.values:
                self._error(result)
            self._say(f"fatal: [{_host(result)}]: FAILED! => {self._json(result)}", "failed")
        if result.ignored:
            self._say("...ignoring", "skipped")

    def _task_good(self, result: TaskResult, looped: bool) -> None:
        if result.module in ROUTINE and result.status != "skipped":
            return
        if looped and result.status != "skipped":
            self._result_head(result)  # its items have been told
            return
        self._result_head(result)
        self._show_diff(result)
        word = "skipping" if result.status == "skipped" else result.status
        self._good(result, f"{word}: [{_host(result)}]")

    def _good(self, result: TaskResult, line: str) -> None:
        if is_shown(result, self.verbosity):
            line = f"{line} => {self._json(result)}"
        self._say(line, result.status)

    def _json(self, result: TaskResult) -> str:
        return dumped(result, self.verbosity)

    def _retry(self, event: TaskRetry) -> None:
        result = event.result
        self._result_head(result)
        name = f"{result.role} : {result.task_name}" if result.role else result.task_name
        line = f"FAILED - RETRYING: [{_host(result)}]: {safe(name)} ({event.retries_left} retries left)."
        if self.verbosity > 2:
            line += f"Result was: {self._json(result)}"
        self._say(line, "warning" if self.color else None)

    def _task_progress(self, event: TaskProgress) -> None:
        """How a job in the background stands, as Ansible tells it; other progress is for live displays."""
        jid, host = event.values.get("async_job"), one_line(event.host)
        if jid is None:
            return
        state = {name: event.values.get(name) for name in ("started", "finished", "failed")}
        if not state["finished"]:
            self._say(f"ASYNC POLL on {host}: jid={jid} started={state['started']} finished={state['finished']}")
        else:
            self._say(f"ASYNC {'FAILED' if state['failed'] else 'OK'} on {host}: jid={jid}")

    def _error(self, result: TaskResult) -> None:
        """What went wrong and where it is written: once per task, however many hosts say the same."""
        message = HIDDEN if result.no_log else safe(result.message or "failed without a message")
        message = message.removeprefix("Task failed: ")
        lines = [f"[ERROR]: Task failed: {_blame(result)}{message}"]
        place = result.values.get("origin") if result.error_code else None
        if isinstance(place, str) or result.task_origin:
            origin = origin_of(place if isinstance(place, str) else result.task_origin)
            lines += [f"Origin: {origin}", "", *excerpt(origin), *_expression(result, origin), ""]
        if isinstance(place, str) and origin_of(place).file != origin_of(result.task_origin).file:
            lines.append(f"In task '{safe(result.task_name)}' at {result.task_origin}")
        lines += [f"Included from {step}" for step in reversed(result.trail)]
        if result.hint:
            lines += [f"Hint: {safe(result.hint)}", ""]
        text = "\n".join(lines)
        if text not in self._told:
            self._told.add(text)
            self._say(text, "failed")

    def _show_diff(self, result: TaskResult) -> None:
        if not self.diff or result.status != "changed" or not result.diff or result.no_log:
            return
        for entry in result.diff:
            rows = unified(entry)
            for row in rows:
                self._say(safe(row), DIFF_KINDS.get(row[:1]))
            if rows:
                self._say("")

    # ---- the rest

    def _included(self, event: Included) -> None:
        line = f"included: {safe(event.path)} for {', '.join(map(one_line, event.hosts))}"
        if event.item_label is not None:
            line += f" => (item={one_line(event.item_label)})"
        self._say(line, "included")

    def _notice(self, event: Notice) -> None:
        text = f"{event.host}: {event.message}" if event.host else event.message
        if event.origin is not None and event.level == "warning":
            text = "\n".join([text, f"Origin: {event.origin}", "", *excerpt(event.origin), ""])
        if event.level == "warning":
            self._warn(text)
        else:
            self._write(self.err, safe(text) + "\n")

    def _run_ended(self, event: RunEnded) -> None:
        self._banner("PLAY RECAP")
        for host in sorted(event.recap):
            self._say(recap_line(host, event.recap[host], self.color))
        self._say("")
        if event.stats and custom_stats.wanted():
            self._banner("CUSTOM STATS: ")
            for line in custom_stats.lines(event.stats):
                self._say(line)
        for sentence in left_lines(event):
            self._warn(sentence)


def recap_line(host: str, line: HostRecap, color: bool = False) -> str:
    """One line of the recap; the columns are Ansible's, down to the blanks."""
    host = one_line(host)
    counts = [(name, getattr(line, name)) for name in COLUMNS]
    counts += [(name, getattr(line, name)) for name in FURTHER if getattr(line, name)]
    if not color:
        return f"{host:<26} : " + " ".join(f"{name}={count:<4}" for name, count in counts)
    kind = "failed" if line.failed or line.unreachable else "changed" if line.changed else "ok"
    shown = [f"\x1b[{COLORS.get(name, COLORS['failed'])}m{name}={count:<4}\x1b[0m" if count else f"{name}={count:<4}"
             for name, count in counts]
    return f"\x1b[{COLORS[kind]}m{host}\x1b[0m{' ' * max(0, 26 - width(host))} : " + " ".join(shown)


def _host(result: TaskResult) -> str:
    return one_line(f"{result.host} -> {result.delegated_to}" if result.delegated_to else result.host)


def _blame(result: TaskResult) -> str:
    """Whose failure it was, in Ansible's words: the module's on the host, or that of an action on this side."""
    if result.status != "failed" or result.error_code in ("undefined", "template", "condition", "syntax", "vault"):
        return ""
    if str(result.values.get("msg", "")).startswith("Task failed: "):
        return ""  # the message says it all by itself
    judged = "failed_when_result" in result.values  # the module did well, its task did not
    return "Module failed: " if result.carrier in MODULE_CARRIERS and not judged else "Action failed: "


def _expression(result: TaskResult, origin: Origin) -> list[str]:
    """The expression that failed, unless the line that is shown has it."""
    text = str(result.values.get("expression") or "")
    return [] if not text or any(text in line for line in excerpt(origin)) else ["", f"Expression: {safe(text)}"]


def _wants_color(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("ANSIBLE_NOCOLOR"):
        return False
    return bool(os.environ.get("ANSIBLE_FORCE_COLOR") or os.environ.get("FORCE_COLOR")) or stream.isatty()


def _columns(stream: TextIO) -> int:
    """Columns for banners: the terminal's less one; 79 where there is none, whatever ``COLUMNS`` says."""
    return max(20, shutil.get_terminal_size((80, 24)).columns - 1) if stream.isatty() else 79
