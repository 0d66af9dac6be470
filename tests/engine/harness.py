"""Runs a playbook text through everything but the command line and the database, on hosts that are this machine."""

from __future__ import annotations

import asyncio
import textwrap
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.engine.context import Stop
from orchestrator.engine.journal import Journal, key_of
from orchestrator.engine.options import RunOptions
from orchestrator.engine.run import Run
from orchestrator.engine.setup import Secrets, make_context, prepare
from orchestrator.errors import Faults
from orchestrator.events import Notice, RunEnded, TaskDone, TaskResult, TaskStarted

LOCAL = {"ansible_connection": "local"}
RUN_IDS: dict[Path, str] = {}
"""Folder -> the id of its runs: one for all runs of a test, and nobody else's, since receipts go by it and a test that
was killed leaves some."""


class ListStore:
    """A double for the store: keeps rows in memory. The real one has its own tests, and those end to end use it."""

    def __init__(self) -> None:
        self.rows: list[TaskResult] = []
        self.flushed = 0

    def record(self, result: TaskResult) -> None:
        self.rows.append(result)

    def flush(self) -> None:
        self.flushed = len(self.rows)

    def journal(self):
        return {key_of(row): row for row in self.rows}


@dataclass
class Ran:
    """What a run left: its end, its events and its rows."""

    ended: RunEnded | None
    events: list = field(default_factory=list)
    store: ListStore = field(default_factory=ListStore)
    error: Exception | None = None

    @property
    def results(self) -> list[TaskResult]:
        return [e.result for e in self.events if isinstance(e, TaskDone)]

    def of(self, host: str) -> list[str]:
        return [f"{r.task_name}:{r.status}" for r in self.results if r.host == host]

    def messages(self, host: str | None = None) -> list:
        return [r.values.get("msg") for r in self.results if r.module == "debug" and (host is None or r.host == host)]

    @property
    def started(self) -> list[str]:
        return [e.name for e in self.events if isinstance(e, TaskStarted)]

    @property
    def notices(self) -> list[str]:
        return [e.message for e in self.events if isinstance(e, Notice)]

    def recap(self, host: str = "h1") -> dict[str, int]:
        line = self.ended.recap[host]
        return {k: getattr(line, k) for k in ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
                if getattr(line, k)}


def run_play(folder: Path, playbook: str, *, hosts: str = "h1", files: dict[str, str] | None = None, stored=None,
             on_event=None, run_id: str | None = None, environ=None, **options) -> Ran:
    """Write the files, run the playbook, return what happened. Every host is reached by the local carrier."""
    for name, text in {"site.yml": playbook, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    extra = {**LOCAL, **options.pop("extra_vars", {})}
    chosen = RunOptions(playbooks=(str(folder / "site.yml"),), inventory=options.pop("inventory", (hosts + ",",)),
                        extra_vars=extra, gathering=options.pop("gathering", "explicit"), **options)
    try:
        bench = prepare(chosen, Secrets(), environ=environ or {})
    except Faults as faults:
        raise AssertionError("\n".join(f"{e.origin}: {e.message}" for e in faults.errors)) from faults
    ran = Ran(None)

    def emit(event) -> None:
        ran.events.append(event)
        if on_event:
            on_event(event)

    async def go() -> RunEnded:
        stop = Stop()
        mine = run_id or RUN_IDS.setdefault(folder, f"run-{uuid.uuid4().hex}")
        context = make_context(bench, run_id=mine, journal=Journal(ran.store, stored), state_dir=folder / "state",
                               stop=stop, emit=emit, environ={})
        ran.stop = stop
        try:
            return await Run(context, bench.playbook).execute()
        finally:
            await context.journal.close()

    Ran.stop = None
    try:
        ran.ended = asyncio.run(go())
    except Exception as error:
        ran.error = error
        ran.ended = next((e for e in ran.events if isinstance(e, RunEnded)), None)
        if ran.ended is None:
            raise
    return ran
