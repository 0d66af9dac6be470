"""Questions to the operator while a run goes on: they wait for an answer, but never stand in the way of a stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from orchestrator.errors import Cancelled

if TYPE_CHECKING:
    from orchestrator.engine.context import Stop

T = TypeVar("T")


async def answer(stop: Stop, read: Callable[[], T]) -> T:
    """What ``read`` (it blocks, on the terminal) returns. Raises `Cancelled` when the run is stopped meanwhile.

    The reading thread is a daemon: one that still waits for Enter does not keep a stopped process alive.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            value = read()
        except BaseException as error:  # whatever it was, it belongs to whoever asked
            _settle(loop, partial(_fail, answered, error))
        else:
            _settle(loop, partial(_give, answered, value))

    end = stop.watch_drain(partial(_fail, answered, Cancelled("stopped at a question")))
    threading.Thread(target=work, name="question", daemon=True).start()
    try:
        return await answered
    finally:
        end()


def _give(answered: asyncio.Future[T], value: T) -> None:
    if not answered.done():
        answered.set_result(value)


def _fail(answered: asyncio.Future[T], error: BaseException) -> None:
    if not answered.done():
        answered.set_exception(error)


def _settle(loop: asyncio.AbstractEventLoop, act: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(act)
    except RuntimeError:
        pass  # the loop is closed: nobody waits for this answer any more
