"""Invariants 1, 3 and 4 on seeded walks: an agentlet, its double, a run and the clock do what they can."""

from __future__ import annotations

import contextlib
import random

import pytest

from orchestrator.agents.records import Held, JobState, Stored
from orchestrator.agents.states import TERMINAL
from orchestrator.errors import StoreError
from orchestrator.refusals import Conflict, NotFound, Rewind
from tests.agents.conftest import Place, digest_of, envelope, heads

SETTLED = TERMINAL - {"lost"}
STEPS = 120


class Walk:
    """One job. ``sent`` is what an agentlet has on its disk for each attempt: it sends from there again and again."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place, self.dice = place, random.Random(seed)
        self.caller = place.agent()
        safe = self.dice.random() < 0.8
        place.post.post(envelope(tasks=[{"id": "t", "module": "stat", "retry_safe": safe}]), ttl_s=20_000)
        self.sent: dict[int, list[str]] = {}
        self.acknowledged: dict[int, int] = {}
        self.begun: set[tuple[int, str]] = set()
        """(attempt, key of the process that began it)."""

    @property
    def state(self) -> JobState:
        return self.place.post.state_of("j1")

    def attempt(self) -> int:
        """Mostly the present one, now and then an older or a later one."""
        return max(1, self.state.attempt + self.dice.choice((0, 0, 0, 0, -1, 1)))

    def claim(self) -> None:
        self.place.desk.claim(self.caller, "j1", self.attempt(), self.dice.choice("ab"))

    def start(self) -> None:
        attempt, key = self.attempt(), self.dice.choice("ab")
        self.place.desk.start(self.caller, "j1", attempt, key)
        self.begun.add((attempt, key))

    def events(self) -> None:
        attempt = self.attempt()
        lines = self.sent.setdefault(attempt, [])
        if self.dice.random() < 0.6:
            lines += heads(first=len(lines) + 1, count=self.dice.randrange(1, 5), attempt=attempt)
        if not lines:
            return
        first = self.dice.randrange(len(lines)) + 1
        next_seq = self.place.desk.add_events(self.caller, "j1", attempt, first, lines[first - 1:])
        self.acknowledged[attempt] = max(self.acknowledged.get(attempt, 0), next_seq - 1)

    def finish(self) -> None:
        if self.dice.random() < 0.8:
            return
        attempt = self.attempt()
        lines = self.sent.get(attempt, [])
        status = self.dice.choice(("ok", "failed", "cancelled", "interrupted"))
        if isinstance(self.place.desk.finish(self.caller, "j1", attempt, status, len(lines), digest_of(lines)), Stored):
            assert self.state.digest_ok

    def beat(self) -> None:
        self.place.desk.heartbeat(self.caller, [Held("j1", self.attempt(), self.dice.choice(("", "a", "b")))])

    def wait(self) -> None:
        self.place.clock.tick(self.dice.choice((1, 60, 180, 730)))

    def sweep(self) -> None:
        self.place.desk.sweep()

    def cancel(self) -> None:
        if self.dice.random() < 0.06:
            self.place.post.cancel("j1")

    def post_again(self) -> None:
        self.place.post.post(envelope(attempt=self.state.attempt))

    def step(self) -> None:
        act = self.dice.choice((self.claim, self.claim, self.start, self.start, self.events, self.events, self.finish,
                                self.beat, self.wait, self.wait, self.sweep, self.cancel, self.post_again))
        with contextlib.suppress(Conflict, NotFound, Rewind, StoreError):
            act()


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_whatever_comes_in_whatever_order(place: Place, seed: int) -> None:
    walk = Walk(place, seed)
    for _ in range(STEPS):
        before = walk.state
        walk.step()
        now = walk.state
        assert now.attempt >= before.attempt
        if before.state in SETTLED and now.attempt == before.attempt:
            assert (now.state, now.status, now.next_seq) == (before.state, before.status, before.next_seq)
        stored = [event["seq"] for event in place.post.events_after("j1", now.attempt)]
        assert stored == list(range(1, now.next_seq))
        assert len(stored) >= walk.acknowledged.get(now.attempt, 0)
    attempts = [attempt for attempt, _ in walk.begun]
    assert len(attempts) == len(set(attempts)), "an attempt was begun by two"
