"""What a runtime does with tasks, good and bad ones, on every interpreter."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from pathlib import Path

import pytest

from tests.contract.driver import Runtime, processes_with, task
from tests.contract.programs import SOURCES, teach


def test_it_boots_and_says_who_it_is(runtime: Runtime, python: str) -> None:
    assert runtime.ready["protocol"] == 1
    assert runtime.ready["python"][:2] >= [3, 6]
    assert {"platform", "pid", "user", "uid", "home", "receipts", "time"} <= set(runtime.ready)
    assert runtime.ready["pid"] == runtime.process.pid, "the shell must have been replaced"


def test_tasks_run_in_order_and_the_events_add_up(runtime: Runtime) -> None:
    teach(runtime, "tiny", "steps")
    outcome = runtime.run(task("tiny"), task("steps"))
    assert [(e["kind"], e["task"]) for e in outcome.events] == [
        ("started", "t1"),
        ("result", "t1"),
        ("started", "t2"),
        ("progress", "t2"),
        ("log", "t2"),
        ("result", "t2"),
    ]
    assert outcome.status == "ok"
    assert outcome.results[1]["status"] == "changed"
    assert outcome.results[1]["warnings"] == ["careful"]
    assert outcome.results[0]["duration_s"] >= 0


def test_the_first_failure_ends_the_job(runtime: Runtime) -> None:
    teach(runtime, "tiny", "crash")
    outcome = runtime.run(task("crash"), task("tiny"))
    assert (outcome.status, outcome.result["status"], outcome.code) == ("failed", "failed", "module_crashed")
    assert "KeyError" in outcome.result["values"]["exception"]
    assert "modules/crash.py" in outcome.result["values"]["exception"]


def test_a_failure_that_may_be_ignored_does_not(runtime: Runtime) -> None:
    teach(runtime, "tiny", "crash", "leave")
    outcome = runtime.run(
        task("crash", continue_on_failure=True), task("leave", continue_on_failure=True), task("tiny")
    )
    assert [r["status"] for r in outcome.results] == ["failed", "failed", "ok"]


CRASHES = [
    ("leave", {}, "module_crashed", "exit code 3"),
    ("exit", {}, "module_crashed", "SystemExit"),
    ("signal", {"number": int(signal.SIGSEGV)}, "module_crashed", "SIGSEGV"),
    ("signal", {"number": int(signal.SIGKILL)}, "killed", "SIGKILL"),
    ("signal", {"number": int(signal.SIGTERM)}, "killed", "SIGTERM"),
    ("broken", {}, "module_broken", "broken.py, line 1"),
    ("needs_more", {}, "module_broken", "a_module_that_is_not_there"),
    ("huge", {}, "result_too_large", "at most"),
    ("odd", {}, "bad_result", "set"),
    ("nowhere", {}, "no_module", "no module nowhere"),
]


@pytest.mark.parametrize(("module", "args", "code", "words"), CRASHES, ids=[f"{c[0]}-{c[2]}" for c in CRASHES])
def test_a_bad_module_is_a_failed_result_that_says_why(
    newest: str, module: str, args: dict[str, object], code: str, words: str
) -> None:
    with Runtime(newest) as runtime:
        teach(runtime, "tiny", *({module} & set(SOURCES)))
        outcome = runtime.run(task(module, args))
        assert outcome.code == code
        assert words in outcome.result["error"]["message"]
        assert runtime.run(task("tiny")).status == "ok", "the runtime outlives it"


def test_a_hanging_task_is_ended_at_its_time(runtime: Runtime) -> None:
    teach(runtime, "sleep", "tiny")
    outcome = runtime.run(task("sleep", timeout_s=0.3, continue_on_failure=True), task("tiny"))
    assert [(r["status"], (r["error"] or {}).get("code")) for r in outcome.results] == [
        ("failed", "timeout"),
        ("ok", None),
    ]


def test_the_job_has_a_time_of_its_own(runtime: Runtime) -> None:
    teach(runtime, "sleep", "tiny")
    outcome = runtime.run(task("sleep", continue_on_failure=True), task("tiny"), deadline_s=0.3)
    assert (outcome.status, outcome.code) == ("failed", "timeout")


def test_a_fork_of_the_worker_gives_one_result(runtime: Runtime) -> None:
    teach(runtime, "fork", "tiny")
    assert len(runtime.run(task("fork"), task("tiny")).results) == 2


def test_cancel_leaves_no_process_behind_not_even_a_daemon(runtime: Runtime, tmp_path: Path) -> None:
    teach(runtime, "daemon")
    mark = f"mark-{tmp_path}-{time.time_ns()}"
    job = runtime.offer(task("daemon", {"mark": mark}))
    runtime.await_event("started")
    _until(lambda: len(processes_with(mark)) >= 2)
    runtime.send({"t": "cancel", "job": job})
    while True:
        header, _ = runtime.next_frame()
        if header["kind"] == "result":
            assert header["status"] == "cancelled"
        if header["kind"] == "finished":
            break
    assert header["status"] == "cancelled"
    assert processes_with(mark) == []


def test_what_ignores_term_is_killed(newest: str, tmp_path: Path) -> None:
    with Runtime(newest) as runtime:
        teach(runtime, "daemon")
        mark = f"mark-{tmp_path}-{time.time_ns()}"
        outcome = runtime.run(task("daemon", {"mark": mark, "stubborn": True}, timeout_s=1.5))
        assert outcome.code == "timeout"
        assert processes_with(mark) == []


def test_a_daemon_of_a_completed_task_is_left_alone(newest: str, tmp_path: Path) -> None:
    mark = f"mark-{tmp_path}-{time.time_ns()}"
    try:
        with Runtime(newest) as runtime:
            teach(runtime, "daemon", "sleep")
            outcome = runtime.run(task("daemon", {"mark": mark, "stay": False}), task("sleep", timeout_s=0.3))
            assert [r["status"] for r in outcome.results] == ["changed", "failed"]
        assert len(processes_with(mark)) == 1
    finally:
        _kill(mark)


def test_memory_is_bounded_for_the_module_alone(python: str) -> None:
    with Runtime(python, memory_limit_bytes=400 << 20) as runtime:
        teach(runtime, "eat", "eat_command")
        assert runtime.run(task("eat")).code == "out_of_memory"
        assert runtime.run(task("eat_command")).result["values"]["stdout"] == f"{600 << 20}\n"


def test_what_a_module_prints_is_a_warning_and_disturbs_nothing(runtime: Runtime) -> None:
    teach(runtime, "rubbish")
    outcome = runtime.run(task("rubbish"))
    assert outcome.status == "ok"
    (warning,) = outcome.result["warnings"]
    assert "hello from print" in warning or "raw \udcff bytes" in warning
    assert len(warning) < 3000
    hidden = runtime.run(task("rubbish", no_log=True)).result["warnings"]
    assert "hello" not in json.dumps(hidden) and "no_log" in hidden[0]


def test_output_that_is_not_utf8_survives(runtime: Runtime) -> None:
    teach(runtime, "command")
    values = runtime.run(task("command", {"line": r"printf 'a\377\303\251\n'; printf '\200' >&2"})).result["values"]
    assert values["stdout"].encode("utf-8", "surrogateescape") == b"a\xff\xc3\xa9\n"
    assert values["stderr"].encode("utf-8", "surrogateescape") == b"\x80"


def test_endless_output_is_capped_in_flat_memory(newest: str) -> None:
    with Runtime(newest, memory_limit_bytes=300 << 20) as runtime:
        teach(runtime, "command")
        line = "head -c 400000000 /dev/zero | tr '\\0' a; printf THE-END"
        values = runtime.run(task("command", {"line": line})).result["values"]
        assert values["truncated"] and values["stdout"].endswith("THE-END")
        assert len(values["stdout"]) < 5 << 20
        whole = hashlib.sha256()
        for _ in range(400):
            whole.update(b"a" * 1000000)
        whole.update(b"THE-END")
        assert whole.hexdigest() in values["stdout"]
        assert runtime.rss_bytes() < 120 << 20


def test_temp_files_go_however_the_task_ends(runtime: Runtime, tmp_path: Path) -> None:
    teach(runtime, "temp")
    assert runtime.run(task("temp", {"dir": str(tmp_path)})).result["values"]["mode"] == "0o600"
    assert runtime.run(task("temp", {"dir": str(tmp_path), "then": "die"})).code == "module_crashed"
    assert runtime.run(task("temp", {"dir": str(tmp_path), "then": "hang"}, timeout_s=0.3)).code == "timeout"
    assert list(tmp_path.iterdir()) == []


def test_environment_and_directory_are_the_tasks_own(python: str, tmp_path: Path) -> None:
    with Runtime(python, env={"LC_ALL": "C"}) as runtime:
        teach(runtime, "environment")
        first, second = runtime.run(
            task("environment", environment={"FLAVOUR": "é"}, cwd=str(tmp_path)), task("environment")
        ).results
        assert first["values"]["module"] == first["values"]["command"] == "é"
        assert first["values"]["cwd"] == str(tmp_path)
        assert (second["values"]["module"], second["values"]["left"]) == (None, None)
        assert second["values"]["locale"] == "C"
        assert runtime.run(task("environment", cwd="/nowhere")).code == "no_directory"


def test_check_mode_skips_what_only_acts(runtime: Runtime) -> None:
    teach(runtime, "tiny")
    outcome = runtime.run(task("tiny"), check=True)
    assert outcome.result["status"] == "skipped" and outcome.result["values"]["skipped"] is True
    assert runtime.run(task("tiny", check=False), check=True).result["status"] == "ok"


@pytest.mark.parametrize("then", ["return", "fail", "crash"])
def test_a_no_log_argument_is_nowhere_in_the_result(newest: str, then: str) -> None:
    with Runtime(newest) as runtime:
        teach(runtime, "secret")
        outcome = runtime.run(task("secret", {"token": "hunter2", "then": then}))
        assert "hunter2" not in json.dumps(outcome.events)


def test_jobs_run_side_by_side(newest: str) -> None:
    with Runtime(newest) as runtime:
        teach(runtime, "sleep", "tiny")
        slow, quick = runtime.offer(task("sleep", {"s": 1})), runtime.offer(task("tiny"))
        finished = []
        while len(finished) < 2:
            header, _ = runtime.next_frame()
            if header.get("kind") == "finished":
                finished.append(header["job"])
        assert finished == [quick, slow]


def test_a_changed_source_takes_effect(newest: str) -> None:
    with Runtime(newest) as runtime:
        teach(runtime, "tiny")
        runtime.run(task("tiny"))
        runtime.add_module("tiny", "ARGS = {}\n\ndef run(args, host):\n    return {'version': 2}\n")
        assert runtime.run(task("tiny")).result["values"] == {"version": 2}


def test_bye_and_an_ended_stdin_end_it(newest: str) -> None:
    runtime = Runtime(newest)
    runtime.send({"t": "bye"})
    runtime.drain()
    assert runtime.process.wait(60) == 0
    assert Runtime(newest).close() == 0


def test_silence_ends_it_when_asked_to(newest: str) -> None:
    runtime = Runtime(newest, keep_s=0.5)
    runtime.drain()
    assert runtime.process.wait(60) == 0


def _until(condition: object, limit_s: float = 20) -> None:
    end = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def _kill(mark: str) -> None:
    import os

    for pid in processes_with(mark):
        os.kill(pid, signal.SIGKILL)
