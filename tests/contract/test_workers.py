"""One worker serves job after job while it is as good as new; when it is not, the next job gets a new one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agentlet import processes
from tests.contract.driver import Runtime, blob_ref, processes_with, task
from tests.contract.programs import teach

PID = "import os\nARGS = {}\n\ndef run(args, host):\n    return {'pid': os.getpid(), 'umask': os.umask(18)}\n"
LEAVERS = {
    "a process": "    subprocess.Popen(['sleep', '7'])\n",
    "a thread": "    threading.Thread(target=time.sleep, args=(5,), daemon=True).start()\n",
    "a descriptor": "    os.dup(0)\n",
    "memory": "    bytearray(200 << 20)\n",
    "an exception": "    raise ValueError('no')\n",
    "no memory": "    bytearray(1 << 40)\n",
    "an exit": "    sys.exit(1)\n",
    "its end": "    os._exit(1)\n",
}
HARMLESS = {
    "nothing": "    pass\n",
    "an ended process": "    subprocess.Popen(['true']); time.sleep(0.2)\n",
    "an environment": "    os.environ['PATH'] = '/nowhere'\n",
    "another directory": "    os.chdir('/tmp')\n",
    "a umask": "    os.umask(0o77)\n",
    "words": "    print('hello', flush=True)\n",
    "a failure": "    raise Failed('no', 'It cannot be done')\n",
}
IMPORTS = "import os, subprocess, sys, threading, time\nfrom modules.api import Failed\n"
HEAD = IMPORTS + "ARGS = {}\n\ndef run(args, host):\n"


def _pid(runtime: Runtime) -> int:
    return int(runtime.run(task("pid")).result["values"]["pid"])


@pytest.fixture
def taught(runtime: Runtime) -> Runtime:
    runtime.add_module("pid", PID)
    return runtime


@pytest.fixture
def newly(newest: str) -> Runtime:
    return Runtime(newest)


def test_the_next_job_finds_the_worker_of_the_last(taught: Runtime) -> None:
    assert len({_pid(taught) for _ in range(3)}) == 1


@pytest.mark.parametrize("what", HARMLESS)
def test_a_worker_is_kept_after(newly: Runtime, what: str) -> None:
    with newly as runtime:
        runtime.add_module("pid", PID)
        runtime.add_module("leaver", HEAD + HARMLESS[what])
        before = runtime.run(task("pid")).result["values"]
        runtime.run(task("leaver"))
        assert runtime.run(task("pid")).result["values"] == before


@pytest.mark.parametrize("what", LEAVERS)
def test_a_worker_is_not_kept_that_left(newly: Runtime, what: str) -> None:
    with newly as runtime:
        runtime.add_module("pid", PID)
        runtime.add_module("leaver", HEAD + LEAVERS[what])
        before = _pid(runtime)
        runtime.run(task("leaver"))
        assert _pid(runtime) != before


def test_what_a_job_left_running_is_let_alone(newly: Runtime, tmp_path: Path) -> None:
    mark = f"mark-{tmp_path}-{time.time_ns()}"
    with newly as runtime:
        teach(runtime, "daemon", "sleep")
        runtime.run(task("daemon", {"mark": mark, "stay": False}))
        runtime.run(task("sleep", timeout_s=0.2))
        [daemon] = processes_with(mark)
    os.kill(daemon, signal.SIGKILL)


def test_warnings_of_one_job_are_not_those_of_the_next(taught: Runtime) -> None:
    taught.add_module("leaver", HEAD + HARMLESS["words"])
    assert "hello" in taught.run(task("leaver")).result["warnings"][0]
    assert taught.run(task("pid")).result["warnings"] == []


@pytest.mark.parametrize("known", [False, True], ids=["a new module", "a changed module"])
def test_a_kept_worker_hears_of(taught: Runtime, known: bool) -> None:
    before = _pid(taught)
    if known:
        taught.add_module("word", "ARGS = {}\n\ndef run(args, host):\n    return {'word': 'old'}\n")
        taught.run(task("word"))
    taught.add_module("word", "ARGS = {}\n\ndef run(args, host):\n    return {'word': 'new'}\n")
    assert taught.run(task("word")).result["values"]["word"] == "new"
    assert _pid(taught) == before


def _killed(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _stopped_and_killed(pid: int) -> None:
    """It cannot see the next job before it is gone."""
    os.kill(pid, signal.SIGSTOP)


@pytest.mark.parametrize("act", [_killed, _stopped_and_killed], ids=["before the job", "before it began"])
def test_a_spare_worker_killed_by_somebody_is_nobodys_failure(
    taught: Runtime, tmp_path: Path, act: Callable[[int], None]
) -> None:
    teach(taught, "count")
    counter = tmp_path / "counter"
    before = _pid(taught)
    act(before)
    job = taught.offer(task("count", {"path": str(counter)}, receipt=True, retry_safe=False))
    if act is _stopped_and_killed:
        time.sleep(0.3)
        os.kill(before, signal.SIGKILL)
    assert taught.finish(job).result["status"] == "changed"
    assert counter.read_text() == "x"
    assert _pid(taught) != before


def test_a_transfer_that_was_broken_off_does_not_disturb_the_next_job(taught: Runtime) -> None:
    data = os.urandom(3 << 20)
    taught.add_module(
        "stop",
        "from modules.api import Arg, Failed\nARGS = {'src': Arg('raw')}\nkept = []\n\n"
        "def run(args, host):\n    chunks = host._link.blob_chunks(args['src'])\n    kept.append(chunks)\n"
        "    next(chunks)\n    raise Failed('enough', 'That is enough')\n",
    )
    teach(taught, "show")
    blob = blob_ref(data)
    assert taught.run(task("stop", {"src": blob}), blobs={blob["blob"]: data}).code == "enough"
    text = blob_ref(b"some text")
    outcome = taught.run(task("show", {"src": text}), blobs={text["blob"]: b"some text"})
    assert outcome.result["values"]["text"] == "some text"


def test_a_job_too_large_to_be_handed_over_gets_a_worker_of_its_own(newly: Runtime) -> None:
    with newly as runtime:
        runtime.add_module(
            "long",
            "from modules.api import Arg\nARGS = {'text': Arg()}\n\n"
            "def run(args, host):\n    return {'size': len(args['text'])}\n",
        )
        size = 8 * 1024 * 1024 - 400
        for _ in range(2):
            assert runtime.run(task("long", {"text": "x" * size})).result["values"]["size"] == size


def test_two_jobs_at_once_have_two_workers_and_one_is_kept(newly: Runtime) -> None:
    with newly as runtime:
        runtime.add_module("pid", PID)
        teach(runtime, "sleep")
        runtime.offer(task("sleep", {"s": 0.5}))
        quick = _pid(runtime)
        assert len(processes.descendants(runtime.process.pid)) == 2
        while len(processes.descendants(runtime.process.pid)) > 1:
            time.sleep(0.05)
        assert _pid(runtime) == quick


@pytest.mark.parametrize("how", ["bye", "lost", "killed"])
def test_no_worker_outlives_its_supervisor(newly: Runtime, how: str) -> None:
    newly.add_module("pid", PID)
    pid = _pid(newly)
    ticks = processes.start_ticks(pid)
    if how == "bye":
        newly.send({"t": "bye"})
    elif how == "killed":
        newly.process.kill()
    newly.close()
    deadline = time.monotonic() + 30
    while processes.alive(pid, ticks) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not processes.alive(pid, ticks)
