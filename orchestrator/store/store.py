"""The store: runs, their task results and events. Every call is safe from any thread; none returns before it is done.

`record` and `record_event` only buffer; `flush` writes all of it in one transaction. Whatever was flushed survives the
death of the process at any moment; what was not is lost, and was not acted upon either.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import asdict, replace

from orchestrator.errors import StoreError
from orchestrator.events import TaskResult
from orchestrator.store.columns import EVENTS, RUN_HOSTS, RUNS, TABLES, TASK_RESULTS, quoted, read_row
from orchestrator.store.database import RUNS_CHANNEL, database_for
from orchestrator.store.lease import EXPIRES_S, HEARTBEAT_S, awake_s, holder, is_alive, is_silent, own_lease, put_down
from orchestrator.store.records import ENDED, QUEUED, RUNNING, RunRecord, StoredEvent, now

Key = tuple[str, str, str, int | None]
"""(host, task_id, path, item_index): what a result is found by when a run is resumed."""

FAILED = ("failed", "unreachable", "cancelled", "interrupted", "lost")
STARTED_WITH = ("status", "ended", "playbooks", "content_digest", "cwd", "heartbeat")
"""What a queued run gets of the one who starts it. What was asked for stays as it is."""
UNHELD = {"lease_token": None, "lease_host": None, "lease_pid": None, "lease_born": None}
_RESULT_NAMES = tuple(TASK_RESULTS)
_COUNTS = tuple(name for name, kind in RUN_HOSTS.items() if kind == "int")
_NO_LIMIT = 2**62


class Store:
    """A store at a path or a URL. Call `open` first and `close` at the end, or use it as a context manager."""

    def __init__(self, url_or_path: str) -> None:
        self._database = database_for(str(url_or_path))
        self._lock = threading.RLock()
        self._results: list[tuple[Any, ...]] = []
        self._events: list[tuple[Any, ...]] = []
        self._sequences: dict[str, int] = {}
        self._lease = own_lease()
        self._held: dict[str, datetime] = {}
        """Runs this store drives, with the moment of their last heartbeat."""
        self._renewed_s = awake_s()
        self.heartbeat_s = HEARTBEAT_S
        self.announces = False
        """Tell who listens of each flush: for runs of a server, which people look at while they run."""
        write = self._database.write
        self._writers = [(name, write[kind]) for name, kind in TASK_RESULTS.items()]

    @property
    def where(self) -> str:
        """The database for a person: a path, or an address without user and password."""
        return self._database.where

    def open(self) -> None:
        """Create or migrate where needed. Raises `StoreError`: newer schema, locked, read-only, full, damaged …"""
        with self._lock:
            self._database.open()

    def close(self) -> None:
        """Flush and close. Leases that were not ended by `finish_run` stay, and read as dead with the process."""
        with self._lock:
            try:
                self.flush()
            finally:
                self._database.close()

    def __enter__(self) -> Store:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- a run's life

    def start_run(self, run: RunRecord) -> None:
        """Store a new run and take its lease; one that was queued keeps who asked for it, and what for.

        Raises `StoreError` when there is one of that id that has begun.
        """
        with self._lock:
            moment, at = now(), awake_s()
            row = {**asdict(run), "status": RUNNING, "ended": None, **self._claim(), "heartbeat": moment}
            with self._database.transaction():
                queued = self._find(run.id, lock=True)
                if queued is None:
                    self._insert("runs", [row])
                elif queued.status != QUEUED:
                    raise StoreError(f"there is a run {run.id} already", code="store_run_exists",
                                     hint=f"go on with it: orch run --resume {run.id}")
                else:
                    self._update(run.id, {name: row[name] for name in (*STARTED_WITH, *self._claim())}
                                 | {"hosts": queued.hosts or run.hosts, "started": moment, "message": ""})
            self._held[run.id], self._renewed_s = moment, at
            self._sequences[run.id] = 0

    def resume_run(self, run_id: str, silence_s: float | None = None) -> RunRecord:
        """Take the lease of a stored run and set it running. Raises `StoreError` while a living process has it.

        ``silence_s``: a holder that was silent for so long has lost it, though its process may be there, stopped. On
        this machine it is killed, so that it does not wake up with a task in its hand. The record that comes back
        counts this resume.
        """
        try:
            return self._resume_run(run_id, silence_s)
        except StoreError as error:
            if error.code != "store_locked" or not self._database.end_stopped():
                raise
        return self._resume_run(run_id, silence_s)

    def _resume_run(self, run_id: str, silence_s: float | None) -> RunRecord:
        with self._lock:
            moment, at = now(), awake_s()
            with self._database.transaction():
                run = self._find(run_id, lock=True)
                if run is None:
                    raise _unknown(run_id)
                if is_alive(run, moment) and not is_silent(run, moment, silence_s):
                    raise StoreError(
                        f"run {run_id} is being driven by {holder(run)}", code="store_run_alive",
                        hint=f"wait for it, or end it: orch runs cancel {run_id}; a process that fell silent on "
                             f"another machine counts as dead after {EXPIRES_S:.0f} s")
                if silence_s is not None:
                    put_down(run)
                self._update(run_id, {**self._claim(), "status": RUNNING, "ended": None, "cancel_requested": False,
                                      "heartbeat": moment, "resumes": run.resumes + 1, "message": ""})
            self._held[run_id], self._renewed_s = moment, at
            return replace(run, resumes=run.resumes + 1)

    def _claim(self) -> dict[str, Any]:
        lease = self._lease
        return {"lease_token": lease.token, "lease_host": lease.host, "lease_pid": lease.pid, "lease_born": lease.born}

    def heartbeat(self, run_id: str) -> bool:
        """Show that this process still drives the run; True when somebody asked it to stop.

        Cheap enough for every second or two: it writes every ``heartbeat_s``. Raises `StoreError` for a lost lease.
        """
        with self._lock:
            last = self._held.get(run_id)
            if last is None or (now() - last).total_seconds() >= self.heartbeat_s:
                with self._database.transaction():
                    self._fence(run_id)
            return self.cancel_requested(run_id)

    def _fence(self, run_id: str) -> None:
        """Renew the lease within a transaction; a process that was stopped and replaced must write nothing more."""
        moment, at = now(), awake_s()
        touched = self._database.execute(
            'UPDATE runs SET "heartbeat" = ? WHERE "id" = ? AND "lease_token" = ?',
            (self._database.write["time"](moment), run_id, self._lease.token))
        if touched != 1:
            raise StoreError(f"another process has taken over run {run_id}", code="store_lease_lost",
                             hint="this one must not go on with it; see `orch runs show`")
        self._held[run_id], self._renewed_s = moment, at

    def renew(self) -> None:
        """Renew the leases of all runs that this process drives. Raises `StoreError` when one is lost."""
        with self._lock, self._database.transaction():
            for run_id in self._held:
                self._fence(run_id)

    def lease_age_s(self) -> float:
        """Since the lease was last renewed, the time in which this process or the machine was asleep included."""
        return awake_s() - self._renewed_s

    def finish_run(self, run_id: str, status: str, recap: Mapping[str, Mapping[str, int]]) -> None:
        """Close a run: its status, one row of counts per host, and give the lease back. Flushes first."""
        if status not in ENDED:
            raise ValueError(f"a run cannot end as {status!r}")
        with self._lock:
            self.flush()
            counts = [{"run_id": run_id, "host": host, **{n: int(line.get(n, 0)) for n in _COUNTS}}
                      for host, line in recap.items()]
            with self._database.transaction():
                if run_id in self._held:
                    self._fence(run_id)
                self._update(run_id, {"status": status, "ended": now(), "recap": {h: dict(c) for h, c in recap.items()},
                                      **UNHELD})
                self._database.execute("DELETE FROM run_hosts WHERE run_id = ?", (self._text(run_id),))
                self._insert("run_hosts", counts)
            self._held.pop(run_id, None)

    def hand_over(self, run_id: str) -> None:
        """Put a run that this process drives back into the queue: another one resumes it. Flushes first."""
        with self._lock:
            self.flush()
            with self._database.transaction():
                self._fence(run_id)
                self._update(run_id, {"status": QUEUED, "worker_id": None, **UNHELD})
            self._held.pop(run_id, None)

    def request_cancel(self, run_id: str) -> None:
        """Ask whoever drives the run to stop; it looks now and then (`heartbeat`)."""
        with self._lock, self._database.transaction():
            if not self._update(run_id, {"cancel_requested": True}):
                raise _unknown(run_id)

    def cancel_requested(self, run_id: str) -> bool:
        """Whether somebody asked the run to stop since it was started or resumed."""
        with self._lock:
            rows = self._database.select('SELECT "cancel_requested" FROM runs WHERE "id" = ?', (self._text(run_id),))
        return bool(rows and rows[0][0])

    # ---- results and events

    def record(self, result: TaskResult) -> None:
        """Buffer a result. Without a ``seq`` it gets the run's next one."""
        with self._lock:
            if not result.seq:
                result.seq = self._next_seq(result.run_id)
            if result.seq > self._sequences.get(result.run_id, 0):
                self._sequences[result.run_id] = result.seq
            self._results.append(tuple([write(getattr(result, name)) for name, write in self._writers]))

    def _next_seq(self, run_id: str) -> int:
        if run_id not in self._sequences:
            rows = self._database.select("SELECT max(seq) FROM task_results WHERE run_id = ?", (self._text(run_id),))
            self._sequences[run_id] = int(rows[0][0] or 0)
        return self._sequences[run_id] + 1

    def record_event(self, run_id: str, kind: str, values: Mapping[str, Any]) -> None:
        """Buffer an event that is no task result: what a page or a later question may want to know."""
        write = self._database.write
        with self._lock:
            self._events.append((write["text"](run_id), write["text"](kind), write["time"](now()),
                                 write["json"](dict(values))))

    def flush(self) -> None:
        """Store everything buffered in one transaction, durably. On `StoreError` all of it stays buffered."""
        with self._lock:
            if not self._results and not self._events:
                return
            with self._database.transaction():
                for run_id in self._held:
                    self._fence(run_id)
                if self._results:
                    self._database.insert(_insertion("task_results"), self._results)
                if self._events:
                    self._database.insert(_insertion("events"), self._events)
                if self.announces:
                    for run_id in self._held:
                        self._database.notify(run_id, RUNS_CHANNEL)
            self._results, self._events = [], []

    # ---- asking

    def journal(self, run_id: str) -> dict[Key, TaskResult]:
        """Every stored result of a run by its key; of several under one key, the latest."""
        return {(r.host, r.task_id, r.path, r.item_index): r for r in self.results(run_id)}

    def results(
        self, run_id: str, *, host: str | None = None, failed_only: bool = False, after: int = 0,
        limit: int | None = None,
    ) -> list[TaskResult]:
        """Results of a run in order of ``seq``, from behind ``after``; what is buffered is not among them."""
        wanted = ['"run_id" = ?', '"seq" > ?']
        values: list[Any] = [self._text(run_id), after]
        if host is not None:
            wanted.append('"host" = ?')
            values.append(self._text(host))
        if failed_only:
            wanted.append(f'"status" IN ({", ".join("?" * len(FAILED))})')
            values += FAILED
        sql = f'SELECT {quoted(TASK_RESULTS)} FROM task_results WHERE {" AND ".join(wanted)} ORDER BY "seq" LIMIT ?'
        with self._lock:
            rows = self._database.select(sql, (*values, limit or _NO_LIMIT))
        return [_result(row) for row in rows]

    def events(self, run_id: str, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        """Events of a run in order, from behind the id ``after``."""
        columns = {"id": "int", **EVENTS}
        with self._lock:
            rows = self._database.select(
                f'SELECT {quoted(columns)} FROM events WHERE "run_id" = ? AND "id" > ? ORDER BY "id" LIMIT ?',
                (self._text(run_id), after, limit))
        return [StoredEvent(**read_row(columns, row)) for row in rows]

    def list_runs(self, *, limit: int = 50, offset: int = 0) -> list[RunRecord]:
        """Runs without their slices, the latest first. One whose process has died reads as ``interrupted``."""
        sql = (f'SELECT {quoted(RUNS)} FROM runs WHERE "parent_id" IS NULL'
               ' ORDER BY "started" DESC, "id" DESC LIMIT ? OFFSET ?')
        with self._lock:
            return [_run(row) for row in self._database.select(sql, (limit, offset))]

    def show_run(self, run_id: str) -> RunRecord | None:
        """One run, or None. One that says it is running while its process has died reads as ``interrupted``."""
        with self._lock:
            run = self._find(run_id)
        return None if run is None else _settled(run)

    def recaps(self, run_id: str) -> dict[str, dict[str, int]]:
        """Counts by host of a finished run."""
        with self._lock:
            rows = self._database.select(
                f'SELECT {quoted(RUN_HOSTS)} FROM run_hosts WHERE "run_id" = ? ORDER BY "host"', (self._text(run_id),))
        lines = [read_row(RUN_HOSTS, row) for row in rows]
        return {line["host"]: {name: line[name] for name in _COUNTS} for line in lines}

    # ---- retention

    def delete_runs(self, *, before: datetime | None = None, keep: int | None = None) -> list[str]:
        """Delete runs that started before a moment, and all but the latest ``keep``; returns their ids.

        Nothing given, nothing deleted. A run that a process still drives, or will, is never touched.
        """
        if before is None and keep is None:
            return []
        with self._lock, self._database.transaction():
            rows = self._database.select(f'SELECT {quoted(RUNS)} FROM runs WHERE "parent_id" IS NULL'
                                         ' ORDER BY "started" DESC, "id" DESC' + self._database.row_lock)
            doomed = [run.id for place, run in enumerate(map(_run, rows))
                      if run.status not in (RUNNING, QUEUED)
                      and ((before is not None and run.started < before) or (keep is not None and place >= keep))]
            for column in ("parent_id", "id"):
                self._database.insert(f'DELETE FROM runs WHERE "{column}" = ?', [(self._text(one),) for one in doomed])
        return doomed

    # ---- rows

    def _text(self, value: str) -> Any:
        return self._database.write["text"](value)

    def _find(self, run_id: str, lock: bool = False) -> RunRecord | None:
        """The row as it is stored. ``lock``: within a transaction, keep others from it."""
        suffix = self._database.row_lock if lock else ""
        rows = self._database.select(f'SELECT {quoted(RUNS)} FROM runs WHERE "id" = ?{suffix}', (self._text(run_id),))
        return RunRecord(**read_row(RUNS, rows[0])) if rows else None

    def _insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        write, columns = self._database.write, TABLES[table]
        self._database.insert(_insertion(table), [
            tuple(write[kind](row[name]) for name, kind in columns.items()) for row in rows])

    def _update(self, run_id: str, changes: Mapping[str, Any]) -> int:
        write = self._database.write
        assignments = ", ".join(f'"{name}" = ?' for name in changes)
        values = [write[RUNS[name]](value) for name, value in changes.items()]
        return self._database.execute(f'UPDATE runs SET {assignments} WHERE "id" = ?', (*values, self._text(run_id)))


def _insertion(table: str) -> str:
    columns = TABLES[table]
    return f"INSERT INTO {table} ({quoted(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _unknown(run_id: str) -> StoreError:
    return StoreError(f"there is no run {run_id!r}", code="store_run_unknown", hint="`orch runs list` shows them")


def _run(row: Sequence[Any]) -> RunRecord:
    return _settled(RunRecord(**read_row(RUNS, row)))


def _settled(run: RunRecord) -> RunRecord:
    if run.status == RUNNING and run.queued is None and not is_alive(run, now()):  # a server's is taken over
        run.status = "interrupted"
        run.ended = run.heartbeat or run.started
    return run


def _result(row: Sequence[Any]) -> TaskResult:
    values = read_row(TASK_RESULTS, row)
    values["trail"] = tuple(values["trail"])
    return TaskResult(**values)


assert set(TaskResult.__struct_fields__) == set(_RESULT_NAMES), "columns and TaskResult have parted"
