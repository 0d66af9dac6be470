"""The held request by which an agent hears of its work."""

from __future__ import annotations

import random
import time
from typing import Any

from litestar import Controller, Request, get
from litestar.params import FromQuery
from msgspec import to_builtins

from api.agents.gateway import caller_of, gateway_of
from api.agents.waiting import SAME_NEWS_S
from api.problems import busy
from orchestrator.agents.desk import Desk

LONGEST_S = 45.0
"""Proxies and NAT drop what is silent for a minute."""
FULL_RETRY_S = (15, 60)
DRAIN_RETRY_S = (1, 15)


class PollController(Controller):
    @get("/poll")
    async def poll(self, request: Request[Any, Any, Any], wait: FromQuery[float] = LONGEST_S,
                   running: FromQuery[str] = "") -> dict[str, Any]:
        """Offers and orders as soon as there are any, or what is known after ``wait`` seconds (45 at most)."""
        gateway, caller = gateway_of(request), caller_of(request)
        waiting, agent_id = gateway.waiting, caller.agent.id
        if waiting.is_full(agent_id):
            raise busy("server_full", "the server holds as many agents as it can", random.randint(*FULL_RETRY_S))
        runs = [job for job in running.split(",") if job]
        ends = time.monotonic() + min(max(wait, 0.0), LONGEST_S)

        def look(desk: Desk) -> dict[str, Any]:
            desk.seen(caller)
            return {"offers": to_builtins(desk.offers(caller, runs)), "orders": to_builtins(desk.orders(caller)),
                    "time": time.time()}

        with waiting.enter(agent_id) as waiter:
            while True:
                found = await gateway.desk.call(look)
                news = _news(found)
                left_s = ends - time.monotonic()
                if waiting.is_news(agent_id, news) or left_s <= 0:
                    return found
                if waiter.is_over:
                    if waiting.is_draining:
                        raise busy("server_stops", "the server is about to stop", random.randint(*DRAIN_RETRY_S),
                                   Connection="close")
                    return found
                del found  # thousands wait here
                await waiter.wait(min(left_s, SAME_NEWS_S) if news else left_s)


def _news(found: dict[str, Any]) -> tuple[str, ...]:
    """What in an answer is worth not to be waited with."""
    orders = found["orders"]
    return (*(f"{offer['job']}/{offer['attempt']}" for offer in found["offers"]),
            *(f"cancel {job}" for job in orders["cancel"]), *(f"gone {job}" for job in orders["gone"]))
