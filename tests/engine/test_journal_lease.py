"""A process that was stopped and wakes up with the next task in its hand asks first whether the run is still its."""

from __future__ import annotations

import pytest

from orchestrator.engine.journal import Journal
from orchestrator.errors import StoreError


class Leased:
    """A double of the store: only its lease matters here."""

    def __init__(self, age_s: float, is_lost: bool = False) -> None:
        self.age_s, self.is_lost, self.renewals = age_s, is_lost, 0

    def record(self, result) -> None: ...

    def flush(self) -> None: ...

    def lease_age_s(self) -> float:
        return self.age_s

    def renew(self) -> None:
        if self.is_lost:
            raise StoreError("another process has taken over", code="store_lease_lost")
        self.renewals, self.age_s = self.renewals + 1, 0.0


@pytest.mark.parametrize(("age_s", "fresh_s", "renewals"), [(1.0, 4.0, 0), (5.0, 4.0, 1), (5.0, None, 0)],
                         ids=["a fresh one", "an old one is renewed", "nobody takes over runs of the command line"])
async def test_a_lease_before_anything_goes_to_a_host(age_s, fresh_s, renewals):
    store = Leased(age_s)
    journal = Journal(store, fresh_s=fresh_s)
    assert await journal.ready() is store and await journal.ready() is store
    assert store.renewals == renewals


async def test_a_lost_lease_lets_nothing_go_to_a_host():
    journal = Journal(Leased(9.0, is_lost=True), fresh_s=4.0)
    with pytest.raises(StoreError, match="another process has taken over"):
        await journal.ready()
