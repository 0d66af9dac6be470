"""What binds a plan: facts that decide, and every change that was foreseen."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.events import ItemDone, TaskDone, TaskResult
from orchestrator.plans.prediction import MOST_TOLD, Prediction, deciding, drifted, foreseen, told


def result(host: str = "web1", status: str = "changed", task: str = "p0/1", **changes: Any) -> TaskResult:
    fields: dict[str, Any] = {"run_id": "r", "play_id": "p0", "play_name": "web", "task_id": task,
                              "task_name": f"task {task}", "task_origin": "site.yml:3:5", "module": "copy",
                              "host": host, "status": status, "diff": [{"before": "a", "after": "b"}]}
    return TaskResult(**{**fields, **changes})


def seen(*results: TaskResult) -> Prediction:
    prediction = Prediction()
    for one in results:
        prediction.on(TaskDone(one))
    return prediction


def facts(**values: Any) -> TaskResult:
    named = {f"ansible_{name}": value for name, value in values.items()}
    return result(status="ok", task="p0/gather", module="gather_facts", values={"ansible_facts": named})


CASES: list[tuple[str, list[TaskResult], list[TaskResult], str]] = [
    ("as planned", [result()], [result()], ""),
    ("done by somebody else", [result()], [result(status="ok")], "'task p0/1' would change nothing any more"),
    ("another change", [result()], [result(diff=[{"before": "z", "after": "b"}])],
     "'task p0/1' would make another change than planned"),
    ("another file", [result(diff=[], values={"checksum": "1"})], [result(diff=[], values={"checksum": "2"})],
     "'task p0/1' would make another change than planned"),
    ("one more change", [result()], [result(), result(task="p0/2")],
     "'task p0/2' would make a change that was not planned"),
    ("names of temporary files do not count", [result(diff=[{"before": "a", "before_header": "/tmp/1"}])],
     [result(diff=[{"before": "a", "before_header": "/tmp/2"}])], ""),
    ("a failure now", [result()], [result(status="failed", message="no space")], "task p0/1: no space"),
    ("a failure that is ignored", [result()], [result(), result(task="p0/2", status="failed", ignored=True)], ""),
    ("no answer now", [result()], [result(status="unreachable", message="timed out")], "task p0/1: timed out"),
    ("gone", [result()], [], "it is not among the hosts any more"),
    ("new", [], [result()], "it was not part of the plan"),
    ("a fact that decides", [facts(distribution="Debian", date_time="1")], [facts(distribution="Ubuntu")],
     "the fact distribution was 'Debian', and is 'Ubuntu'"),
    ("a fact that moves by itself", [facts(uptime_seconds=1)], [facts(uptime_seconds=2)], ""),
]


@pytest.mark.parametrize(("before", "now", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_host_has_drifted_when_something_is_not_as_planned(
        before: list[TaskResult], now: list[TaskResult], expected: str) -> None:
    found = drifted(seen(*before).hosts, seen(*now).hosts)
    assert found == ({"web1": [expected]} if expected else {})


def test_a_loop_is_bound_item_by_item() -> None:
    prediction = Prediction()
    for index in (0, 1):
        prediction.on(ItemDone(result(item_index=index, item_label=str(index)), index))
    prediction.on(ItemDone(result(item_index=2), 2, will_retry=True))
    prediction.on(TaskDone(result(), looped=True))
    assert [change.task for change in prediction.hosts["web1"].changes] == ["p0/1  0", "p0/1  1"]


def test_what_a_host_cannot_be_planned_for_is_told_by_its_first_failure() -> None:
    prediction = seen(result(status="failed", message="first"), result(status="failed", message="second"))
    assert prediction.hosts["web1"].failed == "task p0/1: first"


def test_facts_are_the_same_with_and_without_their_prefix() -> None:
    assert deciding({"ansible_kernel": "6"}) == deciding({"kernel": "6"}) == {"kernel": "6"}


def test_text_that_is_no_unicode_has_a_digest() -> None:
    assert len(foreseen(result(diff=[{"before": "\udcff"}])).digest) == 64


def test_many_sentences_are_counted() -> None:
    assert told([str(n) for n in range(MOST_TOLD + 2)]).endswith("; and 2 more")
