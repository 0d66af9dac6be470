"""What hosts say of themselves is kept: the latest of it, bounded in number, size and kind."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.agents.vitals import bounded_stats
from tests.agents.conftest import Clock, Place


@pytest.mark.parametrize(("said", "kept"), [
    ({"load_1": 0.5, "held": 3, "version": "0.1.0", "ok": True}, {"load_1": 0.5, "held": 3, "version": "0.1.0",
                                                                  "ok": True}),
    ({"text": "x" * 300}, {"text": "x" * 200}),
    ({"deep": {"a": 1}, "list": [1], "none": None, "good": 1}, {"good": 1}),
    ({"nan": float("nan"), "inf": float("inf"), "huge": 10**400, "large": 10**19, "good": -1.5}, {"good": -1.5}),
    ({"": 1, "Load": 1, "a b": 1, "x" * 41: 1, "a\n": 1, "ü": 1, "_a": 1, "1a": 1}, {}),
    ({"bad": "{{ 1 }}", "raw": "\udcff\x00\x1b"}, {"bad": "{{ 1 }}", "raw": "\udcff\x00\x1b"}),
    ({f"n{number}": number for number in range(100)}, {f"n{number}": number for number in range(40)}),
], ids=["as it is", "long text", "not flat", "no number", "no name", "data", "many"])
def test_what_is_kept_of_it(said: dict[str, Any], kept: dict[str, Any]) -> None:
    assert bounded_stats(said) == kept


def test_the_latest_is_kept_and_written_for_all_at_once(place: Place, clock: Clock) -> None:
    one, other = place.agent("web1").agent, place.agent("web2").agent
    place.desk.vitals.keep(one.id, {"load_1": 0.5})
    place.desk.vitals.keep(other.id, {"load_1": 0.25, "note": "\udcff{{ 1 }}"})
    assert place.desk.vitals.latest(one.id) is None
    place.desk.sweep()
    clock.tick(60)
    place.desk.vitals.keep(one.id, {"load_1": 4.0, "held": 1})
    place.desk.vitals.keep(other.id, {"deep": {}})  # nothing in it: what was known stays
    place.desk.sweep()
    found, there = place.desk.vitals.latest(one.id), place.desk.vitals.latest(other.id)
    assert found is not None and there is not None
    assert (found.stats, found.at) == ({"load_1": 4.0, "held": 1}, clock())
    assert there.stats == {"load_1": 0.25, "note": "\udcff{{ 1 }}"} and there.at < found.at


def test_what_is_in_memory_is_written_at_the_end(place: Place) -> None:
    agent = place.agent("web1").agent
    place.desk.vitals.keep(agent.id, {"held": 1})
    place.desk.close()
    found = place.desk.vitals.latest(agent.id)
    assert found is not None and found.stats == {"held": 1}
