"""What becomes of each time a schedule was due. Pure: facts in, decisions out; the clockwork carries them out.

A time is due at ``due`` and starts at ``due`` plus its jitter, or as soon after as somebody looks. Looked at within
``grace_s`` of that it counts as kept; later, and every time before the newest, is what ``misfire`` is about:

    skip    the newest time within the grace starts; nothing else
    once    as skip; and where none is within the grace, the newest missed one is made up for, however old
    all     every time within the grace starts

``overlap`` says what happens when as many runs as allowed have not ended: ``skip`` the new one, let it wait
(``queue``), or ``cancel`` the oldest run, in whose place the new one starts as soon as it has ended. So there are
never more than allowed.

Catching up goes by age: when nothing has succeeded for ``catch_up_age_s``, one run starts, once for each success that
it is measured from; its time is the moment at which the age was reached, so that all processes mean the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from orchestrator.scheduling.blackouts import Blackout, holding

MISFIRE = ("skip", "once", "all")
OVERLAP = ("skip", "queue", "cancel")
MOST_WAITING = 10
"""Of one schedule. A job that is slower than its rhythm must not pile up without end."""

# Outcomes, as they are stored in `schedule_fires`.
LAUNCHING = "launching"
"""Claimed; its run is about to be there."""
ASKED = "asked"
"""The same for one that somebody asked for by hand: it is not launched again for him when its process dies."""
LAUNCHED, SKIPPED, WAITING, MISSED, BLACKOUT, REFUSED = (
    "launched", "skipped", "waiting", "missed", "blackout", "refused")
OUTCOMES = (LAUNCHING, ASKED, LAUNCHED, SKIPPED, WAITING, MISSED, BLACKOUT, REFUSED)


class Rules(Struct, frozen=True):
    misfire: str = "once"
    overlap: str = "skip"
    grace_s: int = 300
    catch_up_age_s: int = 0
    """0: it does not catch up by age."""
    max_running: int = 1
    blackouts: tuple[Blackout, ...] = ()


class Due(Struct, frozen=True):
    due: datetime
    start: datetime
    """With its jitter."""


class Situation(Struct, frozen=True):
    now: datetime
    dues: tuple[Due, ...] = ()
    """Whose start has come and of which nothing is decided yet, the oldest first."""
    waiting: tuple[datetime, ...] = ()
    """Times decided before that wait for a run to end, the oldest first."""
    running: tuple[str, ...] = ()
    """Runs of this schedule that have not ended, the oldest first; those being launched count too."""
    cancelling: frozenset[str] = frozenset()
    """Those among them that were asked to stop already."""
    last_success: datetime | None = None
    """Or since when there is anything to catch up with: when it was made."""
    caught_up: frozenset[datetime] = frozenset()
    """Times by age of which something is stored already."""


class Launch(Struct, frozen=True):
    due: datetime
    reason: str = ""


class Settle(Struct, frozen=True):
    """Nothing is started for this time; ``outcome`` says why, ``reason`` in words."""

    due: datetime
    outcome: str
    reason: str


class Wait(Struct, frozen=True):
    due: datetime
    reason: str


class Cancel(Struct, frozen=True):
    run_id: str
    due: datetime
    """For whose sake."""


Decision = Launch | Settle | Wait | Cancel


def decide(rules: Rules, situation: Situation) -> list[Decision]:
    """Each due and each waiting time occurs in one decision at most; what is not mentioned stays as it is."""
    closed = holding(rules.blackouts, situation.now)
    wanted, decisions = _wanted(rules, situation, closed)
    free = rules.max_running - len(situation.running)
    waiting = list(situation.waiting)
    if closed is None:
        for due in waiting[:max(free, 0)]:
            decisions.append(Launch(due, "waited for an earlier run"))
        free, waiting = free - len(waiting[:max(free, 0)]), waiting[max(free, 0):]
    for due in wanted:
        if free > 0:
            decisions.append(Launch(due))
            free -= 1
        else:
            _overlapped(rules, situation, due, waiting, decisions)
    return decisions + _caught_up(rules, situation, decisions, waiting, closed)


def _wanted(rules: Rules, situation: Situation, closed: Blackout | None) -> tuple[list[datetime], list[Decision]]:
    """Times that shall start now, and what is decided of all others."""
    decisions: list[Decision] = []
    open_: list[Due] = []
    for one in situation.dues:
        window = holding(rules.blackouts, one.due) or holding(rules.blackouts, one.start) or closed
        if window is None:
            open_.append(one)
        else:
            decisions.append(Settle(one.due, BLACKOUT, window.reason or "a blackout"))
    grace = timedelta(seconds=rules.grace_s)
    kept = [one for one in open_ if situation.now - one.start <= grace]
    if rules.misfire != "all":
        kept = kept[-1:]
    if rules.misfire == "once" and not kept:
        kept = open_[-1:]
    for one in open_:
        if one not in kept:
            decisions.append(Settle(one.due, MISSED, _why_missed(situation.now - one.start, grace)))
    return [one.due for one in kept], decisions


def _why_missed(age: timedelta, grace: timedelta) -> str:
    if age <= grace:
        return "a later time was due as well"
    return f"nobody was there to start it within {int(grace.total_seconds())} s"


def _overlapped(rules: Rules, situation: Situation, due: datetime, waiting: list[datetime],
                decisions: list[Decision]) -> None:
    """There is no room for ``due``. ``waiting`` is kept up to date."""
    count = len(situation.running)
    still = f"{count} of its runs {'has' if count == 1 else 'have'} not ended"
    if rules.overlap == "queue" and len(waiting) < MOST_WAITING:
        waiting.append(due)
        decisions.append(Wait(due, still))
    elif rules.overlap == "cancel":
        for older in waiting:
            decisions[:] = [one for one in decisions if not (isinstance(one, Wait) and one.due == older)]
            decisions.append(Settle(older, SKIPPED, "a later time took its place"))
        waiting[:] = [due]
        decisions.append(Wait(due, f"{still}; the oldest is cancelled for it"))
        asked = situation.cancelling | {one.run_id for one in decisions if isinstance(one, Cancel)}
        if situation.running and not asked & set(situation.running):
            decisions.append(Cancel(situation.running[0], due))
    else:
        full = f"; {MOST_WAITING} times wait already" if rules.overlap == "queue" else ""
        decisions.append(Settle(due, SKIPPED, still + full))


def catch_up_due(rules: Rules, last_success: datetime | None) -> datetime | None:
    """When the age is reached; None where there is no such rule."""
    if not rules.catch_up_age_s or last_success is None:
        return None
    return last_success + timedelta(seconds=rules.catch_up_age_s)


def _caught_up(rules: Rules, situation: Situation, decisions: Sequence[Decision], waiting: Sequence[datetime],
               closed: Blackout | None) -> list[Decision]:
    due = catch_up_due(rules, situation.last_success)
    if due is None or due > situation.now or due in situation.caught_up or closed is not None:
        return []
    busy = situation.running or waiting or any(isinstance(one, Launch) or one.due == due for one in decisions)
    return [] if busy else [Launch(due, f"nothing has succeeded for {rules.catch_up_age_s} s")]
