"""Waiters wake when another process has written, soon, and without having missed what came before they waited."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.agents.changes import Changes
from tests.agents.conftest import Place, envelope


async def settled(changes: Changes) -> int:
    """A mark from a moment when nothing is under way: the first look wakes for nothing."""
    mark = changes.mark()
    while (later := await changes.wait(mark, 0.2)) != mark:
        mark = later
    return mark


async def test_a_waiter_wakes_when_another_connection_has_written(place: Place) -> None:
    place.agent()
    changes = Changes(place.connect())
    mark = await settled(changes)
    waiting = asyncio.create_task(changes.wait(mark, 600))
    await asyncio.sleep(0.1)
    place.post.post(envelope())
    assert await asyncio.wait_for(waiting, 60) > mark
    await changes.close()


async def test_what_was_written_between_mark_and_wait_is_not_missed(place: Place) -> None:
    place.agent()
    changes = Changes(place.connect())
    mark = await settled(changes)
    place.post.post(envelope())
    assert await changes.wait(mark, 5) > mark
    await changes.close()


async def test_the_time_runs_out_where_nothing_happens(place: Place) -> None:
    changes = Changes(place.connect())
    mark = await settled(changes)
    assert await changes.wait(mark, 0.1) == mark
    await changes.close()


async def test_one_touch_wakes_all_who_wait_in_this_process(place: Place) -> None:
    changes = Changes(place.connect())
    mark = await settled(changes)
    waiting = [asyncio.create_task(changes.wait(mark, 600)) for _ in range(100)]
    await asyncio.sleep(0)
    changes.touch()
    marks = await asyncio.wait_for(asyncio.gather(*waiting), 60)
    assert set(marks) == {mark + 1}
    await changes.close()


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
async def test_a_lost_connection_is_made_again(place: Place) -> None:
    place.agent()
    changes = Changes(place.connect())
    mark = await settled(changes)
    waiting = asyncio.create_task(changes.wait(mark, 60))
    await asyncio.sleep(0.1)
    place.databases[0].select("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                              " WHERE application_name = 'orch changes' AND datname = current_database()")
    assert await waiting > mark
    mark = await settled(changes)
    waiting = asyncio.create_task(changes.wait(mark, 60))
    await asyncio.sleep(1.5)
    place.post.post(envelope())
    assert await waiting > mark
    await changes.close()
