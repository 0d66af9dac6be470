"""JSON lines: one object an event, field names that stay, nothing that harms whoever reads."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from orchestrator import events
from orchestrator.cli.display.jsonl import JsonLines, event_object
from orchestrator.errors import Origin
from orchestrator.events import HostRecap, Included, ItemDone, Notice, RunStarted, TaskDone, TaskResult
from tests.cli.events_for_display import CENSORED, done, ended, item, play, result, task


def lines(*happened: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    display = JsonLines(out)
    for event in happened:
        display.on(event)
    display.close()
    assert out.getvalue().isascii()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_each_event_is_one_line_with_its_name() -> None:
    names = [line["event"] for line in lines(play("p", "a"), task("t", "a"), done("a"), item("a", "1"), ended())]
    assert names == ["play_started", "task_started", "task_done", "item_done", "run_ended"]


def test_every_kind_of_event_has_a_stable_name() -> None:
    kinds = {kind.__name__ for kind in get_args(events.Event)}
    assert kinds == {"RunStarted", "PlayStarted", "PlaySkipped", "TaskStarted", "ItemDone", "TaskRetry", "TaskDone",
                     "TaskProgress", "Included", "Notice", "PlayEnded", "RunEnded"}


def test_a_result_carries_every_field_of_the_schema() -> None:
    (line,) = lines(done("a", "changed", started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), values={"rc": 0}))
    assert set(line["result"]) == set(TaskResult.__struct_fields__)
    assert line["result"]["started"] == "2026-01-02T03:04:05+00:00"
    assert line["result"]["values"]["rc"] == 0


def test_places_recaps_and_moments_are_plain() -> None:
    started, notice, finished = lines(
        RunStarted("r", ("site.yml",), ("a",), False, False, datetime(2026, 1, 2, tzinfo=UTC)),
        Notice("warning", "careful", None, Origin("site.yml", 3, 1)), ended(2, a=HostRecap(ok=1)))
    assert started["started"] == "2026-01-02T00:00:00+00:00"
    assert notice["origin"] == "site.yml:3:1"
    assert finished["recap"]["a"]["ok"] == 1
    assert finished["exit_code"] == 2


def test_a_loop_item_of_no_log_is_not_told() -> None:
    label = "(censored due to no_log)"
    hidden = ItemDone(result("a", "changed", no_log=True, item_label=label, values=CENSORED), "s3cret")
    assert event_object(hidden)["item"] is None
    assert "s3cret" not in json.dumps(lines(hidden))


@pytest.mark.parametrize("text", ["\udcff", "\x00\x1b[2J", "日本", "a\nb", "\u2028"])
def test_any_text_survives_on_one_line(text: str) -> None:
    (line,) = lines(Included("tasks", text, ("a",)))
    assert line["path"] == text


def test_what_json_has_no_word_for_does_not_stop_it() -> None:
    odd = {"when": datetime(2026, 1, 1, tzinfo=UTC), 1: b"\xff", "n": float("nan")}
    (line,) = lines(TaskDone(result("a", values=odd)))
    assert line["result"]["values"] == {"changed": False, "failed": False, "when": "2026-01-01T00:00:00+00:00",
                                        "1": "\udcff", "n": "nan"}


def test_a_reader_that_goes_away_does_not_end_the_run() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    display = JsonLines(Gone())
    display.on(play("p"))
    display.on(play("p"))
    display.close()
