"""The ten invariants of the agentlet's protocol, and that a task runs once: a function for each.

Each is given the `Evidence` of a round whose processes still run, and raises AssertionError with what was seen. What it
returns is a remark: why it did not apply.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from agentlet.receipts import book_path, default_directory
from orchestrator.agents.opening import open_desk, open_post
from orchestrator.agents.states import NEW_ATTEMPT, TABLE, TERMINAL, State
from tests.chaos.door import Door, door_to
from tests.chaos.evidence import Evidence, with_any
from tests.chaos.locally import played_locally, results_of
from tests.chaos.playing import HOST
from tests.chaos.processes import wait_until
from tests.chaos.record import Batch, Moved

Remark = str | None
STEPS = frozenset((str(old), str(new), (old, event) in NEW_ATTEMPT) for (old, event), new in TABLE.items())
FINAL = TERMINAL - {State.LOST}
EXCUSED = {
    "full_disk": frozenset({"no_space", "not_begun", "blob_unavailable", "io_error"}),
    "restored": frozenset({"envelope_older_attempt", "envelope_begun_before"}),
}
"""Codes with which tasks may fail: no room; and a job is never run again, whatever the server forgot."""


def one_terminal_state_per_attempt(evidence: Evidence) -> Remark:
    """1. Every accepted task reaches exactly one terminal state per attempt."""
    for work in evidence.works:
        state = evidence.states.get(work.job.id)
        assert state is not None and state.state in TERMINAL, f"{work.job.id} ended as {state}"
        moves = [move for move in evidence.moves if move.job == work.job.id]
        for before, after in pairwise(moves):
            if (before.state, before.attempt) != (after.state, after.attempt):
                step = before.state, after.state, after.attempt == before.attempt + 1
                assert step in STEPS, f"{work.job.id} went from {before} to {after}"
        ends = Counter((move.attempt, move.state) for move in _entered(moves) if move.state in FINAL)
        attempts = Counter(attempt for attempt, _ in ends.elements())
        assert all(count == 1 for count in attempts.values()), f"{work.job.id} ended twice: {ends}"
    for told in evidence.told:
        assert (told.end is None) != (told.error == ""), f"the run was told {told.end} and {told.error!r}"
    return None


def journal_before_effect(evidence: Evidence) -> Remark:
    """2. No side effect starts before its journal record: each traced task looks for it when it begins."""
    unknown = [mark for what, mark, known in evidence.traced() if what == "begin" and not known]
    assert not unknown, f"began before the journal knew: {unknown}"
    return "that the record is on the platter, too, cannot be seen without cutting the power"


def events_neither_lost_nor_doubled(evidence: Evidence) -> Remark:
    """3. Acknowledged events are never lost, unacknowledged ones never doubled."""
    came: dict[tuple[str, int], list[Batch]] = defaultdict(list)
    for batch in evidence.batches:
        assert batch.how == "came", f"stored events {batch.how}: {batch}"
        came[batch.job, batch.attempt].append(batch)
    for key, batches in came.items():
        expected = 1
        for batch in batches:
            assert batch.seq == expected, f"{key}: event {batch.seq} after {expected - 1}"
            expected += batch.count
    for before, after in _same_attempts(evidence.moves):
        assert after.next_seq >= before.next_seq, f"acknowledged, and taken back: {before}, then {after}"
    for job, events in evidence.stored.items():
        state = evidence.states[job]
        assert state is not None
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1)), f"{job} has gaps"
        if state.state in (State.FINISHED, State.INTERRUPTED):
            assert state.digest_ok and state.event_count == len(events), f"{state} with {len(events)} events"
        results = Counter(event["task"] for event in events if event["kind"] == "result")
        assert all(count == 1 for count in results.values()), f"{job} has results twice: {results}"
    for told in evidence.told:
        if told.end is not None:
            state = evidence.states[told.job]
            assert state is not None
            heard = [event for event in told.events if event["attempt"] == state.attempt]
            kept = [event for event in evidence.stored[told.job] if event["kind"] != "finished"]
            heard = [event for event in heard if event["kind"] != "finished"]
            assert heard == kept, f"{told.job}: the run heard {len(heard)} events of {len(kept)}"
            assert told.end.digest_ok
    return None


def fenced_attempt_cannot_overwrite(evidence: Evidence) -> Remark:
    """4. A fenced attempt cannot overwrite; nor can anything be added to what is over."""
    for batch in evidence.batches:
        assert batch.current == batch.attempt, f"an event of an older attempt was stored: {batch}"
    with door_to(evidence) as door:
        for work in evidence.works:
            state = evidence.states[work.job.id]
            assert state is not None
            attempts = {max(1, state.attempt - 1), state.attempt, state.attempt + 1}
            if state.state == State.LOST:  # of which may be told late
                attempts.discard(state.attempt)
            for attempt in attempts:
                _knock(door, work.job.id, attempt, state.next_seq)
    fresh = _states_now(evidence)
    assert fresh == evidence.states, f"{evidence.states} became {fresh}"
    return None


def cancelled_means_no_process(evidence: Evidence) -> Remark:
    """5. Cancelled means no process is left; nor is there one of any other job that is over."""
    marks = [mark.encode() for work in evidence.works for mark in work.marks]
    left = with_any(marks)
    assert not left, f"still running: {left}"
    for job, found in evidence.states.items():
        assert found is None or found.state != State.CANCELLED or job == evidence.cancelled, f"nobody cancelled {job}"
    if not evidence.cancelled:
        return "nothing was cancelled"
    state = evidence.states[evidence.cancelled]
    assert state is not None
    return None if state.state == State.CANCELLED else f"the cancel came when the job was {state.state}"


def same_result_as_locally(evidence: Evidence) -> Remark:
    """6. The same module with the same input gives the same result, whoever carries it; no task fails for that."""
    excused = EXCUSED.get(evidence.plan.special, frozenset())
    for job, events in evidence.stored.items():
        failed = [event for event in events if event["kind"] == "result" and event["status"] == "failed"]
        assert all((event["error"] or {}).get("code") in excused for event in failed), f"{job}: {failed}"
    for work in evidence.works:
        told = evidence.told[-len(evidence.works):][evidence.works.index(work)]
        if told.end is not None and told.end.status == "ok":
            found = results_of(evidence.stored[work.job.id], evidence.kit.folder)
            expected = results_of(asyncio.run(played_locally(evidence, work)), evidence.folder / "locally")
            for ours, theirs in zip(found, expected, strict=True):
                if ours["status"] == "ok" != theirs["status"]:
                    continue  # what may run twice was killed, and found its work done
                assert ours == theirs, f"by the mailbox {ours}, locally {theirs}"
            digest = next(iter(work.blobs))
            assert hashlib.sha256(work.copied.read_bytes()).hexdigest() == digest
            whole = [file.hash.hexdigest() for file in told.files if file.is_whole]
            assert whole and set(whole) == {digest}, f"{len(told.files)} files came, {len(whole)} whole"
            return None
    return "no job of this round ended well"


def no_canary_in_any_sink(evidence: Evidence) -> Remark:
    """7. No secret canary in any sink: files but the tasks' own, argument lists, events."""
    canaries = [canary.encode() for canary in evidence.kit.canaries]
    assert not evidence.seen_arguments, f"in argument lists: {evidence.seen_arguments}"
    text = json.dumps([evidence.stored, [told.events for told in evidence.told]])
    assert not any(canary.decode() in text for canary in canaries), "in events"
    of_tasks = {evidence.kit.folder, evidence.folder / "locally"}
    for path in [*evidence.folder.rglob("*"), *_receipts_of(evidence)]:
        if path.is_file() and of_tasks.isdisjoint(path.parents):
            data = path.read_bytes()
            assert not any(canary in data for canary in canaries), f"in {path}"
    return None


