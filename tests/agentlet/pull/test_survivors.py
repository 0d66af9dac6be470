"""What an agentlet that was killed left running is found again, and nothing else is taken for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentlet import processes
from agentlet.pull.journal import Folder
from agentlet.pull.survivors import Survivors

PARENT = "import subprocess, time; subprocess.Popen(['sleep', '300']); print(flush=True); time.sleep(300)"


class Left(subprocess.Popen[bytes]):
    """A process with one below it, as a runtime with its worker; reaped at once, as init does."""

    def __init__(self) -> None:
        super().__init__([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, start_new_session=True)
        assert self.stdout
        self.stdout.readline()
        [self.below] = processes.descendants(self.pid)

    def lives(self) -> bool:
        return self.poll() is None

    def lives_below(self) -> bool:
        return processes.start_ticks(self.below) is not None


@pytest.fixture
def left() -> Iterator[Left]:
    made = Left()
    yield made
    for pid in (made.pid, made.below):
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass
    made.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path), "key", 1)


def never(seconds: float) -> bool:
    return False


def test_what_was_written_down_is_ended_with_all_below_it(folder: Folder, left: Left) -> None:
    Survivors(folder).note_runtime(left.pid)
    assert Survivors(folder).end() == []
    assert not left.lives() and not left.lives_below()


def test_our_own_runtime_is_no_survivor_until_it_is_lost(folder: Folder, left: Left) -> None:
    ours = Survivors(folder)
    ours.note_runtime(left.pid)
    assert ours.end() == [] and left.lives()
    ours.disown()
    assert ours.end() == [] and not left.lives()


@pytest.mark.parametrize("other", [{"ticks": 1}, {"boot": "another"}, {"ticks": None}],
                         ids=["a later process of that number", "another boot", "one that had ended"])
def test_another_process_of_the_same_number_is_let_alone(folder: Folder, left: Left, other: dict[str, Any]) -> None:
    Survivors(folder).note_runtime(left.pid)
    path = Path(folder.path, "processes")
    path.write_text(json.dumps({**json.loads(path.read_text()), **other}) + "\n")
    assert Survivors(folder).end() == [] and left.lives() and left.lives_below()


def test_what_an_earlier_task_left_running_is_let_alone(folder: Folder, left: Left) -> None:
    time.sleep(0.05)
    Survivors(folder).note_worker(left.pid, processes.now_ticks())  # its task began behind what is below it
    assert Survivors(folder).end() == []
    assert not left.lives() and left.lives_below()


def test_a_number_that_is_anothers_by_now_is_not_written_down(folder: Folder, left: Left) -> None:
    Survivors(folder).note_worker(left.pid, 1)
    assert not Path(folder.path, "processes").exists()


def test_a_runtime_is_waited_for_and_what_has_none_is_ended_or_adopted(folder: Folder, left: Left) -> None:
    Survivors(folder).note_worker(left.pid, processes.now_ticks())
    Survivors(folder).let_end(lambda seconds: pytest.fail("it waits"), is_adopted=True)
    assert left.lives(), "a worker alone is the next runtime's"
    Survivors(folder).note_runtime(left.pid)
    looks = []

    def wait(seconds: float) -> bool:
        looks.append(seconds)
        if len(looks) == 3:
            left.kill()
            left.wait()
        return True

    Survivors(folder).let_end(wait, is_adopted=True)
    assert len(looks) == 3


def test_nobody_waits_who_does_not_want_to(folder: Folder, left: Left) -> None:
    Survivors(folder).note_runtime(left.pid)
    Survivors(folder).let_end(never, is_adopted=True)
    assert not left.lives()
