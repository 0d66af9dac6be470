"""Which of the waiting runs are taken next. Pure: what waits, what runs and the limits in; an ordered choice out.

Fair by who asked: a turn goes to whoever has the least running, and of those to the one who was served longest ago;
among one's own runs the highest priority goes first, then the oldest. A run whose hosts are taken is passed over, but
after `RESERVES_AFTER_S` of waiting it keeps younger runs from its hosts, or a large run would wait for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

RESERVES_AFTER_S = 60.0


class Waiting(Struct, frozen=True):
    id: str
    user_id: str
    queued: datetime
    priority: int = 0
    schedule_id: str | None = None
    parent_id: str | None = None
    """A slice: its run has its hosts already, and counts for its schedule."""
    hosts: frozenset[str] = frozenset()
    """Empty while they are not known yet: then its own process finds out whether they are free."""
    allow_concurrent: bool = False


class Running(Struct, frozen=True):
    id: str
    user_id: str
    started: datetime
    schedule_id: str | None = None
    parent_id: str | None = None


class Limits(Struct, frozen=True):
    free: int
    """Runs that this worker has room for."""
    per_schedule: Mapping[str, int] = field(default_factory=dict)
    per_user: int = 0
    """0: as many as there is room for."""


def choose(waiting: Sequence[Waiting], running: Sequence[Running], locked: Mapping[str, str], limits: Limits,
           now: datetime) -> list[Waiting]:
    """Those to start now, in order. ``locked``: host -> the run that has it."""
    busy = Counter(one.user_id for one in running)
    schedules = Counter(one.schedule_id for one in running if one.schedule_id and not one.parent_id)
    served: dict[str, datetime] = {}
    for one in running:
        served[one.user_id] = max(served.get(one.user_id, one.started), one.started)
    left = sorted(waiting, key=lambda run: (-run.priority, run.queued, run.id))
    reserved = _reserved(left, now)
    taken: set[str] = set()
    chosen: list[Waiting] = []
    while len(chosen) < limits.free:
        fitting = [run for run in left if _fits(run, busy, schedules, locked, taken, reserved, limits)]
        if not fitting:
            break
        epoch = datetime.min.replace(tzinfo=now.tzinfo)
        user = min({run.user_id for run in fitting}, key=lambda name: (busy[name], served.get(name, epoch), name))
        run = next(run for run in fitting if run.user_id == user)
        left.remove(run)
        chosen.append(run)
        busy[user] += 1
        served[user] = now + timedelta(microseconds=len(chosen))
        if run.schedule_id and not run.parent_id:
            schedules[run.schedule_id] += 1
        if not run.allow_concurrent and not run.parent_id:
            taken |= run.hosts
    return chosen


def _fits(run: Waiting, busy: Counter[str], schedules: Counter[str], locked: Mapping[str, str],
          taken: Collection[str], reserved: Mapping[str, Waiting], limits: Limits) -> bool:
    if limits.per_user and busy[run.user_id] >= limits.per_user:
        return False
    if run.parent_id is not None:
        return True
    most = limits.per_schedule.get(run.schedule_id or "", 0)
    if run.schedule_id and most and schedules[run.schedule_id] >= most:
        return False
    if run.allow_concurrent:
        return True
    return not any(locked.get(host, run.id) != run.id or host in taken or _is_for_another(run, reserved.get(host))
                   for host in run.hosts)


def _reserved(ordered: Sequence[Waiting], now: datetime) -> dict[str, Waiting]:
    """Host -> the run that has waited for it long enough; the first in ``ordered`` has it."""
    found: dict[str, Waiting] = {}
    for run in ordered:
        patient = (now - run.queued).total_seconds() >= RESERVES_AFTER_S
        if patient and run.parent_id is None and not run.allow_concurrent:
            for host in run.hosts:
                found.setdefault(host, run)
    return found


def _is_for_another(run: Waiting, holder: Waiting | None) -> bool:
    return holder is not None and holder.id != run.id and holder.priority >= run.priority
