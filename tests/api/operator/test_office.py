"""The threads that speak to the store: each with a Control of its own, a bound on who waits, an end."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
import structlog

from api.operator.office import Office
from api.problems import Problem
from orchestrator.control.control import Control, open_control
from orchestrator.refusals import NotFound


def opened(state: Path, made: list[Control] | None = None) -> Office:
    def act() -> Control:
        control = open_control(state)
        if made is not None:
            made.append(control)
        return control

    return Office(act, threads=3, most_queued=2)


async def test_each_thread_has_a_control_of_its_own_and_all_are_closed(tmp_path: Path) -> None:
    made: list[Control] = []
    office, barrier = opened(tmp_path / "state", made), threading.Barrier(3)

    def who(control: Control) -> tuple[str, Control]:
        barrier.wait(20)
        return threading.current_thread().name, control

    found = await asyncio.gather(*(office.call(who) for _ in range(3)))
    assert len({name for name, _ in found}) == len({id(control) for _, control in found}) == 3
    await office.close()
    for control in made:
        with pytest.raises(Exception, match="not open"):
            control.books.database.select("SELECT 1")


async def test_too_many_are_asked_to_come_again(tmp_path: Path) -> None:
    office, go = opened(tmp_path / "state"), threading.Event()
    held = [asyncio.create_task(office.call(lambda control: go.wait(20))) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await office.call(lambda control: None)
    assert refused.value.status == 503 and int(refused.value.headers["Retry-After"]) >= 2
    go.set()
    assert await asyncio.gather(*held) == [True] * 5
    assert await office.call(lambda control: 7) == 7
    await office.close()


async def test_what_is_raised_comes_back_and_the_thread_goes_on(tmp_path: Path) -> None:
    office = opened(tmp_path / "state")

    def fail(control: Control) -> None:
        raise NotFound("there is no such thing")

    for _ in range(5):
        with pytest.raises(NotFound):
            await office.call(fail)
    assert await office.call(lambda control: control.settings.list.__name__) == "list"
    await office.close()


async def test_lines_of_the_log_have_the_requests_id_in_the_thread_too(tmp_path: Path) -> None:
    office = opened(tmp_path / "state")
    structlog.contextvars.bind_contextvars(request="0123456789abcdef")
    found = await office.call(lambda control: structlog.contextvars.get_contextvars())
    assert found == {"request": "0123456789abcdef"}
    structlog.contextvars.clear_contextvars()
    await office.close()