def revoked_fails_on_its_next_request(evidence: Evidence) -> Remark:
    """8. A revoked identity fails on its next request: on an open connection, and the agentlet itself."""
    with door_to(evidence) as door:
        assert door.get("config").status == 200
        desk = open_desk(evidence.state)
        try:
            desk.registry.revoke(HOST)
        finally:
            desk.close()
            desk.database.close()
        refused = door.get("config")
    assert refused.status in (401, 403), f"a revoked identity was answered {refused.status}"
    for host in evidence.hosts:
        wait_until(partial(_is_refused, host.state), "the agentlet is refused")
    return None


def retention_keeps_restore_points(evidence: Evidence) -> Remark:
    """9. Retention never reduces the number of good restore points."""
    return "backups are not part of this"


def failed_update_returns(evidence: Evidence) -> Remark:
    """10. A failed update returns to the old version by itself, and that works on."""
    if evidence.plan.special != "update":
        return "no update in this round"
    slots = json.loads((evidence.hosts[0].state / "versions" / "slots.json").read_text())
    assert slots["current"] is None and slots["trial"] is None and slots["refused"], slots
    assert _status(evidence.hosts[0].state) == "online"
    last = evidence.told[-1]
    assert last.end is not None and last.end.status == "ok", f"after the update: {last.error or last.end}"
    return None


