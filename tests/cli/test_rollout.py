"""`orch agents ring` and `rollout`: how an operator lets an update out, step by step."""

from __future__ import annotations

import json
import re

from orchestrator.agents.desk import Desk
from orchestrator.agents.releases import this_version
from tests.cli.conftest import Orch
from tests.cli.test_agents import desk, enrol, state  # noqa: F401  fixtures are found by name


def test_an_update_is_let_out_ring_by_ring(orch: Orch, desk: Desk) -> None:  # noqa: F811
    for host, ring in (("first", "1"), ("second", "10"), ("last", "100")):
        enrol(orch, desk, host, version="0.0.1" if host != "first" else this_version())
        assert orch("agents", "ring", host, ring).out == f"{host}: is in ring {ring}\n"
    assert orch("agents", "rollout", "--ring", "10").code == 0
    lines = orch("agents", "rollout").lines
    assert lines[0].startswith(f"version {this_version()} ")
    assert re.search(r" is told to 10 % of the agentlets, decided .* UTC by ", lines[0])
    assert [line.split() for line in lines[1:]] == [
        ["ring", "1", "open", "1", "of", "1", "have", "it"], ["ring", "10", "open", "0", "of", "1", "have", "it"],
        ["ring", "100", "closed", "0", "of", "1", "have", "it"]]
    notes = {line.split()[0]: line for line in orch("agents", "list").lines[1:]}
    assert f"told to update to {this_version()}" in notes["second"] and "ring 10" in notes["second"]
    assert "update" not in notes["first"] and "update" not in notes["last"]
    assert f"10, chosen; told to update to {this_version()}" in orch("agents", "show", "second").out


def test_a_rollout_is_paused_and_goes_on(orch: Orch, desk: Desk) -> None:  # noqa: F811
    enrol(orch, desk, "laptop7", version="0.0.1")
    assert "paused: nobody is told" in orch("agents", "rollout", "--pause").out
    assert "update" not in orch("agents", "list").lines[1]
    shown = json.loads(orch("agents", "rollout", "--json").out)
    assert (shown["ring"], shown["paused"], shown["newest"]) == (100, True, this_version())
    assert "version 9.9.9 alone is let through" in orch("agents", "rollout", "--resume", "--version", "9.9.9").out
    assert "told to 100 %" in orch("agents", "rollout", "--version", "any").out
    assert "told to update" in orch("agents", "list").lines[1]


def test_a_ring_goes_back_to_that_of_the_id(orch: Orch, desk: Desk) -> None:  # noqa: F811
    enrol(orch, desk, "laptop7")
    orch("agents", "ring", "laptop7", "1")
    assert orch("agents", "ring", "laptop7", "auto").out == "laptop7: is in the ring of its id\n"
    assert "by its id" in orch("agents", "show", "laptop7").out
    said = orch("agents", "ring", "laptop7", "nobody", "10")
    assert said.code == 1 and said.lines == ["laptop7: is in ring 10"] and "no agentlet for 'nobody'" in said.err


def test_what_is_no_ring_is_refused(orch: Orch) -> None:
    for argv in (["ring", "laptop7", "50"], ["ring", "10"], ["rollout", "--ring", "50"]):
        assert orch("agents", *argv).code == 5, argv
