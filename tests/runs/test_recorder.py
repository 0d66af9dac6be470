"""Events as they are stored: few, bounded, throttled; and none once the lease is lost."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from orchestrator.errors import Origin, StoreError
from orchestrator.events import HostRecap, Notice, PlayStarted, RunEnded, RunStarted, TaskProgress, TaskStarted
from orchestrator.runs.recorder import LONGEST_TEXT, MOST_NOTICES, Recorder, Shaping, Throttle

PLACE = Origin("site.yml", 3, 5)


def test_a_task_on_all_of_the_plays_hosts_does_not_list_them_again():
    shaping = Shaping()
    shaping.stored(PlayStarted("p", "play", ("a", "b"), PLACE))
    kind, values = shaping.stored(TaskStarted("t", "task", "command", PLACE, ("a", "b"), args_text="password=hunter2"))
    assert kind == "TaskStarted" and values["hosts"] is None and "hunter2" not in repr(values)
    assert shaping.stored(TaskStarted("t", "task", "command", PLACE, ("a",)))[1]["hosts"] == ["a"]


def test_progress_is_throttled_by_host_and_task():
    moment = [0.0]
    shaping = Shaping(Throttle(1.0, lambda: moment[0]))

    def progress(host: str, done: int):
        return shaping.stored(TaskProgress(host, "t", {"done": done, "words": "x" * 9000}))

    assert progress("a", 1) is not None and progress("a", 2) is None and progress("b", 1) is not None
    moment[0] = 1.0
    _, values = progress("a", 3)
    assert values["values"]["done"] == 3 and len(values["values"]["words"]) == LONGEST_TEXT + 1


def test_notices_have_an_end():
    shaping = Shaping()
    stored = [shaping.stored(Notice("warning", f"n{number}")) for number in range(MOST_NOTICES + 5)]
    assert sum(one is not None for one in stored) == MOST_NOTICES


class Double:
    """A store that says what it was given; with ``lost``, that somebody else has the run."""

    def __init__(self, lost: bool = False) -> None:
        self.lost, self.kinds, self.announces = lost, [], False

    def record_event(self, run_id, kind, values) -> None:
        self.kinds.append(kind)

    def flush(self) -> None:
        if self.lost:
            raise StoreError("another process has taken over", code="store_lease_lost")

    def heartbeat(self, run_id) -> bool:
        self.flush()
        return False


ENDED = RunEnded("r", "ok", {"a": HostRecap(ok=1)}, 1.0, 0)


def test_what_came_before_the_lease_is_written_behind_it_and_the_last_word_at_once():
    store, recorder = Double(), Recorder("r", lambda: None)
    recorder.on(RunStarted("r", (), ("a",), False, False, datetime.now(UTC)))
    recorder.opened(store)
    recorder.on(ENDED)
    assert store.kinds == ["RunStarted", "RunEnded"] and store.announces


def test_a_run_that_is_left_to_another_worker_does_not_say_that_it_ended():
    store, recorder = Double(), Recorder("r", lambda: None)
    recorder.opened(store)
    recorder.is_leaving = True
    recorder.on(ENDED)
    assert store.kinds == []


def test_a_lost_lease_is_told_at_once():
    lost, recorder = threading.Event(), Recorder("r", lambda: lost.set())
    recorder.opened(Double(lost=True))
    recorder.on(Notice("info", "hello"))
    assert lost.wait(60)
