"""One job for several tasks: their actions run as if each were alone, and what they ask of the host goes out together.

Every task of a segment has a place. A place asks for at most one module, or ends without asking. When all places have
done either, the job leaves; results come back one by one and wake the place they belong to. Behind the first failure
nothing runs: those places get `NotRun`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.errors import OrchError, TaskFault

if TYPE_CHECKING:
    from orchestrator.engine.call import Call


class NotRun(OrchError):
    """The task's turn did not come: one before it in the segment failed, or the host was lost."""

    code = "not_run"


class Lane:
    """The job of one segment on one host."""

    def __init__(self, places: int) -> None:
        self._asked: dict[int, tuple[Call, dict[str, Any], Mapping[str, Any], asyncio.Future[dict[str, Any]]]] = {}
        self._open = set(range(places))
        self._stop_before = places
        self._sent: asyncio.Task[None] | None = None
        self.has_told_python = False
        """One of its results says which Python was found (`discovered`)."""

    async def ask(self, place: int, call: Call, entry: dict[str, Any], blobs: Mapping[str, Any]) -> dict[str, Any]:
        """Have the task at ``place`` run; returns its result event. Raises `NotRun` and `Unreachable`."""
        if place not in self._open:
            raise TaskFault("an action asked its host twice within a segment", code="bug")
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[place] = (call, entry, blobs, future)
        self._settle(place)
        return await future

    def ended(self, place: int, *, failed: bool) -> None:
        """The task at ``place`` has ended; if it failed, no later one may begin."""
        if failed:
            self._stop_before = min(self._stop_before, place)
        self._settle(place)

    def _settle(self, place: int) -> None:
        self._open.discard(place)
        if not self._open and self._sent is None:
            self._sent = asyncio.ensure_future(self._send())

    async def _send(self) -> None:
        due = [p for p in sorted(self._asked) if p < self._stop_before]
        error: Exception = NotRun("a task before this one failed")
        try:
            if due:
                await self._run([self._asked[p] for p in due])
        except OrchError as fault:
            error = fault
        except Exception as bug:
            error = bug
        for place in sorted(self._asked):
            future = self._asked[place][3]
            if not future.done():
                # The first that is owed an answer learns why; those behind it have simply not begun.
                future.set_exception(error if place in due else NotRun("a task before this one failed"))
                error = NotRun("the host was lost before this task's turn") if place in due else error

    async def _run(self, asked: list[Any]) -> None:
        waiting = {entry["id"]: future for _, entry, _, future in asked}
        blobs = {digest: source for _, _, offered, _ in asked for digest, source in offered.items()}

        def on_event(event: dict[str, Any]) -> None:
            if event.get("kind") == "result":
                future = waiting.get(event.get("task", ""))
                if future is not None and not future.done():
                    future.set_result(event)

        # Receipts are found again by the job's name, and a resumed run may find itself with fewer tasks to offer: the
        # name must follow from the one task that has a receipt (`plan.segment` lets in no second one).
        lead = next((call for call, entry, _, _ in asked if entry["receipt"]), asked[0][0])
        await lead.run_entries([entry for _, entry, _, _ in asked], blobs, on_event)
