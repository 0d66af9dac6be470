"""A job in the background outlives its connection, and never leaves anybody guessing what became of it."""

from __future__ import annotations

import json
import os
import signal
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modules import registry
from tests.contract.driver import Header, Runtime, blob_ref, task
from tests.contract.programs import teach

WAIT_S = 30


@pytest.fixture
def started(tmp_path: Path) -> Callable[..., Runtime]:
    """Boots a runtime that knows `async_status` and the modules of `programs` named."""

    def start(python: str, *names: str) -> Runtime:
        runtime = Runtime(python)
        for dotted, text in registry.sources("async_status"):
            runtime.send({"t": "source", "name": dotted}, zlib.compress(text.encode()))
        teach(runtime, *names)
        return runtime

    return start


def detached(module: str, args: Header, folder: Path, limit_s: float = WAIT_S, **fields: Any) -> Header:
    return task(module, args, detach={"limit_s": limit_s, "directory": str(folder)}, **fields)


def launched(runtime: Runtime, one: Header, **options: Any) -> dict[str, Any]:
    (result,) = runtime.run(one, **options).results
    assert result["status"] == "changed", result
    assert result["values"]["started"] is True and result["values"]["finished"] is False
    return dict(result["values"])


def status(runtime: Runtime, job: dict[str, Any], folder: Path, **args: Any) -> dict[str, Any]:
    asked = task("async_status", {"jid": job["ansible_job_id"], "_async_dir": str(folder), **args})
    (result,) = runtime.run(asked).results
    return dict(result)


def ended(runtime: Runtime, job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The result once the job has finished."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        result = status(runtime, job, folder)
        if result["values"].get("finished"):
            return result
        time.sleep(0.05)
    raise AssertionError(result)


def keepers(job: dict[str, Any]) -> list[int]:
    """The processes of a job: the one that executes, then the one that watches."""
    return [pid for pid, _ in json.loads(Path(job["results_file"]).read_text())["_orch_processes"]["pids"]]


def test_a_job_goes_on_when_the_runtime_has_ended(python: str, started: Any, tmp_path: Path) -> None:
    first = started(python, "count")
    job = launched(first, detached("count", {"path": str(tmp_path / "n"), "sleep_s": 1.5}, tmp_path / "jobs"))
    assert Path(job["results_file"]).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "jobs").stat().st_mode & 0o777 == 0o700
    assert status(first, job, tmp_path / "jobs")["values"]["finished"] is False
    first.close()
    with started(python, "count") as second:
        result = ended(second, job, tmp_path / "jobs")
        assert result["status"] == "changed" and result["values"]["ran"] == "x" and result["values"]["rc"] == 0
        assert Path(job["results_file"]).stat().st_mode & 0o777 == 0o600
        assert status(second, job, tmp_path / "jobs", mode="cleanup")["values"]["erased"] == job["results_file"]
    assert list((tmp_path / "jobs").iterdir()) == []


def test_offered_again_the_launch_gives_the_same_job(newest: str, started: Any, tmp_path: Path) -> None:
    one = detached("count", {"path": str(tmp_path / "n")}, tmp_path / "jobs", receipt=True, retry_safe=False)
    jobs = []
    for _ in range(2):
        with started(newest, "count") as runtime:
            jobs.append(runtime.run(one, id=f"again-{tmp_path}").results[0]["values"]["ansible_job_id"])
            ended(runtime, {"ansible_job_id": jobs[0]}, tmp_path / "jobs")
    assert jobs[0] == jobs[1] and (tmp_path / "n").read_text() == "x"


def test_a_job_whose_time_is_over_is_ended_with_what_it_started(newest: str, started: Any, tmp_path: Path) -> None:
    with started(newest, "count") as runtime:
        job = launched(runtime, detached("count", {"path": str(tmp_path / "n"), "sleep_s": 300}, tmp_path, 0.5))
        executing, _ = keepers(job)
        result = ended(runtime, job, tmp_path)
        assert result["status"] == "failed" and result["error"]["code"] == "timeout"
        assert result["values"]["msg"] == "Timeout exceeded"
        assert not Path(f"/proc/{executing}").exists()


