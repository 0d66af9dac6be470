"""Stored runs and results as lines for people and objects for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from msgspec.structs import asdict

from orchestrator.cli.display.safe import safe
from orchestrator.events import TaskResult

COLOURS = {"ok": "green", "changed": "yellow", "skipped": "cyan", "failed": "red", "unreachable": "red",
           "cancelled": "magenta", "interrupted": "magenta", "lost": "magenta", "pending": "blue", "running": "blue",
           "queued": "blue"}
COLUMNS = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")


def run_lines(runs: Sequence[Any]) -> list[str]:
    """One line a run: id, when, how long, state, what."""
    lines = [click.style(f"{'RUN':24} {'STARTED (UTC)':17} {'TOOK':>8}  {'STATE':12} PLAYBOOK", bold=True)]
    for run in runs:
        state = click.style(f"{run.status:12}", fg=COLOURS.get(run.status))
        lines.append(f"{run.id:24} {run.started:%Y-%m-%d %H:%M}  {_took(run):>8}  {state} {_what(run)}")
    return lines


def _what(run: Any) -> str:
    names = ", ".join(str(p).rsplit("/", 1)[-1] for p in run.playbooks)
    of_plan = f"plan {run.plan_id}" if run.plan_id else ""
    kind = run.kind if run.kind != "run" else "check" if run.check_mode else of_plan
    return f"{names} ({kind})" if kind else names


def _took(run: Any) -> str:
    seconds = ((run.ended or datetime.now(UTC)) - run.started).total_seconds()
    return duration(seconds)


def duration(seconds: float) -> str:
    """Short for people: 0.4s, 12s, 3m05s, 2h07m."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    if seconds < 60:
        return f"{seconds:.0f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


def show_run(run: Any, results: Iterable[TaskResult], *, verbosity: int = 0) -> str:
    """All of a run: its head, its results grouped by play and task, its recap."""
    lines = [f"{click.style('run', bold=True)} {run.id}  {click.style(run.status, fg=COLOURS.get(run.status))}  "
             f"{_what(run)}  started {run.started:%Y-%m-%d %H:%M:%S} UTC, took {_took(run)}"]
    task = play = None
    for result in results:
        if result.item_index is not None and verbosity == 0 and result.status in ("ok", "skipped"):
            continue
        if result.play_id != play:
            play = result.play_id
            lines.append(click.style(f"\n{safe(result.play_name)}", bold=True))
        if (result.task_id, result.path) != task:
            task = (result.task_id, result.path)
            role = f"{result.role} : " if result.role else ""
            lines.append(f"  {role}{safe(result.task_name)}  {click.style(result.task_origin, dim=True)}")
        lines += _result_lines(result, verbosity)
    return "\n".join([*lines, "", *summary_lines(run)])


def _result_lines(result: TaskResult, verbosity: int) -> list[str]:
    lines = [f"    {_status(result)} {result.host}{_item(result)}{_tail(result)}"]
    if result.message:
        lines.append(f"      {safe(result.message)}")
    if result.hint:
        lines.append(f"      hint: {safe(result.hint)}")
    if verbosity:
        lines.append("      " + safe(json.dumps(result.values, default=str, ensure_ascii=False)))
    return lines


def _status(result: TaskResult) -> str:
    return click.style(f"{result.status:11}", fg=COLOURS.get(result.status))


def _item(result: TaskResult) -> str:
    return f" => ({safe(result.item_label or '')})" if result.item_index is not None else ""


def _tail(result: TaskResult) -> str:
    words = [f"{result.duration_s:.2f}s"]
    words += [word for word, is_so in (("ignored", result.ignored), ("rescued", result.rescued)) if is_so]
    if result.delegated_to:
        words.append(f"on {result.delegated_to}")
    if result.attempt > 1:
        words.append(f"attempt {result.attempt}")
    return click.style(f"  {', '.join(words)}", dim=True)


def result_line(result: TaskResult) -> str:
    """One result on one line, for following a run."""
    role = f"{result.role} : " if result.role else ""
    text = f"{_status(result)} {result.host:20} {role}{safe(result.task_name)}{_item(result)}"
    return f"{text}: {safe(result.message)}" if result.message else text


def summary_lines(run: Any) -> list[str]:
    """The recap of a run, in the columns of a play recap."""
    if not run.recap:
        return ["no results yet" if run.ended is None else "no host did anything"]
    width = max(len(host) for host in run.recap)
    return [f"{host:{width}} : " + " ".join(f"{name}={line.get(name, 0):<4}" for name in COLUMNS).rstrip()
            for host, line in run.recap.items()]


def run_object(run: Any) -> dict[str, Any]:
    names = ("id", "kind", "status", "started", "ended", "playbooks", "inventory", "limit", "check_mode", "recap",
             "user", "plan_id", "message")
    return {name: getattr(run, name) for name in names}


def result_object(result: TaskResult) -> dict[str, Any]:
    return asdict(result)
