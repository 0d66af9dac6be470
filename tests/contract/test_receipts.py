"""A task that must not run twice runs once, whatever becomes of the connection, the runtime or the worker."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from agentlet import processes, receipts
from tests.contract.driver import Runtime, blob_ref, processes_with, task
from tests.contract.programs import teach


def _name(tmp_path: Path) -> str:
    return f"receipt-{tmp_path}-{time.time_ns()}"


def _book(runtime: Runtime, job: str) -> Path:
    return Path(receipts.book_path(runtime.ready["receipts"], job, 1))


def test_a_lost_carrier_lets_the_running_task_end_and_begins_no_other(python: str, tmp_path: Path) -> None:
    job, counter, other = _name(tmp_path), tmp_path / "counter", tmp_path / "other"
    tasks = [
        task("count", {"path": str(counter), "sleep_s": 1}, receipt=True, retry_safe=False),
        task("count", {"path": str(other)}, receipt=True, retry_safe=False),
    ]
    first = Runtime(python)
    teach(first, "count")
    first.offer(*tasks, id=job)
    first.await_event("started")
    first.close()
    assert counter.read_text() == "x" and not other.exists()

    with Runtime(python) as second:
        teach(second, "count")
        outcome = second.run(*tasks, id=job)
        assert [(r["status"], r["replayed"], r["values"]["ran"]) for r in outcome.results] == [
            ("changed", True, "x"),
            ("changed", False, "x"),
        ]
        assert counter.read_text() == other.read_text() == "x"
        assert _book(second, job).stat().st_mode & 0o777 == 0o600
        second.send({"t": "ack", "job": job, "attempt": 1})
    assert not _book(second, job).exists()


def test_the_same_job_offered_while_it_runs_waits_for_the_real_result(newest: str, tmp_path: Path) -> None:
    job, counter = _name(tmp_path), tmp_path / "counter"
    one = task("count", {"path": str(counter), "sleep_s": 1.5}, receipt=True, retry_safe=False)
    first = Runtime(newest)
    teach(first, "count")
    first.offer(one, id=job)
    first.await_event("started")
    first.hang_up()
    with Runtime(newest) as second:
        teach(second, "count")
        outcome = second.run(one, id=job)
        assert (outcome.result["status"], outcome.result["values"]["ran"]) == ("changed", "x")
        second.send({"t": "ack", "job": job, "attempt": 1})
    assert counter.read_text() == "x"
    first.close()


def test_a_result_that_came_with_a_file_is_not_given_again_without_it(newest: str, tmp_path: Path) -> None:
    job, source = _name(tmp_path), tmp_path / "source"
    source.write_bytes(b"x" * 300_000)
    tasks = [task("get", {"path": str(source)}, retry_safe=True), task("count", {"path": str(tmp_path / "counter")})]
    first = Runtime(newest)
    teach(first, "get", "count")
    first.run(*tasks, id=job)
    first.close()
    with Runtime(newest) as second:
        teach(second, "get", "count")
        outcome = second.run(*tasks, id=job)
        second.send({"t": "ack", "job": job, "attempt": 1})
    assert [result["replayed"] for result in outcome.results] == [False, True]
    assert b"".join(outcome.uploads.values()) == source.read_bytes()


def test_a_task_that_sent_a_file_and_must_not_run_twice_is_interrupted_rather_than_ok_without_its_file(
    newest: str, tmp_path: Path
) -> None:
    job, source = _name(tmp_path), tmp_path / "source"
    source.write_bytes(b"x" * 300_000)
    one = task("get", {"path": str(source)}, retry_safe=False, receipt=True)
    first = Runtime(newest)
    teach(first, "get")
    assert first.run(one, id=job).result["status"] != "failed"
    first.close()  # nobody knows whether what was sent has arrived
    with Runtime(newest) as second:
        teach(second, "get")
        assert second.run(one, id=job).result["status"] == "interrupted"
        second.send({"t": "ack", "job": job, "attempt": 1})


def test_what_is_to_be_said_where_nothing_is_recorded_is_said(newest: str, tmp_path: Path) -> None:
    counter, said = tmp_path / "counter", {"status": "interrupted", "values": {}, "diff": [], "warnings": [],
                                           "error": {"code": "x", "message": "x", "hint": None}, "started": 1.0,
                                           "duration_s": 0.0, "replayed": False}
    one = task("count", {"path": str(counter)}, receipt=True, retry_safe=False)
    job = _name(tmp_path)
    with Runtime(newest) as runtime:
        teach(runtime, "count")
        assert runtime.run({**one, "unless_recorded": said}, id=_name(tmp_path)).result["error"]["code"] == "x"
        assert not counter.exists()
        runtime.run(one, id=job)
        assert runtime.run({**one, "unless_recorded": said}, id=job).result["status"] == "changed"
    assert counter.read_text() == "x"


def test_a_file_that_was_cut_off_is_asked_for_again(newest: str, tmp_path: Path) -> None:
    job, path, data = _name(tmp_path), tmp_path / "there", os.urandom(600_000)
    ref = blob_ref(data)
    one = task("put", {"src": ref, "path": str(path)}, retry_safe=True)
    first = Runtime(newest)
    teach(first, "put")
    first.offer(one, id=job)
    while first.next_frame()[0]["t"] != "need":
        pass
    first.close()
    with Runtime(newest) as second:
        teach(second, "put")
        result = second.run(one, id=job, blobs={ref["blob"]: data}).result
        second.send({"t": "ack", "job": job, "attempt": 1})
    assert (result["status"], result["replayed"]) == ("changed", False) and path.read_bytes() == data


@pytest.mark.parametrize("retry_safe", [False, True], ids=["not safe to retry", "retry_safe"])
def test_a_task_without_a_result_is_interrupted_unless_it_may_run_again(
    newest: str, tmp_path: Path, retry_safe: bool
) -> None:
    job, counter = _name(tmp_path), tmp_path / "counter"
    one = task("count", {"path": str(counter), "sleep_s": 60}, receipt=True, retry_safe=retry_safe)
    first = Runtime(newest)
    teach(first, "count")
    first.offer(one, id=job)
    first.await_event("started")
    while not counter.exists():
        time.sleep(0.05)
    # The supervisor first: it would write the receipt of a killed worker.
    for pid in [first.process.pid, *processes.descendants(first.process.pid)]:
        os.kill(pid, signal.SIGKILL)
    first.process.wait()
    with Runtime(newest) as second:
        teach(second, "count")
        if retry_safe:
            one["args"]["sleep_s"] = 0
        outcome = second.run(one, id=job)
        assert outcome.result["status"] == ("changed" if retry_safe else "interrupted"), outcome.result
        assert len(counter.read_text()) == (2 if retry_safe else 1)
        assert retry_safe or outcome.code == "interrupted"
        second.send({"t": "ack", "job": job, "attempt": 1})


def test_waiting_for_an_old_process_ends_at_the_tasks_time(newest: str, tmp_path: Path) -> None:
    job, counter = _name(tmp_path), tmp_path / "counter"
    one = task("count", {"path": str(counter), "sleep_s": 77}, receipt=True, retry_safe=False, timeout_s=3)
    first = Runtime(newest)
    teach(first, "count")
    first.offer({**one, "timeout_s": None}, id=job)
    first.await_event("started")
    first.hang_up()
    with Runtime(newest) as second:
        teach(second, "count")
        outcome = second.run(one, id=job)
        assert outcome.code == "timeout"
        second.send({"t": "ack", "job": job, "attempt": 1})
    assert processes.descendants(first.process.pid) == {}
    first.close()


def test_cancelling_while_waiting_stops_the_old_process_too(newest: str, tmp_path: Path) -> None:
    job, counter = _name(tmp_path), tmp_path / "counter"
    one = task("count", {"path": str(counter), "sleep_s": 78}, receipt=True, retry_safe=False)
    first = Runtime(newest)
    teach(first, "count")
    first.offer(one, id=job)
    first.await_event("started")
    first.hang_up()
    with Runtime(newest) as second:
        teach(second, "count")
        second.offer(one, id=job)
        second.await_event("started")
        time.sleep(0.3)
        second.send({"t": "cancel", "job": job})
        assert second.await_event("finished")["status"] == "cancelled"
        second.send({"t": "ack", "job": job, "attempt": 1})
    assert processes.descendants(first.process.pid) == {}
    assert processes_with(str(counter)) == []
    first.close()


def test_results_that_may_not_have_been_stored_are_kept_when_the_carrier_is_lost(newest: str, tmp_path: Path) -> None:
    job, counter = _name(tmp_path), tmp_path / "counter"
    one = task("count", {"path": str(counter)})
    first = Runtime(newest)
    teach(first, "count")
    first.run(one, id=job)
    first.close()
    with Runtime(newest) as second:
        teach(second, "count")
        outcome = second.run(one, id=job)
        assert outcome.result["replayed"] and counter.read_text() == "x"
        second.send({"t": "ack", "job": job, "attempt": 1})
    assert not _book(second, job).exists()


def test_another_attempt_is_another_job(newest: str, tmp_path: Path) -> None:
    job, counter = _name(tmp_path), tmp_path / "counter"
    one = task("count", {"path": str(counter)}, receipt=True)
    with Runtime(newest) as runtime:
        teach(runtime, "count")
        for attempt in (1, 2):
            assert runtime.run(one, id=job, attempt=attempt).result["replayed"] is False
            runtime.send({"t": "ack", "job": job, "attempt": attempt})
    assert counter.read_text() == "xx"


def test_the_result_of_a_killed_task_is_in_the_receipt(newest: str, tmp_path: Path) -> None:
    job, counter = _name(tmp_path), tmp_path / "counter"
    one = task("count", {"path": str(counter), "sleep_s": 60}, receipt=True, retry_safe=False, timeout_s=0.3)
    for _ in range(2):
        with Runtime(newest) as runtime:
            teach(runtime, "count")
            assert runtime.run(one, id=job).code == "timeout"
    assert counter.read_text() == "x"
    _book(runtime, job).unlink()


def test_a_host_without_a_place_says_so(newest: str, tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root, to run as a user without a home")
    python = _readable_by_all()
    with Runtime(python, user=65534, cwd=Path("/")) as runtime:
        assert runtime.ready["receipts"] is None
        runtime.add_module("tiny", "ARGS = {}\n\ndef run(args, host):\n    return {}\n")
        (warning,) = runtime.run(task("tiny", receipt=True)).result["warnings"]
        assert "receipt" in warning


def _readable_by_all() -> str:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("there is no Python that every user may execute")
    return "/usr/bin/python3"
