"""What the helper takes for a request, and how a job's parts follow each other: tables."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from agentlet.pull.course import Course, legs
from agentlet.pull.faults import AgentletError
from agentlet.pull.helper.requests import KINDS, checked
from agentlet.pull.signing import unseal_key
from agentlet.wire import WireError
from orchestrator.agents import envelope as envelopes

JOB = {"t": "job", "tasks": ["a"], "deadline_s": None, "not_again": []}
GOOD = [JOB, {**JOB, "deadline_s": 1.5, "not_again": ["a"]}, {"t": "cancel"},
        {"t": "verify", "signature": "", "size": 0}, {"t": "blob", "digest": "0", "offset": 0, "last": True},
        {"t": "settle", "what": "confirm"}]
BAD = {
    "no kind": {}, "a kind that is none": {"t": "run"}, "a kind that is no text": {"t": ["job"]},
    "one field more": {**JOB, "become": None}, "a field less": {"t": "verify", "size": 1},
    "no tasks": {**JOB, "tasks": []}, "a task twice": {**JOB, "tasks": ["a", "a"]},
    "a task that is no id": {**JOB, "tasks": [{"id": "a"}]},
    "a long word": {"t": "key", "sealed": "x" * 5000},
    "too many tasks": {**JOB, "tasks": [str(number) for number in range(100001)]},
    "a negative size": {"t": "verify", "signature": "", "size": -1},
    "a size that is true": {"t": "verify", "signature": "", "size": True},
    "a size that is half": {"t": "verify", "signature": "", "size": 0.5},
    "a size beyond all": {"t": "verify", "signature": "", "size": 1 << 70},
    "a deadline that is none": {**JOB, "deadline_s": float("nan")},
    "last, as a number": {"t": "blob", "digest": "0", "offset": 0, "last": 1},
}


@pytest.mark.parametrize("header", GOOD)
def test_a_request_has_its_fields(header: dict[str, Any]) -> None:
    assert checked(dict(header)) == header


@pytest.mark.parametrize("header", BAD.values(), ids=BAD.keys())
def test_anything_else_is_none(header: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        checked(header)


def test_no_request_has_room_for_a_command_line() -> None:
    """Lists are of ids that the signed job must know; of texts, none becomes an argument or a path."""
    fields = [field for kind in KINDS.values() for field in kind.items()]
    assert {name for name, kind in fields if kind is list} == {"tasks", "not_again"}
    assert {name for name, kind in fields if kind is str} == {
        "signature", "user", "name", "digest", "message", "stream", "sealed", "what"}


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"piece", "source", "blob"}))
def test_only_what_carries_bytes_has_a_body(kind: str) -> None:
    with pytest.raises(WireError, match="no body"):
        checked({"t": kind}, b"x")


def task(name: str, user: str | None = None, goes_on: bool = False) -> dict[str, Any]:
    return {"id": name, "user": user, "continue_on_failure": goes_on}


def test_consecutive_tasks_of_one_user_are_one_part() -> None:
    parts = legs([task("a"), task("b"), task("c", "root"), task("d")], lambda one: one["user"])
    assert [(whom, [one["id"] for one in tasks]) for whom, tasks in parts] == [
        (None, ["a", "b"]), ("root", ["c"]), (None, ["d"])]


@pytest.mark.parametrize(("goes_on", "results", "said", "next_one", "status"), [
    (False, {"a": "changed", "b": "ok"}, "ok", "c", "ok"),
    (False, {"a": "failed"}, "failed", None, "failed"),
    (True, {"a": "failed", "b": "ok"}, "failed", "c", "failed"),
    (False, {"a": "ok"}, "failed", None, "failed"),
    (False, {"a": "ok"}, "cancelled", None, "cancelled"),
    (False, {"a": "ok", "b": "interrupted"}, "failed", None, "failed"),
    (False, {"a": "ok"}, "lost", None, "lost"),
], ids=["all well", "a failure", "a failure that goes on", "a deadline between", "cancelled", "interrupted", "lost"])
def test_what_comes_behind_a_part(
    goes_on: bool, results: dict[str, str], said: str, next_one: str | None, status: str
) -> None:
    course = Course(legs([task("a", goes_on=goes_on), task("b"), task("c", "root")], lambda one: one["user"]))
    course.next()
    for name, result in results.items():
        course.result(name, result)
    course.over(said)
    found = course.next()
    assert (found[1][0]["id"] if found else None, course.status) == (next_one, status)


def test_a_job_key_is_unsealed_by_who_has_the_present_one_alone() -> None:
    present, new, other = (hashlib.sha256(name).digest() for name in (b"present", b"new", b"other"))
    sealed = envelopes.seal_key(new, present)
    assert sealed == envelopes.seal_key(new, present) and new.hex() not in sealed and present.hex() not in sealed
    assert unseal_key(sealed, [other.hex(), present.hex()]) == new.hex()
    altered = sealed[:-1] + ("0" if sealed[-1] != "0" else "1")
    for text, keys in ((sealed, [other.hex()]), (altered, [present.hex()]), (new.hex(), [present.hex()]),
                       (sealed[:-2], [present.hex()]), ("sealed:x", [present.hex()]), (sealed, [])):
        with pytest.raises(AgentletError):
            unseal_key(text, keys)
