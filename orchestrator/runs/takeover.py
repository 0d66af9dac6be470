"""Whose work is taken over, and what becomes of each piece of it. Pure; `orchestrator.runs.dispatch` carries it out.

A worker that has not shown itself for `SILENT_S` is taken for dead. It may only be stopped, and wake up later: then its
runs have another holder, and the store refuses every word of it (the lease).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

HEARTBEAT_S = 2.0
SILENT_S = 12.0
GAP_S = 3 * HEARTBEAT_S
MOST_RESUMES = 10
"""A run that has brought down so many processes is not given another."""


class Seen(Struct, frozen=True):
    """A worker as the store has it."""

    id: str
    heartbeat: datetime
    state: str = "up"


class Claimed(Struct, frozen=True):
    """A run that says a worker has it."""

    id: str
    worker_id: str
    status: str
    resumes: int = 0


class Sight:
    """Whether a worker may say of others that they are silent: it has seen the store, without a gap, for as long.

    While the store was away, nobody could show himself, and the first one back must not take all others for dead; nor
    may a process that was stopped itself. Seconds are of a clock that goes on meanwhile.
    """

    def __init__(self) -> None:
        self._since = self._last = float("-inf")

    def saw(self, now_s: float) -> None:
        """The store was seen at this moment."""
        if self._last > float("-inf") and now_s - self._last > GAP_S:
            self._since = now_s
        self._last = now_s

    def is_clear(self, now_s: float, silent_s: float) -> bool:
        return now_s - self._last <= GAP_S and now_s - self._since >= silent_s


class Takeover(Struct, frozen=True):
    """What to do: ``workflows`` to resume, runs to put back into the queue, runs that are given up."""

    workflows: tuple[str, ...] = ()
    requeue: tuple[str, ...] = ()
    give_up: tuple[str, ...] = ()


def dead(workers: Iterable[Seen], now: datetime, me: str = "", silent_s: float = SILENT_S) -> list[str]:
    """Workers that must be taken for dead; never oneself."""
    limit = timedelta(seconds=silent_s)
    return sorted(one.id for one in workers
                  if one.id != me and one.state != "gone" and now - one.heartbeat >= limit)


def decide(claimed: Sequence[Claimed], alive: Collection[str], pending: Mapping[str, str],
           under_way: Collection[str] = (), room: int = 1_000_000) -> Takeover:
    """What becomes of the runs whose worker is not ``alive``.

    ``pending``: run -> the workflow that a dead worker left; ``under_way``: runs with a workflow that somebody alive
    has or will fetch. At most ``room`` are taken over at once; the others are for the next round, or for other workers.
    """
    workflows: list[str] = []
    requeue: list[str] = []
    give_up: list[str] = []
    for run in sorted(claimed, key=lambda one: one.id):
        if run.worker_id in alive or run.id in under_way:
            continue
        if run.resumes >= MOST_RESUMES:
            give_up.append(run.id)
        elif run.id not in pending:
            requeue.append(run.id)
        elif len(workflows) < room:
            workflows.append(pending[run.id])
    return Takeover(tuple(workflows), tuple(requeue), tuple(give_up))
