"""The states of an attempt, and what each event makes of them. Pure; docs/pull.md shows the table.

An attempt begins ``queued`` and ends in exactly one of `TERMINAL`, with one exception that is a promise: ``lost`` says
that nobody knows, so it gives way when the host does tell (a late finish), comes back in time (reclaim), or when the
job is offered again as a new attempt. What an older attempt reports changes nothing: the caller drops it (`fenced`).
"""

from __future__ import annotations

from enum import StrEnum

from orchestrator.refusals import Conflict


class State(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    STARTED = "started"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LOST = "lost"
    INTERRUPTED = "interrupted"


class Event(StrEnum):
    CLAIM = "claim"
    START = "start"
    REPORT = "report"
    """Events, or a heartbeat that names the job."""
    FINISH = "finish"
    """Everything has come: the count is complete."""
    FINISH_CANCELLED = "finish_cancelled"
    """The same, and the agentlet confirms that a cancel was carried out."""
    FINISH_INTERRUPTED = "finish_interrupted"
    """The same, and a task had begun of which the host knows no end."""
    CANCEL = "cancel"
    EXPIRE = "expire"
    """The time to live is over."""
    LAPSE = "lapse"
    """The lease is over."""
    RECLAIM = "reclaim"
    """The agentlet says, within the grace, that it still has the attempt."""
    OFFER_AGAIN = "offer_again"
    """As a new attempt."""
    AGENT_GONE = "agent_gone"
    """Its identity was revoked, removed or replaced: nothing can come from it any more."""


TERMINAL = frozenset({State.FINISHED, State.CANCELLED, State.EXPIRED, State.LOST, State.INTERRUPTED})
WITH_AGENT = frozenset({State.CLAIMED, State.STARTED})

_Q, _C, _S, _L = State.QUEUED, State.CLAIMED, State.STARTED, State.LOST
TABLE: dict[tuple[State, Event], State] = {
    (_Q, Event.CLAIM): _C,
    (_Q, Event.CANCEL): State.CANCELLED,
    (_Q, Event.EXPIRE): State.EXPIRED,
    (_Q, Event.AGENT_GONE): State.EXPIRED,
    # Claimed: the agentlet has it and has begun nothing, since it must be told "start" before.
    (_C, Event.START): _S,
    (_C, Event.REPORT): _C,
    (_C, Event.CANCEL): _C,
    (_C, Event.LAPSE): _Q,
    (_C, Event.AGENT_GONE): _Q,
    (_C, Event.FINISH): State.FINISHED,  # refused by the host: its policy, a bad signature, no room for its journal
    (_C, Event.FINISH_CANCELLED): State.CANCELLED,
    (_C, Event.FINISH_INTERRUPTED): State.INTERRUPTED,
    # Started: only the host's word ends it. A cancel is a wish until then.
    (_S, Event.REPORT): _S,
    (_S, Event.CANCEL): _S,
    (_S, Event.FINISH): State.FINISHED,
    (_S, Event.FINISH_CANCELLED): State.CANCELLED,
    (_S, Event.FINISH_INTERRUPTED): State.INTERRUPTED,
    (_S, Event.LAPSE): _L,
    (_S, Event.AGENT_GONE): _L,
    # Lost: nobody knows, until somebody does.
    (_L, Event.REPORT): _L,
    (_L, Event.RECLAIM): _S,
    (_L, Event.CANCEL): _L,
    (_L, Event.FINISH): State.FINISHED,
    (_L, Event.FINISH_CANCELLED): State.CANCELLED,
    (_L, Event.FINISH_INTERRUPTED): State.INTERRUPTED,
    (_L, Event.OFFER_AGAIN): _Q,
}
"""(state, event) -> state. What is not here is refused, and nothing changes."""

NEW_ATTEMPT = frozenset({(_L, Event.OFFER_AGAIN), (_C, Event.LAPSE), (_C, Event.AGENT_GONE)})
"""Transitions that count the attempt up: whoever held the old one is fenced off."""

FINISHES = {"cancelled": Event.FINISH_CANCELLED, "interrupted": Event.FINISH_INTERRUPTED}
"""A finish's status -> its event; any other is `Event.FINISH`."""


def after(state: State, event: Event) -> State:
    """The state after an event. Raises `Conflict` when the event cannot happen in this state."""
    found = TABLE.get((state, event))
    if found is None:
        raise Conflict(f"the job is {state}: no {event} is possible", code=f"job_{state}",
                       hint="drop this attempt" if state in TERMINAL else "ask for offers again")
    return found


def is_fenced(current_attempt: int, attempt: int) -> bool:
    """Whether ``attempt`` was given up for a later one: whatever it reports is dropped."""
    return attempt != current_attempt


FIRST_PAUSE_S, LONGEST_PAUSE_S, MOST_REOFFERS = 300, 3600, 3


def reoffer_pause_s(reoffers: int) -> int | None:
    """How long a lost attempt waits to be offered again after so many times; None: not any more."""
    return None if reoffers >= MOST_REOFFERS else min(FIRST_PAUSE_S << reoffers, LONGEST_PAUSE_S)
