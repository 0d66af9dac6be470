"""What the gateway's handlers share: the desk's thread, who waits, the limits; and the way every call takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from litestar import Request
from msgspec import Struct

from api.agents.desk_thread import DeskThread
from api.agents.waiting import Waiting
from api.protection import RateLimit
from orchestrator.agents.desk import Desk
from orchestrator.agents.identity import Caller

TRIES_PER_MINUTE = 120
"""Of an address at the routes that need no identity; and how often it is told why an identity does not hold."""
ALL_TRIES_PER_MINUTE = 3_000
"""Of all addresses together: behind a proxy an address is what somebody says."""


class Call(Struct, frozen=True):
    """One request, as ``request.auth``. Made by `api.agents.identity`, and by nothing else."""

    caller: Caller | None
    """None at the few routes that are open."""
    address: str
    body: bytes
    """Unpacked."""


class Gateway:
    """One per process."""

    def __init__(self, desk: DeskThread, *, is_behind_proxy: bool = False, url: str | None = None,
                 pin: Callable[[], str | None] = lambda: None, waiting: Waiting | None = None) -> None:
        self.desk = desk
        self.waiting = waiting or Waiting()
        self.is_behind_proxy = is_behind_proxy
        self.url = url
        """Where agents call, when it is not where they have called before."""
        self.pin = pin
        """The key that they meet there; None when it is a proxy's."""
        self.tries = RateLimit(TRIES_PER_MINUTE)
        self.all_tries = RateLimit(ALL_TRIES_PER_MINUTE)
        self.refusals = RateLimit(TRIES_PER_MINUTE)

    def check_try(self, address: str) -> None:
        """429 when routes that need no identity are tried too often, by one address or by all."""
        self.all_tries.check("")
        self.tries.check(address)


def gateway_of(request: Request[Any, Any, Any]) -> Gateway:
    found: Gateway = request.app.state["gateway"]
    return found


def caller_of(request: Request[Any, Any, Any]) -> Caller:
    """The agentlet whose request it is; only routes that are not open may ask."""
    caller: Caller | None = request.auth.caller
    assert caller is not None
    return caller


async def answer(request: Request[Any, Any, Any], act: Callable[[Desk, Caller], dict[str, Any]]) -> dict[str, Any]:
    """What ``act`` returns, with what every answer to an agentlet has: its orders, and the server's time."""
    caller = caller_of(request)

    def on_thread(desk: Desk) -> dict[str, Any]:
        desk.seen(caller)
        values = act(desk, caller)
        if "orders" not in values:  # a heartbeat has its own
            values["orders"] = desk.orders(caller)
        return {**values, "time": time.time()}

    return await gateway_of(request).desk.call(on_thread)
