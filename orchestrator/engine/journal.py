"""The journal of a run: a result is stored before anything acts upon it, and a resumed run takes it from here.

Writing happens on one thread of its own, so that the loop that talks to hosts never waits for a disk. Whoever needs a
result to be durable awaits `commit`; all who wait at the same time share one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, cast

from orchestrator.events import TaskResult

if TYPE_CHECKING:
    from collections.abc import Mapping

Key = tuple[str, str, str, int | None]
OWED = frozenset({"unreachable", "lost", "cancelled"})
FINAL = frozenset({"ok", "changed", "skipped"})
"""A resume takes these from the journal. What failed, was cut off or was never answered is tried again."""


class ResultStore(Protocol):
    def record(self, result: TaskResult) -> None: ...
    def flush(self) -> None: ...


class LeasedStore(ResultStore, Protocol):
    def lease_age_s(self) -> float: ...
    def renew(self) -> None: ...


def key_of(result: TaskResult) -> Key:
    return (result.host, result.task_id, result.path, result.item_index)


def has_ended(result: TaskResult) -> bool:
    """True when the stored result is the task's last word. Whether it can stand for it is the task runner's to say."""
    return result.status in FINAL or (result.status == "failed" and (result.ignored or result.rescued))


class Journal:
    """Numbers, stores and replays the task results of one run."""

    def __init__(self, store: ResultStore | Awaitable[ResultStore], stored: Mapping[Key, TaskResult] | None = None,
                 keeps_failures: bool = False, fresh_s: float | None = None) -> None:
        """``store`` may still be on its way: opening it takes longer than the first connects do.

        ``keeps_failures``: what failed is not tried again, as in a run that only changes the process that drives it.
        ``fresh_s``: before anything goes to a host, a lease older than this is renewed; see `ready`.
        """
        self._keeps_failures = keeps_failures
        self._fresh_s = fresh_s
        self._opening = store
        self._store: ResultStore | None = None
        self._stored = dict(stored or {})
        self._seq = max((r.seq for r in self._stored.values()), default=0)
        self._pending: list[TaskResult] = []
        self._waiting: asyncio.Future[None] | None = None
        self._flusher: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")

    async def ready(self) -> ResultStore:
        """Return when the run is recorded, and ours alone; raises `StoreError`. Before that, nothing goes to a host.

        Ours alone still, where somebody takes over what falls silent: a process that was stopped for a while and wakes
        up with the next task in its hand finds out here that the run is another's.
        """
        if self._store is None:
            opening = self._opening
            self._store = await asyncio.shield(opening) if isinstance(opening, Awaitable) else opening
        if self._fresh_s is not None:
            store = cast("LeasedStore", self._store)
            if store.lease_age_s() > self._fresh_s:
                await asyncio.get_running_loop().run_in_executor(self._thread, store.renew)
        return self._store

    def stored(self, key: Key) -> TaskResult | None:
        """What an earlier attempt of this run stored under ``key``, if anything."""
        return self._stored.get(key)

    def replay(self, key: Key) -> TaskResult | None:
        """The stored result to use in place of running the task."""
        result = self._stored.get(key)
        if result is None:
            return None
        return result if has_ended(result) or (self._keeps_failures and result.status == "failed") else None

    def attempt(self, key: Key) -> int:
        """The attempt to make now: a new one after an answer, the same one while the host still owes it.

        A host that was lost, or a run that was killed, may have the job running or its receipt at hand: the same
        attempt asks for that, a new one would run the task again.
        """
        result = self._stored.get(key)
        if result is None:
            return 1
        return result.attempt if result.status in OWED else result.attempt + 1

    def add(self, result: TaskResult) -> None:
        """Queue a result for the next commit."""
        self._seq += 1
        result.seq = self._seq
        self._pending.append(result)

    async def commit(self) -> None:
        """Return when everything added so far is stored; raises `StoreError` when it cannot be."""
        if not self._pending and self._flusher is None:
            return
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        waiting = self._waiting
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())
        await asyncio.shield(waiting)

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting is not None:
                await asyncio.sleep(0)  # whoever is ready in this turn of the loop shares the transaction
                batch, self._pending = self._pending, []
                waiting, self._waiting = self._waiting, None
                try:
                    await loop.run_in_executor(self._thread, _write, await self.ready(), batch)
                except BaseException as error:
                    waiting.set_exception(error)
                else:
                    waiting.set_result(None)
        finally:
            self._flusher = None

    async def close(self) -> None:
        await self.commit()
        self._thread.shutdown(wait=True)


def _write(store: ResultStore, batch: list[TaskResult]) -> None:
    for result in batch:
        store.record(result)
    store.flush()
