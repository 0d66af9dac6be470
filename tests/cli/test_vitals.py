"""What a host last said of itself, in `orch agents show`: read by people, believed by nobody."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from orchestrator.agents.desk import Desk
from orchestrator.agents.vitals import Vitals
from orchestrator.cli.display.vitals import size, span, vital_rows
from tests.cli.conftest import Orch
from tests.cli.test_agents import desk, enrol, state  # noqa: F401  fixtures are found by name

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SAID = {"load_1": 0.5, "load_5": 0.25, "load_15": 1, "cpus": 4, "memory_bytes": 4 << 30, "memory_free_bytes": 1 << 30,
        "disk_bytes": 100 << 30, "disk_free_bytes": 25 << 30, "uptime_s": 200_000, "rss_bytes": 20 << 20, "held": 2,
        "spool_bytes": 1536, "version": "0.1.0", "running": 1}


def test_known_things_are_put_into_words() -> None:
    assert vital_rows(Vitals("a", NOW, SAID), NOW) == [
        ("stats", "of 0 s ago"), ("load", "0.50 0.25 1.00 on 4 processors"),
        ("memory", "3.0 GiB of 4.0 GiB used, 1.0 GiB free"), ("disk", "75.0 GiB of 100.0 GiB used, 25.0 GiB free"),
        ("up", "2 d"), ("itself", "20.0 MiB of memory, 2 jobs held, 1.5 KiB to be sent"), ("stat running", "1")]
    assert vital_rows(None, NOW) == []


def test_what_is_not_as_it_should_be_is_shown_as_it_is() -> None:
    said = {"load_1": "high", "uptime_s": True, "memory_bytes": 1, "odd": "{{ 1 }}"}
    rows = dict(vital_rows(Vitals("a", NOW, said), NOW))
    assert rows == {"stats": "of 0 s ago", "stat load_1": "high", "stat uptime_s": "True", "stat memory_bytes": "1",
                    "stat odd": "{{ 1 }}"}


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (-2048, "-2.0 KiB"),
                                             (10**18, "888.2 PiB")])
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(-5, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"),
                                               (172_800, "2 d"), (1e18, "11574074074074 d")])
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_a_host_moves_no_cursor_by_it(orch: Orch, desk: Desk) -> None:  # noqa: F811
    agent = desk.registry.find(enrol(orch, desk, "laptop7").agent_id)
    desk.vitals.keep(agent.id, {**SAID, "note": "\x1b[2J{{ 7 * 7 }}\r\n", "load_1": "\x07"})
    desk.sweep()
    out = orch("agents", "show", "laptop7").out
    assert "\x1b" not in out and "\x07" not in out and "\r" not in out
    assert "\\x1b[2J{{ 7 * 7 }}\\x0d\\n" in out and "3.0 GiB of 4.0 GiB used" in out
    shown = json.loads(orch("agents", "show", "laptop7", "--json").out)["stats"]
    assert shown["held"] == 2 and shown["note"].startswith("\x1b[2J") and shown["at"]
