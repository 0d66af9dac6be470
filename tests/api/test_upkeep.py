"""What an agent says with a heartbeat is kept, whatever it says; and its jobs go on."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.api.gateway import Member, Served


def kept(served: Served, member: Member) -> dict[str, Any]:
    end = time.monotonic() + 60
    while (found := served.desk.vitals.latest(member.id)) is None:
        assert time.monotonic() < end, "nothing was written"
        time.sleep(0.1)
    return found.stats


def test_a_heartbeats_stats_are_kept(served: Served, member: Member) -> None:
    with served.client(member) as client:
        said = {"version": "0.2.0", "load_1": 0.5, "held": 1, "disks": [1], "note": "\x1b[2J{{ 1 }}"}
        assert client.post("heartbeat", {"running": [], "stats": said}).status == 200
    assert kept(served, member) == {"version": "0.2.0", "load_1": 0.5, "held": 1, "note": "\x1b[2J{{ 1 }}"}
    assert served.desk.registry.find("web1").version == "0.2.0"


@pytest.mark.parametrize("stats", [
    {}, {"load_1": None}, {"x" * 10_000: 1}, {f"n{number}": "x" * 1000 for number in range(900)}, {"n": 10**300},
], ids=["none", "null", "long name", "many", "huge"])
def test_whatever_is_in_it_a_heartbeat_is_taken(served: Served, member: Member, stats: dict[str, Any]) -> None:
    with served.client(member) as client:
        reply = client.post("heartbeat", {"running": [["no-such-job", 1], ["nor-this", 2, "key"]], "stats": stats})
    assert reply.status == 200 and reply.json["orders"]["gone"] == ["no-such-job", "nor-this"]


def test_stats_that_are_nested_too_deep_are_refused(served: Served, member: Member) -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    with served.client(member) as client:
        assert client.post("heartbeat", {"stats": {"deep": deep}}).status == 400
