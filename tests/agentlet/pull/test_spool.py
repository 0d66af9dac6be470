"""Events on disk: numbered without a gap, whole after a crash, and when room is scarce text goes first."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from agentlet.pull.journal import Folder
from agentlet.pull.room import Room, chosen
from agentlet.pull.spool import LARGE_BYTES, Spool


def folder(tmp_path: Path, name: str = "j") -> Folder:
    path = tmp_path / name
    path.mkdir(exist_ok=True)
    (path / "envelope").touch()
    return Folder(str(path), name, 1)


def spool(tmp_path: Path, room: Room | None = None, name: str = "j") -> Spool:
    return Spool(folder(tmp_path, name), name, room or Room(1 << 30))


def log(text: str = "x") -> dict[str, Any]:
    return {"kind": "log", "task": "t1", "text": text}


def result(task: str = "t1", status: str = "ok", **values: Any) -> dict[str, Any]:
    return {"kind": "result", "task": task, "status": status, "values": values}


def heads(made: Spool) -> list[dict[str, Any]]:
    made.stored = 0
    return [json.loads(head) for head in made.batch(10_000, 1 << 30)]


def test_what_was_added_is_there_after_a_restart(tmp_path: Path) -> None:
    first = spool(tmp_path)
    for event in ({"kind": "started", "task": "t1"}, log("é\udcff"), result("t1"), {"kind": "started", "task": "t2"}):
        assert first.add(event)
    again = spool(tmp_path)
    assert heads(again) == heads(first) and [head["seq"] for head in heads(again)] == [1, 2, 3, 4]
    assert (again.results, again.running, again.count) == ({"t1": "ok"}, "t2", 4)
    assert again.digest() == first.digest() == hashlib.sha256(
        b"".join((tmp_path / "j" / "events").read_bytes().split(b"\n"))).hexdigest()


def test_a_file_cut_at_any_byte_loses_the_last_event_alone(tmp_path: Path) -> None:
    made = spool(tmp_path)
    for number in range(3):
        made.add(result(f"t{number}"))
    data = (tmp_path / "j" / "events").read_bytes()
    for cut in range(len(data)):
        (tmp_path / "j" / "events").write_bytes(data[:cut])
        again = spool(tmp_path)
        assert again.count == data[:cut].count(b"\n")
        again.add(result("next"))
        assert [head["seq"] for head in heads(again)] == list(range(1, again.count + 1))


@pytest.mark.parametrize(("count", "size", "taken"), [(2, 1 << 20, 2), (100, 1 << 20, 5), (100, 250, 2), (100, 1, 1)])
def test_a_batch_keeps_both_limits_and_has_one_at_least(tmp_path: Path, count: int, size: int, taken: int) -> None:
    made = spool(tmp_path)
    for _ in range(5):
        made.add(log("x" * 30))
    assert len(made.batch(count, size)) == taken


def test_batches_follow_each_other(tmp_path: Path) -> None:
    made = spool(tmp_path)
    for number in range(7):
        made.add(log(str(number)))
    seen = []
    while batch := made.batch(3, 1 << 20):
        seen += [json.loads(head)["text"] for head in batch]
        made.stored += len(batch)
    assert seen == [str(number) for number in range(7)]


def test_a_large_result_is_set_aside_and_named(tmp_path: Path) -> None:
    made = spool(tmp_path)
    made.add(result("t1", stdout="x" * LARGE_BYTES))
    [stub] = heads(made)
    data = (tmp_path / "j" / stub["stream"]).read_bytes()
    assert (stub["kind"], stub["size"], stub["sha256"]) == ("stored", len(data), hashlib.sha256(data).hexdigest())
    assert made.large(made.batch(9, 1 << 30)) == [("event-1", str(tmp_path / "j" / "event-1"))]
    assert spool(tmp_path).results == {"t1": "ok"}


def test_logs_go_before_progress_oldest_first_and_results_never(tmp_path: Path) -> None:
    room = Room(1 << 30)
    old, new = spool(tmp_path, room, "old"), spool(tmp_path, room, "new")
    for made in (old, new):
        made.add({"kind": "progress", "task": "t1", "values": {"p": "p" * 2000}})
        made.add(log("1" * 2000))
        made.add(result("t1", stdout="r" * 2000))
        made.add(log("2" * 2000))
    left = []
    for _ in range(7):
        room.limit_bytes = room.used()
        assert room.make(1, new) is (len(left) < 6)
        left.append([f"{made.job}{head['seq']}" for made in (old, new) for head in heads(made) if head.get("evicted")])
        for made in (old, new):
            made.sent = 0  # reading them above was no sending
    order = [(set(now) - set(before)) for before, now in zip([[], *left], left)]
    assert order == [{"old2"}, {"old4"}, {"new2"}, {"new4"}, {"old1"}, {"new1"}, set()]
    assert [head["seq"] for head in heads(old)] == [1, 2, 3, 4] and (old.evicted, new.evicted) == (3, 3)
    assert heads(old)[2]["values"]["stdout"] == "r" * 2000
    assert spool(tmp_path, Room(1), "old").evicted == 3


def test_what_was_sent_is_not_changed_any_more(tmp_path: Path) -> None:
    made = spool(tmp_path, Room(1 << 30))
    for number in range(3):
        made.add(log(str(number) * 1000))
    made.batch(2, 1 << 20)
    assert [number for _, number, _ in made.evictable()] == [3]


def test_without_room_new_text_is_dropped_and_counted_and_results_are_kept(tmp_path: Path) -> None:
    made = spool(tmp_path, Room(100))
    assert made.add(result("t1")) and not made.add(log("x" * 500)) and made.add(result("t2"))
    assert (made.evicted, made.results, [head["seq"] for head in heads(made)]) == (1, {"t1": "ok", "t2": "ok"}, [1, 2])


@pytest.mark.parametrize(
    ("excess", "numbers"),
    [(0, {}), (1, {"a": [2]}), (744, {"a": [2]}), (745, {"a": [2], "b": [1]}), (10_000, {"a": [1, 2], "b": [1]})],
)
def test_as_few_go_as_are_needed(excess: int, numbers: dict[str, list[int]]) -> None:
    candidates = [("a", [(1, 1, 1000), (0, 2, 1000), (0, 3, 200)]), ("b", [(0, 1, 1000)])]
    assert {name: sorted(gone) for name, gone in chosen(excess, candidates)} == numbers


def test_a_full_disk_keeps_events_in_memory_and_uses_what_was_reserved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from agentlet import files

    made = spool(tmp_path)
    made.add(result("t0"))
    reserve = tmp_path / "j" / "reserve"
    reserve.write_bytes(b"x")
    real = files.write_all

    def full(fd: int, data: bytes) -> None:
        if reserve.exists() or disk_is_full:
            os.write(fd, bytes(data)[:5])  # the disk takes a part of it
            raise OSError(errno.ENOSPC, "No space left on device")
        real(fd, data)

    disk_is_full = False
    monkeypatch.setattr(files, "write_all", full)
    made.add(result("t1"))
    assert not reserve.exists() and len((tmp_path / "j" / "events").read_bytes().splitlines()) == 2
    disk_is_full = True
    made.add(result("t2"))
    made.add(log("later"))
    assert [head["seq"] for head in heads(made)] == [1, 2, 3, 4] and not made.flush()
    assert [json.loads(head)["seq"] for head in made._heads(2, 2)] == [3, 4]
    digest = made.digest()
    disk_is_full = False
    assert made.flush() and made.digest() == digest == spool(tmp_path).digest()