def tasks_ran_once(evidence: Evidence) -> Remark:
    """A task that may not run twice ran once at most; and one whose result is good ran once, to its end."""
    traced = Counter((what, mark) for what, mark, _ in evidence.traced())
    for work in evidence.works:
        state = evidence.states[work.job.id]
        assert state is not None
        most = state.attempt if evidence.plan.special == "freeze" else 1
        results = {event["task"]: event for event in evidence.stored[work.job.id] if event["kind"] == "result"}
        for mark, task in zip(work.marks, ("t1", "t5")):
            begun, ended = traced["begin", mark], traced["end", mark]
            assert begun <= most, f"{mark} began {begun} times"
            if results.get(task, {}).get("status") == "changed":
                assert 1 <= ended <= begun, f"{mark} has a good result, and ended {ended} times"
            if evidence.plan.special != "restored" and begun and state.state == State.FINISHED:
                assert task in results, f"{mark} ran, and nobody says so"
    return None


ALL: tuple[Callable[[Evidence], Remark], ...] = (
    one_terminal_state_per_attempt, journal_before_effect, events_neither_lost_nor_doubled,
    cancelled_means_no_process, same_result_as_locally, no_canary_in_any_sink, retention_keeps_restore_points,
    failed_update_returns, tasks_ran_once, fenced_attempt_cannot_overwrite, revoked_fails_on_its_next_request,
)
"""In this order: the last two ask the server."""


def _entered(moves: list[Moved]) -> list[Moved]:
    """Without those that only stored events."""
    return [after for before, after in zip([None, *moves], moves)
            if before is None or (before.state, before.attempt) != (after.state, after.attempt)]


def _same_attempts(moves: list[Moved]) -> list[tuple[Moved, Moved]]:
    by_job: dict[tuple[str, int], list[Moved]] = defaultdict(list)
    for move in moves:
        by_job[move.job, move.attempt].append(move)
    return [pair for one in by_job.values() for pair in pairwise(one)]


def _knock(door: Door, job: str, attempt: int, next_seq: int) -> None:
    """Whatever an agentlet can say of a job, said of one that is over: none of it may be taken."""
    head = json.dumps({"t": "event", "job": job, "attempt": attempt, "seq": next_seq, "kind": "log", "task": "t1",
                       "text": "late"}, separators=(",", ":"))
    for verb, body in (("claim", {"key": "other"}), ("start", {"key": "other"}),
                       ("events", {"first_seq": next_seq, "heads": [head]}),
                       ("finish", {"status": "failed", "count": next_seq - 1, "digest": "0" * 64, "evicted": 0})):
        reply = door.post(f"jobs/{job}/{verb}", {"attempt": attempt, **body})
        assert reply.status in (404, 409), f"{verb} of attempt {attempt} was answered {reply.status}: {reply.body!r}"
    put = door.request("PUT", f"jobs/{job}/uploads/late?attempt={attempt}&offset=0&last=1", b"late")
    assert put.status in (404, 409), f"a file of attempt {attempt} was answered {put.status}: {put.body!r}"
    beat = door.post("heartbeat", {"running": [[job, attempt, "other"]]})
    assert beat.json["orders"]["gone"] == [job], f"a heartbeat with attempt {attempt} was answered {beat.body!r}"


def _states_now(evidence: Evidence) -> dict[str, Any]:
    post, database = open_post(evidence.state)
    try:
        return {work.job.id: post.state_of(work.job.id) for work in evidence.works}
    finally:
        database.close()


def _status(state: Path) -> str:
    return str(json.loads((state / "status.json").read_text()).get("how"))


def _is_refused(state: Path) -> bool:
    return _status(state) == "refused"


def _receipts_of(evidence: Evidence) -> list[Path]:
    """What this round left of receipts, where the host's user keeps them."""
    directory = default_directory(os.geteuid(), str(evidence.hosts[0].folder / "home"))
    attempts = [(job, number) for job, state in evidence.states.items() if state
                for number in range(1, state.attempt + 1)]
    return [Path(book_path(directory, job, number)) for job, number in attempts]
