"""What `orch exec` shows: one paragraph a host, in the shape of Ansible's ad-hoc output.

``web1 | CHANGED | rc=0 >>`` and what the command said, or ``web1 | SUCCESS => {…}`` for other modules. Other than in
Ansible's, stdout, stderr and the reason of a failure each begin on a line of their own.
"""

from __future__ import annotations

from typing import TextIO

from orchestrator.cli.display.left import left_lines
from orchestrator.cli.display.plain import PlainDisplay
from orchestrator.cli.display.safe import one_line, safe
from orchestrator.cli.display.values import shown_values, to_json
from orchestrator.events import Event, Notice, RunEnded, TaskDone, TaskResult

COMMANDS = frozenset({"command", "shell", "raw", "script", "win_command", "win_shell"})
WORDS = {"ok": "SUCCESS", "changed": "CHANGED", "skipped": "SKIPPED", "failed": "FAILED", "unreachable": "UNREACHABLE!",
         "lost": "UNREACHABLE!"}


class ExecDisplay(PlainDisplay):
    """Prints each host's result as it comes; ``one_line`` puts it on a single line. Warnings go to ``err``."""

    def __init__(self, out: TextIO, err: TextIO, *, verbosity: int = 0, diff: bool = False,
                 one_line: bool = False) -> None:
        super().__init__(out, err, verbosity=verbosity, diff=diff)
        self._one_line = one_line

    def on(self, event: Event) -> None:
        if isinstance(event, TaskDone):
            self._result(event.result)
        elif isinstance(event, Notice):
            self._notice(event)
        elif isinstance(event, RunEnded):
            for sentence in left_lines(event):
                self._warn(sentence)
            if not event.recap and event.exit_code == 0:
                self._warn("no hosts matched, nothing to do")

    def _result(self, result: TaskResult) -> None:
        for warning in result.warnings:
            self._warn(warning)
        self._show_diff(result)
        kind = "ok" if result.status == "ok" else result.status if result.status in WORDS else "failed"
        self._say(self._text(result), kind if kind != "lost" else "unreachable")
        if result.hint:
            self._write(self.err, f"  hint: {safe(result.hint)}\n")

    def _text(self, result: TaskResult) -> str:
        word = WORDS.get(result.status, result.status.upper())
        host = one_line(result.host)
        if result.status == "skipped":
            return f"{host} | {word}"
        if result.module in COMMANDS and "rc" in result.values and result.status not in ("unreachable", "lost"):
            head = f"{host} | {word} | rc={result.values['rc']}"
            return self._said_on_one_line(head, result) if self._one_line else "\n".join([f"{head} >>", *_said(result)])
        bang = "!" if word not in ("SUCCESS", "CHANGED", "UNREACHABLE!") else ""
        return f"{host} | {word}{bang} => {to_json(shown_values(result), None if self._one_line else 4)}"

    def _said_on_one_line(self, head: str, result: TaskResult) -> str:
        parts = [f" | ({name}) {one_line(str(result.values[name]))}"
                 for name in ("stdout", "stderr") if result.values.get(name)]
        return head + "".join(parts)


def _said(result: TaskResult) -> list[str]:
    """What a command printed, and why it counts as failed."""
    if result.no_log:
        return ["(hidden: no_log)"]
    parts = [str(result.values.get(name) or "") for name in ("stdout", "stderr")]
    if result.status not in ("ok", "changed"):
        parts.append(result.message)
    return [line for part in parts if part for line in safe(part).rstrip("\n").split("\n")]