@pytest.mark.parametrize(("killed", "code"), [((0,), "job_died"), ((1, 0), "job_gone")], ids=["executing", "both"])
def test_a_job_that_was_killed_says_so(newest: str, started: Any, tmp_path: Path, killed: Any, code: str) -> None:
    with started(newest, "sleep") as runtime:
        job = launched(runtime, detached("sleep", {}, tmp_path))
        processes = keepers(job)
        for place in killed:
            os.kill(processes[place], signal.SIGKILL)
        result = ended(runtime, job, tmp_path)
        assert (result["status"], result["error"]["code"]) == ("failed", code)
        assert "left no result" in result["values"]["msg"]


def test_a_job_without_its_watcher_goes_on(newest: str, started: Any, tmp_path: Path) -> None:
    with started(newest, "count") as runtime:
        job = launched(runtime, detached("count", {"path": str(tmp_path / "n"), "sleep_s": 1}, tmp_path))
        os.kill(keepers(job)[1], signal.SIGKILL)
        assert status(runtime, job, tmp_path)["values"]["finished"] is False
        assert ended(runtime, job, tmp_path)["status"] == "changed"


FAILURES = [("crash", "module_crashed"), ("leave", "job_died"), ("exit", "module_crashed"), ("nosuch", "no_module")]


@pytest.mark.parametrize(("module", "code"), FAILURES, ids=[row[0] for row in FAILURES])
def test_a_module_that_fails_fails_the_job(newest: str, started: Any, tmp_path: Path, module: str, code: str) -> None:
    with started(newest, *([] if module == "nosuch" else [module])) as runtime:
        result = ended(runtime, launched(runtime, detached(module, {}, tmp_path)), tmp_path)
        assert (result["status"], result["error"]["code"]) == ("failed", code)


def test_a_cancelled_later_job_leaves_it_alone(newest: str, started: Any, tmp_path: Path) -> None:
    with started(newest, "count", "sleep") as runtime:
        job = launched(runtime, detached("count", {"path": str(tmp_path / "n"), "sleep_s": 1}, tmp_path))
        other = runtime.offer(task("sleep", {}))
        runtime.await_event("started")
        runtime.send({"t": "cancel", "job": other})
        assert ended(runtime, job, tmp_path)["status"] == "changed"


def test_files_of_the_controller_are_fetched_before_it_is_alone(newest: str, started: Any, tmp_path: Path) -> None:
    source = "from modules.api import Arg\nARGS = {'code': Arg('raw')}\n\n" \
             "def run(args, host):\n    return {'text': host.blob_bytes(args['code'], 100).decode()}\n"
    with started(newest) as runtime:
        runtime.add_module("reads", source)
        data = b"of the controller"
        ref = blob_ref(data)
        job = launched(runtime, detached("reads", {"code": ref}, tmp_path), blobs={ref["blob"]: data})
        assert ended(runtime, job, tmp_path)["values"]["text"] == "of the controller"


NOT_FILES = [
    ("another-job", None, "no_such_job"), ("j1.2", b"not json", "bad_job_file"), ("j1.2", b"[]", "bad_job_file"),
    ("../etc/passwd", None, "bad_arguments"), ("..", None, "bad_arguments"),
]


@pytest.mark.parametrize(("jid", "content", "code"), NOT_FILES, ids=["absent", "text", "list", "path", "parent"])
def test_what_is_no_job_is_refused(
    newest: str, started: Any, tmp_path: Path, jid: str, content: Any, code: str
) -> None:
    if content is not None:
        (tmp_path / jid).write_bytes(content)
    with started(newest) as runtime:
        result = status(runtime, {"ansible_job_id": jid}, tmp_path)
        assert (result["status"], result["error"]["code"]) == ("failed", code)


def test_a_job_that_has_no_place_for_its_result_does_not_begin(newest: str, started: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with started(newest, "count") as runtime:
        one = detached("count", {"path": str(tmp_path / "n")}, tmp_path / "file" / "jobs")
        (result,) = runtime.run(one).results
        assert result["error"]["code"] == "no_job" and not (tmp_path / "n").exists()


def test_a_job_file_of_another_program_is_read_as_it_is(newest: str, started: Any, tmp_path: Path) -> None:
    (tmp_path / "j9.9").write_text(json.dumps({"started": 1, "finished": 0, "ansible_job_id": "j9.9"}))
    with started(newest) as runtime:
        result = status(runtime, {"ansible_job_id": "j9.9"}, tmp_path)
        assert result["status"] == "ok" and result["values"]["finished"] is False
